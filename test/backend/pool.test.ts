import { describe, expect, it } from 'vitest';
import type { DType } from '../../lib/backend/dtype.js';
import { backend, createJsBackend, getNumThreads, setNumThreads } from '../../lib/backend/index.js';
import type { Moves } from '../../lib/backend/js/convolve.js';
import { type Layout, noise, operand, valuesOf } from './operands.js';

const moves = (stride: number[], dilation: number[], before: number[]): Moves => ({ stride, dilation, before });

const cases: readonly (readonly [
  shape: readonly number[],
  places: readonly number[],
  kernel: readonly number[],
  moves: Moves,
])[] = [
  [[2, 3, 24, 24], [12, 12], [2, 2], moves([2, 2], [1, 1], [0, 0])],
  [[2, 3, 9, 37], [9, 37], [3, 3], moves([1, 1], [1, 1], [1, 1])],
  [[1, 2, 11, 70], [5, 23], [3, 2], moves([2, 3], [2, 2], [1, 1])],
  [[3, 2, 65], [33], [3], moves([2], [1], [1])],
  [[1, 2, 5, 6, 7], [3, 3, 4], [2, 2, 3], moves([2, 2, 2], [1, 1, 1], [1, 0, 1])],
  [[2, 2, 5], [3], [2], moves([2], [1], [0])],
];

const special = [Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 0, -0, 1, 1, -3, 2];

function pooled(
  core: Pick<typeof backend, 'maxPool'>,
  dtype: DType,
  [shape, places, kernel, how]: (typeof cases)[number],
  values: readonly number[],
  layout: Layout,
) {
  const input = operand(dtype, shape, values, layout);
  const out = [...shape.slice(0, 2), ...places];
  const [found, at] = [operand(dtype, out, [7], layout), operand('int32', out, [7], layout)];
  core.maxPool(input, found, at, kernel, how);
  return [valuesOf(found), valuesOf(at)];
}

describe.each(['float32', 'float64', 'int32'] as const)('maxPool of %s', (dtype) => {
  const js = createJsBackend();
  const lists = dtype === 'int32' ? [[5, -(2 ** 31), 2 ** 31 - 1, 0, 1, 1]] : [noise(997), special];

  it.each(['contiguous', 'strided', 'transposed', 'offset'] as const)('is the definition: %s', (layout) => {
    for (const one of cases) {
      for (const values of lists)
        expect(pooled(backend, dtype, one, values, layout)).toEqual(pooled(js, dtype, one, values, layout));
    }
  });
});

it('takes the first of equal elements, the last NaN, and nothing from outside', () => {
  const of = (values: number[]) => {
    const input = operand('float32', [1, 1, 4], values);
    const [found, at] = [operand('float32', [1, 1, 2], [0]), operand('int32', [1, 1, 2], [0])];
    backend.maxPool(input, found, at, [3], moves([3], [1], [1]));
    return [valuesOf(found), valuesOf(at)];
  };
  expect(of([-5, -5, 1, 1])).toEqual([
    [-5, 1],
    [0, 2],
  ]);
  expect(of([Number.NaN, Number.NaN, -1, -2])).toEqual([
    [Number.NaN, -1],
    [1, 2],
  ]);
  expect(of([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 1, Number.NaN])).toEqual([
    [Number.NEGATIVE_INFINITY, Number.NaN],
    [0, 3],
  ]);
});

it('is the same on any number of threads', () => {
  const threads = getNumThreads();
  const one = [[64, 20, 24, 24], [12, 12], [2, 2], moves([2, 2], [1, 1], [0, 0])] as const;
  const results = [1, 3].map((count) => {
    setNumThreads(count);
    return pooled(backend, 'float32', one, noise(9973), 'contiguous');
  });
  setNumThreads(threads);
  expect(results[1]).toEqual(results[0]);
});
