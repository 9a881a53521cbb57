import type { ScatterMode } from '../backend.js';
import type { TypedArray } from '../dtype.js';
import { planLoops } from '../loops.js';
import { sizeOf, type View } from '../view.js';
import { forEachRun, innerStride } from './runs.js';

/** `Backend.gather`. */
export function gather(out: View, input: View, index: View, axis: number): number {
  const invalid = firstInvalid(index, input.shape[axis]!);
  if (invalid >= 0) return invalid;
  const to = elements(out);
  const from = elements(input);
  forEachIndexed(index, out, input, axis, (outAt, inputAt) => {
    to[outAt] = from[inputAt]!;
  });
  return -1;
}

/** `Backend.scatter`. Adding bools is or; adding int32 wraps around. */
export function scatter(out: View, index: View, source: View, axis: number, mode: ScatterMode): number {
  const invalid = firstInvalid(index, out.shape[axis]!);
  if (invalid >= 0) return invalid;
  const from = elements(source);
  const to = elements(out);
  const isBool = out.dtype === 'bool';
  forEachIndexed(index, source, out, axis, (sourceAt, outAt) => {
    if (mode === 'set') to[outAt] = from[sourceAt]!;
    else if (isBool) to[outAt]! |= from[sourceAt]!;
    else to[outAt]! += from[sourceAt]!;
  });
  return -1;
}

const elements = (view: View): TypedArray => view.storage.array(view.dtype);

/** Row-major position of the first index outside [0, size), or -1. */
function firstInvalid(index: View, size: number): number {
  const indices = elements(index);
  const loops = planLoops(index.shape, [index]);
  const stride = innerStride(loops, 0);
  let position = 0;
  let invalid = -1;
  forEachRun(loops, [index.offset], 0, sizeOf(index.shape), ([at], length) => {
    for (let i = 0; i < length && invalid < 0; i++) {
      const value = indices[at! + i * stride]!;
      if (value < 0 || value >= size) invalid = position + i;
    }
    position += length;
  });
  return invalid;
}

/** Visits, in row-major order of `index`, where each element of `direct` is and where the one of `indexed` that its index names. */
function forEachIndexed(
  index: View,
  direct: View,
  indexed: View,
  axis: number,
  visit: (directAt: number, indexedAt: number) => void,
): void {
  const indices = elements(index);
  const { shape } = index;
  const axisStride = indexed.strides[axis]!;
  const lines: View = { ...indexed, shape, strides: indexed.strides.map((stride, i) => (i === axis ? 0 : stride)) };
  const operands = [index, direct, lines];
  const loops = planLoops(shape, operands);
  const [indexStride, directStride, lineStride] = operands.map((_, i) => innerStride(loops, i)) as [
    number,
    number,
    number,
  ];
  const offsets = operands.map((view) => view.offset);
  forEachRun(loops, offsets, 0, sizeOf(shape), ([indexAt, directAt, lineAt], length) => {
    for (let i = 0; i < length; i++) {
      const chosen = indices[indexAt! + i * indexStride]!;
      visit(directAt! + i * directStride, lineAt! + i * lineStride + chosen * axisStride);
    }
  });
}
