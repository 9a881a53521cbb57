import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  capture,
  DTypeError,
  digamma,
  elementwise,
  gradcheck,
  gradgradcheck,
  igamma,
  igammac,
  lgamma,
  logit,
  mul,
  mvlgamma,
  polygamma,
  sigmoid,
  special,
  type Tensor,
  tensor,
  ValueError,
} from '../../lib/index.js';

// Digits, against mpmath; pointwise.test.ts holds the rows to PyTorch's values at special points.

interface Recorded {
  readonly points: readonly (readonly number[])[];
  readonly values: readonly number[];
}

/** See fixtures/special.py. */
const recorded = JSON.parse(readFileSync(new URL('../fixtures/special.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, Recorded>
>;

type Call = (...operands: Tensor[]) => Tensor;

/** How many units in the last place each may be off; `near` is that near a zero, where only the absolute error is small. */
const FUNCTIONS: Readonly<Record<string, { readonly call: Call; readonly ulps: number; readonly near?: number }>> = {
  lgamma: { call: (x) => lgamma(x!), ulps: 4, near: 1e-14 },
  digamma: { call: (x) => digamma(x!), ulps: 8, near: 4e-15 },
  polygamma1: { call: (x) => polygamma(1, x!), ulps: 6 },
  polygamma2: { call: (x) => polygamma(2, x!), ulps: 40, near: 1e-14 },
  polygamma5: { call: (x) => polygamma(5, x!), ulps: 16 },
  erfinv: { call: (x) => special.erfinv(x!), ulps: 8 },
  ndtri: { call: (x) => special.ndtri(x!), ulps: 8 },
  ndtr: { call: (x) => special.ndtr(x!), ulps: 6 },
  logNdtr: { call: (x) => special.logNdtr(x!), ulps: 6 },
  erfcx: { call: (x) => special.erfcx(x!), ulps: 8 },
  i0: { call: (x) => special.i0(x!), ulps: 10 },
  i1: { call: (x) => special.i1(x!), ulps: 10 },
  i0e: { call: (x) => special.i0e(x!), ulps: 10 },
  i1e: { call: (x) => special.i1e(x!), ulps: 10 },
  // Far in the tails the exponential of a large number has as many digits less.
  igamma: { call: (a, x) => igamma(a!, x!), ulps: 700 },
  igammac: { call: (a, x) => igammac(a!, x!), ulps: 700 },
};

const ulp = (x: number): number => 2 ** Math.max(-1074, Math.floor(Math.log2(Math.abs(x))) - 52);

const float64 = (values: readonly number[], requiresGrad = false): Tensor =>
  tensor([...values], { dtype: 'float64', requiresGrad });

describe.each(Object.keys(recorded))('%s', (name) => {
  const { call, ulps, near = 0 } = FUNCTIONS[name]!;
  const { points, values } = recorded[name]!;

  test('is the true value to a few units in the last place', () => {
    const actual = call(...points.map((column) => float64(column))).toTypedArray();
    const off = values.flatMap((value, i) => {
      const error = Math.abs(actual[i]! - value);
      return error <= ulps * ulp(value) + near
        ? []
        : [{ at: points.map((column) => column[i]), value, error: error / ulp(value) }];
    });
    expect(off).toEqual([]);
  });

  test('in float32 is that of float64, rounded', () => {
    const rounded = points.map((column) => column.map(Math.fround));
    const wide = call(...rounded.map((column) => float64(column))).toTypedArray();
    const narrow = call(...rounded.map((column) => tensor(column))).toTypedArray();
    expect(Array.from(narrow)).toEqual(Array.from(wide, Math.fround));
  });
});

describe('polygamma and mvlgamma', () => {
  test('order 0 is digamma, and a method has the order as its argument', () => {
    const x = float64([0.3, 1.7, -2.2]);
    expect(polygamma(0, x).toArray()).toEqual(digamma(x).toArray());
    expect(x.polygamma(2).toArray()).toEqual(polygamma(2, x).toArray());
    expect(x.clone().polygamma_(2).toArray()).toEqual(polygamma(2, x).toArray());
  });

  test('at poles they are infinite, with the sign they have there', () => {
    expect(polygamma(1, float64([0, -1, -3])).toArray()).toEqual([Infinity, Infinity, Infinity]);
    expect(polygamma(2, float64([0, -1, -3])).toArray()).toEqual([-Infinity, -Infinity, -Infinity]);
  });

  test('mvlgamma is a sum of lgamma', () => {
    const x = float64([2.5, 3, 7.25]);
    // torch 2.13
    const expected = [1.8809954616117743, 2.694924879806965, 20.104800157934413];
    mvlgamma(x, 3)
      .toTypedArray()
      .forEach((value, i) => {
        expect(value).toBeCloseTo(expected[i]!, 9);
      });
    expect(mvlgamma(x, 1).toArray()).toEqual(lgamma(x).toArray());
    expect(x.clone().mvlgamma_(3).toArray()).toEqual(mvlgamma(x, 3).toArray());
    expect(mvlgamma(tensor([3], { dtype: 'int32' }), 2).dtype).toBe('float32');
  });
});

describe('gradients', () => {
  test.each<[name: string, fn: Call, ...operands: number[][]]>([
    ['polygamma', (x) => polygamma(2, x!), [0.4, 1.3, 2.7, -1.6]],
    ['mvlgamma', (x) => mvlgamma(x!, 3), [1.4, 2.3, 9.7]],
    ['logit with eps', (x) => logit(x!, 0.2), [0.1, 0.3, 0.7, 0.95]],
    ['igamma, by both', (a, x) => igamma(a!, x!), [0.3, 2.5, 25, 30, 6], [0.7, 1.9, 24, 60, 9]],
    ['igammac, by both', (a, x) => igammac(a!, x!), [0.3, 2.5, 25, 30, 6], [0.7, 1.9, 24, 60, 9]],
  ])('%s', (_, fn, ...operands) => {
    const leaves = operands.map((values) => float64(values, true));
    expect(gradcheck(fn, leaves)).toBe(true);
    expect(gradgradcheck(fn, leaves)).toBe(true);
  });
});

test('captured they give the same bits', () => {
  const fn = (a: Tensor, x: Tensor) => [lgamma(a).add(digamma(x)), igamma(a, x), special.erfcx(x), polygamma(1, x)];
  const captured = capture(fn);
  const operands: [Tensor, Tensor] = [float64([0.3, 2.5, 25, 30]), float64([0.7, 1.9, 24, 60])];
  const expected = fn(...operands).map((x) => x.toArray());
  for (let call = 0; call < 3; call++) expect(captured(...operands).map((x) => x.toArray())).toEqual(expected);
});

test('they are parts of expressions too', () => {
  const weighted = elementwise((x) => mul(lgamma(x), special.ndtr(x)));
  const x = float64([0.3, 2.5]);
  expect(weighted(x).toArray()).toEqual(lgamma(x).mul(special.ndtr(x)).toArray());
});

test('torch.special has other names for some', () => {
  expect([special.expit, special.gammaln, special.psi, special.gammainc]).toEqual([sigmoid, lgamma, digamma, igamma]);
});

describe('refusals', () => {
  test.each<[name: string, call: () => unknown, error: typeof ValueError | typeof DTypeError, message: string]>([
    [
      'a negative order',
      () => polygamma(-1, tensor([1])),
      ValueError,
      'polygamma: n must be an integer, between 0 and 30, got -1',
    ],
    ['an order that is no integer', () => polygamma(0.5, tensor([1])), ValueError, 'polygamma: n must be an integer'],
    ['no dimension', () => mvlgamma(tensor([1]), 0), ValueError, 'mvlgamma: p must be an integer, at least 1, got 0'],
    [
      'igamma of integers',
      () => igamma(tensor([1], { dtype: 'int32' }), tensor([1], { dtype: 'int32' })),
      DTypeError,
      'igamma: not defined for int32 tensors',
    ],
    ['eps that is no number', () => logit(tensor([1]), '1' as never), ValueError, 'logit: eps must be a number'],
  ])('%s', (_, call, error, message) => {
    expect(call).toThrow(error);
    expect(call).toThrow(message);
  });
});

test('digamma has its pole on the side that a zero is on, as PyTorch', () => {
  expect(digamma(tensor([-0, 0, -1])).toArray()).toEqual([Infinity, -Infinity, NaN]);
});

test('the gradient of logit with eps is NaN at NaN, as that of PyTorch', () => {
  const x = tensor([NaN, 0, 0.5, 2], { requiresGrad: true });
  logit(x, 0.1).sum().backward();
  expect(x.grad!.toArray()).toEqual([NaN, 0, 4, 0]);
});
