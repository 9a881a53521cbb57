import { describe, expect, test } from 'vitest';
import {
  arange,
  DTypeError,
  gradcheck,
  gradgradcheck,
  logSoftmax,
  randn,
  ShapeError,
  softmax,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from '../../lib/index.js';

const exponentials = (row: readonly number[]) => {
  const weights = row.map((x) => Math.exp(x - Math.max(...row)));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
};

const rows = [
  { name: 'softmax', call: softmax, reference: exponentials },
  { name: 'logSoftmax', call: logSoftmax, reference: (row: readonly number[]) => exponentials(row).map(Math.log) },
];

function expectRows(actual: Tensor, expected: readonly (readonly number[])[], tolerance: number): void {
  const wanted = expected.flat();
  const errors = Array.from(actual.toTypedArray(), (value, i) => Math.abs(value - wanted[i]!));
  expect(Math.max(...errors)).toBeLessThan(tolerance);
}

describe.each(rows)('$name', ({ name, call, reference }) => {
  const x = () => randn([3, 4, 5], { dtype: 'float64' });

  test.each([0, 1, 2, -1, -2])('along dim %i', (dim) => {
    const axis = dim < 0 ? dim + 3 : dim;
    const values = x();
    const moved = values.transpose(axis, 2);
    const expected = (moved.reshape([-1, values.shape[axis]!]).toArray() as number[][]).map(reference);
    expectRows(call(values, dim).transpose(axis, 2).reshape([-1, values.shape[axis]!]), expected, 1e-14);
  });

  test('of strided and long rows', () => {
    const wide = randn([7, 6], { dtype: 'float64' }).t().slice(1, 0, 7, 2);
    expectRows(call(wide, 1), (wide.toArray() as number[][]).map(reference), 1e-14);
    const long = randn([2, 5000], { dtype: 'float64' });
    expectRows(call(long, 1), (long.toArray() as number[][]).map(reference), 1e-12);
  });

  test('does not overflow', () => {
    expectRows(
      call(
        tensor([
          [1000, 1001],
          [-1000, -1001],
        ]),
        1,
      ),
      [
        [0, 1],
        [1, 0],
      ].map(reference),
      1e-6,
    );
  });

  test('of infinities and NaN', () => {
    const of = (values: number[]) => Array.from(call(tensor(values), 0).toTypedArray());
    expect(of([-Infinity, 1])).toEqual(name === 'softmax' ? [0, 1] : [-Infinity, 0]);
    expect(of([-Infinity, -Infinity])).toEqual([Number.NaN, Number.NaN]);
    expect(of([Number.NaN, 1])).toEqual([Number.NaN, Number.NaN]);
  });

  test('of one element, of none, and of a 0-d tensor', () => {
    expect(call(tensor([[3], [4]]), 1).toArray()).toEqual(name === 'softmax' ? [[1], [1]] : [[0], [0]]);
    expect(call(zeros([0, 3]), 1).shape).toEqual([0, 3]);
    expect(call(zeros([3, 0]), 1).shape).toEqual([3, 0]);
    expect(call(tensor(3), 0).item()).toBe(name === 'softmax' ? 1 : 0);
    expect(call(tensor(3), -1).shape).toEqual([]);
  });

  test('as another type', () => {
    expect(call(arange(3), 0, { dtype: 'float32' }).dtype).toBe('float32');
    expect(call(tensor([1, 2]), 0, { dtype: 'float64' }).dtype).toBe('float64');
  });

  test.each([0, 1, 2])('gradients along dim %i', (dim) => {
    const values = randn([2, 3, 2], { dtype: 'float64', requiresGrad: true });
    expect(gradcheck((a) => call(a, dim), values)).toBe(true);
    expect(gradgradcheck((a) => call(a, dim), values)).toBe(true);
    expect(gradcheck((a) => call(a.t(), 1), values.detach().select(2, 0).requiresGrad_())).toBe(true);
  });

  test('gradients of float32 rows add up to what flows in', () => {
    const values = tensor([[1, 2, 3]], { requiresGrad: true });
    call(values, 1).select(1, 0).sum().backward();
    expect(Math.abs(values.grad!.sum().item())).toBeLessThan(1e-6);
  });

  test('refusals', () => {
    expect(() => call(arange(3), 0)).toThrow(DTypeError);
    expect(() => call(arange(3), 0)).toThrow(`${name}: expected a float tensor, got int32; pass { dtype: 'float32' }`);
    expect(() => call(tensor([1]), 1)).toThrow(ShapeError);
    expect(() => Reflect.apply(call, undefined, [tensor([1])])).toThrow(
      `${name}: dim must be an integer, got undefined`,
    );
    expect(() => call(tensor([1]), 0, { dim: 0 } as object)).toThrow(ValueError);
  });
});
