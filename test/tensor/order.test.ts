import { readFileSync } from 'node:fs';
import * as nabla from 'nabla';
import {
  argsort,
  bucketize,
  CaptureError,
  capture,
  type DType,
  DTypeError,
  grad,
  gradcheck,
  gradgradcheck,
  isin,
  kthvalue,
  median,
  mode,
  msort,
  nanmedian,
  nanquantile,
  quantile,
  randint,
  randn,
  searchsorted,
  ShapeError,
  sort,
  Tensor,
  tensor,
  topk,
  unique,
  uniqueConsecutive,
  ValueError,
  zeros,
} from 'nabla';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { expectSame } from '../capture/same.js';

interface Encoded {
  readonly values: readonly (number | string)[];
  readonly shape: readonly number[];
  readonly dtype: DType;
}

type Argument = Encoded | number | string | boolean | null;

/** See fixtures/order.py. */
interface Case {
  readonly call: string;
  readonly args: readonly Argument[];
  readonly options: Readonly<Record<string, Argument>>;
  readonly results: readonly (Encoded | null)[];
  readonly upstream?: Encoded;
  readonly gradient?: Encoded;
}

const cases = JSON.parse(readFileSync(new URL('../fixtures/order.json', import.meta.url), 'utf8')) as Case[];
const calls = [...new Set(cases.map(({ call }) => call))];

const SPECIAL: Readonly<Record<string, number>> = { nan: Number.NaN, inf: Infinity, '-inf': -Infinity, '-0': -0 };

const decode = ({ values, shape, dtype }: Encoded): Tensor =>
  tensor(
    values.map((x) => (typeof x === 'string' ? SPECIAL[x]! : x)),
    { dtype },
  ).reshape(shape);

const isEncoded = (value: Argument): value is Encoded => typeof value === 'object' && value !== null;
const given = (value: Argument): unknown => (isEncoded(value) ? decode(value) : value);
const listOf = (result: unknown): Tensor[] => (result instanceof Tensor ? [result] : [...(result as Iterable<Tensor>)]);

/** Whether they are the same but for rounding; which of two zeros it is does not matter. */
function expectClose(actual: Tensor, expected: Tensor): void {
  expect([actual.dtype, actual.shape]).toEqual([expected.dtype, expected.shape]);
  const epsilon = 4 * (expected.dtype === 'float32' ? 2 ** -23 : 2 ** -52);
  const wanted = expected.toTypedArray();
  for (const [i, value] of actual.toTypedArray().entries()) {
    const close = value === wanted[i] || Math.abs(value - wanted[i]!) <= epsilon * Math.max(1, Math.abs(wanted[i]!));
    if (!close) expect(value).toBe(wanted[i]!);
  }
}

it.each(calls)('%s is what PyTorch computes, gradients too', (name) => {
  const own = cases.filter(({ call }) => call === name);
  expect(own.length).toBeGreaterThan(4);
  for (const { args, options, results, upstream, gradient } of own) {
    const values = args.map(given);
    if (upstream !== undefined) (values[0] as Tensor).requiresGrad = true;
    const named = Object.fromEntries(Object.entries(options).map(([key, value]) => [key, given(value)]));
    const call = Reflect.get(nabla, name) as (...args: unknown[]) => unknown;
    const outputs = listOf(call(...values, ...(Object.keys(named).length > 0 ? [named] : [])));
    expect(outputs).toHaveLength(results.length);
    for (const [i, output] of outputs.entries()) {
      if (results[i] !== null) expectClose(output.detach(), decode(results[i]!));
    }
    if (upstream === undefined) continue;
    outputs[0]!.backward(decode(upstream));
    expectClose((values[0] as Tensor).grad!, decode(gradient!));
  }
});

/** Functions of a matrix that choose elements along a dimension, or give values in between. */
const choosing: readonly [name: string, fn: (x: Tensor, dim: number) => Tensor | Iterable<Tensor>][] = [
  ['sort', (x, dim) => sort(x, dim)],
  ['sort, descending', (x, dim) => sort(x, dim, true)],
  ['msort', (x) => msort(x)],
  ['topk', (x, dim) => topk(x, 2, dim)],
  ['the smallest', (x, dim) => topk(x, 2, dim, false)],
  ['kthvalue', (x, dim) => kthvalue(x, 2, dim)],
  ['median', (x, dim) => median(x, dim)],
  ['median of all', (x) => median(x)],
  ['nanmedian', (x, dim) => nanmedian(x, dim, true)],
  ['nanmedian of all', (x) => nanmedian(x)],
  ['mode', (x, dim) => mode(x, dim)],
  ['quantile', (x, dim) => quantile(x, 0.3, dim)],
  ['quantiles', (x, dim) => quantile(x, tensor([0.1, 0.6], { dtype: x.dtype }), dim, true)],
  ['quantile of all', (x) => quantile(x, 0.7, { interpolation: 'midpoint' })],
  ['nanquantile', (x, dim) => nanquantile(x, 0.45, dim)],
  ['nearest quantile', (x, dim) => quantile(x, 0.45, dim, { interpolation: 'nearest' })],
];

const first = (result: Tensor | Iterable<Tensor>): Tensor => listOf(result)[0]!;

describe.each(choosing)('%s', (_, fn) => {
  it('is the same of strided operands', () => {
    const x = randn([3, 4, 5]);
    for (const dim of [0, 1, 2, -1]) {
      const turned = x.permute([2, 0, 1]).contiguous().permute([1, 2, 0]);
      const sliced = x.repeatInterleave(2, 2).slice(2, 0, null, 2);
      const plain = listOf(fn(x, dim));
      for (const view of [turned, sliced]) {
        for (const [i, result] of listOf(fn(view, dim)).entries()) expectSame(result, plain[i]!);
      }
    }
  });

  it('has gradients, and gradients of gradients, that agree with finite differences', () => {
    const x = randn([4, 3], { dtype: 'float64', requiresGrad: true });
    for (const dim of [0, 1]) {
      gradcheck((a) => first(fn(a, dim)), [x]);
      gradgradcheck((a) => first(fn(a.sin(), dim)).square(), [x]);
    }
  });

  it('is captured, with its gradient', () => {
    const step = (x: Tensor) => {
      const a = x.detach().clone().requiresGrad_();
      return [...listOf(fn(x, 1)), grad(first(fn(a, 1)).square().sum(), a)[0]!];
    };
    const captured = capture(step);
    for (let round = 0; round < 3; round++) {
      const x = randn([4, 6]);
      const plain = step(x);
      for (const [i, result] of captured(x).entries()) expectSame(result, plain[i]!);
    }
  });
});

describe('sort', () => {
  it('keeps the order of equal elements, whichever way', () => {
    const x = randint(5, [500]);
    const values = [...x.toTypedArray()];
    const up = [...values.keys()].sort((i, j) => values[i]! - values[j]!);
    const down = [...values.keys()].sort((i, j) => values[j]! - values[i]!);
    expect([...argsort(x).toTypedArray()]).toEqual(up);
    expect([...argsort(x, { descending: true }).toTypedArray()]).toEqual(down);
    expectSame(x.sort().values, x.indexSelect(0, argsort(x)));
    expect([...sort(tensor([0, -0, NaN, -0, 0])).indices.toTypedArray()]).toEqual([0, 1, 3, 4, 2]);
  });

  it('sorts rows as each by itself', () => {
    const x = randn([300, 101]);
    const { values, indices } = x.sort(1, { descending: true });
    for (let row = 0; row < 300; row += 7) {
      const alone = x.select(0, row).sort({ descending: true });
      expectSame(alone.values, values.select(0, row));
      expectSame(alone.indices, indices.select(0, row));
    }
  });

  it('of nothing is nothing', () => {
    for (const shape of [[0], [0, 3], [3, 0]]) {
      for (let dim = 0; dim < shape.length; dim++) {
        const { values, indices } = zeros(shape).sort(dim);
        expect([values.shape, indices.shape, indices.dtype]).toEqual([shape, shape, 'int32']);
      }
    }
    expect(topk(zeros([3, 0]), 0).values.shape).toEqual([3, 0]);
    expect(topk(zeros([3, 2]), 0).indices.shape).toEqual([3, 0]);
    expect(kthvalue(zeros([0, 3]), 1).values.shape).toEqual([0]);
    expect(median(zeros([3, 0]), 0).values.shape).toEqual([0]);
    expect(mode(zeros([0, 3])).values.shape).toEqual([0]);
  });
});

describe('searchsorted, bucketize and isin', () => {
  it('are captured', () => {
    const captured = capture((line: Tensor, x: Tensor) => [searchsorted(line, x), bucketize(x, line), isin(x, line)]);
    for (let round = 0; round < 3; round++) {
      const [line, x] = [randint(50, [40]).sort().values, randint(50, [6, 4])];
      const [places, buckets, among] = captured(line, x);
      expectSame(places!, searchsorted(line, x));
      expectSame(buckets!, bucketize(x, line));
      expectSame(among!, isin(x, line));
    }
  });

  it('find what a search from the start finds', () => {
    for (let size = 0; size < 20; size++) {
      const line = randint(12, [size]).sort().values;
      const x = randint(14, [30]);
      const values = [...line.toTypedArray()];
      const count = (test: (v: number, y: number) => boolean) =>
        [...x.toTypedArray()].map((y) => values.filter((v) => test(v, y)).length);
      expect([...searchsorted(line, x).toTypedArray()]).toEqual(count((v, y) => v < y));
      expect([...searchsorted(line, x, { right: true }).toTypedArray()]).toEqual(count((v, y) => v <= y));
      expect(isin(x, line).toArray()).toEqual([...x.toTypedArray()].map((y) => values.includes(y)));
    }
  });
});

describe('unique', () => {
  it('puts its elements back in their places', () => {
    const x = randint(40, [10, 30]);
    const [values, inverse, counts] = unique(x, { returnInverse: true, returnCounts: true });
    expectSame(values.indexSelect(0, inverse.reshape([-1])).reshape([10, 30]), x);
    expect(counts.sum().item()).toBe(300);
    const [rows, where] = unique(x.narrow(1, 0, 2), { dim: 0, returnInverse: true });
    expectSame(rows.indexSelect(0, where), x.narrow(1, 0, 2).clone());
  });

  it('says in its type what it gives', () => {
    const x = tensor([1, 1]);
    expectTypeOf(unique(x)).toEqualTypeOf<Tensor>();
    expectTypeOf(x.unique()).toEqualTypeOf<Tensor>();
    expectTypeOf(unique(x, { returnCounts: true })).toExtend<[Tensor, Tensor]>();
    expectTypeOf(x.uniqueConsecutive({ returnInverse: true, returnCounts: true })).toExtend<[Tensor, Tensor, Tensor]>();
    expect(listOf(unique(x, true, false, true)).map((one) => one.toArray())).toEqual([[1], [2]]);
  });

  it('cannot be captured: its size depends on values', () => {
    expect(() => capture((x: Tensor) => unique(x))(tensor([1, 2]))).toThrow(CaptureError);
    expect(() => capture((x: Tensor) => uniqueConsecutive(x))(tensor([1, 2]))).toThrow(/uniqueConsecutive: a value/);
  });

  it('has no gradient', () => {
    expect(unique(tensor([1, 2], { requiresGrad: true })).requiresGrad).toBe(false);
  });
});

describe('what makes no sense is refused', () => {
  const x = zeros([2, 3]);
  it.each<[name: string, act: () => unknown, error: new (message: string) => Error, message: RegExp]>([
    ['a dim', () => sort(x, 2), ShapeError, /sort: dim/],
    ['a dim of argsort', () => argsort(x, -3), ShapeError, /argsort: dim/],
    ['too many', () => topk(x, 4), ValueError, /topk: k must be between 0 and the 3 elements/],
    ['less than none', () => topk(x, -1), ValueError, /topk/],
    ['a k that is no integer', () => topk(x, 1.5), ValueError, /topk: k must be an integer/],
    ['the 0th', () => kthvalue(x, 0), ValueError, /kthvalue: k must be between 1 and/],
    ['the 4th of 3', () => kthvalue(x, 4), ValueError, /kthvalue/],
    ['the first of nothing', () => kthvalue(zeros([0]), 1), ShapeError, /kthvalue: dim 0 of \[0\] is empty/],
    ['the median along nothing', () => median(zeros([0, 2]), 0), ShapeError, /median/],
    ['the median of no integers', () => median(zeros([0], { dtype: 'int32' })), ShapeError, /median/],
    ['keepdim without a dim', () => Reflect.apply(median, null, [x, { keepdim: true }]), ValueError, /keepdim/],
    ['the mode of nothing', () => mode(zeros([0])), ShapeError, /mode/],
    ['a fraction', () => quantile(x, 1.5), ValueError, /quantile: q must be in \[0, 1\], got 1.5/],
    ['NaN as a fraction', () => quantile(x, NaN), ValueError, /q must be in/],
    ['one of several fractions', () => quantile(x, tensor([0.5, -1])), ValueError, /q must be in/],
    ['fractions of another type', () => quantile(x, tensor([0.5], { dtype: 'float64' })), DTypeError, /q is float64/],
    ['fractions in a matrix', () => quantile(x, tensor([[0.5]])), ShapeError, /1-d/],
    ['the quantile of integers', () => quantile(zeros([2], { dtype: 'int32' }), 0.5), DTypeError, /float/],
    ['the quantile of nothing', () => nanquantile(zeros([0]), 0.5), ShapeError, /nanquantile/],
    [
      'an interpolation',
      () => Reflect.apply(quantile, null, [x, 0.5, { interpolation: 'cubic' }]),
      ValueError,
      /interpolation/,
    ],
    ['two sides', () => searchsorted(tensor([1]), x, { side: 'left', right: true }), ValueError, /side is 'left'/],
    ['lines that do not fit', () => searchsorted(x, zeros([3, 2])), ShapeError, /searchsorted/],
    ['a number in lines', () => searchsorted(x, 1), ShapeError, /searchsorted/],
    ['a 0-d sequence', () => searchsorted(tensor(1), x), ShapeError, /0-d/],
    ['a sorter of floats', () => searchsorted(tensor([1]), x, { sorter: tensor([0]) }), DTypeError, /int32/],
    [
      'a sorter of another shape',
      () => searchsorted(tensor([1, 2]), x, { sorter: tensor([0], { dtype: 'int32' }) }),
      ShapeError,
      /sorter/,
    ],
    [
      'a sorter out of range',
      () => searchsorted(tensor([1]), x, { sorter: tensor([1], { dtype: 'int32' }) }),
      ValueError,
      /out of range/,
    ],
    ['boundaries in a matrix', () => bucketize(x, x), ShapeError, /bucketize: boundaries must be 1-d/],
    ['two numbers', () => isin(1, 2), ValueError, /isin/],
    [
      'slices of nothing',
      () => unique(zeros([2, 0]), { dim: 0 }),
      ShapeError,
      /unique: slices along dim 0 of \[2, 0\] are empty/,
    ],
    ['a dim of a 0-d tensor', () => unique(tensor(1), { dim: 0 }), ShapeError, /0-d/],
  ])('%s', (_, act, error, message) => {
    expect(act).toThrow(error);
    expect(act).toThrow(message);
  });

  it('in a captured function too', () => {
    const captured = capture((q: Tensor) => quantile(tensor([1, 2, 3]), q));
    expect(captured(tensor([0.5])).toArray()).toEqual([2]);
    expect(() => captured(tensor([1.5]))).toThrow(/quantile: q must be in \[0, 1\]/);
  });
});
