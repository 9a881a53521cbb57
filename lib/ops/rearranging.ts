import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { type Kind, kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import { type BackwardRule, record } from '../autograd/node.js';
import { isInteger } from '../backend/dtype.js';
import { sizeOf } from '../backend/view.js';
import { DTypeError, ShapeError, ValueError } from '../errors.js';
import { emptyLikeOf, emptyOf } from '../tensor/empty.js';
import * as kinds from '../tensor/kinds.js';
import { expandTo, owned, view, viewAs } from '../tensor/layout.js';
import { type Single, single } from '../tensor/parameters.js';
import { checkNdim, checkShape, normalizeDim, normalizeDims, type Shape, show } from '../tensor/shape.js';
import { isTensor, shapeOf, storageOf, type Tensor, viewOf } from '../tensor/tensor.js';
import { valuesOf } from '../tensor/values.js';
import { write } from '../tensor/windows.js';
import { clone, contiguous } from './conversion.js';
import { indexSelect } from './indexing.js';
import { cat } from './joining.js';
import { flatten, narrow, reshape, transpose } from './views.js';

// Copies with the same elements in other places, or in several.

const flipRule: BackwardRule<readonly number[]> = { name: 'Flip', backward: (g, _, axes) => [flipped(g, axes)] };

/** Read from the end along some axes: a copy, since a tensor has no negative strides that a user could meet. */
function flipped(x: Tensor, axes: readonly number[]): Tensor {
  const { shape, strides, offset, dtype } = viewOf(x);
  const turned = strides.map((stride, axis) => (axes.includes(axis) ? -stride : stride));
  const last = axes.reduce((at, axis) => at + Math.max(0, shape[axis]! - 1) * strides[axis]!, offset);
  const out = emptyLikeOf(x, dtype);
  write(out, view(x.detach(), shape, turned, last, flipRule, axes));
  return record(out, flipRule, [x], [], axes);
}

const flipping = signature('input, /, dims', { input: kinds.tensor, dims: kinds.dimOrList });

/**
 * A copy with the order of the elements along some dims reversed.
 *
 * @param dims one dim, or several
 * @example
 * ```ts
 * flip(tensor([[1, 2], [3, 4]]), 1); // tensor([[2., 1.], [4., 3.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.flip.html
 */
export const flip: FunctionOf<Tensor, typeof flipping> = define('flip', flipping, (x, dims) =>
  flipped(x, typeof dims !== 'number' && dims.length === 0 ? [] : normalizeDims('flip', dims, x.ndim)),
);

/** `flip` along dim 1, left and right exchanged. @example fliplr(tensor([[1, 2], [3, 4]])); // tensor([[2., 1.], [4., 3.]]) */
export const fliplr: Single = define('fliplr', single, (x) => flippedAlong('fliplr', x, 1));
/** `flip` along dim 0, up and down exchanged. @example flipud(tensor([[1, 2], [3, 4]])); // tensor([[3., 4.], [1., 2.]]) */
export const flipud: Single = define('flipud', single, (x) => flippedAlong('flipud', x, 0));

function flippedAlong(op: string, x: Tensor, axis: number): Tensor {
  if (x.ndim <= axis)
    throw new ShapeError(`${op}: expected at least ${axis + 1} dimensions, got shape ${show(x.shape)}`);
  return flipped(x, [axis]);
}

const rotating = signature('input, /, k, dims', {
  input: kinds.tensor,
  /** How often, backwards if negative. Default: 1. */
  k: kinds.integer.default(1),
  /** From which dimension towards which. Default: [0, 1]. */
  dims: kinds.integers.default([0, 1]),
});

/**
 * Turned by 90 degrees, `k` times, from the first of two dims towards the second.
 *
 * @param k negative to turn back
 * @param dims default [0, 1]
 * @throws ShapeError if there are not two different dims
 * @example
 * ```ts
 * rot90(tensor([[1, 2], [3, 4]])); // tensor([[2., 4.], [1., 3.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.rot90.html
 */
export const rot90: FunctionOf<Tensor, typeof rotating> = define('rot90', rotating, (x, k, dims) => {
  if (dims.length !== 2) throw new ShapeError(`rot90: expected two dims, got ${show(dims)}`);
  if (x.ndim < 2) throw new ShapeError(`rot90: expected at least 2 dimensions, got shape ${show(x.shape)}`);
  const [from, to] = [normalizeDim('rot90', dims[0]!, x.ndim), normalizeDim('rot90', dims[1]!, x.ndim)];
  if (from === to) throw new ShapeError(`rot90: expected two different dims, got ${show(dims)}`);
  const turns = ((k % 4) + 4) % 4;
  if (turns === 0) return clone(x);
  if (turns === 2) return flipped(x, [from, to]);
  return owned(transpose(flipped(x, [turns === 1 ? to : from]), from, to));
});

const rolling = signature('input, /, shifts, dims', {
  input: kinds.tensor,
  shifts: kinds.integerOrMore,
  /** A dimension for each shift; with none, the tensor is rolled as if it were flat. Default: []. */
  dims: kinds.dimOrList.default([]),
});

/**
 * A copy with the elements moved along some dims; what leaves at an end comes back at the other.
 *
 * @param shifts how far, one for each dim; negative towards the start
 * @param dims one dim, or several; without any the tensor is rolled as if it were flat
 * @throws ShapeError if there are not as many dims as shifts, or the tensor has none
 * @example
 * ```ts
 * roll(arange(5), 2); // tensor([3, 4, 0, 1, 2])
 * roll(tensor([[1, 2], [3, 4]]), 1, 0); // tensor([[3., 4.], [1., 2.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.roll.html
 */
export const roll: FunctionOf<Tensor, typeof rolling> = define('roll', rolling, (x, shifts, dims) => {
  const steps = typeof shifts === 'number' ? [shifts] : shifts;
  const axes = Array.from(typeof dims === 'number' ? [dims] : dims, (dim) => normalizeDim('roll', dim, x.ndim));
  if (axes.length === 0 && steps.length === 1) return owned(reshape(rolled(flatten(x), 0, steps[0]!), shapeOf(x)));
  if (steps.length === 0 || axes.length !== steps.length) {
    throw new ShapeError(`roll: expected a dim for each shift, got ${steps.length} shifts and ${axes.length} dims`);
  }
  if (x.ndim === 0) throw new ShapeError('roll: a 0-d tensor has no dims; leave dims out');
  return axes.reduce((y, axis, i) => rolled(y, axis, steps[i]!), x);
});

function rolled(x: Tensor, axis: number, step: number): Tensor {
  const size = shapeOf(x)[axis]!;
  const kept = size === 0 ? 0 : ((-step % size) + size) % size;
  return cat([narrow(x, axis, kept, size - kept), narrow(x, axis, 0, kept)], axis);
}

/** `count` copies of what the axes from `axis` on span, one after the other for each element of those before. */
function repeated(x: Tensor, axis: number, count: number, shape: Shape): Tensor {
  const [before, rest] = [sizeOf(shapeOf(x).slice(0, axis)), sizeOf(shapeOf(x).slice(axis))];
  const copies = expandTo(reshape(x, [before, 1, rest]), [before, count, rest]);
  return owned(viewAs(contiguous(copies), shape));
}

/** A copy, unless it is one already. */
const apartFrom = (x: Tensor, result: Tensor): Tensor => (storageOf(result) === storageOf(x) ? clone(result) : result);

function repeatedAll(op: string, x: Tensor, counts: readonly number[]): Tensor {
  checkNdim(op, counts.length);
  const lead = counts.length - x.ndim;
  const sizes = [...new Array<number>(lead).fill(1), ...shapeOf(x)];
  checkShape(
    op,
    sizes.map((size, axis) => size * counts[axis]!),
  );
  let result = reshape(x, sizes);
  for (let axis = counts.length - 1; axis >= 0; axis--) {
    const size = sizes[axis]! * counts[axis]!;
    if (counts[axis] !== 1) result = repeated(result, axis, counts[axis]!, shapeOf(result).with(axis, size));
  }
  return apartFrom(x, result);
}

const repeating = signature('input, /, repeats', { input: kinds.tensor, repeats: kinds.shape });
const tiling = signature('input, /, dims', { input: kinds.tensor, dims: kinds.shape });

/**
 * A copy with as many copies of the tensor along each dimension as `repeats` says; there may be more of these than dimensions, for new ones in front.
 *
 * @throws ShapeError for fewer repeats than dimensions
 * @example
 * ```ts
 * tensor([1, 2]).repeat([2, 2]); // tensor([[1., 2., 1., 2.], [1., 2., 1., 2.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.repeat.html
 */
export const repeat: FunctionOf<Tensor, typeof repeating> = define('repeat', repeating, (x, repeats) => {
  if (repeats.length >= x.ndim) return repeatedAll('repeat', x, repeats);
  throw new ShapeError(`repeat: expected a count for each of the ${x.ndim} dimensions, got ${show(repeats)}`);
});

/**
 * `repeat`, where counts that are missing are 1: those of the first dimensions.
 *
 * @example
 * ```ts
 * tile(tensor([[1, 2], [3, 4]]), [2]); // tensor([[1., 2., 1., 2.], [3., 4., 3., 4.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.tile.html
 */
export const tile: FunctionOf<Tensor, typeof tiling> = define('tile', tiling, (x, dims) =>
  repeatedAll('tile', x, [...new Array<number>(Math.max(0, x.ndim - dims.length)).fill(1), ...dims]),
);

const countOrTensor: Kind<number | Tensor> = kind(
  'an integer, at least 0, or a Tensor',
  (value): value is number | Tensor => kinds.integerFrom(0).accepts(value) || isTensor(value),
);

const interleaving = signature('input, /, repeats, dim, *, outputSize', {
  input: kinds.tensor,
  /** How often: one number, or an int32 tensor with one for each slice. Default: null, the input says how often each position is wanted. */
  repeats: countOrTensor.optional(),
  /** The dimension. Default: null, the tensor is taken as flat. */
  dim: kinds.dim.optional(),
  /** The size along the dimension, if it is known: it is checked. Default: null, what the repeats add up to. */
  outputSize: kinds.integerFrom(0).optional(),
});

export interface RepeatInterleaveOptions extends OptionsOf<typeof interleaving> {}

/**
 * A copy with each element (or slice along `dim`) several times, one after the other.
 *
 * @throws ValueError for negative repeats
 * @example
 * ```ts
 * repeatInterleave(tensor([1, 2]), 2); // tensor([1., 1., 2., 2.])
 * repeatInterleave(tensor([[1, 2], [3, 4]]), tensor([1, 2], { dtype: 'int32' }), 0); // tensor([[1., 2.], [3., 4.], [3., 4.]])
 * repeatInterleave(tensor([2, 0, 1], { dtype: 'int32' })); // tensor([0, 0, 2])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.repeat_interleave.html
 */
export const repeatInterleave: FunctionOf<Tensor, typeof interleaving, RepeatInterleaveOptions> = define(
  'repeatInterleave',
  interleaving,
  (x, repeats, dim, outputSize) => {
    if (repeats === null) return positionsOf(x, x.numel(), outputSize);
    return dim === null ? interleaved(flatten(x), repeats, 0, outputSize) : interleaved(x, repeats, dim, outputSize);
  },
);

function interleaved(x: Tensor, repeats: number | Tensor, dim: number, outputSize: number | null): Tensor {
  const axis = normalizeDim('repeatInterleave', dim, x.ndim);
  const source = x.ndim === 0 ? reshape(x, [1]) : x;
  const size = shapeOf(source)[axis]!;
  if (typeof repeats !== 'number') return indexSelect(source, axis, positionsOf(repeats, size, outputSize));
  checkOutputSize(outputSize, size * repeats);
  const shape = shapeOf(source).with(axis, size * repeats);
  checkShape('repeatInterleave', shape);
  return apartFrom(x, repeated(source, axis + 1, repeats, shape));
}

/** Each of `size` positions as often as `repeats` says. */
function positionsOf(repeats: Tensor, size: number, outputSize: number | null): Tensor {
  const counts = countsOf(repeats, size);
  const total = counts.reduce((a, b) => a + b, 0);
  checkOutputSize(outputSize, total);
  checkShape('repeatInterleave', [total]);
  const result = emptyOf([total], 'int32');
  const positions = storageOf(result).array('int32');
  let at = 0;
  counts.forEach((count, i) => {
    positions.fill(i, at, at + count);
    at += count;
  });
  return result;
}

function countsOf(repeats: Tensor, size: number): number[] {
  const op = 'repeatInterleave';
  if (!isInteger(repeats.dtype)) throw new DTypeError(`${op}: repeats must be int32, got ${repeats.dtype}`);
  if (repeats.ndim > 1 || (repeats.numel() !== 1 && repeats.numel() !== size)) {
    throw new ShapeError(`${op}: expected one repeat, or ${size} of them, got shape ${show(repeats.shape)}`);
  }
  const given = Array.from(valuesOf(repeats, op));
  const negative = given.findIndex((count) => count < 0);
  if (negative >= 0)
    throw new ValueError(`${op}: repeats must not be negative, got ${given[negative]} (at ${negative})`);
  return given.length === size ? given : new Array<number>(size).fill(given[0]!);
}

function checkOutputSize(outputSize: number | null, total: number): void {
  if (outputSize === null || outputSize === total) return;
  throw new ValueError(`repeatInterleave: outputSize: the repeats add up to ${total}, not to ${outputSize}`);
}
