import { describe, expect, it } from 'vitest';
import type { ComputeType } from '../../lib/backend/dtype.js';
import { backend, getNumThreads, setNumThreads } from '../../lib/backend/index.js';
import type { Epilogue } from '../../lib/backend/program.js';
import type { View } from '../../lib/backend/view.js';
import { add, max, mul, param, sub } from '../../lib/expr/index.js';
import { batchOf, elementsOf, type MatrixLayout, matrix, matrixLayouts, naiveProduct, quarters } from './matrices.js';
import { noise, operand, valuesOf } from './operands.js';
import { programOf } from './programs.js';

const types: readonly ComputeType[] = ['float32', 'float64'];
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** The plain backend has no tiles and no blocks at whose edges it might go wrong, and takes its time. */
const sizes =
  backend.name === 'native'
    ? { small: range(0, 20), m: [1, 27, 29, 43], n: [1, 31, 32, 33, 65, 100], k: [15, 33, 383, 384, 385] }
    : { small: [0, 1, 2, 3, 5, 8, 13, 20], m: [1, 29], n: [1, 33], k: [15, 385] };

const blocks =
  backend.name === 'native'
    ? ([
        [513, 517, 65],
        [530, 40, 1030],
        [7, 1030, 300],
        [1030, 7, 300],
        [150, 300, 600],
      ] as const)
    : ([[7, 1030, 30]] as const);

interface Layouts {
  readonly a?: MatrixLayout;
  readonly b?: MatrixLayout;
  readonly out?: MatrixLayout;
}

function checkProduct(dtype: ComputeType, m: number, n: number, k: number, layouts: Layouts = {}): void {
  const a = matrix(dtype, [m, k], layouts.a ?? 'rows', quarters);
  const b = matrix(dtype, [k, n], layouts.b ?? 'rows', quarters);
  const out = matrix(dtype, [m, n], layouts.out ?? 'rows', () => Number.NaN);
  backend.matmul(a, b, [out], null);
  expectSame(elementsOf(out), naiveProduct(a, b), `${dtype} ${m}x${k} by ${k}x${n} ${JSON.stringify(layouts)}`);
}

/** As `toEqual`, without its cost for the many arrays that are the same. */
function expectSame(actual: readonly number[], expected: readonly number[], what: string): void {
  const at = actual.findIndex(
    (value, i) => value !== expected[i] && !(Number.isNaN(value) && Number.isNaN(expected[i])),
  );
  expect({ what, at, value: actual[at] }).toEqual({ what, at: -1, value: undefined });
}

const transpositions: readonly Layouts[] = [
  { a: 'rows', b: 'rows' },
  { a: 'columns', b: 'rows' },
  { a: 'rows', b: 'columns' },
  { a: 'columns', b: 'columns' },
];

describe('matmul against the triple loop', () => {
  for (const dtype of types) {
    it.each(transpositions)(`${dtype}, every small size, a by $a, b by $b`, (layouts) => {
      for (const m of sizes.small) {
        for (const n of sizes.small) {
          for (const k of [0, 1, 2, 3, 8, 17]) checkProduct(dtype, m, n, k, layouts);
        }
      }
    });

    it.each(transpositions)(`${dtype}, sizes around the edges of tiles, a by $a, b by $b`, (layouts) => {
      for (const m of sizes.m) {
        for (const n of sizes.n) {
          for (const k of sizes.k) checkProduct(dtype, m, n, k, layouts);
        }
      }
    });

    it.each(transpositions)(`${dtype}, sizes around the edges of blocks, a by $a, b by $b`, (layouts) => {
      for (const [m, n, k] of blocks) checkProduct(dtype, m, n, k, layouts);
    });

    it(`${dtype}, few rows by a matrix that lies transposed`, () => {
      for (const m of [7, 8, 15, 16, 33, 48, 49]) {
        for (const k of [255, 256, 261]) {
          for (const out of ['rows', 'columns', 'gapped rows'] as const) {
            checkProduct(dtype, m, 2 * m + 3, k, { b: 'columns', out });
            checkProduct(dtype, m, 2 * m - 1, k, { a: 'columns', b: 'columns', out });
          }
        }
      }
    });

    it(`${dtype}, few columns of a matrix that lies transposed`, () => {
      for (const m of [15, 16, 31, 32, 33, 70]) {
        for (const n of [1, 2, 3, 4, 5, 8, 9]) {
          for (const k of [255, 256, 261]) {
            for (const out of ['rows', 'columns', 'gapped rows'] as const) {
              checkProduct(dtype, m, n, k, { a: 'columns', out });
              checkProduct(dtype, m, n, k, { a: 'columns', b: 'columns', out });
            }
          }
        }
      }
    });

    it(`${dtype}, any strides`, () => {
      checkProduct(dtype, 250, 600, 3, { a: 'rows', b: 'rows', out: 'columns' });
      for (const a of matrixLayouts) {
        for (const b of matrixLayouts) {
          for (const out of matrixLayouts) {
            checkProduct(dtype, 19, 37, 21, { a, b, out });
            checkProduct(dtype, 1, 1, 3, { a, b, out });
          }
        }
      }
    });
  }

  it('writes nothing but the product', () => {
    const a = matrix('float32', [15, 9], 'rows', quarters);
    const b = matrix('float32', [9, 35], 'rows', quarters);
    const out = matrix('float32', [15, 35], 'gapped rows', () => 7);
    backend.matmul(a, b, [out], null);
    const written = elementsOf(out).length;
    const untouched = out.storage.array('float32').filter((value) => value === 7).length;
    const sevens = elementsOf(out).filter((value) => value === 7).length;
    expect(untouched - sevens).toBe(out.storage.array('float32').length - written);
  });

  it('passes NaN and infinities on, also through zeros', () => {
    const values = [0, Number.POSITIVE_INFINITY, 1, Number.NaN, -2, 0, Number.NEGATIVE_INFINITY];
    for (const dtype of types) {
      const a = matrix(dtype, [20, 3], 'rows', (i) => values[i % 7]!);
      const b = matrix(dtype, [3, 40], 'rows', (i) => values[i % 5]!);
      const out = matrix(dtype, [20, 40], 'rows', () => 0);
      backend.matmul(a, b, [out], null);
      expectSame(elementsOf(out), naiveProduct(a, b), dtype);
    }
  });
});

describe('batches', () => {
  const cases = [
    { a: [3, 5, 4], b: [3, 4, 6] },
    { a: [1, 5, 4], b: [3, 4, 6] },
    { a: [2, 1, 5, 4], b: [1, 3, 4, 6] },
    { a: [2, 3, 17, 33], b: [2, 1, 33, 35] },
    { a: [40, 16, 16], b: [40, 16, 16] },
    { a: [0, 5, 4], b: [1, 4, 6] },
  ];

  it.each(cases)('$a by $b', (shapes) => {
    const batch = shapes.a.slice(0, -2).map((size, axis) => (size === 1 ? shapes.b[axis]! : size));
    const a = matrix('float32', shapes.a, 'rows', quarters);
    const b = matrix('float32', shapes.b, 'columns', quarters);
    const out = matrix('float32', [...batch, shapes.a.at(-2)!, shapes.b.at(-1)!], 'rows', () => Number.NaN);
    backend.matmul(a, b, [out], null);
    for (const index of indicesOf(batch)) {
      expectSame(elementsOf(batchOf(out, index)), naiveProduct(batchOf(a, index), batchOf(b, index)), `batch ${index}`);
    }
  });

  function indicesOf(shape: readonly number[]): number[][] {
    return shape.reduce<number[][]>((all, size) => all.flatMap((i) => range(0, size - 1).map((j) => [...i, j])), [[]]);
  }
});

describe('epilogue', () => {
  const sizes = [
    [3, 5, 2],
    [40, 70, 300],
    [600, 530, 3],
    [40, 100, 300],
    [90, 1100, 1030],
    [300, 1100, 5],
  ] as const;

  /** Runs an epilogue over products of several sizes and compares with `expected(product, row, column)`. */
  function check(
    epilogueOf: (m: number, n: number) => Epilogue,
    expected: (product: number, row: number, column: number) => number,
  ): void {
    for (const [m, n, k] of sizes) {
      const a = matrix('float32', [m, k], 'rows', quarters);
      const b = matrix('float32', [k, n], 'columns', quarters);
      const out = matrix('float32', [m, n], 'rows', () => Number.NaN);
      backend.matmul(a, b, [out], epilogueOf(m, n));
      const values = naiveProduct(a, b).map((product, i) => expected(product, Math.floor(i / n), i % n));
      expectSame(elementsOf(out), values, `${m}x${k} by ${k}x${n}`);
    }
  }

  it('adds a row and takes the positive part', () => {
    const program = programOf('float32', 2, (product, bias) => max(add(product!, bias!), 0));
    const bias = (n: number) => operand('float32', [n], range(0, n - 1).map(quarters));
    check(
      (_, n) => ({ program, params: [], inputs: [bias(n)] }),
      (product, _, column) => Math.max(0, product + quarters(column)),
    );
  });

  it('adds a column', () => {
    const program = programOf('float32', 2, (product, bias) => add(product!, bias!));
    const bias = (m: number) => operand('float32', [m, 1], range(0, m - 1).map(quarters));
    check(
      (m) => ({ program, params: [], inputs: [bias(m)] }),
      (product, row) => product + quarters(row),
    );
  });

  it('adds a scalar and scales by a parameter', () => {
    const program = programOf('float32', 2, (product, bias) => mul(add(product!, bias!), param(0)), 1);
    check(
      () => ({ program, params: [0.5], inputs: [operand('float32', [], [2.25])] }),
      (product) => (product + 2.25) * 0.5,
    );
  });

  it('updates a parameter and its momentum in place', () => {
    const program = programOf(
      'float32',
      3,
      (gradient, momentum, weight) => {
        const next = add(mul(momentum!, param(1)), gradient!);
        return [next, sub(weight!, mul(next, param(0)))];
      },
      2,
    );
    const a = matrix('float32', [50, 31], 'columns', quarters);
    const b = matrix('float32', [31, 45], 'rows', quarters);
    const momentum = matrix('float32', [50, 45], 'rows', quarters);
    const weight = matrix('float32', [50, 45], 'columns', quarters);
    const [oldMomentum, oldWeight] = [elementsOf(momentum), elementsOf(weight)];
    backend.matmul(a, b, [momentum, weight], { program, params: [0.25, 0.5], inputs: [momentum, weight] });
    const newMomentum = naiveProduct(a, b).map((gradient, i) => oldMomentum[i]! * 0.5 + gradient);
    expectSame(elementsOf(momentum), newMomentum, 'momentum');
    expectSame(
      elementsOf(weight),
      newMomentum.map((value, i) => oldWeight[i]! - 0.25 * value),
      'weight',
    );
  });

  it('sees the batches that its inputs are broadcast over', () => {
    const program = programOf('float32', 2, (product, bias) => add(product!, bias!));
    const a = matrix('float32', [4, 6, 5], 'rows', quarters);
    const b = matrix('float32', [1, 5, 7], 'rows', quarters);
    const bias = operand('float32', [4, 1, 7], range(0, 27).map(quarters));
    const out = matrix('float32', [4, 6, 7], 'rows', () => Number.NaN);
    backend.matmul(a, b, [out], { program, params: [], inputs: [bias] });
    for (const batch of range(0, 3)) {
      const product = naiveProduct(batchOf(a, [batch]), batchOf(b, [0]));
      const values = product.map((value, i) => value + quarters(batch * 7 + (i % 7)));
      expectSame(elementsOf(batchOf(out, [batch])), values, `batch ${batch}`);
    }
  });
});

describe('bits', () => {
  it('do not depend on the number of threads', () => {
    const before = getNumThreads();
    const program = programOf('float32', 2, (product, bias) => max(add(product!, bias!), 0));
    const a = operand('float32', [3, 150, 333], noise(3 * 150 * 333));
    const b = operand('float32', [333, 190], noise(333 * 190, 2));
    const bias = operand('float32', [190], noise(190, 3));
    const product = (threads: number): number[] => {
      setNumThreads(threads);
      const out: View = operand('float32', [3, 150, 190], [0]);
      backend.matmul(a, b, [out], { program, params: [], inputs: [bias] });
      return valuesOf(out);
    };
    const expected = product(1);
    for (const threads of [2, 3, 4, 8]) expectSame(product(threads), expected, `${threads} threads`);
    setNumThreads(before);
  });
});
