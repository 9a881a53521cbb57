import { describe, expect, test } from 'vitest';
import {
  arange,
  DTypeError,
  full,
  gradcheck,
  gradgradcheck,
  manualSeed,
  ones,
  randn,
  ShapeError,
  Tensor,
  tensor,
  ValueError,
  zeros,
} from '../../lib/index.js';
import * as reductions from '../../lib/ops/reductions.js';

type Dim = reductions.Dim;

interface Reduction {
  /** What the values along the reduced dimensions become. */
  readonly reference: (values: number[]) => number;
  readonly call: (x: Tensor, dim: Dim, keepdim: boolean) => Tensor;
  /** Whether it takes one dimension only. */
  readonly single?: boolean;
  /** Whether gradients are second differentiable too; those through a position or an extreme are flat. */
  readonly flat?: boolean;
  /** Whether there is a result of nothing. */
  readonly empty?: number;
}

const sum = (values: readonly number[]) => values.reduce((total, x) => total + x, 0);
const mean = (values: readonly number[]) => sum(values) / values.length;
const variance = (values: readonly number[], correction: number) =>
  sum(values.map((x) => (x - mean(values)) ** 2)) / Math.max(0, values.length - correction);
const norm = (p: number) => (values: readonly number[]) => sum(values.map((x) => Math.abs(x) ** p)) ** (1 / p);

const rows: Readonly<Record<string, Reduction>> = {
  sum: { reference: sum, call: (x, dim, keepdim) => x.sum(dim, { keepdim }), empty: 0 },
  prod: {
    reference: (values) => values.reduce((product, x) => product * x, 1),
    call: (x, dim, keepdim) => x.prod(dim, { keepdim }),
    empty: 1,
  },
  mean: { reference: mean, call: (x, dim, keepdim) => x.mean(dim, { keepdim }), empty: Number.NaN },
  var: { reference: (v) => variance(v, 1), call: (x, dim, keepdim) => x.var(dim, { keepdim }), empty: Number.NaN },
  'var correction 0': {
    reference: (v) => variance(v, 0),
    call: (x, dim, keepdim) => x.var(dim, { keepdim, correction: 0 }),
    empty: Number.NaN,
  },
  std: {
    reference: (v) => Math.sqrt(variance(v, 1)),
    call: (x, dim, keepdim) => x.std(dim, { keepdim }),
    empty: Number.NaN,
  },
  'std biased': {
    reference: (v) => Math.sqrt(variance(v, 0)),
    call: (x, dim, keepdim) => x.std(dim, { keepdim, unbiased: false }),
    empty: Number.NaN,
  },
  varMean: {
    reference: (v) => variance(v, 1),
    call: (x, dim, keepdim) => x.varMean(dim, { keepdim })[0],
    empty: Number.NaN,
  },
  stdMean: { reference: mean, call: (x, dim, keepdim) => x.stdMean(dim, { keepdim })[1], empty: Number.NaN },
  amax: { reference: (v) => Math.max(...v), call: (x, dim, keepdim) => x.amax(dim, { keepdim }), flat: true },
  amin: { reference: (v) => Math.min(...v), call: (x, dim, keepdim) => x.amin(dim, { keepdim }), flat: true },
  logsumexp: {
    reference: (v) => Math.log(sum(v.map(Math.exp))),
    call: (x, dim, keepdim) => x.logsumexp(dim, { keepdim }),
    empty: -Infinity,
  },
  norm: { reference: norm(2), call: (x, dim, keepdim) => x.norm(2, dim, { keepdim }), empty: 0 },
  "norm 'fro'": { reference: norm(2), call: (x, dim, keepdim) => x.norm('fro', dim, { keepdim }), empty: 0 },
  'norm 1': { reference: norm(1), call: (x, dim, keepdim) => x.norm(1, dim, { keepdim }), flat: true, empty: 0 },
  'norm 3': { reference: norm(3), call: (x, dim, keepdim) => x.norm(3, dim, { keepdim }), empty: 0 },
  'norm 1.5': { reference: norm(1.5), call: (x, dim, keepdim) => x.norm(1.5, dim, { keepdim }), empty: 0 },
  'norm inf': {
    reference: (v) => Math.max(...v.map(Math.abs)),
    call: (x, dim, keepdim) => x.norm(Infinity, dim, { keepdim }),
    flat: true,
  },
  'norm -inf': {
    reference: (v) => Math.min(...v.map(Math.abs)),
    call: (x, dim, keepdim) => x.norm(-Infinity, dim, { keepdim }),
    flat: true,
  },
  'norm 0': {
    reference: (v) => v.filter((x) => x !== 0).length,
    call: (x, dim, keepdim) => x.norm(0, dim, { keepdim }),
    flat: true,
    empty: 0,
  },
  any: {
    reference: (v) => Number(v.some((x) => x !== 0)),
    call: (x, dim, keepdim) => x.any(dim, { keepdim }),
    flat: true,
    empty: 0,
  },
  all: {
    reference: (v) => Number(v.every((x) => x !== 0)),
    call: (x, dim, keepdim) => x.all(dim, { keepdim }),
    flat: true,
    empty: 1,
  },
  argmax: {
    reference: (v) => v.indexOf(Math.max(...v)),
    call: (x, dim, keepdim) => x.argmax(dim as number | null, { keepdim }),
    single: true,
    flat: true,
  },
  argmin: {
    reference: (v) => v.indexOf(Math.min(...v)),
    call: (x, dim, keepdim) => x.argmin(dim as number | null, { keepdim }),
    single: true,
    flat: true,
  },
  'max along': {
    reference: (v) => Math.max(...v),
    call: (x, dim, keepdim) => (typeof dim === 'number' ? x.max(dim, { keepdim }).values : x.amax(dim, { keepdim })),
    single: true,
    flat: true,
  },
  'min along': {
    reference: (v) => v.indexOf(Math.min(...v)),
    call: (x, dim, keepdim) =>
      typeof dim === 'number' ? x.min(dim, { keepdim }).indices : x.argmin(null, { keepdim }),
    single: true,
    flat: true,
  },
};

test('there is a row for every reduction', () => {
  const helpers = ['stableShift', 'max', 'min'];
  const exported = Object.keys(reductions).filter((name) => !helpers.includes(name));
  expect(exported.filter((name) => rows[name] === undefined)).toEqual([]);
});

/** What a reduction of `x` must give: the reference over the values along `axes`, the other axes in order. */
function expected(x: Tensor, axes: readonly number[], keepdim: boolean, reference: Reduction['reference']) {
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const ordered = x.permute([...kept, ...axes]).toTypedArray();
  const size = axes.reduce((product, axis) => product * x.shape[axis]!, 1);
  const count = kept.reduce((product, axis) => product * x.shape[axis]!, 1);
  return {
    shape: keepdim ? x.shape.map((n, axis) => (axes.includes(axis) ? 1 : n)) : kept.map((axis) => x.shape[axis]!),
    values: Array.from({ length: count }, (_, i) => reference(Array.from(ordered.subarray(i * size, (i + 1) * size)))),
  };
}

function expectClose(actual: Tensor, values: readonly number[]): void {
  const close = (a: number, b: number) => Object.is(a, b) || a === b || Math.abs(a - b) <= 1e-12 * (1 + Math.abs(b));
  const wrong = Array.from(actual.toTypedArray(), (value, i) => ({ value, expected: values[i]! }));
  expect(wrong.filter(({ value, expected }) => !close(value, expected))).toEqual([]);
}

const dims: readonly Dim[] = [undefined, null, 0, 1, 2, -1, [0, 1], [2, 0], [1, 2], [-1, -2, 0]];
const axesOf = (dim: Dim, ndim: number): number[] => {
  if (dim === undefined || dim === null) return Array.from({ length: ndim }, (_, axis) => axis);
  return (typeof dim === 'number' ? [dim] : [...dim])
    .map((axis) => (axis < 0 ? axis + ndim : axis))
    .sort((a, b) => a - b);
};

const layouts: Readonly<Record<string, () => Tensor>> = {
  contiguous: () => randn([3, 4, 5], { dtype: 'float64' }),
  permuted: () => randn([5, 3, 4], { dtype: 'float64' }).permute([1, 2, 0]),
  sliced: () => randn([6, 4, 9], { dtype: 'float64' }).slice(0, 0, 6, 2).narrow(2, 3, 5),
  expanded: () => randn([3, 1, 5], { dtype: 'float64' }).expand([3, 4, 5]),
  'long rows': () => randn([2, 3, 70], { dtype: 'float64' }),
  'long columns': () => randn([70, 2, 3], { dtype: 'float64' }),
};

describe.each(Object.keys(rows))('%s', (name) => {
  const row = rows[name]!;
  const own = dims.filter((dim) => row.single !== true || !Array.isArray(dim));

  describe.each(Object.keys(layouts))('%s', (layout) => {
    test.each(own.flatMap((dim) => [false, true].map((keepdim) => ({ dim, keepdim }))))(
      'dim $dim, keepdim $keepdim',
      ({ dim, keepdim }) => {
        manualSeed(1);
        const x = layouts[layout]!();
        const want = expected(x, axesOf(dim, 3), keepdim, row.reference);
        const actual = row.call(x, dim, keepdim);
        expect(actual.shape).toEqual(want.shape);
        expectClose(actual, want.values);
      },
    );
  });

  test('a 0-d tensor, by dim and without', () => {
    const x = tensor(1.5, { dtype: 'float64' });
    for (const dim of [undefined, 0, -1]) {
      expect(row.call(x, dim, false).shape).toEqual([]);
      expectClose(row.call(x, dim, true), [row.reference([1.5])]);
    }
  });

  test('of nothing', () => {
    const x = zeros([0, 3], { dtype: 'float64' });
    expect(row.call(x, 1, false).shape).toEqual([0]);
    if (row.empty === undefined) {
      expect(() => row.call(x, 0, false)).toThrow(ShapeError);
      expect(() => row.call(x, 0, false)).toThrow('dim 0 of [0, 3] is empty');
    } else {
      expectClose(row.call(x, 0, false), [row.empty, row.empty, row.empty]);
      expectClose(row.call(x, undefined, false), [row.empty]);
    }
  });

  const differentiable = row.call(tensor([0.5], { dtype: 'float64', requiresGrad: true }), 0, false).requiresGrad;
  if (differentiable) {
    test.each(own.flatMap((dim) => [false, true].map((keepdim) => ({ dim, keepdim }))))(
      'gradient, dim $dim, keepdim $keepdim',
      ({ dim, keepdim }) => {
        manualSeed(2);
        const x = randn([2, 3, 2], { dtype: 'float64', requiresGrad: true });
        expect(gradcheck((a) => row.call(a, dim, keepdim), x)).toBe(true);
        if (row.flat !== true) expect(gradgradcheck((a) => row.call(a, dim, keepdim), x)).toBe(true);
        expect(gradcheck((a) => row.call(a.permute([2, 0, 1]), dim, keepdim).square(), x)).toBe(true);
      },
    );

    test('gradient of a 0-d tensor', () => {
      const x = tensor(1.5, { dtype: 'float64', requiresGrad: true });
      const finite = Number.isFinite(row.reference([1.5]));
      if (finite && !name.startsWith('std')) expect(gradcheck((a) => row.call(a, undefined, false), x)).toBe(true);
    });
  }

  test('a dim that is not there, twice, or no dim', () => {
    const x = ones([2, 3]);
    expect(() => row.call(x, 2, false)).toThrow(ShapeError);
    expect(() => row.call(x, -3, false)).toThrow('dim must be between -2 and 1 for 2 dimensions, got -3');
    if (row.single !== true) expect(() => row.call(x, [0, -2], false)).toThrow('a dim appears twice in [0, -2]');
  });
});

describe('NaN and infinities', () => {
  const x = tensor([
    [1, Number.NaN, 3],
    [Infinity, 2, -Infinity],
    [4, 5, 6],
  ]);

  test.each<[name: string, actual: Tensor, expected: unknown]>([
    ['NaN wins in amax', x.amax(1), [Number.NaN, Infinity, 6]],
    ['and in amin', x.amin(1), [Number.NaN, -Infinity, 4]],
    ['argmax finds it', x.argmax(1), [1, 0, 2]],
    ['and argmin', x.argmin(1), [1, 2, 0]],
    ['max along takes it', x.max(1).values, [Number.NaN, Infinity, 6]],
    ['sum', x.sum(1), [Number.NaN, Number.NaN, 15]],
    ['NaN is true', x.all(1), [true, true, true]],
    [
      'logsumexp of an infinity',
      tensor([
        [Infinity, 1],
        [-Infinity, 1],
        [-Infinity, -Infinity],
      ]).logsumexp(1),
      [Infinity, 1, -Infinity],
    ],
    ['logsumexp of large values', tensor([1000, 1000]).logsumexp(0), Math.fround(1000 + Math.LN2)],
    ['logsumexp of small ones', tensor([-1000, -1000]).logsumexp(0), Math.fround(-1000 + Math.LN2)],
    ['norm of an infinity', tensor([1, -Infinity]).norm(), Infinity],
  ])('%s', (_, actual, expected) => {
    expect(actual.toArray()).toEqual(expected);
  });
});

// torch 2.13
describe('choices where derivatives are not defined are PyTorch’s', () => {
  const gradient = (fn: (x: Tensor) => Tensor, values: number[] | number[][]): unknown => {
    const x = tensor(values, { dtype: 'float64', requiresGrad: true });
    fn(x).sum().backward();
    return x.grad!.toArray();
  };

  test('equal extremes share the gradient of amax and max(), the first takes that of max(dim)', () => {
    expect(
      gradient(
        (x) => x.amax(1),
        [
          [1, 3, 3],
          [2, 2, 2],
        ],
      ),
    ).toEqual([
      [0, 0.5, 0.5],
      [1 / 3, 1 / 3, 1 / 3],
    ]);
    expect(gradient((x) => x.max(), [1, 3, 3])).toEqual([0, 0.5, 0.5]);
    expect(gradient((x) => x.max(0).values, [1, 3, 3])).toEqual([0, 1, 0]);
    expect(gradient((x) => x.min(1, { keepdim: true }).values, [[1, 3, 1]])).toEqual([[1, 0, 0]]);
  });

  test('a product with zeros', () => {
    expect(
      gradient(
        (x) => x.prod(1),
        [
          [0, 2, 3],
          [0, 0, 3],
          [4, 0, 0.5],
        ],
      ),
    ).toEqual([
      [6, 0, 0],
      [0, 0, 0],
      [0, 2, 0],
    ]);
    for (const values of [[0, 2, 3], [0, 0, 3], [0, 0, 0], [0, 0, 0, 3], [0]]) {
      const x = tensor(values, { dtype: 'float64', requiresGrad: true });
      expect(gradgradcheck((a) => a.prod(), x)).toBe(true);
    }
  });

  test('norms at 0', () => {
    expect(gradient((x) => x.norm(), [0, 0])).toEqual([0, 0]);
    expect(gradient((x) => x.norm(1), [0, -2])).toEqual([0, -1]);
    expect(gradient((x) => x.norm(3), [0, 0])).toEqual([0, 0]);
    expect(gradient((x) => x.norm(1.5), [0, 1])).toEqual([0, 1]);
    expect(gradient((x) => x.norm(Infinity), [3, -3])).toEqual([0.5, -0.5]);
  });

  test('a standard deviation of equal values', () => {
    expect(gradient((x) => x.std(), [2, 2, 2])).toEqual([0, 0, 0]);
  });
});

describe('types', () => {
  test.each<[name: string, actual: Tensor, dtype: string, value: unknown]>([
    ['sum of bools', tensor([true, false, true]).sum(), 'int32', 2],
    ['sum of integers', arange(5).sum(), 'int32', 10],
    ['prod of integers', arange(1, 5).prod(), 'int32', 24],
    ['sum as float64', tensor([1, 2]).sum(0, { dtype: 'float64' }), 'float64', 3],
    ['mean of integers as float32', arange(4).mean(0, { dtype: 'float32' }), 'float32', 1.5],
    ['amax of integers', arange(5).amax(), 'int32', 4],
    ['argmax', tensor([1, 3, 2]).argmax(), 'int32', 1],
    ['any', arange(3).any(), 'bool', true],
    ['max of integers beyond 2^24', tensor([16777216, 16777217], { dtype: 'int32' }).argmax(), 'int32', 1],
    ['sum of integers beyond 2^24', tensor([16777216, 1], { dtype: 'int32' }).sum(), 'int32', 16777217],
    ['norm as float64', tensor([3, 4]).norm(2, null, { dtype: 'float64' }), 'float64', 5],
    ['logsumexp of integers', tensor([0, 0], { dtype: 'int32' }).logsumexp(0), 'float32', Math.fround(Math.LN2)],
  ])('%s', (_, actual, dtype, value) => {
    expect(actual.dtype).toBe(dtype);
    expect(actual.item()).toBe(value);
  });
});

describe('max and min of pairs', () => {
  test('are maximum and minimum', () => {
    expect(
      tensor([1, 5])
        .max(tensor([2, 3]))
        .toArray(),
    ).toEqual([2, 5]);
    expect(
      tensor([1, 5])
        .min(tensor([2, 3]))
        .toArray(),
    ).toEqual([1, 3]);
  });

  test('along a dim come with positions', () => {
    const { values, indices } = tensor([
      [1, 5],
      [7, 2],
    ]).max(0);
    expect([values.toArray(), indices.toArray(), indices.dtype]).toEqual([[7, 5], [1, 0], 'int32']);
  });
});

describe('the nuclear norm', () => {
  test('is the sum of singular values, of every matrix', () => {
    expect(
      tensor([
        [3, 0],
        [0, -4],
      ])
        .norm('nuc')
        .item(),
    ).toBeCloseTo(7, 5);
    const batch = randn([3, 2, 4], { dtype: 'float64' });
    const one = batch.select(0, 1).norm('nuc').item();
    expect(batch.norm('nuc', [1, 2]).select(0, 1).item()).toBeCloseTo(one, 12);
    expect(batch.norm('nuc', [1, 2], { keepdim: true }).shape).toEqual([3, 1, 1]);
  });

  test('has gradients, of the second order too', () => {
    const x = randn([2, 3], { dtype: 'float64', requiresGrad: true });
    expect(gradcheck((a) => a.norm('nuc'), x)).toBe(true);
    expect(gradcheck((a) => a.norm('nuc', [0, 2]), randn([3, 2, 2], { dtype: 'float64', requiresGrad: true }))).toBe(
      true,
    );
    expect(gradgradcheck((a) => a.norm('nuc'), x)).toBe(true);
  });
});

test('float32 sums keep their precision over many elements', () => {
  expect(full([1_000_000], 0.1).sum().item()).toBeCloseTo(100_000, -1);
  expect(Math.abs(full([1_000_000], 0.1).mean().item() - 0.1)).toBeLessThan(1e-6);
  const shifted = randn([100_000]).add(1000);
  expect(Math.abs(shifted.std().item() - 1)).toBeLessThan(0.01);
});

describe('refusals', () => {
  test.each<[call: () => unknown, error: new (message: string) => Error, message: string]>([
    [() => arange(3).mean(), DTypeError, 'mean: expected a float tensor, got int32; convert with .float()'],
    [() => arange(3).var(), DTypeError, 'var: expected a float tensor, got int32'],
    [() => arange(3).norm(), DTypeError, 'norm: expected a float tensor, got int32'],
    [
      () => ones([2]).sum(0, { keepDim: true } as object),
      ValueError,
      "sum: unknown option 'keepDim'; did you mean 'keepdim'?",
    ],
    [() => ones([2]).sum(0, { dtype: 'float16' } as object), DTypeError, "sum: unknown dtype 'float16'"],
    [() => ones([2]).sum(0.5), ShapeError, 'sum: dim must be between -1 and 0 for 1 dimensions, got 0.5'],
    [() => ones([2]).min(1), ShapeError, 'min: dim must be between -1 and 0'],
    [() => zeros([0]).max(), ShapeError, 'max: dim 0 of [0] is empty'],
    [() => ones([2]).norm('nuc'), ShapeError, "norm: p = 'nuc' is a matrix norm and takes two dims, got 1 of [2]"],
    [
      () => Reflect.apply(Tensor.prototype.norm, ones([2]), ['spectral']),
      ValueError,
      "norm: p must be a number, 'fro' or 'nuc', got 'spectral'",
    ],
    [
      () => Reflect.apply(reductions.max, undefined, [[1, 2]]),
      ValueError,
      'max: input must be a Tensor, got an array of 2',
    ],
    [() => Reflect.apply(reductions.sum, undefined, [3]), ValueError, 'sum: input must be a Tensor, got 3'],
  ])('%s', (call, error, message) => {
    expect(call).toThrow(error);
    expect(call).toThrow(message);
  });
});
