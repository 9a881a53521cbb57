import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { type Kind, kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import type { BackwardRule } from '../autograd/node.js';
import { sizeOf } from '../backend/view.js';
import { describe } from '../describe.js';
import { ShapeError } from '../errors.js';
import { checkViews } from '../tensor/heap.js';
import * as kinds from '../tensor/kinds.js';
import { expandTo, owned, resolveShape, restride, viewAs, view as viewOn } from '../tensor/layout.js';
import { type Single, single } from '../tensor/parameters.js';
import {
  broadcastShapes as commonShape,
  checkNdim,
  checkShape,
  normalizeDim,
  type Shape,
  show,
} from '../tensor/shape.js';
import { isTensor, shapeOf, type Tensor, viewOf } from '../tensor/tensor.js';
import { aboutToRead } from '../tensor/values.js';
import { contiguous } from './conversion.js';
import { exchangedOf, exchanging, inserting, squeezedOf, squeezing, transposeOf, unsqueezedOf } from './dimensions.js';
import { axisOf, selectedOf, slicedOf, takeAll, takeParts, takeSlice } from './slices.js';

// Nothing here copies, but for `reshape` and `flatten` where strides do not allow a view.

const shapeOrTensor: Kind<Shape | Tensor> = kind(
  'an array of sizes, or a Tensor',
  (value): value is Shape | Tensor => kinds.sizes.accepts(value) || isTensor(value),
  { error: ShapeError },
);

const shaping = signature('input, /, shape', { input: kinds.tensor, shape: kinds.sizes });
const resizing = signature('input, /, size', { input: kinds.tensor, size: kinds.sizes });
const viewing = signature('input, /, size', { input: kinds.tensor, size: shapeOrTensor });
const likening = signature('input, other, /', { input: kinds.tensor, other: kinds.tensor });

/** What some functions along a dimension have beside others. */
const alongFirst = {
  /** The dimension. Default: 0. */
  dim: kinds.dim.default(0),
};

type Shaping = FunctionOf<Tensor, typeof shaping>;
type Resizing = FunctionOf<Tensor, typeof resizing>;
type Likening = FunctionOf<Tensor, typeof likening>;

/**
 * The same elements in another shape, without a copy.
 *
 * @param size sizes; one may be -1 and is worked out
 * @throws ShapeError if the sizes do not fit, or the strides do not allow a view (use `reshape`)
 * @example
 * ```ts
 * arange(6).view([2, -1]).shape; // [2, 3]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.view.html
 */
export const view: FunctionOf<Tensor, typeof viewing> = define('view', viewing, (x, size) =>
  viewAs(x, isTensor(size) ? shapeOf(size) : size),
);

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
export const reshape: Shaping = define('reshape', shaping, (x, shape) => {
  const sizes = resolveShape('reshape', x, shape);
  return restride(x, sizes) === null ? owned(viewAs(contiguous(x), sizes)) : viewAs(x, sizes);
});

/** `reshape` to the shape of `other`. @example reshapeAs(arange(4), zeros([2, 2])); // tensor([[0, 1], [2, 3]]) */
export const reshapeAs: Likening = define('reshapeAs', likening, (x, other) => reshape(x, shapeOf(other)));

const permuteRule: BackwardRule<readonly number[]> = {
  name: 'Permute',
  backward: (g, _, axes) => [
    permute(
      g,
      [...axes.keys()].map((axis) => axes.indexOf(axis)),
    ),
  ],
};

const permuting = signature('input, /, dims', { input: kinds.tensor, dims: kinds.dimList });

/**
 * The dimensions in another order.
 *
 * @example
 * ```ts
 * zeros([2, 3, 5]).permute([2, 0, 1]).shape; // [5, 2, 3]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.permute.html
 */
export const permute: FunctionOf<Tensor, typeof permuting> = define('permute', permuting, (x, dims) => {
  if (dims.length !== x.ndim) {
    throw new ShapeError(`permute: expected ${x.ndim} dims for shape ${show(x.shape)}, got ${describe(dims)}`);
  }
  const axes = Array.from(dims, (dim) => normalizeDim('permute', dim, x.ndim));
  if (new Set(axes).size !== axes.length) throw new ShapeError(`permute: a dim appears twice in ${show(dims)}`);
  const pick = (of: readonly number[]) => axes.map((axis) => of[axis]!);
  return viewOn(x, pick(shapeOf(x)), pick(viewOf(x).strides), viewOf(x).offset, permuteRule, axes);
});

/**
 * Two dimensions exchanged.
 *
 * @example
 * ```ts
 * transpose(zeros([2, 3, 5]), 0, -1).shape; // [5, 3, 2]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.transpose.html
 */
export const transpose: FunctionOf<Tensor, typeof exchanging> = define('transpose', exchanging, (x, dim0, dim1) =>
  exchangedOf('transpose', x, dim0, dim1),
);

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
export const t: Single = define('t', single, (x) => transposeOf('t', x));

/**
 * Dimensions of size 1 repeated to larger sizes, without a copy; new ones may be added in front.
 *
 * @param size sizes; -1 keeps that of the tensor
 * @throws ShapeError if a size other than 1 would change
 * @example
 * ```ts
 * tensor([[1], [2]]).expand([-1, 3]); // tensor([[1., 1., 1.], [2., 2., 2.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.expand.html
 */
export const expand: Resizing = define('expand', resizing, (x, size) => expanded('expand', x, size));

function expanded(op: string, x: Tensor, shape: Shape): Tensor {
  const lead = shape.length - x.ndim;
  const sizes = Array.from(shape, (size, axis) => (size === -1 && axis >= lead ? shapeOf(x)[axis - lead]! : size));
  checkShape(op, sizes);
  const fits = lead >= 0 && shapeOf(x).every((size, axis) => size === 1 || size === sizes[axis + lead]);
  if (!fits)
    throw new ShapeError(`${op}: ${show(x.shape)} cannot be expanded to ${show(shape)}; only sizes of 1 can grow`);
  return expandTo(x, sizes);
}

/** `expand` to the shape of `other`. @example expandAs(tensor([1, 2]), zeros([2, 2])); // tensor([[1., 2.], [1., 2.]]) */
export const expandAs: Likening = define('expandAs', likening, (x, other) => expanded('expandAs', x, shapeOf(other)));
/** The same as `expand`. @example broadcastTo(tensor([1, 2]), [2, 2]); // tensor([[1., 2.], [1., 2.]]) */
export const broadcastTo: Resizing = define('broadcastTo', resizing, (x, size) => expanded('broadcastTo', x, size));

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
  for (const [i, x] of tensors.entries()) if (!isTensor(x)) kinds.tensor.refuse('broadcastTensors', `argument ${i}`, x);
  const shape = commonShape('broadcastTensors', ...tensors.map((x) => shapeOf(x)));
  return tensors.map((x) => expandTo(x, shape));
}

/**
 * The shape that shapes broadcast to: of each dimension, from the last on, the one size that is not 1.
 *
 * @throws ShapeError if they do not broadcast
 * @example
 * ```ts
 * broadcastShapes([3, 1], [4], []); // [3, 4]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.broadcast_shapes.html
 */
export function broadcastShapes(...shapes: readonly Shape[]): number[] {
  for (const [i, shape] of shapes.entries()) kinds.shape.take('broadcastShapes', `argument ${i}`, shape);
  return [...commonShape('broadcastShapes', ...shapes)];
}

export interface SqueezeOptions extends OptionsOf<typeof squeezing> {}

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
export const squeeze: FunctionOf<Tensor, typeof squeezing, SqueezeOptions> = define('squeeze', squeezing, (x, dim) =>
  squeezedOf('squeeze', x, dim),
);

/**
 * A dimension of size 1 inserted at `dim`.
 *
 * @example
 * ```ts
 * unsqueeze(zeros([2, 3]), -1).shape; // [2, 3, 1]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.unsqueeze.html
 */
export const unsqueeze: FunctionOf<Tensor, typeof inserting> = define('unsqueeze', inserting, (x, dim) =>
  unsqueezedOf('unsqueeze', x, dim),
);

const flattening = signature('input, /, startDim, endDim', {
  input: kinds.tensor,
  /** The first dimension that is taken. Default: 0. */
  startDim: kinds.dim.default(0),
  /** The last one. Default: -1. */
  endDim: kinds.dim.default(-1),
});

interface FlattenOptions extends OptionsOf<typeof flattening> {}

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
export const flatten: FunctionOf<Tensor, typeof flattening, FlattenOptions> = define(
  'flatten',
  flattening,
  (x, startDim, endDim) => {
    const start = normalizeDim('flatten', startDim, x.ndim);
    const end = normalizeDim('flatten', endDim, x.ndim);
    if (start > end)
      throw new ShapeError(`flatten: startDim ${startDim} comes after endDim ${endDim} in ${show(x.shape)}`);
    const shape = shapeOf(x);
    return reshape(x, [...shape.slice(0, start), sizeOf(shape.slice(start, end + 1)), ...shape.slice(end + 1)]);
  },
);

/** `flatten` of everything. @example ravel(zeros([2, 3])).shape; // [6] */
export const ravel: Single = define('ravel', single, (x) => flatten(x));

const unflattening = signature('input, /, dim, sizes', {
  input: kinds.tensor,
  dim: kinds.dim,
  sizes: kinds.sizes,
});

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
export const unflatten: FunctionOf<Tensor, typeof unflattening> = define('unflatten', unflattening, (x, dim, sizes) => {
  const axis = normalizeDim('unflatten', dim, x.ndim);
  checkNdim('unflatten', x.ndim - 1 + sizes.length);
  const known = sizes.filter((size) => size !== -1);
  checkShape('unflatten', known);
  const whole = sizes.map((size) => (size === -1 ? shapeOf(x)[axis]! / sizeOf(known) : size));
  if (!whole.every(Number.isInteger) || sizeOf(whole) !== shapeOf(x)[axis]) {
    throw new ShapeError(`unflatten: sizes ${show(sizes)} do not multiply to ${x.shape[axis]}, the size of dim ${dim}`);
  }
  return reshape(x, shapeOf(x).toSpliced(axis, 1, ...whole));
});

const narrowing = signature('input, /, dim, start, length', {
  input: kinds.tensor,
  dim: kinds.dim,
  start: kinds.operand,
  length: kinds.integerFrom(0),
});

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
export const narrow: FunctionOf<Tensor, typeof narrowing> = define('narrow', narrowing, (x, dim, start, length) => {
  const axis = axisOf('narrow', x, dim);
  const size = shapeOf(x)[axis]!;
  if (isTensor(start)) aboutToRead('narrow', 'give start as a number, or look elements up with indexSelect');
  const given = isTensor(start) ? start.item() : start;
  const place = kinds.integerFrom(-size, size);
  if (!place.accepts(given)) place.refuse('narrow', 'start', given);
  const first = given < 0 ? given + size : given;
  if (first + length > size) {
    throw new ShapeError(
      `narrow: ${first} + ${length} is beyond the ${size} elements of dim ${dim} in ${show(x.shape)}`,
    );
  }
  return takeSlice(x, axis, first, length, 1);
});

const slicing = signature('input, /, dim, start, end, step', {
  input: kinds.tensor,
  ...alongFirst,
  /** The first. Default: 0. */
  start: kinds.integer.default(0),
  /** Where to end, before it. Default: null, after the last. */
  end: kinds.integer.optional(),
  /** From each to the next. Default: 1. */
  step: kinds.integerFrom(1).default(1),
});

interface SliceOptions extends OptionsOf<typeof slicing> {}

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
export const slice: FunctionOf<Tensor, typeof slicing, SliceOptions> = define(
  'slice',
  slicing,
  (x, dim, start, end, step) => slicedOf('slice', x, dim, start, end, step),
);

const selecting = signature('input, /, dim, index', { input: kinds.tensor, dim: kinds.dim, index: kinds.number });

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
export const select: FunctionOf<Tensor, typeof selecting> = define('select', selecting, (x, dim, index) =>
  selectedOf('select', x, dim, index),
);

const sizeOrSizes: Kind<number | readonly number[]> = kind(
  'the size of the parts, or an array of sizes',
  (value): value is number | readonly number[] => typeof value === 'number' || Array.isArray(value),
);

const sizeList: Kind<readonly number[]> = kind('an array of sizes', (value): value is readonly number[] =>
  Array.isArray(value),
);

const splitting = signature('input, /, splitSize, dim', {
  input: kinds.tensor,
  splitSize: sizeOrSizes,
  ...alongFirst,
});
const splittingBySizes = signature('input, /, splitSizes, dim', {
  input: kinds.tensor,
  splitSizes: sizeList,
  ...alongFirst,
});
const chunking = signature('input, /, chunks, dim', {
  input: kinds.tensor,
  chunks: kinds.integerFrom(1),
  ...alongFirst,
});
const unbinding = signature('input, /, dim', { input: kinds.tensor, ...alongFirst });

interface AlongOptions extends OptionsOf<typeof unbinding> {}

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
export const split: FunctionOf<Tensor[], typeof splitting, AlongOptions> = define(
  'split',
  splitting,
  (x, splitSize, dim) => parts('split', x, splitSize, dim),
);

function parts(op: string, x: Tensor, splitSize: number | readonly number[], dim: number): Tensor[] {
  const axis = axisOf(op, x, dim);
  const size = shapeOf(x)[axis] ?? 0;
  const sizes = typeof splitSize === 'number' ? equalSizes(op, size, splitSize) : listedSizes(op, splitSize);
  const total = sizes.reduce((a, b) => a + b, 0);
  if (total !== size)
    throw new ShapeError(`${op}: sizes ${show(sizes)} add up to ${total}, not to ${size}, the size of dim ${dim}`);
  return takeParts(x, axis, sizes);
}

function equalSizes(op: string, size: number, each: number): number[] {
  const least = kinds.integerFrom(size === 0 ? 0 : 1);
  if (!least.accepts(each)) least.refuse(op, 'splitSize', each);
  if (size === 0) return [0];
  checkViews(op, Math.ceil(size / each));
  return Array.from({ length: Math.ceil(size / each) }, (_, i) => Math.min(each, size - i * each));
}

/** Sizes of parts. There can be as many as memory holds, of any size: none of them is a dimension. */
function listedSizes(op: string, sizes: readonly number[]): readonly number[] {
  checkViews(op, sizes.length);
  const each = kinds.integerFrom(0);
  for (let i = 0; i < sizes.length; i++) if (!each.accepts(sizes[i])) each.refuse(op, `splitSizes[${i}]`, sizes[i]);
  return sizes;
}

/** `split` into the sizes listed. @example splitWithSizes(arange(5), [1, 4]); // [tensor([0]), tensor([1, 2, 3, 4])] */
export const splitWithSizes: FunctionOf<Tensor[], typeof splittingBySizes, AlongOptions> = define(
  'splitWithSizes',
  splittingBySizes,
  (x, splitSizes, dim) => parts('splitWithSizes', x, splitSizes, dim),
);

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
export const chunk: FunctionOf<Tensor[], typeof chunking, AlongOptions> = define(
  'chunk',
  chunking,
  (x, chunks, dim) => {
    const axis = axisOf('chunk', x, dim);
    const size = shapeOf(x)[axis]!;
    // PyTorch keeps the number of chunks when there is nothing to divide.
    if (size === 0) checkViews('chunk', chunks);
    if (size === 0) return Array.from({ length: chunks }, () => narrow(x, axis, 0, 0));
    return parts('chunk', x, Math.ceil(size / chunks), axis);
  },
);

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
export const unbind: FunctionOf<Tensor[], typeof unbinding, AlongOptions> = define('unbind', unbinding, (x, dim) => {
  const axis = axisOf('unbind', x, dim);
  checkViews('unbind', shapeOf(x)[axis]!);
  return takeAll(x, axis);
});
