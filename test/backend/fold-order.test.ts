import { backendName, manualSeed, noGrad, ones, rand, randn, setNumThreads, type Tensor } from 'nabla';
import { afterEach, describe, expect, it } from 'vitest';

/**
 * The order in which the elements of a row are folded depends on how many they are, and on nothing else: not on where they lie, on what
 * else is folded, or on the number of threads.
 */

type Float = 'float32' | 'float64';
type Combine = (a: number, b: number) => number;

/** In doubles, one after the other: the JavaScript core. */
const inOrder = (values: readonly number[], combine: Combine, identity: number) => values.reduce(combine, identity);

/** Elements round robin to lanes of 256 bytes, which are folded by halving: a run of the native core. */
function foldRun(values: readonly number[], dtype: Float, combine: Combine, identity: number): number {
  const round = dtype === 'float32' ? Math.fround : (x: number) => x;
  const lanes = new Array<number>(dtype === 'float32' ? 64 : 32).fill(identity);
  values.forEach((value, i) => {
    lanes[i % lanes.length] = round(combine(lanes[i % lanes.length]!, value));
  });
  for (let half = lanes.length / 2; half >= 1; half /= 2) {
    for (let i = 0; i < half; i++) lanes[i] = round(combine(lanes[i]!, lanes[i + half]!));
  }
  return lanes[0]!;
}

const pieces = (values: readonly number[], length: number) =>
  Array.from({ length: Math.ceil(values.length / length) }, (_, i) => values.slice(i * length, (i + 1) * length));

/** Runs of 4096 bytes, whose values are folded in doubles, 32 at a time. */
function inRuns(values: readonly number[], dtype: Float, combine: Combine, identity: number): number {
  const run = dtype === 'float32' ? 1024 : 512;
  const parts = pieces(values, 32 * run).map((part) =>
    inOrder(
      pieces(part, run).map((one) => foldRun(one, dtype, combine, identity)),
      combine,
      identity,
    ),
  );
  return inOrder(parts, combine, identity);
}

function expected(values: readonly number[], dtype: Float, combine: Combine, identity: number): number {
  const result = backendName() === 'js' ? inOrder(values, combine, identity) : inRuns(values, dtype, combine, identity);
  return dtype === 'float32' ? Math.fround(result) : result;
}

const add: Combine = (a, b) => a + b;
const multiply: Combine = (a, b) => a * b;

/** Around lanes, tiles, runs and parts of either type. */
const lengths = [1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 128, 255, 256, 257, 511, 512, 513, 1000];
const long = [1023, 1024, 1025, 2049, 5000, 16384, 16385, 32768, 33000, 70001];

afterEach(() => {
  setNumThreads(1);
});

describe.each(['float32', 'float64'] as const)('the order of a fold, %s', (dtype) => {
  it.each([...lengths, ...long])('is that of the definition: %i elements', (n) => {
    manualSeed(n);
    const x = randn([n], { dtype });
    expect(x.sum().item()).toBe(expected([...x.toTypedArray()], dtype, add, 0));
    const factors = rand([n], { dtype }).mul(0.02).add(0.99);
    // Products of float32 are computed in float64.
    const product = expected([...factors.toTypedArray()], 'float64', multiply, 1);
    expect(factors.prod().item()).toBe(dtype === 'float32' ? Math.fround(product) : product);
  });

  it.each(lengths)('is the same for rows and columns, alone and among others: %i elements', (n) => {
    manualSeed(n);
    for (const rows of [1, 2, 3, 8, 9, 17, 64, 65, 130, 300]) {
      const x = randn([rows, n], { dtype }).mul(0.1).add(1);
      const columns = x.t().contiguous();
      for (const fold of [(a: Tensor, dim: number) => a.sum(dim), (a: Tensor, dim: number) => a.prod(dim)]) {
        const byRow = fold(x, 1).toTypedArray();
        expect(fold(columns, 0).toTypedArray()).toEqual(byRow);
        expect(fold(x.t(), 0).toTypedArray()).toEqual(byRow);
        expect(fold(columns.t(), 1).toTypedArray()).toEqual(byRow);
        expect(fold(x.narrow(0, rows - 1, 1), 1).item()).toBe(byRow[rows - 1]);
        expect(fold(columns.select(1, rows - 1), 0).item()).toBe(byRow[rows - 1]);
      }
    }
  });

  it.each([1025, 3000, 40000])('is the same for long columns, on any number of threads: %i elements', (n) => {
    manualSeed(n);
    const columns = randn([n, 70], { dtype });
    const rows = columns.t().contiguous().sum(1).toTypedArray();
    for (const threads of [1, 2, 3]) {
      setNumThreads(threads);
      expect(columns.sum(0).toTypedArray()).toEqual(rows);
      expect(
        columns
          .mul(ones([70], { dtype }))
          .sum(0)
          .toTypedArray(),
      ).toEqual(rows);
      expect(columns.narrow(1, 3, 5).sum(0).toTypedArray()).toEqual(rows.slice(3, 8));
    }
  });

  it('is the same over several axes, however an operand is walked along them', () => {
    manualSeed(0);
    for (const [a, b, c] of [
      [3, 4, 5],
      [64, 3, 49],
      [7, 2, 784],
      [5, 3, 1500],
      [40, 6, 33],
      [2, 5, 1024],
    ] as const) {
      const x = randn([a, b, c], { dtype });
      const rows = x
        .transpose(0, 1)
        .contiguous()
        .view([b, a * c])
        .sum(1)
        .toTypedArray();
      expect(x.sum([0, 2]).toTypedArray()).toEqual(rows);
      expect(x.transpose(0, 2).contiguous().transpose(0, 2).sum([0, 2]).toTypedArray()).toEqual(rows);
      expect(x.sum().item()).toBe(
        x
          .view([a * b * c])
          .sum()
          .item(),
      );
      expect(x.transpose(1, 2).contiguous().transpose(1, 2).sum().item()).toBe(x.sum().item());
    }
  });
});

it('says where the first extreme element is, in rows and columns, whatever the layout', () => {
  noGrad(() => {
    manualSeed(0);
    for (const n of [5, 16, 33, 64, 200, 1100]) {
      const x = randn([n, 37]).mul(3).round();
      const rows = x.t().contiguous();
      expect(x.argmax(0).toArray()).toEqual(rows.argmax(1).toArray());
      expect(x.argmin(0).toArray()).toEqual(rows.argmin(1).toArray());
      expect(x.amax(0).toArray()).toEqual(rows.amax(1).toArray());
      expect(x.argmax(0).toArray()).toEqual(x.t().argmax(1).toArray());
    }
  });
});
