import { type DType, isBool, isInteger, type TypedArray } from '../dtype.js';
import { planLoops } from '../loops.js';
import { DONE } from '../outcome.js';
import { sizeOf, type View } from '../view.js';
import { BLOCK } from './block-loops.js';
import { forEachRun, innerStride } from './runs.js';

export const scatterModes = ['set', 'add', 'mul', 'amax', 'amin'] as const;
/** How `scatter` combines a source element with what is there. */
export type ScatterMode = (typeof scatterModes)[number];

/** The instruction `gather`. */
export function gather(out: View, input: View, index: View, axis: number): number {
  const invalid = firstInvalid(index, input.shape[axis]!);
  if (invalid >= 0) return invalid;
  const to = elements(out);
  const from = elements(input);
  forEachLocated(index, out, input, axis, (outAt, outStride, located, length) => {
    gatherRun(to, outAt, outStride, from, located, length);
  });
  return DONE;
}

/** How a run of source elements is combined with what is there. */
type Combine = (d: TypedArray, located: Int32Array, a: TypedArray, ai: number, stride: number, n: number) => void;

/** Sums and products of bools are or and and; those of int32 wrap around. */
function combining(mode: ScatterMode, dtype: DType): Combine {
  switch (mode) {
    case 'set':
      return setRun;
    case 'add':
      return isBool(dtype) ? orRun : addRun;
    case 'mul':
      return isInteger(dtype) || isBool(dtype) ? integerMulRun : mulRun;
    case 'amax':
      return maxRun;
    case 'amin':
      return minRun;
  }
}

/** The instruction `scatter`. */
export function scatter(out: View, index: View, source: View, axis: number, mode: ScatterMode): number {
  const invalid = firstInvalid(index, out.shape[axis]!);
  if (invalid >= 0) return invalid;
  const scatterRun = combining(mode, out.dtype);
  const to = elements(out);
  const from = elements(source);
  forEachLocated(index, source, out, axis, (sourceAt, sourceStride, located, length) => {
    scatterRun(to, located, from, sourceAt, sourceStride, length);
  });
  return DONE;
}

const elements = (view: View): TypedArray => view.storage.array(view.dtype);

/** Row-major position of the first index outside [0, size), or -1. */
function firstInvalid(index: View, size: number): number {
  const loops = planLoops(index.shape, [index]);
  const indices = elements(index);
  const stride = innerStride(loops, 0);
  let position = 0;
  let invalid = -1;
  forEachRun(loops, [index.offset], 0, sizeOf(index.shape), ([at], length) => {
    const found = invalid < 0 ? findOutside(indices, at!, stride, length, size) : -1;
    if (found >= 0) invalid = position + found;
    position += length;
  });
  return invalid;
}

function findOutside(indices: TypedArray, at: number, stride: number, length: number, size: number): number {
  for (let i = 0; i < length; i++) {
    const value = indices[at + i * stride]!;
    if (value < 0 || value >= size) return i;
  }
  return -1;
}

/**
 * Visits the elements of `index` in row-major order, a run at a time: where the run begins in `direct` and its stride there,
 * and where in `indexed` each of its elements is.
 */
function forEachLocated(
  index: View,
  direct: View,
  indexed: View,
  axis: number,
  visit: (directAt: number, directStride: number, located: Int32Array, length: number) => void,
): void {
  const { shape } = index;
  const indices = elements(index);
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
  const located = new Int32Array(BLOCK);
  const size = sizeOf(shape);
  for (let start = 0; start < size; start += BLOCK) {
    forEachRun(loops, offsets, start, Math.min(BLOCK, size - start), ([indexAt, directAt, lineAt], length) => {
      locateRun(located, indices, indexAt!, indexStride, lineAt!, lineStride, axisStride, length);
      visit(directAt!, directStride, located, length);
    });
  }
}

function locateRun(
  located: Int32Array,
  indices: TypedArray,
  at: number,
  stride: number,
  line: number,
  lineStride: number,
  axisStride: number,
  length: number,
): void {
  for (let i = 0; i < length; i++) located[i] = line + i * lineStride + indices[at + i * stride]! * axisStride;
}

function gatherRun(d: TypedArray, di: number, stride: number, a: TypedArray, located: Int32Array, n: number): void {
  for (let i = 0; i < n; i++) d[di + i * stride] = a[located[i]!]!;
}

function setRun(d: TypedArray, located: Int32Array, a: TypedArray, ai: number, stride: number, n: number): void {
  for (let i = 0; i < n; i++) d[located[i]!] = a[ai + i * stride]!;
}

function addRun(d: TypedArray, located: Int32Array, a: TypedArray, ai: number, stride: number, n: number): void {
  for (let i = 0; i < n; i++) d[located[i]!]! += a[ai + i * stride]!;
}

function orRun(d: TypedArray, located: Int32Array, a: TypedArray, ai: number, stride: number, n: number): void {
  for (let i = 0; i < n; i++) d[located[i]!]! |= a[ai + i * stride]!;
}

function mulRun(d: TypedArray, located: Int32Array, a: TypedArray, ai: number, stride: number, n: number): void {
  for (let i = 0; i < n; i++) d[located[i]!]! *= a[ai + i * stride]!;
}

function integerMulRun(d: TypedArray, located: Int32Array, a: TypedArray, ai: number, stride: number, n: number): void {
  for (let i = 0; i < n; i++) d[located[i]!] = Math.imul(d[located[i]!]!, a[ai + i * stride]!);
}

/** NaN wins over all. */
function maxRun(d: TypedArray, located: Int32Array, a: TypedArray, ai: number, stride: number, n: number): void {
  for (let i = 0; i < n; i++) {
    const [there, next] = [d[located[i]!]!, a[ai + i * stride]!];
    if (!(there > next || Number.isNaN(there))) d[located[i]!] = next;
  }
}

function minRun(d: TypedArray, located: Int32Array, a: TypedArray, ai: number, stride: number, n: number): void {
  for (let i = 0; i < n; i++) {
    const [there, next] = [d[located[i]!]!, a[ai + i * stride]!];
    if (!(there < next || Number.isNaN(there))) d[located[i]!] = next;
  }
}
