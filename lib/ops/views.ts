import { type BackwardRule, record } from '../autograd/node.js';
import { sizeOf } from '../backend/view.js';
import { describe } from '../describe.js';
import { ShapeError, ValueError } from '../errors.js';
import { checkTensor } from '../tensor/arguments.js';
import { checkHeap } from '../tensor/heap.js';
import { expandTo, owned, reshapeRule, resolveShape, restride, view, viewAs } from '../tensor/layout.js';
import {
  broadcastShapes,
  checkInteger,
  checkList,
  checkNdim,
  checkShape,
  normalizeDim,
  normalizeDims,
  type Shape,
  show,
} from '../tensor/shape.js';
import { shapeOf, Tensor, viewOf } from '../tensor/tensor.js';
import { contiguous } from './conversion.js';
import { zeros } from './creation.js';

// Nothing here copies, but for `reshape` and `flatten` where strides do not allow a view.

export { viewAs as view } from '../tensor/layout.js';

/**
 * The same elements in another shape: a view where strides allow it, else a copy.
 *
 * @param shape sizes; one may be -1 and is worked out
 * @throws ShapeError if the sizes do not fit
 * @example
 * ```ts
 * arange(6).reshape([3, 2]).t().reshape([6]); // tensor([0, 2, 4, 1, 3, 5])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.reshape.html
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  checkTensor('reshape', 'the input', x);
  const sizes = resolveShape('reshape', x, shape);
  return restride(x, sizes) === null ? owned(viewAs(contiguous(x), sizes)) : viewAs(x, sizes);
}

/** `reshape` to the shape of `other`. @example reshapeAs(arange(4), zeros([2, 2])); // tensor([[0, 1], [2, 3]]) */
export function reshapeAs(x: Tensor, other: Tensor): Tensor {
  checkTensor('reshapeAs', 'other', other);
  return reshape(x, shapeOf(other));
}

const permuteRule: BackwardRule<readonly number[]> = {
  name: 'Permute',
  backward: (g, _, axes) => [
    permute(
      g,
      [...axes.keys()].map((axis) => axes.indexOf(axis)),
    ),
  ],
};

/**
 * The dimensions in another order.
 *
 * @example
 * ```ts
 * zeros([2, 3, 5]).permute([2, 0, 1]).shape; // [5, 2, 3]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.permute.html
 */
export function permute(x: Tensor, dims: readonly number[]): Tensor {
  checkTensor('permute', 'the input', x);
  if (!Array.isArray(dims) || dims.length !== x.ndim) {
    throw new ShapeError(`permute: expected ${x.ndim} dims for shape ${show(x.shape)}, got ${describe(dims)}`);
  }
  const axes = Array.from(dims, (dim) => normalizeDim('permute', dim, x.ndim));
  if (new Set(axes).size !== axes.length) throw new ShapeError(`permute: a dim appears twice in ${show(dims)}`);
  const pick = (of: readonly number[]) => axes.map((axis) => of[axis]!);
  return view(x, pick(shapeOf(x)), pick(viewOf(x).strides), viewOf(x).offset, permuteRule, axes);
}

/**
 * Two dimensions exchanged.
 *
 * @example
 * ```ts
 * transpose(zeros([2, 3, 5]), 0, -1).shape; // [5, 3, 2]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.transpose.html
 */
export function transpose(x: Tensor, dim0: number, dim1: number): Tensor {
  checkTensor('transpose', 'the input', x);
  const a = normalizeDim('transpose', dim0, x.ndim);
  const b = normalizeDim('transpose', dim1, x.ndim);
  if (x.ndim === 0) return alias(x);
  return view(x, exchanged(shapeOf(x), a, b), exchanged(viewOf(x).strides, a, b), viewOf(x).offset, transposeRule, {
    a,
    b,
  });
}

const transposeRule: BackwardRule<{ readonly a: number; readonly b: number }> = {
  name: 'Transpose',
  backward: (g, _, { a, b }) => [transpose(g, a, b)],
};

function exchanged(values: readonly number[], a: number, b: number): number[] {
  const result = values.slice();
  result[a] = values[b]!;
  result[b] = values[a]!;
  return result;
}

/**
 * The transpose of a matrix; a tensor of fewer than two dimensions as it is.
 *
 * @throws ShapeError for more than two dimensions
 * @example
 * ```ts
 * t(tensor([[1, 2], [3, 4]])); // tensor([[1., 3.], [2., 4.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.t.html
 */
export function t(x: Tensor): Tensor {
  checkTensor('t', 'the input', x);
  if (x.ndim > 2)
    throw new ShapeError(`t: expected at most 2 dimensions, got ${show(x.shape)}; use transpose or permute`);
  return x.ndim < 2 ? alias(x) : transpose(x, 0, 1);
}

const aliasRule: BackwardRule<null> = { name: 'Alias', backward: (g) => [g] };
const alias = (x: Tensor): Tensor => view(x, shapeOf(x), viewOf(x).strides, viewOf(x).offset, aliasRule, null);

/**
 * Dimensions of size 1 repeated to larger sizes, without a copy; new ones may be added in front.
 *
 * @param shape sizes; -1 keeps that of the tensor
 * @throws ShapeError if a size other than 1 would change
 * @example
 * ```ts
 * tensor([[1], [2]]).expand([-1, 3]); // tensor([[1., 1., 1.], [2., 2., 2.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.expand.html
 */
export function expand(x: Tensor, shape: Shape): Tensor {
  checkTensor('expand', 'the input', x);
  checkList('expand', 'a shape as an array of sizes', shape);
  const lead = shape.length - x.ndim;
  const sizes = Array.from(shape, (size, axis) => (size === -1 && axis >= lead ? shapeOf(x)[axis - lead]! : size));
  checkShape('expand', sizes);
  const fits = lead >= 0 && shapeOf(x).every((size, axis) => size === 1 || size === sizes[axis + lead]);
  if (!fits)
    throw new ShapeError(`expand: ${show(x.shape)} cannot be expanded to ${show(shape)}; only sizes of 1 can grow`);
  return expandTo(x, sizes);
}

/** `expand` to the shape of `other`. @example expandAs(tensor([1, 2]), zeros([2, 2])); // tensor([[1., 2.], [1., 2.]]) */
export function expandAs(x: Tensor, other: Tensor): Tensor {
  checkTensor('expandAs', 'other', other);
  return expand(x, shapeOf(other));
}
/** The same as `expand`. @example broadcastTo(tensor([1, 2]), [2, 2]); // tensor([[1., 2.], [1., 2.]]) */
export const broadcastTo = (x: Tensor, shape: Shape): Tensor => expand(x, shape);

/**
 * Views of all tensors, each expanded to their common shape.
 *
 * @throws ShapeError if they do not broadcast
 * @example
 * ```ts
 * broadcastTensors(zeros([3, 1]), zeros([4])).map((x) => x.shape); // [[3, 4], [3, 4]]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.broadcast_tensors.html
 */
export function broadcastTensors(...tensors: readonly Tensor[]): Tensor[] {
  for (const [i, x] of tensors.entries()) checkTensor('broadcastTensors', `argument ${i}`, x);
  const shape = broadcastShapes('broadcastTensors', ...tensors.map((x) => shapeOf(x)));
  return tensors.map((x) => expandTo(x, shape));
}

/**
 * Dimensions of size 1 removed: all of them, or those that `dim` names (others are left).
 *
 * @example
 * ```ts
 * squeeze(zeros([1, 2, 1])).shape; // [2]
 * squeeze(zeros([1, 2, 1]), 0).shape; // [2, 1]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.squeeze.html
 */
export function squeeze(x: Tensor, dim?: number | readonly number[]): Tensor {
  checkTensor('squeeze', 'the input', x);
  const named = Array.isArray(dim) && dim.length === 0 ? [] : normalizeDims('squeeze', dim, x.ndim);
  const keep = (axis: number) => shapeOf(x)[axis] !== 1 || !named.includes(axis);
  const shape = shapeOf(x).filter((_, axis) => keep(axis));
  const strides = viewOf(x).strides.filter((_, axis) => keep(axis));
  return view(x, shape, strides, viewOf(x).offset, reshapeRule, shapeOf(x));
}

/**
 * A dimension of size 1 inserted at `dim`.
 *
 * @example
 * ```ts
 * unsqueeze(zeros([2, 3]), -1).shape; // [2, 3, 1]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.unsqueeze.html
 */
export function unsqueeze(x: Tensor, dim: number): Tensor {
  checkTensor('unsqueeze', 'the input', x);
  const axis = normalizeDim('unsqueeze', dim, x.ndim + 1);
  checkNdim('unsqueeze', x.ndim + 1);
  const step = axis < x.ndim ? shapeOf(x)[axis]! * viewOf(x).strides[axis]! : 1;
  return view(
    x,
    shapeOf(x).toSpliced(axis, 0, 1),
    viewOf(x).strides.toSpliced(axis, 0, step),
    viewOf(x).offset,
    reshapeRule,
    shapeOf(x),
  );
}

/**
 * Dimensions `startDim` to `endDim` made one; a 0-d tensor becomes [1].
 *
 * @param startDim default 0
 * @param endDim included; default -1
 * @example
 * ```ts
 * flatten(zeros([2, 3, 4]), 1).shape; // [2, 12]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.flatten.html
 */
export function flatten(x: Tensor, startDim = 0, endDim = -1): Tensor {
  checkTensor('flatten', 'the input', x);
  const start = normalizeDim('flatten', startDim, x.ndim);
  const end = normalizeDim('flatten', endDim, x.ndim);
  if (start > end)
    throw new ShapeError(`flatten: startDim ${startDim} comes after endDim ${endDim} in ${show(x.shape)}`);
  return reshape(x, [...x.shape.slice(0, start), sizeOf(shapeOf(x).slice(start, end + 1)), ...x.shape.slice(end + 1)]);
}

/** `flatten` of everything. @example ravel(zeros([2, 3])).shape; // [6] */
export const ravel = (x: Tensor): Tensor => flatten(x);

/**
 * One dimension split into several; one of `sizes` may be -1.
 *
 * @throws ShapeError if the sizes do not multiply to that of the dimension
 * @example
 * ```ts
 * unflatten(zeros([2, 12]), 1, [3, -1]).shape; // [2, 3, 4]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.unflatten.html
 */
export function unflatten(x: Tensor, dim: number, sizes: Shape): Tensor {
  checkTensor('unflatten', 'the input', x);
  const axis = normalizeDim('unflatten', dim, x.ndim);
  checkList('unflatten', 'an array of sizes', sizes);
  checkNdim('unflatten', x.ndim - 1 + sizes.length);
  const known = sizes.filter((size) => size !== -1);
  checkShape('unflatten', known);
  const whole = sizes.map((size) => (size === -1 ? shapeOf(x)[axis]! / sizeOf(known) : size));
  if (sizeOf(whole) !== shapeOf(x)[axis]) {
    throw new ShapeError(`unflatten: sizes ${show(sizes)} do not multiply to ${x.shape[axis]}, the size of dim ${dim}`);
  }
  return reshape(x, shapeOf(x).toSpliced(axis, 1, ...whole));
}

interface SliceAttrs {
  readonly shape: Shape;
  readonly axis: number;
  readonly start: number;
  readonly step: number;
}

/** The adjoint of a slice: zeros of the whole shape with the gradient in its place. */
const sliceRule: BackwardRule<SliceAttrs> = {
  name: 'Slice',
  backward: (g, _, attrs) => [unslice(g, attrs)],
};

const unsliceRule: BackwardRule<SliceAttrs> = {
  name: 'SliceBackward',
  backward: (g, saved, { axis, start, step }) => [takeSlice(g, axis, start, shapeOf(saved[0]!)[axis]!, step)],
};

function unslice(g: Tensor, attrs: SliceAttrs): Tensor {
  const whole = zeros(attrs.shape, { dtype: g.dtype });
  const { axis, start, step } = attrs;
  takeSlice(whole, axis, start, shapeOf(g)[axis]!, step).copy_(g.detach());
  return record(whole, unsliceRule, [g], [g], attrs);
}

function takeSlice(x: Tensor, axis: number, start: number, length: number, step: number): Tensor {
  const shape = shapeOf(x).with(axis, length);
  const strides = viewOf(x).strides.with(axis, viewOf(x).strides[axis]! * step);
  const offset = viewOf(x).offset + start * viewOf(x).strides[axis]!;
  return view(x, shape, strides, offset, sliceRule, { shape: shapeOf(x), axis, start, step });
}

/**
 * `length` neighbours along `dim`, from `start` on (negative: counted from the end).
 *
 * @throws ShapeError if they are not all there
 * @example
 * ```ts
 * arange(5).narrow(0, 1, 3); // tensor([1, 2, 3])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.narrow.html
 */
export function narrow(x: Tensor, dim: number, start: number | Tensor, length: number): Tensor {
  checkTensor('narrow', 'the input', x);
  if (x.ndim === 0) throw new ShapeError('narrow: cannot be applied to a 0-d tensor');
  const axis = normalizeDim('narrow', dim, x.ndim);
  const size = shapeOf(x)[axis]!;
  const given = start instanceof Tensor ? start.item() : start;
  checkInteger('narrow', 'start', given, -size, size);
  checkInteger('narrow', 'length', length);
  const first = given < 0 ? given + size : given;
  if (first + length > size) {
    throw new ShapeError(
      `narrow: ${first} + ${length} is beyond the ${size} elements of dim ${dim} in ${show(x.shape)}`,
    );
  }
  return takeSlice(x, axis, first, length, 1);
}

/**
 * Every `step`-th element along `dim` from `start` up to, not including, `end`; out-of-range ends are clipped, negative ones count from the
 * end, as in Python's `x[start:end:step]`.
 *
 * @param dim default 0
 * @param start default 0
 * @param end default the size
 * @param step at least 1; default 1
 * @example
 * ```ts
 * arange(10).slice(0, 1, -1, 3); // tensor([1, 4, 7])
 * ```
 */
export function slice(x: Tensor, dim = 0, start = 0, end: number = Number.MAX_SAFE_INTEGER, step = 1): Tensor {
  checkTensor('slice', 'the input', x);
  if (x.ndim === 0) throw new ShapeError('slice: cannot be applied to a 0-d tensor');
  const axis = normalizeDim('slice', dim, x.ndim);
  checkInteger('slice', 'start', start, Number.MIN_SAFE_INTEGER);
  checkInteger('slice', 'end', end, Number.MIN_SAFE_INTEGER);
  checkInteger('slice', 'step', step, 1);
  const size = shapeOf(x)[axis]!;
  const clip = (i: number) => Math.min(size, Math.max(0, i < 0 ? i + size : i));
  const first = clip(start);
  return takeSlice(x, axis, first, Math.max(0, Math.ceil((clip(end) - first) / step)), step);
}

/**
 * The slice at `index` along `dim`, which is removed.
 *
 * @param index negative ones count from the end
 * @throws ValueError if the index is out of range
 * @example
 * ```ts
 * tensor([[1, 2], [3, 4]]).select(0, -1); // tensor([3., 4.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.select.html
 */
export function select(x: Tensor, dim: number, index: number): Tensor {
  checkTensor('select', 'the input', x);
  if (x.ndim === 0) throw new ShapeError('select: cannot be applied to a 0-d tensor');
  const axis = normalizeDim('select', dim, x.ndim);
  const size = shapeOf(x)[axis]!;
  if (!Number.isInteger(index) || index < -size || index >= size) {
    throw new ValueError(`select: index ${describe(index)} is out of range for dim ${dim} of size ${size}`);
  }
  return squeeze(takeSlice(x, axis, index < 0 ? index + size : index, 1, 1), axis);
}

/**
 * Views of `splitSize` neighbours each along `dim` (the last may be smaller), or of the sizes listed.
 *
 * @param dim default 0
 * @throws ShapeError if the sizes listed do not add up to that of the dimension
 * @example
 * ```ts
 * split(arange(5), 2); // [tensor([0, 1]), tensor([2, 3]), tensor([4])]
 * split(arange(5), [1, 4]); // [tensor([0]), tensor([1, 2, 3, 4])]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.split.html
 */
export function split(x: Tensor, splitSize: number | readonly number[], dim = 0): Tensor[] {
  checkTensor('split', 'the input', x);
  const axis = normalizeDim('split', dim, x.ndim);
  const size = shapeOf(x)[axis] ?? 0;
  const sizes = typeof splitSize === 'number' ? equalSizes('split', size, splitSize) : listedSizes('split', splitSize);
  const total = sizes.reduce((a, b) => a + b, 0);
  if (total !== size)
    throw new ShapeError(`split: sizes ${show(sizes)} add up to ${total}, not to ${size}, the size of dim ${dim}`);
  let start = 0;
  return sizes.map((length) => {
    start += length;
    return narrow(x, axis, start - length, length);
  });
}

function equalSizes(op: string, size: number, each: number): number[] {
  checkInteger(op, 'size', each, size === 0 ? 0 : 1);
  if (size === 0) return [0];
  checkViews(op, Math.ceil(size / each));
  return Array.from({ length: Math.ceil(size / each) }, (_, i) => Math.min(each, size - i * each));
}

/** Sizes of parts. There can be as many as memory holds, of any size: none of them is a dimension. */
function listedSizes(op: string, sizes: unknown): readonly number[] {
  if (!Array.isArray(sizes)) {
    throw new ValueError(`${op}: expected the size of the parts, or an array of sizes, got ${describe(sizes)}`);
  }
  checkViews(op, sizes.length);
  for (let i = 0; i < sizes.length; i++) checkInteger(op, `sizes[${i}]`, sizes[i]);
  return sizes;
}

/** What a view takes of V8's heap, about. */
const VIEW_BYTES = 300;

const checkViews = (op: string, count: number): void => checkHeap(op, `${count} views`, count * VIEW_BYTES);

/** `split` into the sizes listed. @example splitWithSizes(arange(5), [1, 4]); // [tensor([0]), tensor([1, 2, 3, 4])] */
export const splitWithSizes = (x: Tensor, sizes: readonly number[], dim = 0): Tensor[] =>
  split(x, listedSizes('splitWithSizes', sizes), dim);

/**
 * At most `chunks` views of equal size along `dim` (the last may be smaller).
 *
 * @param dim default 0
 * @example
 * ```ts
 * chunk(arange(5), 2); // [tensor([0, 1, 2]), tensor([3, 4])]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.chunk.html
 */
export function chunk(x: Tensor, chunks: number, dim = 0): Tensor[] {
  checkTensor('chunk', 'the input', x);
  checkInteger('chunk', 'chunks', chunks, 1);
  const axis = normalizeDim('chunk', dim, x.ndim);
  if (x.ndim === 0) throw new ShapeError('chunk: cannot be applied to a 0-d tensor');
  const size = shapeOf(x)[axis]!;
  // PyTorch keeps the number of chunks when there is nothing to divide.
  if (size === 0) checkViews('chunk', chunks);
  if (size === 0) return Array.from({ length: chunks }, () => narrow(x, axis, 0, 0));
  return split(x, Math.ceil(size / chunks), axis);
}

/**
 * The slices along `dim`, which is removed.
 *
 * @param dim default 0
 * @example
 * ```ts
 * unbind(tensor([[1, 2], [3, 4]])); // [tensor([1., 2.]), tensor([3., 4.])]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.unbind.html
 */
export function unbind(x: Tensor, dim = 0): Tensor[] {
  checkTensor('unbind', 'the input', x);
  if (x.ndim === 0) throw new ShapeError('unbind: cannot be applied to a 0-d tensor');
  const axis = normalizeDim('unbind', dim, x.ndim);
  checkViews('unbind', shapeOf(x)[axis]!);
  return Array.from({ length: shapeOf(x)[axis]! }, (_, i) => select(x, axis, i));
}
