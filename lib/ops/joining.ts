import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { type BackwardRule, record } from '../autograd/node.js';
import { ShapeError } from '../errors.js';
import { emptyOf } from '../tensor/empty.js';
import * as kinds from '../tensor/kinds.js';
import { wider } from '../tensor/promotion.js';
import { checkNdim, normalizeDim, type Shape, show } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { clone, to } from './conversion.js';
import { narrow, unsqueeze } from './views.js';

interface CatAttrs {
  readonly axis: number;
  readonly sizes: readonly number[];
}

const catRule: BackwardRule<CatAttrs> = {
  name: 'Cat',
  backward: (g, _, { axis, sizes }, needs) => {
    let start = 0;
    return sizes.map((size, i) => {
      start += size;
      return needs[i] ? narrow(g, axis, start - size, size) : null;
    });
  },
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

/**
 * Tensors joined along an existing dimension; their other sizes must agree, their types are promoted.
 *
 * @example
 * ```ts
 * cat([ones([1, 2]), zeros([2, 2])]).shape; // [3, 2]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.cat.html
 */
export const cat: Join = define('cat', joining, (tensors, dim) => {
  const scalar = tensors.findIndex((x) => x.ndim === 0);
  if (scalar >= 0) throw new ShapeError(`cat: element ${scalar} is 0-d and has no dimension to join; use stack`);
  const dtype = tensors.map((x) => x.dtype).reduce(wider);
  const parts = tensors.filter((x) => !isLegacyEmpty(x));
  if (parts.length === 0) return to(clone(tensors[0]!), dtype);
  const axis = normalizeDim('cat', dim, parts[0]!.ndim);
  const shape = joinedShape(parts, axis);
  const out = emptyOf(shape, dtype);
  let start = 0;
  for (const part of parts) {
    narrow(out, axis, start, shapeOf(part)[axis]!).copy_(part.detach());
    start += shapeOf(part)[axis]!;
  }
  const typed = parts.map((part) => to(part, dtype));
  return record(out, catRule, typed, [], { axis, sizes: parts.map((part) => shapeOf(part)[axis]!) });
});

function joinedShape(parts: readonly Tensor[], axis: number): Shape {
  const first = shapeOf(parts[0]!);
  let size = 0;
  for (const { shape } of parts) {
    const agrees = shape.length === first.length && shape.every((own, i) => i === axis || own === first[i]);
    if (!agrees) throw new ShapeError(`cat: sizes must agree but for dim ${axis}: ${show(first)} and ${show(shape)}`);
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
  const other = tensors.find((x) => show(x.shape) !== show(tensors[0]!.shape));
  if (other !== undefined)
    throw new ShapeError(`stack: shapes must be equal: ${show(tensors[0]!.shape)} and ${show(other.shape)}`);
  return cat(
    tensors.map((x) => unsqueeze(x, axis)),
    axis,
  );
});
