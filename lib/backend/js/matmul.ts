import { planLoops } from '../loops.js';
import { DONE } from '../outcome.js';
import type { Epilogue } from '../program.js';
import { allocate, release, untracked } from '../storage.js';
import { contiguousStrides, sizeOf, type View } from '../view.js';
import { run } from './interpreter.js';
import { forEachRun, innerStride } from './runs.js';

/** The instruction `matmul`: the whole product first, then the epilogue over it. */
export function matmul(a: View, b: View, outputs: readonly View[], epilogue: Epilogue | null): number {
  if (epilogue === null) {
    multiplyBatches(a, b, outputs[0]!);
    return DONE;
  }
  const { shape } = outputs[0]!;
  // It is let go of here, and not once more by a pass that lets go of whatever was allocated in it.
  const storage = untracked(() => allocate(a.dtype, sizeOf(shape)));
  const product: View = { storage, offset: 0, shape, strides: contiguousStrides(shape), dtype: a.dtype };
  multiplyBatches(a, b, product);
  const axes = [...shape.keys()];
  const result = run(epilogue.program, epilogue.params, [product, ...epilogue.inputs], outputs, shape, axes);
  release(storage);
  return result;
}

function multiplyBatches(a: View, b: View, out: View): void {
  const operands = [a, b, out];
  const batches = operands.map((view) => ({
    ...view,
    shape: view.shape.slice(0, -2),
    strides: view.strides.slice(0, -2),
  }));
  const batchShape = out.shape.slice(0, -2);
  const loops = planLoops(batchShape, batches);
  const offsets = operands.map((view) => view.offset);
  const [aStride, bStride, outStride] = operands.map((_, i) => innerStride(loops, i)) as [number, number, number];
  forEachRun(loops, offsets, 0, sizeOf(batchShape), (at, length) => {
    for (let i = 0; i < length; i++) {
      multiply(
        { ...a, offset: at[0]! + i * aStride },
        { ...b, offset: at[1]! + i * bStride },
        { ...out, offset: at[2]! + i * outStride },
      );
    }
  });
}

/**
 * One product of the last two axes, summed in doubles over k in order and rounded once. `b` is copied as rows of doubles, then every pair of
 * rows of `out` takes them four at a time. Rows of zeros make both counts even: they add nothing to what is kept.
 */
function multiply(a: View, b: View, out: View): void {
  const m = a.shape.at(-2)!;
  const k = Math.ceil(a.shape.at(-1)! / 4) * 4;
  const n = b.shape.at(-1)!;
  const bRows = new Float64Array(k * n);
  copyRows(bRows, n, b, 0, b.shape.at(-2)!);
  const aRows = new Float64Array(2 * k);
  const sums0 = new Float64Array(n);
  const sums1 = new Float64Array(n);
  for (let i = 0; i < m; i += 2) {
    copyRows(aRows, k, a, i, Math.min(2, m - i));
    sums0.fill(0);
    sums1.fill(0);
    for (let p = 0; p < k; p += 4) addFourRows(n, sums0, sums1, aRows, p, p + k, bRows, p * n);
    storeRow(out, i, sums0);
    if (i + 1 < m) storeRow(out, i + 1, sums1);
  }
}

/** sums0 and sums1 += four rows of b from `bi` on, weighted by a[a0 …] and a[a1 …]. */
function addFourRows(
  n: number,
  sums0: Float64Array,
  sums1: Float64Array,
  a: Float64Array,
  a0: number,
  a1: number,
  b: Float64Array,
  bi: number,
): void {
  const [p0, p1, p2, p3] = [a[a0]!, a[a0 + 1]!, a[a0 + 2]!, a[a0 + 3]!];
  const [q0, q1, q2, q3] = [a[a1]!, a[a1 + 1]!, a[a1 + 2]!, a[a1 + 3]!];
  for (let j = 0; j < n; j++) {
    const b0 = b[bi + j]!;
    const b1 = b[bi + n + j]!;
    const b2 = b[bi + 2 * n + j]!;
    const b3 = b[bi + 3 * n + j]!;
    sums0[j] = sums0[j]! + p0 * b0 + p1 * b1 + p2 * b2 + p3 * b3;
    sums1[j] = sums1[j]! + q0 * b0 + q1 * b1 + q2 * b2 + q3 * b3;
  }
}

/** Copies `count` rows of a matrix from row `first` on, each to a multiple of `pitch`. */
function copyRows(to: Float64Array, pitch: number, matrix: View, first: number, count: number): void {
  const from = matrix.storage.array(matrix.dtype);
  const columns = matrix.shape.at(-1)!;
  const [rowStride, columnStride] = matrix.strides.slice(-2) as [number, number];
  for (let row = 0; row < count; row++) {
    let at = matrix.offset + (first + row) * rowStride;
    for (let j = 0; j < columns; j++, at += columnStride) to[row * pitch + j] = from[at]!;
  }
}

function storeRow(out: View, row: number, sums: Float64Array): void {
  const to = out.storage.array(out.dtype);
  const [rowStride, columnStride] = out.strides.slice(-2) as [number, number];
  let at = out.offset + row * rowStride;
  for (let j = 0; j < sums.length; j++, at += columnStride) to[at] = sums[j]!;
}
