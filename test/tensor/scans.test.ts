import { readFileSync } from 'node:fs';
import {
  capture,
  cummax,
  cummin,
  cumprod,
  cumsum,
  DTypeError,
  type DType,
  grad,
  gradcheck,
  gradgradcheck,
  logcumsumexp,
  noGrad,
  randn,
  ShapeError,
  Tensor,
  tensor,
  ValueError,
  zeros,
} from 'nabla';
import { describe, expect, it } from 'vitest';
import { expectSame } from '../capture/same.js';

interface Encoded {
  readonly values: readonly (number | string)[];
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** See fixtures/scans.py. */
interface Case {
  readonly call: keyof typeof calls;
  readonly dim: number;
  readonly x: Encoded;
  readonly results: readonly Encoded[];
  readonly upstream?: Encoded;
  readonly gradient?: Encoded;
}

type Scan = (x: Tensor, dim: number) => Tensor | Iterable<Tensor>;

const calls = { cumsum, cumprod, cummax, cummin, logcumsumexp } satisfies Record<string, Scan>;
const names = Object.keys(calls) as (keyof typeof calls)[];

const cases = JSON.parse(readFileSync(new URL('../fixtures/scans.json', import.meta.url), 'utf8')) as Case[];

const SPECIAL: Readonly<Record<string, number>> = { nan: Number.NaN, inf: Infinity, '-inf': -Infinity, '-0': -0 };

const decode = ({ values, shape, dtype }: Encoded): Tensor =>
  tensor(
    values.map((x) => (typeof x === 'string' ? SPECIAL[x]! : x)),
    { dtype },
  ).reshape(shape);

const listOf = (result: Tensor | Iterable<Tensor>): Tensor[] => (result instanceof Tensor ? [result] : [...result]);

/** The first result, which is differentiable. */
const valuesOf = (name: keyof typeof calls) => (x: Tensor, dim: number) => listOf(calls[name](x, dim))[0]!;

function expectClose(actual: Tensor, expected: Tensor, units = 8): void {
  expect([actual.dtype, actual.shape]).toEqual([expected.dtype, expected.shape]);
  const epsilon = units * (expected.dtype === 'float32' ? 2 ** -23 : 2 ** -52);
  const wanted = expected.toTypedArray();
  for (const [i, value] of actual.toTypedArray().entries()) {
    const close = Math.abs(value - wanted[i]!) <= epsilon * Math.max(1, Math.abs(wanted[i]!));
    if (!close) expect(value).toBe(wanted[i]!);
  }
}

describe.each(names)('%s', (name) => {
  const own = cases.filter(({ call }) => call === name);

  it('is what PyTorch computes, gradients too', () => {
    expect(own.length).toBeGreaterThan(35);
    for (const { dim, x, results, upstream, gradient } of own) {
      const input = decode(x);
      if (upstream !== undefined) input.requiresGrad = true;
      const outputs = listOf(calls[name](input, dim));
      expect(outputs).toHaveLength(results.length);
      for (const [i, output] of outputs.entries()) expectClose(output.detach(), decode(results[i]!));
      if (upstream === undefined) continue;
      outputs[0]!.backward(decode(upstream));
      // Where PyTorch divides by what is infinite, there is a gradient all the same.
      if (name === 'cumprod' && input.isfinite().all().item<boolean>() === false) continue;
      // A logarithm of sums is exact to a unit of its own size, and so far the factors are that are made of it.
      const largest = Math.max(1, ...decode(x).toTypedArray().map(Math.abs).filter(Number.isFinite));
      expectClose(input.grad!, decode(gradient!), 16 * largest);
    }
  });

  it('is the same of strided operands, along any dim', () => {
    const x = randn([3, 4, 5]);
    for (const dim of [0, 1, 2, -1, -3]) {
      const turned = x.permute([2, 0, 1]).contiguous().permute([1, 2, 0]);
      const sliced = x.repeatInterleave(2, 2).slice(2, 0, null, 2);
      for (const view of [turned, sliced]) {
        const plain = listOf(calls[name](x, dim));
        for (const [i, result] of listOf(calls[name](view, dim)).entries()) expectSame(result, plain[i]!);
      }
    }
    const repeated = randn([4, 1]).expand([4, 3]);
    expectSame(valuesOf(name)(repeated, 1), valuesOf(name)(repeated.clone(), 1));
  });

  it('is the same for every row, however many there are', () => {
    const x = randn([70, 9]);
    const whole = listOf(calls[name](x, 1));
    for (let row = 0; row < 70; row++) {
      const parts = listOf(calls[name](x.select(0, row), 0));
      for (const [i, part] of parts.entries()) expectSame(part, whole[i]!.select(0, row));
    }
  });

  it('has gradients, and gradients of gradients, that agree with finite differences', () => {
    for (const shape of [[], [1], [5], [3, 4], [2, 3, 2]]) {
      for (let dim = -shape.length; dim < Math.max(1, shape.length); dim++) {
        const x = randn(shape, { dtype: 'float64', requiresGrad: true });
        gradcheck((a) => valuesOf(name)(a, dim), [x]);
        gradgradcheck((a) => valuesOf(name)(a.sin(), dim), [x]);
      }
    }
  });

  it('is captured, with its gradient and that of the gradient', () => {
    const step = (x: Tensor) => {
      const a = x.detach().clone().requiresGrad_();
      const y = valuesOf(name)(a, 1);
      const [first] = grad(y.square().sum(), a, { createGraph: true });
      const [second] = grad(first!.mul(first!).sum(), a);
      return [...listOf(calls[name](x, 1)), first!.detach(), second!];
    };
    const captured = capture(step);
    for (let round = 0; round < 3; round++) {
      const x = randn([4, 6]);
      const plain = step(x);
      for (const [i, result] of captured(x).entries()) expectSame(result, plain[i]!);
    }
  });

  it('refuses a dim that is not there', () => {
    expect(() => calls[name](zeros([2, 3]), 2)).toThrow(ShapeError);
    expect(() => calls[name](zeros([]), 1)).toThrow(ShapeError);
    expect(() => Reflect.apply(calls[name], null, [zeros([2])])).toThrow(/dim must be/);
    expect(() => Reflect.apply(calls[name], null, [[1, 2], 0])).toThrow(/must be a Tensor/);
  });
});

describe('types', () => {
  it('are converted first if asked for', () => {
    const x = tensor([1.5, 2.5]);
    expect(x.cumsum(0, { dtype: 'float64' }).toArray()).toEqual([1.5, 4]);
    expect(x.cumsum(0, { dtype: 'float64' }).dtype).toBe('float64');
    expect(x.cumprod(0, { dtype: 'int32' }).toArray()).toEqual([1, 2]);
    const leaf = tensor([1, 2, 3], { requiresGrad: true });
    leaf.cumprod(0, { dtype: 'float64' }).sum().backward();
    expect(leaf.grad!.dtype).toBe('float32');
    expect(leaf.grad!.toArray()).toEqual([9, 4, 2]);
  });

  it('are refused where there are no such numbers', () => {
    for (const fn of [cumsum, cumprod]) expect(() => fn(tensor([1]), 0, { dtype: 'bool' })).toThrow(DTypeError);
    expect(() => logcumsumexp(tensor([1, 2], { dtype: 'int32' }), 0)).toThrow(DTypeError);
    expect(() => logcumsumexp(tensor([true]), 0)).toThrow(DTypeError);
  });

  it('of integers hold what they hold, and nothing else', () => {
    const largest = 2 ** 31 - 1;
    const sums = tensor([largest, -largest, largest - 1, 1], { dtype: 'int32' });
    expect(sums.cumsum(0).toArray()).toEqual([largest, 0, largest - 1, largest]);
    expect(() => tensor([largest, 1, -5], { dtype: 'int32' }).cumsum(0)).toThrow(ValueError);
    expect(() => tensor([2 ** 16, 2 ** 15, 0], { dtype: 'int32' }).cumprod(0)).toThrow(/cumprod: .*int32/);
    expect(
      tensor([2 ** 16, -(2 ** 15)], { dtype: 'int32' })
        .cumprod(0)
        .toArray(),
    ).toEqual([2 ** 16, -(2 ** 31)]);
    const captured = capture((x: Tensor) => x.cumsum(0));
    captured(tensor([1, 2], { dtype: 'int32' }));
    expect(() => captured(tensor([largest, 2], { dtype: 'int32' }))).toThrow(/cumsum: .*int32/);
  });

  it('of floats add up in float64, in order', () => {
    const x = randn([1000]);
    let total = 0;
    const sums = x.toTypedArray().map((value) => {
      total += value;
      return total;
    });
    expect(x.cumsum(0).toTypedArray()).toEqual(sums);
    const small = tensor([1e30, 1e30, 1e-30, 1e-30]);
    expect(small.cumprod(0).toArray()).toEqual([Math.fround(1e30), Infinity, Math.fround(1e30), 1]);
  });
});

describe('in place', () => {
  it('writes over the tensor', () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(x.cumsum_(1)).toBe(x);
    expect(x.toArray()).toEqual([
      [1, 3, 6],
      [4, 9, 15],
    ]);
    expect(x.cumprod_(0).toArray()).toEqual([
      [1, 3, 6],
      [4, 27, 90],
    ]);
    const whole = zeros([2, 3]).fill_(2);
    whole.select(1, 1).cumprod_(0);
    expect(whole.toArray()).toEqual([
      [2, 2, 2],
      [2, 4, 2],
    ]);
    expect(tensor([1, 2], { dtype: 'int32' }).cumsum_(0).toArray()).toEqual([1, 3]);
  });

  it('has a gradient', () => {
    for (const name of ['cumsum_', 'cumprod_'] as const) {
      const x = randn([2, 4], { dtype: 'float64', requiresGrad: true });
      gradcheck((a) => a.mul(2)[name](1).exp(), [x]);
      gradgradcheck((a) => a.mul(2)[name](1), [x]);
      expect(() => x[name](0)).toThrow(/leaf|requires/);
      expect(noGrad(() => x[name](0))).toBe(x);
    }
  });

  it('changes nothing where it cannot be', () => {
    const x = tensor([2 ** 31 - 1, 1], { dtype: 'int32' });
    expect(() => x.cumsum_(0)).toThrow(ValueError);
    expect(x.toArray()).toEqual([2 ** 31 - 1, 1]);
    expect(() => tensor([true]).cumsum_(0)).toThrow(DTypeError);
    expect(() => tensor([1]).cumprod_(0, { dtype: 'float64' })).toThrow(DTypeError);
  });
});

it('the gradient of a product knows zeros', () => {
  const x = tensor([2, 0, 3, 0, 4], { requiresGrad: true });
  expect(grad(cumprod(x, 0).sum(), x)[0]!.toArray()).toEqual([1, 8, 0, 0, 0]);
  const zero = tensor(
    [
      [2, 0, 3],
      [0, 0, 1],
    ],
    { dtype: 'float64', requiresGrad: true },
  );
  for (const dim of [0, 1]) gradgradcheck((a) => cumprod(a, dim), [zero]);
});
