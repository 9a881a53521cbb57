import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { type BackwardRule, record } from '../autograd/node.js';
import { sameShape } from '../backend/view.js';
import { ShapeError } from '../errors.js';
import { emptyOf } from '../tensor/empty.js';
import * as kinds from '../tensor/kinds.js';
import { wider } from '../tensor/promotion.js';
import { checkNdim, normalizeDim, type Shape, show } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { atleast1d, atleast2d, atleast3d } from './axes.js';
import { to } from './conversion.js';
import { zeros } from './creation.js';
import { tensorsOf } from './operands.js';
import { narrow, reshape, select } from './views.js';

interface CatAttrs {
  readonly axis: number;
  /** Along the axis; null for what is empty and joins with anything. */
  readonly sizes: readonly (number | null)[];
}

const catRule: BackwardRule<CatAttrs> = {
  name: 'Cat',
  backward: (g, _, { axis, sizes }, needs) => {
    let start = 0;
    return sizes.map((size, i) => {
      start += size ?? 0;
      if (!needs[i]) return null;
      return size === null ? zeros([0], { dtype: g.dtype }) : narrow(g, axis, start - size, size);
    });
  },
};

const stackRule: BackwardRule<number> = {
  name: 'Stack',
  backward: (g, _, axis, needs) => needs.map((needed, i) => (needed ? select(g, axis, i) : null)),
};

/** PyTorch's relic: a 1-d empty tensor joins with anything. */
const isLegacyEmpty = (x: Tensor): boolean => x.ndim === 1 && shapeOf(x)[0] === 0;

const joining = signature('tensors, dim', {
  tensors: kinds.tensors,
  /** The dimension. Default: 0. */
  dim: kinds.dim.default(0),
});

interface JoinOptions extends OptionsOf<typeof joining> {}

type Join = FunctionOf<Tensor, typeof joining, JoinOptions>;

const stacking = signature('tensors', { tensors: kinds.tensors });
type Stacking = FunctionOf<Tensor, typeof stacking>;

const joined = (op: string): Join =>
  define(op, joining, (tensors, dim) => {
    const scalar = tensors.findIndex((x) => x.ndim === 0);
    if (scalar >= 0) throw new ShapeError(`${op}: element ${scalar} is 0-d and has no dimension to join; use stack`);
    const dtype = tensors.map((x) => x.dtype).reduce(wider);
    const parts = tensors.filter((x) => !isLegacyEmpty(x));
    const shapes = (parts.length === 0 ? tensors : parts).map(shapeOf);
    const axis = normalizeDim(op, dim, shapes[0]!.length);
    const out = emptyOf(joinedShape(op, shapes, axis), dtype);
    let start = 0;
    for (const part of parts) {
      narrow(out, axis, start, shapeOf(part)[axis]!).copy_(part.detach());
      start += shapeOf(part)[axis]!;
    }
    const typed = tensors.map((x) => to(x, dtype));
    return record(out, catRule, typed, [], {
      axis,
      sizes: tensors.map((x) => (isLegacyEmpty(x) ? null : shapeOf(x)[axis]!)),
    });
  });

/**
 * Tensors joined along an existing dimension; their other sizes must agree, their types are promoted.
 *
 * @example
 * ```ts
 * cat([ones([1, 2]), zeros([2, 2])]).shape; // [3, 2]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.cat.html
 */
export const cat: Join = joined('cat');

function joinedShape(op: string, shapes: readonly Shape[], axis: number): Shape {
  const first = shapes[0]!;
  let size = 0;
  for (const shape of shapes) {
    const agrees = shape.length === first.length && shape.every((own, i) => i === axis || own === first[i]);
    if (!agrees) throw new ShapeError(`${op}: sizes must agree but for dim ${axis}: ${show(first)} and ${show(shape)}`);
    size += shape[axis]!;
  }
  return first.with(axis, size);
}

/**
 * Tensors of one shape joined along a new dimension.
 *
 * @example
 * ```ts
 * stack([zeros([2]), ones([2])], 1).shape; // [2, 2]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.stack.html
 */
export const stack: Join = define('stack', joining, (tensors, dim) => {
  const axis = normalizeDim('stack', dim, tensors[0]!.ndim + 1);
  checkNdim('stack', tensors[0]!.ndim + 1);
  const shape = shapeOf(tensors[0]!);
  const other = tensors.find((x) => !sameShape(shapeOf(x), shape));
  if (other !== undefined) throw new ShapeError(`stack: shapes must be equal: ${show(shape)} and ${show(other.shape)}`);
  const dtype = tensors.map((x) => x.dtype).reduce(wider);
  const out = emptyOf(shape.toSpliced(axis, 0, tensors.length), dtype);
  for (const [i, x] of tensors.entries()) select(out, axis, i).copy_(x.detach());
  const typed = tensors.map((x) => to(x, dtype));
  return record(out, stackRule, typed, [], axis);
});

/** The same as `cat`. @example concat([ones([1, 2]), zeros([2, 2])]).shape; // [3, 2] */
export const concat: Join = joined('concat');
/** The same as `cat`. @example concatenate([ones([1, 2]), zeros([2, 2])]).shape; // [3, 2] */
export const concatenate: Join = joined('concatenate');

/**
 * Tensors side by side: along dim 1, or vectors along dim 0.
 *
 * @example
 * ```ts
 * hstack([tensor([1, 2]), tensor([3])]); // tensor([1., 2., 3.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.hstack.html
 */
export const hstack: Stacking = define('hstack', stacking, (tensors) => {
  const parts = atleast1d(tensors);
  return cat(parts, Math.min(1, parts[0]!.ndim - 1));
});

/**
 * Tensors one below the other, vectors as rows.
 *
 * @example
 * ```ts
 * vstack([tensor([1, 2]), tensor([3, 4])]); // tensor([[1., 2.], [3., 4.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.vstack.html
 */
export const vstack: Stacking = define('vstack', stacking, (tensors) => {
  return cat(atleast2d(tensors), 0);
});

/** The same as `vstack`. @example rowStack([tensor([1, 2]), tensor([3, 4])]); // tensor([[1., 2.], [3., 4.]]) */
export const rowStack: Stacking = define('rowStack', stacking, (tensors) => {
  return vstack(tensors);
});

/**
 * Tensors one behind the other, along a third dimension.
 *
 * @example
 * ```ts
 * dstack([tensor([1, 2]), tensor([3, 4])]); // tensor([[[1., 3.], [2., 4.]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.dstack.html
 */
export const dstack: Stacking = define('dstack', stacking, (tensors) => {
  return cat(atleast3d(tensors), 2);
});

/**
 * Tensors side by side, vectors as columns.
 *
 * @example
 * ```ts
 * columnStack([tensor([1, 2]), tensor([3, 4])]); // tensor([[1., 3.], [2., 4.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.column_stack.html
 */
export const columnStack: Stacking = define('columnStack', stacking, (tensors) => {
  return hstack(tensors.map((x) => (x.ndim < 2 ? reshape(x, [x.numel(), 1]) : x)));
});

/**
 * A matrix with the given ones along its diagonal, zeros elsewhere; a vector counts as a row. They come one by one, or as one array.
 *
 * @throws ShapeError for tensors of more than two dimensions
 * @example
 * ```ts
 * blockDiag(tensor([[1, 2]]), tensor([[3], [4]])); // tensor([[1., 2., 0.], [0., 0., 3.], [0., 0., 4.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.block_diag.html
 */
export function blockDiag(...given: readonly (Tensor | readonly Tensor[])[]): Tensor {
  const tensors = tensorsOf('blockDiag', given);
  const tooMany = tensors.findIndex((x) => x.ndim > 2);
  if (tooMany >= 0)
    throw new ShapeError(`blockDiag: tensor ${tooMany} must be a matrix, got shape ${show(tensors[tooMany]!.shape)}`);
  const dtype = tensors.map((x) => x.dtype).reduce(wider);
  const blocks = atleast2d(tensors);
  const width = blocks.reduce((sum, x) => sum + shapeOf(x)[1]!, 0);
  let left = 0;
  const rows = blocks.map((x) => {
    const [height, own] = shapeOf(x) as [number, number];
    const blank = (columns: number) => zeros([height, columns], { dtype });
    left += own;
    return cat([blank(left - own), x, blank(width - left)], 1);
  });
  return cat(rows, 0);
}
