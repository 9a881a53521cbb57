import { describe, expect, it } from 'vitest';
import type { ComputeType, DType } from '../../lib/backend/dtype.js';
import { createJsBackend } from '../../lib/backend/js/js.js';
import { foldNames, type MicroOp, microOpNames, microOps } from '../../lib/backend/micro-ops.js';
import { sizeOf, type View } from '../../lib/backend/view.js';
import {
  add,
  div,
  exp,
  mul,
  param,
  position,
  rowArgmax,
  rowArgmin,
  rowMax,
  rowMin,
  rowProd,
  rowSum,
  sub,
} from '../../lib/expr/index.js';
import { layouts, noise, offsetsOf, operand, specialValues, valuesOf } from './operands.js';
import { programOf, singleOp } from './programs.js';

const js = createJsBackend();
const computeTypes: readonly ComputeType[] = ['float32', 'float64'];
const rounding = { float32: Math.fround, float64: (x: number) => x };

describe('map', () => {
  const scalarOps = microOpNames.filter((op) => microOps[op].arity > 0 && op !== 'expand');

  it.each(scalarOps)('%s is its scalar definition, rounded once', (op) => {
    for (const compute of computeTypes) {
      const inputs = specialOperands(op, compute);
      const out = operand(compute, inputs[0]!.shape, [0]);
      js.map(singleOp(op, compute), [], inputs, [out]);
      const [a, b, c] = inputs.map((view) => valuesOf(view));
      const expected = a!.map((x, i) => rounding[compute](microOps[op].apply(x, b?.[i] ?? 0, c?.[i] ?? 0)));
      expect(valuesOf(out)).toEqual(expected);
    }
  });

  it.each([0, 1, 1023, 1024, 1025, 5000])('takes %i elements', (length) => {
    const a = operand('float32', [length], noise(length));
    const out = operand('float32', [length], [0]);
    js.map(singleOp('neg', 'float32'), [], [a], [out]);
    expect(valuesOf(out)).toEqual(valuesOf(a).map((x) => -x));
  });

  it('broadcasts operands of any layout', () => {
    const shape = [3, 50, 20];
    for (const layoutA of layouts) {
      for (const [shapeB, layoutB] of [
        [[20], 'strided'],
        [[50, 1], 'transposed'],
        [[3, 1, 20], 'offset'],
        [[], 'contiguous'],
      ] as const) {
        const a = operand('float64', shape, noise(3000), layoutA);
        const b = operand('float64', shapeB, noise(sizeOf(shapeB), 7), layoutB);
        const out = operand('float64', shape, [0], layoutA);
        js.map(singleOp('add', 'float64'), [], [a, b], [out]);
        const right = valuesOf(b, shape);
        expect(valuesOf(out)).toEqual(valuesOf(a).map((x, i) => x + right[i]!));
      }
    }
  });

  it('leaves what lies between the elements of an output alone', () => {
    const out = operand('float32', [10, 20], [0], 'strided');
    js.map(singleOp('copy', 'float32'), [], [operand('float32', [], [5])], [out]);
    const written = new Set(offsetsOf(out, out.shape));
    out.storage.array('float32').forEach((value, i) => {
      expect(value).toBe(written.has(i) ? 5 : 113);
    });
  });

  it('converts on loading and storing', () => {
    const values = [-2.7, -1, -0, 0, 0.3, 1, 2.7, 200];
    const convert = (from: DType, to: DType, compute: ComputeType) => {
      const out = operand(to, [values.length], [0]);
      js.map(singleOp('copy', compute), [], [operand(from, [values.length], values)], [out]);
      return valuesOf(out);
    };
    expect(convert('float64', 'int32', 'float64')).toEqual([-2, -1, 0, 0, 0, 1, 2, 200]);
    expect(convert('float64', 'bool', 'float32')).toEqual([1, 1, 0, 0, 1, 1, 1, 1]);
    expect(convert('float64', 'float32', 'float32')).toEqual(values.map(Math.fround));
    expect(convert('int32', 'float64', 'float32')).toEqual([-2, -1, 0, 0, 0, 1, 2, 200]);
  });

  it('stores NaN as true', () => {
    const out = operand('bool', [1], [0]);
    js.map(singleOp('copy', 'float64'), [], [operand('float64', [1], [Number.NaN])], [out]);
    expect(valuesOf(out)).toEqual([1]);
  });

  it('writes several outputs, in place where an output is an input', () => {
    const momentum = programOf(
      'float32',
      3,
      (p, g, v) => {
        const velocity = add(mul(param(0), v!), g!);
        return [sub(p!, mul(param(1), velocity)), velocity];
      },
      2,
    );
    const [p, g, v] = [1, 2, 3].map((seed) => operand('float32', [1500], noise(1500, seed))) as [View, View, View];
    const [p0, g0, v0] = [p, g, v].map((view) => valuesOf(view)) as [number[], number[], number[]];
    js.map(momentum, [0.5, 0.25], [p, g, v], [p, v]);
    const velocity = v0.map((x, i) => Math.fround(Math.fround(0.5 * x) + g0[i]!));
    expect(valuesOf(v)).toEqual(velocity);
    expect(valuesOf(p)).toEqual(p0.map((x, i) => Math.fround(x - Math.fround(0.25 * velocity[i]!))));
  });
});

describe('fold', () => {
  const body = { sum: rowSum, prod: rowProd, min: rowMin, max: rowMax, argmin: rowArgmin, argmax: rowArgmax };
  const shapes: readonly (readonly [number[], number[]])[] = [
    [[5], [0]],
    [[], []],
    [[7, 9], [1]],
    [[7, 9], [0]],
    [
      [7, 9],
      [0, 1],
    ],
    [[4, 30, 50], [1]],
    [
      [4, 30, 50],
      [0, 2],
    ],
    [
      [4, 30, 50],
      [0, 1],
    ],
    [[3, 2000], [1]],
    [[2000, 3], [0]],
    [[2, 2000], [0]],
    [[0, 4], [0]],
    [[4, 0], [1]],
    [[0, 4], [1]],
    [
      [1, 1],
      [0, 1],
    ],
  ];

  it.each(foldNames)('%s folds any axes of any layout', (fold) => {
    for (const [shape, axes] of shapes) {
      for (const layout of layouts) {
        const input = operand('float64', shape, noise(500), layout);
        const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
        const out = operand('float64', kept, [0]);
        js.fold(
          programOf('float64', 1, (x) => body[fold](x!)),
          [],
          [input],
          [out],
          shape,
          axes,
        );
        const rows = rowsOf(input, shape, axes);
        valuesOf(out).forEach((value, i) => {
          expect(value).toBeCloseTo(reference[fold](rows[i]!), 9);
        });
      }
    }
  });

  it('lets NaN win, and the first of equal elements', () => {
    const row = (values: number[], fold: 'min' | 'max' | 'argmin' | 'argmax') => {
      const out = operand('float32', [1], [0]);
      const input = operand('float32', [values.length], values);
      js.fold(
        programOf('float32', 1, (x) => body[fold](x!)),
        [],
        [input],
        [out],
        [values.length],
        [0],
      );
      return valuesOf(out)[0];
    };
    expect(row([1, Number.NaN, -1], 'max')).toBeNaN();
    expect(row([1, Number.NaN, -1], 'min')).toBeNaN();
    expect(row([1, Number.NaN, 9, Number.NaN], 'argmax')).toBe(1);
    expect(row([1, Number.NaN, -9, Number.NaN], 'argmin')).toBe(1);
    expect(row([2, 7, 7, 2], 'argmax')).toBe(1);
    expect(row([2, 7, 7, 2], 'argmin')).toBe(0);
    expect(row([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY], 'argmax')).toBe(0);
  });

  it('sums in doubles', () => {
    const out = operand('float32', [1], [0]);
    const input = operand('float32', [100_001], [1e8, ...new Array<number>(100_000).fill(1)]);
    js.fold(
      programOf('float32', 1, (x) => rowSum(x!)),
      [],
      [input],
      [out],
      [100_001],
      [0],
    );
    expect(valuesOf(out)).toEqual([Math.fround(100_100_000)]);
  });

  it.each([
    [[300, 10], [1]],
    [[5, 1024], [1]],
    [[5, 1025], [1]],
    [[2, 5000], [1]],
    [[10, 300], [0]],
    [[5000, 3], [0]],
    [[3, 2000], [0]],
    [
      [6, 7, 8],
      [0, 2],
    ],
  ])('runs stages over rows that fit a block or do not: softmax of %j over %j', (shape, axes) => {
    const softmax = programOf('float64', 1, (x) => {
      const e = exp(sub(x!, rowMax(x!)));
      return div(e, rowSum(e));
    });
    const input = operand('float64', shape, noise(4000), 'transposed');
    const out = operand('float64', shape, [0], 'strided');
    js.fold(softmax, [], [input], [out], shape, axes);
    const rows = rowsOf(input, shape, axes);
    rowsOf(out, shape, axes).forEach((row, r) => {
      const total = rows[r]!.reduce((sum, x) => sum + Math.exp(x), 0);
      row.forEach((value, i) => {
        expect(value).toBeCloseTo(Math.exp(rows[r]![i]!) / total, 12);
      });
    });
  });

  it('counts positions along several folded axes in row-major order', () => {
    const shape = [3, 4, 5];
    const out = operand('int32', shape, [0]);
    const program = programOf('float64', 1, (x) => add(position(), mul(0, rowSum(x!))));
    js.fold(program, [], [operand('float64', shape, [1])], [out], shape, [0, 2]);
    expect(valuesOf(out)).toEqual(Array.from({ length: 60 }, (_, i) => Math.floor(i / 20) * 5 + (i % 5)));
  });
});

describe('matmul', () => {
  it.each([
    [1, 1, 1],
    [2, 3, 4],
    [5, 7, 3],
    [1, 9, 6],
    [6, 9, 1],
    [3, 0, 4],
    [0, 3, 4],
    [17, 33, 20],
  ])('multiplies %ix%ix%i in any layout', (m, k, n) => {
    for (const layoutA of layouts) {
      for (const layoutB of layouts) {
        const a = operand('float32', [m, k], noise(m * k), layoutA);
        const b = operand('float32', [k, n], noise(k * n, 5), layoutB);
        const out = operand('float32', [m, n], [0], layoutA);
        js.matmul(a, b, [out], null);
        expect(valuesOf(out)).toEqual(product(a, b).map(Math.fround));
      }
    }
  });

  it('broadcasts batches', () => {
    const a = operand('float64', [4, 1, 2, 3], noise(24));
    const b = operand('float64', [5, 3, 2], noise(30, 3));
    const out = operand('float64', [4, 5, 2, 2], [0]);
    js.matmul(a, b, [out], null);
    const results = valuesOf(out);
    for (let i = 0; i < 4; i++) {
      for (let j = 0; j < 5; j++) {
        const expected = product(matrixAt(a, i * 6), matrixAt(b, j * 6));
        expect(results.slice((i * 5 + j) * 4, (i * 5 + j + 1) * 4)).toEqual(expected);
      }
    }
  });

  it('runs an epilogue over the product', () => {
    const a = operand('float32', [6, 4], noise(24));
    const b = operand('float32', [4, 5], noise(20, 3));
    const bias = operand('float32', [5], noise(5, 9));
    const out = operand('float32', [6, 5], [0]);
    const program = programOf('float32', 2, (x, y) => add(mul(x!, param(0)), y!), 1);
    js.matmul(a, b, [out], { program, params: [2], inputs: [bias] });
    const added = valuesOf(bias, [6, 5]);
    expect(valuesOf(out)).toEqual(product(a, b).map((x, i) => Math.fround(Math.fround(x) * 2 + added[i]!)));
  });
});

describe('gather and scatter', () => {
  const index = operand('int32', [2, 3], [2, 0, 1, 1, 1, 0], 'transposed');

  it('gathers along an axis', () => {
    const input = operand('float32', [3, 3], [0, 1, 2, 3, 4, 5, 6, 7, 8], 'strided');
    const out = operand('float32', [2, 3], [0]);
    expect(js.gather(out, input, index, 0)).toBe(-1);
    expect(valuesOf(out)).toEqual([6, 1, 5, 3, 4, 2]);
    expect(js.gather(out, input, index, 1)).toBe(-1);
    expect(valuesOf(out)).toEqual([2, 0, 1, 4, 4, 3]);
  });

  it('scatters along an axis: the last write wins, or all are added', () => {
    const source = operand('float32', [2, 3], [1, 2, 3, 4, 5, 6], 'offset');
    const out = operand('float32', [3, 3], [100]);
    expect(js.scatter(out, index, source, 1, 'set')).toBe(-1);
    expect(valuesOf(out)).toEqual([2, 3, 1, 6, 5, 100, 100, 100, 100]);
    expect(js.scatter(out, index, source, 1, 'add')).toBe(-1);
    expect(valuesOf(out)).toEqual([4, 6, 2, 12, 14, 100, 100, 100, 100]);
  });

  it('adds bools by or', () => {
    const out = operand('bool', [2], [0, 1]);
    const source = operand('bool', [3], [1, 1, 0]);
    expect(js.scatter(out, operand('int32', [3], [0, 0, 1]), source, 0, 'add')).toBe(-1);
    expect(valuesOf(out)).toEqual([1, 1]);
  });

  it.each([-1, 3])('reports where index %i is and writes nothing', (bad) => {
    const indices = operand('int32', [2, 3], [0, 1, 2, 0, bad, bad]);
    const out = operand('float32', [2, 3], [9]);
    const input = operand('float32', [2, 3], [1]);
    expect(js.gather(out, input, indices, 1)).toBe(4);
    expect(js.scatter(out, indices, input, 1, 'set')).toBe(4);
    expect(valuesOf(out)).toEqual([9, 9, 9, 9, 9, 9]);
  });

  it('takes an empty index', () => {
    const out = operand('float32', [0, 3], [0]);
    expect(js.gather(out, operand('float32', [2, 3], [1]), operand('int32', [0, 3], [0]), 0)).toBe(-1);
  });
});

it('has one thread', () => {
  js.setNumThreads(4);
  expect(js.getNumThreads()).toBe(1);
});

/** Operands for every pair of special values (for one operand: every special value), enough to leave a tail behind a block. */
function specialOperands(op: MicroOp, compute: ComputeType): View[] {
  const { arity } = microOps[op];
  const pairs = specialValues.flatMap((a) => specialValues.map((b) => [a, b, a + b] as const));
  return Array.from({ length: arity }, (_, i) =>
    operand(
      compute,
      [pairs.length],
      pairs.map((pair) => pair[i]!),
    ),
  );
}

/** The rows that folding `axes` makes of a view, in row-major order of the kept axes. */
function rowsOf(view: View, shape: readonly number[], axes: readonly number[]): number[][] {
  const kept = [...shape.keys()].filter((axis) => !axes.includes(axis));
  const order = [...kept, ...axes];
  const permuted: View = {
    ...view,
    shape: order.map((axis) => shape[axis]!),
    strides: order.map((axis) => view.strides[axis]!),
  };
  const columns = sizeOf(axes.map((axis) => shape[axis]!));
  const values = valuesOf(permuted);
  return Array.from({ length: sizeOf(kept.map((axis) => shape[axis]!)) }, (_, r) =>
    values.slice(r * columns, (r + 1) * columns),
  );
}

const reference = {
  sum: (row: number[]) => row.reduce((a, b) => a + b, 0),
  prod: (row: number[]) => row.reduce((a, b) => a * b, 1),
  min: (row: number[]) => Math.min(...row),
  max: (row: number[]) => Math.max(...row),
  argmin: (row: number[]) => Math.max(0, row.indexOf(Math.min(...row))),
  argmax: (row: number[]) => Math.max(0, row.indexOf(Math.max(...row))),
};

/** The product of two matrices, summed in order. */
function product(a: View, b: View): number[] {
  const [m, k] = a.shape.slice(-2) as [number, number];
  const n = b.shape.at(-1)!;
  const [x, y] = [valuesOf(a), valuesOf(b)];
  return Array.from({ length: m * n }, (_, i) => {
    let sum = 0;
    for (let p = 0; p < k; p++) sum += x[Math.floor(i / n) * k + p]! * y[p * n + (i % n)]!;
    return sum;
  });
}

const matrixAt = (view: View, offset: number): View => ({
  ...view,
  offset,
  shape: view.shape.slice(-2),
  strides: view.strides.slice(-2),
});
