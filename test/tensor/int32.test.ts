import { describe, expect, test } from 'vitest';
import {
  add,
  arange,
  capture,
  clamp,
  DTypeError,
  div,
  empty,
  full,
  fullLike,
  linspace,
  maskedFill,
  matmul,
  mul,
  NablaError,
  ones,
  pow,
  sub,
  type Tensor,
  tensor,
  ValueError,
  where,
  zeros,
} from '../../lib/index.js';

// int32 stands for PyTorch's int64. So what does not fit is an error, and never another number.

const MAX = 2 ** 31 - 1;
const MIN = -(2 ** 31);
const ints = (values: number | number[] | number[][]): Tensor => tensor(values as number[], { dtype: 'int32' });
const zero = () => zeros([2], { dtype: 'int32' });
const none = tensor([false, false]);
const int32 = { dtype: 'int32' } as const;

describe('numbers that int32 does not hold are refused where they enter', () => {
  for (const value of [2 ** 31, MIN - 1, 1e300]) {
    test.each<[name: string, call: (value: number) => unknown]>([
      ['tensor', (v) => ints([v])],
      ['full', (v) => full([1], v, int32)],
      ['fullLike', (v) => fullLike(zero(), v)],
      ['fill_', (v) => zero().fill_(v)],
      ['fill_ of a tensor', (v) => zero().fill_(tensor(v, { dtype: 'float64' }))],
      ['copy_', (v) => zero().copy_(v)],
      ['copy_ of a tensor', (v) => zero().copy_(tensor([v, 0], { dtype: 'float64' }))],
      ['linspace', (v) => linspace(0, v, 3, int32)],
      ['scatter', (v) => zero().scatter(0, ints([0]), v)],
      ['maskedFill', (v) => maskedFill(zero(), none, v)],
      ['maskedFill_', (v) => zero().maskedFill_(none, v)],
      ['where', (v) => where(none, v, zero())],
      ['clamp', (v) => clamp(zero(), null, v)],
      ['clamp_', (v) => zero().clamp_(v)],
      ['add', (v) => add(zero(), v)],
      ['add of a number to it', (v) => add(v, zero())],
      ['add_', (v) => zero().add_(v)],
      ['sub', (v) => sub(zero(), v)],
      ['mul', (v) => mul(zero(), v)],
      ['mul_', (v) => zero().mul_(v)],
      ['div floor', (v) => div(zero(), v, { roundingMode: 'floor' })],
      ['to', (v) => tensor([v], { dtype: 'float64' }).to('int32')],
    ])(`${value}: %s`, (_, call) => {
      expect(() => call(value)).toThrow(NablaError);
      expect(() => call(value)).toThrow(/int32/);
    });
  }

  test.each<[name: string, call: () => unknown]>([
    ['full NaN', () => full([1], Number.NaN, int32)],
    ['full Infinity', () => full([1], Infinity, int32)],
    ['fill_ NaN', () => zero().fill_(Number.NaN)],
    ['scatter NaN', () => zero().scatter(0, ints([0]), Number.NaN)],
    ['arange', () => arange(0, 5e9, 2e9)],
    ['arange down', () => arange(0, -5e9, -2e9)],
    ['arange from', () => arange(3e9, 3e9 + 2)],
    ['linspace of tensors', () => linspace(tensor(0), tensor(3e9), 3, int32)],
    ['random_', () => zero().random_(0, 2 ** 33)],
    ['random_ below', () => zero().random_(MIN - 1, 0)],
    ['to of NaN', () => tensor([1, Number.NaN]).to('int32')],
    ['int of infinity', () => tensor([-Infinity]).int()],
  ])('%s', (_, call) => {
    expect(call).toThrow(ValueError);
  });

  test('the ends of the range are in it, and comparisons take any number', () => {
    expect(full([1], MAX, int32).item()).toBe(MAX);
    expect(zero().fill_(MIN).toArray()).toEqual([MIN, MIN]);
    expect(tensor([2147483647.5, -2147483648.5], { dtype: 'float64' }).int().toArray()).toEqual([MAX, MIN]);
    expect(arange(MIN, 2 ** 31, 2 ** 31).toArray()).toEqual([MIN, 0]);
    expect(linspace(MIN, MAX, 2, int32).toArray()).toEqual([MIN, MAX]);
    expect(
      ints([0])
        .random_(MAX, MAX + 1)
        .item(),
    ).toBe(MAX);
    expect(full([1], -2.9, int32).item()).toBe(-2);
    expect(
      zero()
        .lt(2 ** 40)
        .toArray(),
    ).toEqual([true, true]);
  });

  test('a bool takes any number', () => {
    expect(full([1], Number.NaN, { dtype: 'bool' }).item()).toBe(true);
    expect(
      zeros([1], { dtype: 'bool' })
        .fill_(2 ** 40)
        .item(),
    ).toBe(true);
  });
});

const overflows: [name: string, fn: (x: Tensor) => Tensor][] = [
  ['add', (x) => x.add(x)],
  ['add, alpha', (x) => x.sub(x, { alpha: 3 })],
  ['sub', (x) => x.neg().sub(x).sub(2)],
  ['mul', (x) => x.mul(x)],
  ['square', (x) => x.square()],
  ['pow', (x) => x.pow(2)],
  ['pow of tensors', (x) => pow(x, full(x.shape, 5, int32))],
  ['neg of the least', (x) => x.neg().sub(1).neg()],
  ['abs of the least', (x) => x.neg().sub(1).abs()],
  ['neg_ of the least', (x) => x.neg().sub_(1).neg_()],
  ['sum', (x) => x.sum()],
  ['sum of a dimension', (x) => x.sum(0)],
  ['sum of another', (x) => x.sum(-1)],
  ['prod', (x) => x.prod(-1)],
  ['matmul', (x) => matmul(x, x.t())],
  ['dot', (x) => matmul(x.reshape([-1]), x.reshape([-1]))],
  ['scatterAdd', (x) => zeros(x.shape, int32).scatterAdd(0, zeros(x.shape, int32), x)],
  ['to', (x) => x.double().mul(2).to('int32')],
  ['where', (x) => where(x.gt(0), x, 0).mul(2)],
  ['a strided result', (x) => x.t().mul(2)],
];

describe('results that int32 does not hold are errors', () => {
  test.each(overflows)('%s', (_, fn) => {
    for (const shape of [
      [2, 2],
      [3, 2000],
      [2000, 3],
      [40, 50],
    ]) {
      const x = full(shape, MAX, int32);
      expect(() => fn(x)).toThrow(ValueError);
      expect(() => fn(x)).toThrow(/does not fit int32/);
      expect(x.eq(MAX).all().item()).toBe(true);
      expect(fn(zeros(shape, int32)).numel()).toBeGreaterThan(0);
    }
  });

  test('one among many is found', () => {
    for (const at of [0, 1, 1023, 1024, 4999]) {
      const x = zeros([5000], int32);
      x.narrow(0, at, 1).fill_(MAX);
      expect(() => x.add(1)).toThrow(ValueError);
      expect(() => x.reshape([100, 50]).t().add(1)).toThrow(ValueError);
      expect(x.add(-1).add(1).sum().item()).toBe(MAX);
    }
  });

  test.each<[name: string, write: (x: Tensor) => unknown]>([
    ['add_', (x) => x.add_(ints([0, 1]))],
    ['mul_', (x) => x.mul_(2)],
    ['square_', (x) => x.square_()],
    ['pow_', (x) => x.pow_(3)],
    ['copy_', (x) => x.copy_(tensor([1, 3e9]))],
    ['maskedFill_', (x) => x.maskedFill_(tensor([true, true]), tensor(3e9))],
    ['a view', (x) => x.narrow(0, 1, 1).add_(1)],
  ])('%s changes nothing then', (_, write) => {
    const x = ints([5, MAX]);
    expect(() => write(x)).toThrow(NablaError);
    expect(x.toArray()).toEqual([5, MAX]);
  });
});

describe('division by zero', () => {
  test.each<['floor' | 'trunc']>([['floor'], ['trunc']])('%s', (roundingMode) => {
    const divide = (a: Tensor, b: Tensor | number) => div(a, b, { roundingMode });
    for (const b of [ints([1, 0, 2]), ints(0), 0]) {
      expect(() => divide(ints([1, -1, 0]), b)).toThrow(ValueError);
      expect(() => divide(ints([1, -1, 0]), b)).toThrow('a divisor is 0');
    }
    expect(() => divide(ints([0]), 0)).toThrow(ValueError);
    expect(() => divide(ints([MIN]), -1)).toThrow(ValueError);
    expect(divide(empty([0], int32), 0).shape).toEqual([0]);
    expect(divide(ints([7, -7]), 2).toArray()).toEqual(roundingMode === 'floor' ? [3, -4] : [3, -3]);
    expect(divide(tensor([1, -1]), 0).toArray()).toEqual([Infinity, -Infinity]);
    const captured = capture((a: Tensor, b: Tensor) => divide(a, b).add(1));
    expect(captured(ints([6, 4]), ints([2, 4])).toArray()).toEqual([4, 2]);
    expect(() => captured(ints([6, 4]), ints([2, 0]))).toThrow('a divisor is 0');
    expect(captured(ints([6, 4]), ints([2, 4])).toArray()).toEqual([4, 2]);
  });
});

describe('captured functions', () => {
  test.each(overflows)('%s', (_, fn) => {
    const captured = capture(fn);
    const [small, large] = [ones([2, 3], int32), full([2, 3], MAX, int32)];
    const [first, before] = [captured(small), fn(small)];
    expect(first.toArray()).toEqual(before.toArray());
    expect(captured.stats.length).toBe(1);
    expect(() => captured(large)).toThrow(ValueError);
    expect(() => captured(large)).toThrow(/does not fit int32.*, in the captured/);
    expect(captured(small).toArray()).toEqual(before.toArray());
    expect(captured.stats.length).toBe(1);
  });

  test('a result that nobody uses is looked at all the same', () => {
    const fn = (x: Tensor) => {
      x.mul(2);
      x.add(x).sub(x);
      return x.float().mul(2);
    };
    const captured = capture(fn);
    expect(captured(ints([1])).item()).toBe(2);
    expect(() => fn(ints([MAX]))).toThrow(ValueError);
    expect(() => captured(ints([MAX]))).toThrow(ValueError);
    expect(captured(ints([3])).item()).toBe(6);
  });

  test('what comes before is done, what comes after is not', () => {
    const [before, after] = [zeros([2]), zeros([2])];
    const fn = (x: Tensor) => {
      before.add_(x);
      const doubled = x.mul(2);
      after.add_(x);
      return doubled.sum();
    };
    const captured = capture(fn);
    captured(ints([1, 2]));
    captured(ints([1, 2]));
    expect([before.toArray(), after.toArray()]).toEqual([
      [2, 4],
      [2, 4],
    ]);
    expect(() => captured(ints([MAX, 3]))).toThrow(ValueError);
    expect([before.select(0, 1).item(), after.toArray()]).toEqual([7, [2, 4]]);
  });

  test('where recording finds one, the next call records again', () => {
    const captured = capture((x: Tensor) => x.mul(2));
    expect(() => captured(ints([MAX]))).toThrow(ValueError);
    expect(captured(ints([4])).item()).toBe(8);
  });

  test('run ends with the error', async () => {
    const total = zeros([], int32);
    const step = capture(function count(x: Tensor) {
      total.add_(x.sum());
      return x.float().mean();
    });
    const rows = ints([1, 2, 3, MAX, 5].map((x) => [x]));
    await expect(step.run([rows], { batchSize: 1 })).rejects.toThrow(/does not fit int32.*, in captured count/);
    expect(total.item()).toBe(6);
  });
});

describe('what fits is exact', () => {
  test('products that leave float64 on the way, of a 0', () => {
    const x = tensor(Array.from({ length: 257 }, (_, i) => i));
    const whole = x.to('int32');
    for (const one of [whole, whole.flip(0), whole.roll(100, 0)]) {
      expect(one.prod().toArray()).toBe(0);
      expect(capture((y: Tensor) => y.prod(0))(one).toArray()).toBe(0);
    }
    expect(() => whole.add(1).prod()).toThrow(/does not fit int32/);
  });

  test('sums and products whose parts do not fit', () => {
    expect(ints([MAX, MAX, MIN, MIN, 5]).sum().item()).toBe(3);
    expect(
      ints([MAX, 1])
        .scatterAdd(0, ints([0, 0]), ints([1, -1]))
        .toArray(),
    ).toEqual([MAX, 1]);
    const [a, b] = [2 ** 30 + 1, 2 ** 30 + 3];
    expect(matmul(ints([a, b, 7]), ints([b, -a, 3])).item()).toBe(21);
    const dot = capture((x: Tensor, y: Tensor) => matmul(x, y));
    for (let i = 0; i < 2; i++) expect(dot(ints([a, b, 7]), ints([b, -a, 3])).item()).toBe(21);
    expect(
      ints([a])
        .mul(1)
        .sub(ints([1]), { alpha: a })
        .item(),
    ).toBe(0);
  });

  test('products of matrices', () => {
    const random = (shape: number[]) => zeros(shape, int32).random_(-10000, 10000);
    for (const [m, k, n] of [
      [3, 2, 4],
      [1, 17, 5],
      [0, 3, 2],
      [2, 0, 3],
    ] as const) {
      const [x, y] = [random([m, k]), random([k, n])];
      const exact = matmul(x.double(), y.double()).int().toArray();
      expect(matmul(x, y).toArray()).toEqual(exact);
      const product = capture((x: Tensor, y: Tensor) => matmul(x, y));
      for (let i = 0; i < 2; i++) expect(product(x, y).toArray()).toEqual(exact);
    }
  });

  test('sums of so many integers that float64 rounds on the way', () => {
    const half = 2 ** 22 + 1;
    const x = empty([2 * half + 1], int32);
    x.narrow(0, 0, half).fill_(MAX);
    x.narrow(0, half, half).fill_(-MAX);
    x.narrow(0, 2 * half, 1).fill_(-7);
    expect(x.sum().item()).toBe(-7);
  });

  test('powers', () => {
    for (let exponent = 2; exponent < 32; exponent++) {
      const most = Math.floor(MAX ** (1 / exponent)) + 1;
      const bases = Array.from({ length: Math.min(2 * most + 1, 4001) }, (_, i) => Math.min(most, 2000) - i);
      const fitting = bases.filter((base) => Math.abs(Number(BigInt(base) ** BigInt(exponent))) <= MAX);
      const exact = fitting.map((base) => Number(BigInt(base) ** BigInt(exponent)));
      expect(pow(ints(fitting), ints([exponent])).toArray()).toEqual(exact);
      expect(pow(ints(fitting), exponent).toArray()).toEqual(exact);
    }
    expect(pow(ints([-2]), 31).item()).toBe(MIN);
    expect(pow(ints([0, 1, -1, 2, -1, 0]), ints([-1, -2, -3, -1, -2, 0])).toArray()).toEqual([0, 1, -1, 0, 1, 1]);
    expect(
      ints([0, 2])
        .pow_(ints([-1, 3]))
        .toArray(),
    ).toEqual([0, 8]);
    expect(() => ints([2]).pow_(-1)).toThrow('pow_: integers to a negative power');
    expect(() => ints([2]).pow_(0.5)).toThrow(DTypeError);
  });
});
