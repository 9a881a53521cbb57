import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { type BackwardRule, record } from '../autograd/node.js';
import { isBool, isInteger } from '../backend/dtype.js';
import { ShapeError, ValueError } from '../errors.js';
import { requireInt32 } from '../tensor/check.js';
import { emptyOf, filledOf } from '../tensor/empty.js';
import * as kinds from '../tensor/kinds.js';
import { checkShape, show } from '../tensor/shape.js';
import { shapeOf, storageOf, type Tensor } from '../tensor/tensor.js';
import { write } from '../tensor/windows.js';
import { clone } from './conversion.js';
import { cat } from './joining.js';
import { takeSlice } from './slices.js';

/** What is put before and after a tensor along an axis; a negative number takes as many away. */
type Margin = readonly [before: number, after: number];

const NONE: Margin = [0, 0];

/** One margin for each axis, from PyTorch's list, which begins with the last axis. */
function marginsOf(op: string, x: Tensor, pad: readonly number[]): Margin[] {
  if (pad.length % 2 !== 0 || pad.length > 2 * x.ndim) {
    throw new ShapeError(
      `${op}: pad must have two numbers for each dimension, from the last on, at most ${2 * x.ndim}; got ${show(pad)}`,
    );
  }
  const margins = shapeOf(x).map((_, axis): Margin => {
    const at = 2 * (x.ndim - 1 - axis);
    return at < pad.length ? [pad[at]!, pad[at + 1]!] : NONE;
  });
  checkShape(
    op,
    shapeOf(x).map((size, axis) => Math.max(0, paddedSize(size, margins[axis]!))),
  );
  const negative = margins.findIndex((margin, axis) => paddedSize(shapeOf(x)[axis]!, margin) < 0);
  if (negative >= 0)
    throw new ShapeError(`${op}: pad ${show(pad)} takes more than there is from dim ${negative} of ${show(x.shape)}`);
  return margins;
}

const paddedSize = (size: number, [before, after]: Margin): number => size + before + after;

/** The adjoint of a frame takes away what that put around, and the other way round. */
const framedRule: BackwardRule<readonly Margin[]> = {
  name: 'ConstantPadNd',
  backward: (g, _, margins) => [
    framed(
      g,
      margins.map(([before, after]): Margin => [-before, -after]),
      0,
    ),
  ],
};

/** With a frame of one value, or (where margins are negative) without its outermost elements: as a view where that is all. */
function framed(x: Tensor, margins: readonly Margin[], value: number): Tensor {
  if (margins.every(([before, after]) => before <= 0 && after <= 0)) return cropped(x, margins);
  const inner = cropped(x.detach(), margins);
  const shape = shapeOf(x).map((size, axis) => paddedSize(size, margins[axis]!));
  const out = emptyOf(shape, x.dtype);
  write(out, filledOf([], value, x.dtype));
  const place = shapeOf(inner).reduce(
    (part, size, axis) => takeSlice(part, axis, Math.min(shape[axis]!, Math.max(0, margins[axis]![0])), size, 1),
    out,
  );
  write(place, inner);
  return record(out, framedRule, [x], [], margins);
}

/** Without what negative margins take away; a view. */
function cropped(x: Tensor, margins: readonly Margin[]): Tensor {
  return margins.reduce((part, [before, after], axis) => {
    const [start, end] = [Math.max(0, -before), Math.max(0, -after)];
    const size = shapeOf(part)[axis]!;
    return start + end === 0 ? part : takeSlice(part, axis, Math.min(size, start), Math.max(0, size - start - end), 1);
  }, x);
}

const surrounding = signature('input, /, pad, value', {
  input: kinds.tensor,
  pad: kinds.integers,
  /** What is put there. Default: 0. */
  value: kinds.number.default(0),
});

function padConstant(op: string, x: Tensor, pad: readonly number[], value: number): Tensor {
  const margins = marginsOf(op, x, pad);
  if (isInteger(x.dtype)) requireInt32(op, value);
  const result = framed(x, margins, isBool(x.dtype) ? Number(value !== 0) : value);
  return storageOf(result) === storageOf(x) ? clone(result) : result;
}

/**
 * A copy with `value` around the tensor.
 *
 * @param pad how much before and after each dimension, from the last dimension on: `[left, right, top, bottom, …]`; negative numbers take
 * away
 * @throws ShapeError if more would be taken away than there is
 * @example
 * ```ts
 * constantPadNd(tensor([[1, 2]]), [1, 1, 0, 1], 9); // tensor([[9., 1., 2., 9.], [9., 9., 9., 9.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.pad.html
 */
export const constantPadNd: FunctionOf<Tensor, typeof surrounding> = define(
  'constantPadNd',
  surrounding,
  (x, pad, value) => padConstant('constantPadNd', x, pad, value),
);

/** Where each element along a padded axis of `size` comes from; `at` is counted from the first one that was there. */
type SourceIndex = (at: number, size: number) => number;

const sources = {
  reflect: (at, size) => (at < 0 ? -at : at < size ? at : 2 * (size - 1) - at),
  replicate: (at, size) => Math.max(0, Math.min(size - 1, at)),
  circular: (at, size) => (at < 0 ? at + size : at < size ? at : at - size),
} satisfies Record<string, SourceIndex>;

/** How a tensor goes on beyond its ends. */
export type PaddingMode = 'constant' | keyof typeof sources;

/** The elements along an axis that `source` says, joined of views of evenly spaced runs. */
function padAxis(x: Tensor, axis: number, [before, after]: Margin, source: SourceIndex): Tensor {
  const size = shapeOf(x)[axis]!;
  const places = Array.from({ length: paddedSize(size, [before, after]) }, (_, i) => source(i - before, size));
  const runs: Tensor[] = [];
  for (let start = 0; start < places.length; ) {
    const step = start + 1 < places.length ? places[start + 1]! - places[start]! : 1;
    let end = start + 1;
    while (end < places.length && places[end]! - places[end - 1]! === step) end++;
    runs.push(takeSlice(x, axis, places[start]!, end - start, step));
    start = end;
  }
  return cat(runs.length === 0 ? [takeSlice(x, axis, 0, 0, 1)] : runs, axis);
}

/** Whether a margin is one that a mode can fill from so many elements. */
const fillable: Record<keyof typeof sources, (size: number, margin: Margin) => boolean> = {
  reflect: (size, margin) => Math.max(...margin) < size,
  replicate: (size) => size > 0,
  circular: (size, margin) => Math.max(...margin) <= size,
};

const limits: Record<keyof typeof sources, string> = {
  reflect: 'less than the size',
  replicate: 'at least one element to repeat',
  circular: 'at most the size',
};

function padFrom(x: Tensor, pad: readonly number[], mode: keyof typeof sources): Tensor {
  const margins = marginsOf('pad', x, pad);
  const dims = pad.length / 2;
  if (dims < 1 || dims > 3 || x.ndim < dims + 1 || x.ndim > dims + 2) {
    throw new ShapeError(
      `pad: mode '${mode}' pads the last 1, 2 or 3 dimensions of tensors with one or two more; got ${show(x.shape)} and pad ${show(pad)}`,
    );
  }
  // A circle is closed after its ends are taken away; an image is mirrored at the edges it had.
  const isCircle = mode === 'circular';
  const part = isCircle ? cropped(x, margins) : x;
  margins.forEach((margin, axis) => {
    const size = shapeOf(part)[axis]!;
    if (axis < x.ndim - dims || fillable[mode](size, margin)) return;
    throw new ShapeError(
      `pad: mode '${mode}' needs ${limits[mode]}: dim ${axis} has ${size}, padded by ${show(margin)}`,
    );
  });
  const left = (margin: Margin): Margin => (isCircle ? [Math.max(0, margin[0]), Math.max(0, margin[1])] : margin);
  const result = margins.reduce(
    (y, margin, axis) => (left(margin).every((n) => n === 0) ? y : padAxis(y, axis, left(margin), sources[mode])),
    part,
  );
  return storageOf(result) === storageOf(x) ? clone(result) : result;
}

const MODES = ['constant', ...(Object.keys(sources) as (keyof typeof sources)[])] as const;

const padding = signature('input, /, pad, mode, value', {
  input: kinds.tensor,
  pad: kinds.integers,
  /** All but `'constant'` pad the last 1 to 3 dimensions, those of an image, with one or two before them. Default: `'constant'`. */
  mode: kinds.choice(...MODES).default('constant'),
  /** For `'constant'` alone. Default: null, 0. */
  value: kinds.number.optional(),
});

export interface PadOptions extends OptionsOf<typeof padding> {}

/**
 * A copy that goes on beyond the tensor's ends: with a value (`'constant'`), mirrored without the edge (`'reflect'`), with the edge itself
 * (`'replicate'`), or from the other end (`'circular'`).
 *
 * @param pad how much before and after each dimension, from the last dimension on: `[left, right, top, bottom, …]`; negative numbers take
 * away
 * @throws ShapeError if more would be taken away than there is, or a mode needs more elements than there are
 * @example
 * ```ts
 * const x = tensor([[1, 2, 3]]);
 * nn.functional.pad(x, [2, 1]); // tensor([[0., 0., 1., 2., 3., 0.]])
 * nn.functional.pad(x, [2, 1], 'reflect'); // tensor([[3., 2., 1., 2., 3., 2.]])
 * nn.functional.pad(x, [2, 1], 'replicate'); // tensor([[1., 1., 1., 2., 3., 3.]])
 * nn.functional.pad(x, [2, 1], 'circular'); // tensor([[2., 3., 1., 2., 3., 1.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.pad.html
 */
export const pad: FunctionOf<Tensor, typeof padding, PadOptions> = define('pad', padding, (x, pad, mode, value) => {
  if (mode === 'constant') return padConstant('pad', x, pad, value ?? 0);
  if (value !== null) throw new ValueError(`pad: mode '${mode}' takes no value, got ${value}`);
  return padFrom(x, pad, mode);
});
