import type { ComputeType } from '../../lib/backend/dtype.js';
import { allocate } from '../../lib/backend/storage.js';
import { contiguousStrides, sizeOf, type View } from '../../lib/backend/view.js';

/**
 * How the last two axes of a test matrix lie in memory: by rows, by columns, by rows with a gap after each, by columns with a gap, or with gaps
 * everywhere.
 */
export const matrixLayouts = ['rows', 'columns', 'gapped rows', 'gapped columns', 'gaps'] as const;
export type MatrixLayout = (typeof matrixLayouts)[number];

const GAP = 3;

/** A matrix (with leading batch axes) whose element number i, in memory order, is `value(i)`. */
export function matrix(
  dtype: ComputeType,
  shape: readonly number[],
  layout: MatrixLayout,
  value: (i: number) => number,
): View {
  const [rows, columns] = shape.slice(-2) as [number, number];
  const [rowStride, columnStride] = strideOf(layout, rows, columns);
  const pitch = (rows + GAP) * (columns + GAP) * 2;
  const batch = shape.slice(0, -2);
  const storage = allocate(dtype, (sizeOf(batch) + 1) * pitch);
  const array = storage.array(dtype);
  for (let i = 0; i < array.length; i++) array[i] = value(i);
  const strides = [...contiguousStrides(batch).map((stride) => stride * pitch), rowStride, columnStride];
  return { storage, offset: 5, shape, strides, dtype };
}

function strideOf(layout: MatrixLayout, rows: number, columns: number): [number, number] {
  switch (layout) {
    case 'rows':
      return [columns, 1];
    case 'columns':
      return [1, rows];
    case 'gapped rows':
      return [columns + GAP, 1];
    case 'gapped columns':
      return [1, rows + GAP];
    case 'gaps':
      return [2 * columns + 1, 2];
    default:
      return layout satisfies never;
  }
}

/** Quarters so small that every sum of products here is exact in float32, whatever the order and rounding of its parts. */
export const quarters = (i: number): number => (((i * 7919) % 61) - 30) / 4;

/** The product of two matrices by the definition: rows of columns of sums. */
export function naiveProduct(a: View, b: View): number[] {
  const [m, k] = a.shape.slice(-2) as [number, number];
  const n = b.shape.at(-1)!;
  // Both with their sums' terms side by side: most of the time of many suites is spent here.
  const [rows, columns] = [new Float64Array(elementsOf(a)), new Float64Array(elementsOf(transposed(b)))];
  const product = new Array<number>(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) sum += rows[i * k + p]! * columns[j * k + p]!;
      product[i * n + j] = sum;
    }
  }
  return product;
}

const transposed = (view: View): View => ({
  ...view,
  shape: view.shape.slice(-2).reverse(),
  strides: view.strides.slice(-2).reverse(),
});

/** The elements of one matrix, row by row. */
export function elementsOf(view: View): number[] {
  const [rows, columns] = view.shape.slice(-2) as [number, number];
  const [rowStride, columnStride] = view.strides.slice(-2) as [number, number];
  const array = view.storage.array(view.dtype);
  const elements = new Array<number>(rows * columns);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++)
      elements[i * columns + j] = array[view.offset + i * rowStride + j * columnStride]!;
  return elements;
}

/** One matrix of a batch. */
export function batchOf(view: View, index: readonly number[]): View {
  const offset = index.reduce(
    (at, i, axis) => at + (view.shape[axis] === 1 ? 0 : i * view.strides[axis]!),
    view.offset,
  );
  return { ...view, offset, shape: view.shape.slice(-2), strides: view.strides.slice(-2) };
}
