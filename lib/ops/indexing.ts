import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { type Kind, kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import { type BackwardRule, record } from '../autograd/node.js';
import { isInteger } from '../backend/dtype.js';
import { backend } from '../backend/index.js';
import { recording } from '../backend/recording.js';
import { sameShape } from '../backend/view.js';
import { DTypeError, ShapeError, ValueError } from '../errors.js';
import { requireInt32 } from '../tensor/check.js';
import { emptyOf } from '../tensor/empty.js';
import * as kinds from '../tensor/kinds.js';
import { expandTo, owned } from '../tensor/layout.js';
import { normalizeDim, type Shape, show } from '../tensor/shape.js';
import { isTensor, operandOf, shapeOf, type Tensor } from '../tensor/tensor.js';
import { clone, contiguous, to } from './conversion.js';
import { full, zeros } from './creation.js';
import { narrow, reshape } from './views.js';

const atLeast1 = (x: Tensor): Tensor => (x.ndim === 0 ? reshape(x, [1]) : x);

const index: Kind<Tensor> = kind(
  'an int32 Tensor',
  (value): value is Tensor => isTensor(value) && isInteger(value.dtype),
  {
    explain: (op, name, value) => {
      if (!isTensor(value)) kinds.tensor.refuse(op, name, value);
      throw new DTypeError(`${op}: ${name} must be int32, got ${value.dtype}; convert with .int()`);
    },
  },
);

const indexing = { input: kinds.tensor, dim: kinds.dim, index };
const gathering = signature('input, /, dim, index', indexing);
const adding = signature('input, /, dim, index, src', { ...indexing, src: kinds.tensor });
const scattering = signature('input, /, dim, index, src, *, reduce', {
  ...indexing,
  src: kinds.operand,
  /** Combine with what is there instead of replacing it. Default: null. */
  reduce: kinds.choice('add').optional(),
});

export interface ScatterOptions extends OptionsOf<typeof scattering> {}

type Gather = FunctionOf<Tensor, typeof gathering>;

function checkDims(op: string, index: Tensor, x: Tensor): void {
  if (index.ndim === x.ndim || index.numel() === 0 || (index.ndim <= 1 && x.ndim <= 1)) return;
  throw new ShapeError(
    `${op}: the index must have as many dimensions as the tensor: ${show(index.shape)} for ${show(x.shape)}`,
  );
}

/** Except along `axis`, the index may not be larger than what it indexes. */
function checkExtent(op: string, index: Shape, x: Shape, axis: number): void {
  const fits = index.every((size, i) => i === axis || size <= x[i]!);
  if (!fits)
    throw new ShapeError(
      `${op}: the index ${show(index)} is larger than the tensor ${show(x)} in a dimension other than ${axis}`,
    );
}

/** In the call that a captured function is recorded in no value can be read, nor could a replay name it. */
function outOfRange(op: string, index: Tensor, at: number, size: number): ValueError {
  if (recording !== null) {
    return new ValueError(`${op}: the index at position ${at} is out of range for a dimension of size ${size}`);
  }
  const value = contiguous(index.detach()).toTypedArray()[at];
  return new ValueError(`${op}: index ${value} (element ${at}) is out of range for a dimension of size ${size}`);
}

interface GatherAttrs {
  readonly shape: Shape;
  readonly axis: number;
}

const gatherRule: BackwardRule<GatherAttrs> = {
  name: 'Gather',
  backward: (g, [index], { shape, axis }) => [scatterAdd(zeros(shape, { dtype: g.dtype }), axis, index!, g), null],
};

/**
 * Elements picked along `dim` by an index per element: `out[i][j] = x[i][index[i][j]]` for dim 1 of a matrix.
 *
 * @param index int32, with as many dimensions as `x`
 * @throws ValueError if an index is out of range
 * @example
 * ```ts
 * gather(tensor([[1, 2], [3, 4]]), 1, tensor([[0, 0], [1, 0]], { dtype: 'int32' })); // tensor([[1., 1.], [4., 3.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.gather.html
 */
export const gather: Gather = define('gather', gathering, (x, dim, index) => {
  const axis = normalizeDim('gather', dim, x.ndim);
  checkDims('gather', index, x);
  if (index.numel() === 0)
    return record(emptyOf(shapeOf(index), x.dtype), gatherRule, [x], [index], { shape: shapeOf(x), axis });
  const [source, at] = [atLeast1(x), atLeast1(index)];
  checkExtent('gather', shapeOf(at), shapeOf(source), axis);
  const out = emptyOf(shapeOf(at), x.dtype);
  const bad = backend.gather(operandOf(out), operandOf(source), operandOf(at), axis);
  if (bad >= 0) throw outOfRange('gather', index, bad, shapeOf(source)[axis]!);
  record(out, gatherRule, [source, at], [at], { shape: shapeOf(source), axis });
  return sameShape(shapeOf(out), shapeOf(index)) ? out : owned(reshape(out, shapeOf(index)));
});

/**
 * Slices of `x` along `dim`, in the order of a list of positions.
 *
 * @param index int32, 1-d (or 0-d for one)
 * @throws ValueError if an index is out of range
 * @example
 * ```ts
 * indexSelect(tensor([[1, 2], [3, 4]]), 0, tensor([1, 1], { dtype: 'int32' })); // tensor([[3., 4.], [3., 4.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.index_select.html
 */
export const indexSelect: Gather = define('indexSelect', gathering, (x, dim, index) => {
  if (index.ndim > 1) throw new ShapeError(`indexSelect: the index must be 1-d, got ${show(index.shape)}`);
  const axis = normalizeDim('indexSelect', dim, x.ndim);
  if (x.ndim === 0) return reshape(gather(reshape(x, [1]), 0, reshape(index, [-1])), []);
  const shape = shapeOf(x).with(axis, index.numel());
  const along = reshape(
    index,
    shapeOf(x).map((_, i) => (i === axis ? -1 : 1)),
  );
  return gather(x, axis, expandTo(along, shape));
});

interface ScatterAttrs {
  readonly axis: number;
  readonly add: boolean;
}

/** What was overwritten gets no gradient; what was added to keeps it. */
const scatterRule: BackwardRule<ScatterAttrs> = {
  name: 'Scatter',
  backward: (g, [index], { axis, add }, [selfNeeds, , sourceNeeds]) => [
    selfNeeds ? (add ? g : scatter(g, axis, index!, 0)) : null,
    null,
    sourceNeeds ? gather(g, axis, index!) : null,
  ],
};

/**
 * A copy of `x` with elements of `source` (or one number) written along `dim` where an index per element says:
 * `out[i][index[i][j]] = source[i][j]` for dim 1 of a matrix. Of several writes to one place the last wins.
 *
 * @param index int32, with as many dimensions as `x`
 * @throws ValueError if an index is out of range; DTypeError if types differ
 * @example
 * ```ts
 * const index = tensor([[2], [0]], { dtype: 'int32' });
 * scatter(zeros([2, 3]), 1, index, 1); // tensor([[0., 0., 1.], [1., 0., 0.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.scatter_.html
 */
export const scatter: FunctionOf<Tensor, typeof scattering, ScatterOptions> = define(
  'scatter',
  scattering,
  (x, dim, index, src, reduce) => scattered('scatter', x, dim, index, src, reduce === 'add'),
);

/**
 * `scatter` that adds to what is there; equal indices add up.
 *
 * @param index int32, with as many dimensions as `x`
 * @throws ValueError if an index is out of range; DTypeError if types differ
 * @example
 * ```ts
 * const index = tensor([0, 2, 0], { dtype: 'int32' });
 * scatterAdd(zeros([3]), 0, index, tensor([1, 2, 3])); // tensor([4., 0., 2.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.scatter_add_.html
 */
export const scatterAdd: FunctionOf<Tensor, typeof adding> = define('scatterAdd', adding, (x, dim, index, src) =>
  scattered('scatterAdd', x, dim, index, src, true),
);

function scattered(op: string, x: Tensor, dim: number, index: Tensor, source: Tensor | number, add: boolean): Tensor {
  const axis = normalizeDim(op, dim, x.ndim);
  checkDims(op, index, x);
  if (isInteger(x.dtype) && typeof source === 'number') requireInt32(op, source);
  const values = typeof source === 'number' ? full(shapeOf(index), source, { dtype: x.dtype }) : source;
  if (values.dtype !== x.dtype) throw new DTypeError(`${op}: the source is ${values.dtype}, but the tensor ${x.dtype}`);
  if (index.numel() === 0) return clone(x);
  // Integers are added up in float64, which holds such sums, and checked when they become integers again.
  if (add && isInteger(x.dtype)) {
    return to(scattered(op, to(x, 'float64'), dim, index, to(values, 'float64'), true), 'int32');
  }
  checkDims(op, index, values);
  checkExtent(op, shapeOf(index), shapeOf(values), -1);
  if (x.ndim > 0) checkExtent(op, shapeOf(index), shapeOf(x), axis);
  const out = clone(x.detach());
  const at = atLeast1(index);
  const part = shapeOf(at).reduce((view, size, i) => narrow(view, i, 0, size), atLeast1(values));
  const bad = backend.scatter(
    operandOf(atLeast1(out)),
    operandOf(at),
    operandOf(part.detach()),
    axis,
    add ? 'add' : 'set',
  );
  if (bad >= 0) throw outOfRange(op, index, bad, shapeOf(x)[axis] ?? 1);
  return record(out, scatterRule, [x, index, cropped(values, index)], [index], { axis, add });
}

/** The part of `values` that an index of smaller shape uses, as a view. */
const cropped = (values: Tensor, index: Tensor): Tensor =>
  shapeOf(index).reduce((view, size, i) => (view.shape[i] === size ? view : narrow(view, i, 0, size)), values);
