import { describe, expect, test } from 'vitest';
import {
  add,
  clamp,
  clampMax,
  clampMin,
  DTypeError,
  div,
  gradcheck,
  gradgradcheck,
  maskedFill,
  mul,
  ones,
  pow,
  relu,
  round,
  rsub,
  ShapeError,
  softplus,
  sub,
  Tensor,
  tensor,
  ValueError,
  where,
} from '../../lib/index.js';

// Functions of more arguments or options than the rows that pointwise.test.ts walks through.

const leaf = (values: number | number[] | number[][]): Tensor =>
  tensor(values, { dtype: 'float64', requiresGrad: true });
const int32 = (values: number[]): Tensor => tensor(values, { dtype: 'int32' });
const NAN = Number.NaN;

describe('values', () => {
  test.each<[name: string, actual: () => Tensor, expected: unknown]>([
    ['add alpha', () => add(tensor([1, 2]), tensor([3, 4]), { alpha: 10 }), [31, 42]],
    ['sub alpha', () => sub(tensor([1, 2]), tensor([3, 4]), { alpha: 10 }), [-29, -38]],
    ['rsub', () => rsub(tensor([1, 2]), 10, { alpha: 2 }), [8, 6]],
    ['div floor', () => div(tensor([7, -7, 7, -7]), tensor([2, 2, -2, -2]), { roundingMode: 'floor' }), [3, -4, -4, 3]],
    ['div trunc', () => div(tensor([7, -7, 7, -7]), tensor([2, 2, -2, -2]), { roundingMode: 'trunc' }), [3, -3, -3, 3]],
    // torch 2.13
    [
      'div floor, where the quotient is rounded up',
      () =>
        div(
          tensor([1, 6, 0.3, -0.3, 0.6], { dtype: 'float64' }),
          tensor([0.1, 0.1, 0.1, 0.1, 0.2], { dtype: 'float64' }),
          { roundingMode: 'floor' },
        ),
      [9, 59, 2, -3, 2],
    ],
    ['the same in float32', () => div(tensor([1, 6, 0.3, -0.3]), 0.1, { roundingMode: 'floor' }), [9, 59, 3, -4]],
    [
      'div floor at the ends',
      () =>
        div(tensor([5e-324, 1e300, NAN, 3], { dtype: 'float64' }), tensor([3, 1e-10, 1, 0]), {
          roundingMode: 'floor',
        }),
      [0, Infinity, NAN, Infinity],
    ],
    ['div floor by 0', () => div(tensor([1, -1, 0]), 0, { roundingMode: 'floor' }), [Infinity, -Infinity, NAN]],
    ['div of integers', () => div(int32([7, -7]), int32([2, 2])), [3.5, -3.5]],
    ['div floor of integers', () => div(int32([7, -7]), 2, { roundingMode: 'floor' }), [3, -4]],
    ['div trunc of integers', () => div(int32([7, -7]), 2, { roundingMode: 'trunc' }), [3, -3]],
    ['pow of two numbers, one a tensor', () => pow(2, tensor([1, 2, 0.5])), [2, 4, Math.fround(Math.SQRT2)]],
    ['pow -2', () => pow(tensor([2, -4]), -2), [0.25, 0.0625]],
    ['pow 0', () => pow(tensor([0, NAN, -3]), 0), [1, 1, 1]],
    ['pow of integers', () => pow(int32([-2, 3]), 3), [-8, 27]],
    ['pow of integers to a half', () => pow(int32([4, 9]), 0.5), [2, 3]],
    ['clamp', () => clamp(tensor([-2, 0.5, 3, NAN]), -1, 1), [-1, 0.5, 1, NAN]],
    ['clamp low', () => clamp(tensor([-2, 3]), 0), [0, 3]],
    ['clamp high', () => clamp(tensor([-2, 3]), null, 0), [-2, 0]],
    [
      'clamp tensors',
      () =>
        clamp(
          tensor([
            [-2, 3],
            [4, 5],
          ]),
          tensor([0, 1]),
          tensor([[2], [4]]),
        ),
      [
        [0, 2],
        [4, 4],
      ],
    ],
    ['clamp with low above high', () => clamp(tensor([-2, 0, 3]), 1, -1), [-1, -1, -1]],
    ['clampMin, clampMax', () => clampMax(clampMin(tensor([-2, 0, 3]), -1), 1), [-1, 0, 1]],
    ['where', () => where(tensor([true, false]), tensor([1, 2]), 7), [1, 7]],
    [
      'where broadcasts',
      () => where(tensor([[true], [false]]), tensor([1, 2]), tensor([3, 4])),
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ['where of numbers', () => where(tensor([true, false]), 1, 0), [1, 0]],
    ['where keeps NaN out', () => where(tensor([true]), tensor([1]), NAN), [1]],
    ['softplus', () => softplus(tensor([0, 30, -1000])), [Math.fround(Math.LN2), 30, 0]],
    [
      'softplus beta threshold',
      () => softplus(tensor([10, 11], { dtype: 'float64' }), 2, 21),
      [10 + Math.log1p(Math.exp(-20)) / 2, 11],
    ],
    ['round', () => round(tensor([0.5, 1.5, 2.5, -0.5, -1.5])), [0, 2, 2, -0, -2]],
    ['round decimals', () => round(tensor([1.2345, 1.2355], { dtype: 'float64' }), { decimals: 3 }), [1.234, 1.236]],
    ['round tens', () => round(tensor([15, 25, 26]), { decimals: -1 }), [20, 20, 30]],
    [
      'maskedFill',
      () =>
        maskedFill(
          tensor([
            [1, 2],
            [3, 4],
          ]),
          tensor([true, false]),
          -1,
        ),
      [
        [-1, 2],
        [-1, 4],
      ],
    ],
    ['maskedFill with a 0-d tensor', () => maskedFill(tensor([1, 2]), tensor([true, false]), tensor(9)), [9, 2]],
    ['maskedFill of integers', () => maskedFill(int32([1, 2]), tensor([true, false]), 9), [9, 2]],
  ])('%s', (_, actual, expected) => {
    expect(actual().toArray()).toEqual(expected);
  });
});

describe('types', () => {
  test.each<[name: string, actual: () => Tensor, expected: string]>([
    ['integers with a fraction as alpha', () => add(tensor([1]), int32([1]), { alpha: 0.5 }), 'float32'],
    ['div floor', () => div(int32([7]), int32([2]), { roundingMode: 'floor' }), 'int32'],
    ['div', () => div(int32([7]), int32([2])), 'float32'],
    ['where of int and float', () => where(tensor([true]), int32([1]), tensor([1])), 'float32'],
    ['where of two integers', () => where(tensor([true]), 1, 2), 'int32'],
    [
      'where of a 0-d float64 and float32',
      () => where(tensor([true]), tensor([1]), tensor(1, { dtype: 'float64' })),
      'float32',
    ],
    ['clamp of integers with a fraction', () => clamp(int32([1]), 0.5), 'float32'],
    ['maskedFill keeps its own', () => maskedFill(int32([1]), tensor([true]), 2), 'int32'],
    ['softplus of integers', () => softplus(int32([1])), 'float32'],
  ])('%s', (_, actual, expected) => {
    expect(actual().dtype).toBe(expected);
  });
});

describe('gradients agree with finite differences', () => {
  const mask = tensor([
    [true, false],
    [false, true],
  ]);
  test.each<[name: string, fn: (x: Tensor, y: Tensor) => Tensor]>([
    ['add alpha', (x, y) => add(x, y, { alpha: 3 })],
    ['add alpha, broadcast', (x, y) => add(x.select(0, 0), y, { alpha: -2 })],
    ['sub alpha', (x, y) => sub(x, y, { alpha: 3 })],
    ['rsub', (x, y) => rsub(x, y, { alpha: 0.5 })],
    ...[1, 2, 3, 0.5, -0.5, -1, -2, 0, 4.5, -3].map((power): [string, (x: Tensor, y: Tensor) => Tensor] => [
      `pow ${power}`,
      (x) => pow(x, power),
    ]),
    ['a number to a power', (x) => pow(2.5, x)],
    ['clamp', (x) => clamp(x, 0.5, 1.2)],
    ['clamp to tensors', (x, y) => clamp(x, y, y.add(0.3))],
    ['clamp to a row', (x, y) => clamp(x, y.select(0, 0))],
    ['clamp below a tensor', (x, y) => clamp(x, null, y)],
    ['where', (x, y) => where(mask, x.mul(y), y.exp())],
    ['where with a number', (x) => where(mask, x, 3).square()],
    ['where with a row', (x, y) => where(mask, x.select(0, 1), y)],
    ['softplus', (x) => softplus(x)],
    ['softplus beta', (x) => softplus(x, 3, 2)],
    ['maskedFill', (x) => maskedFill(x, mask, 3).square()],
    ['maskedFill with a tensor', (x, y) => maskedFill(x, mask, y.select(0, 0).select(0, 0)).mul(x)],
  ])('%s', (_, fn) => {
    const inputs = [
      leaf([
        [0.3, 0.7],
        [1.4, 1.1],
      ]),
      leaf([
        [0.6, 0.45],
        [0.8, 2.1],
      ]),
    ];
    expect(gradcheck(fn, inputs)).toBe(true);
    expect(gradgradcheck(fn, inputs)).toBe(true);
  });

  test('roundings are flat', () => {
    const x = leaf([0.3, 2.7]);
    for (const rounded of [
      round(x),
      round(x, { decimals: 1 }),
      div(x, 2, { roundingMode: 'floor' }),
      div(x, 2, { roundingMode: 'trunc' }),
    ]) {
      rounded.mul(x).sum().backward();
      expect(x.grad!.toArray()).toEqual(rounded.toArray());
      x.grad = null;
    }
  });
});

// torch 2.13
describe('choices at kinks are PyTorch’s', () => {
  const gradients = (fn: (...inputs: Tensor[]) => Tensor, ...values: number[][]): unknown[] => {
    const inputs = values.map(leaf);
    fn(...inputs)
      .sum()
      .backward();
    return inputs.map((input) => input.grad?.toArray() ?? null);
  };

  test('clamp at a bound: to x', () => {
    expect(gradients((x, low, high) => clamp(x!, low!, high!), [-1, 0, 1, 2], [-1, -1, -1, -1], [1, 1, 1, 1])).toEqual([
      [1, 1, 1, 0],
      [0, 0, 0, 0],
      [0, 0, 0, 1],
    ]);
    expect(gradients((x, low) => clampMin(x!, low!), [1, 2, 0], [1, 1, 1])).toEqual([
      [1, 1, 0],
      [0, 0, 1],
    ]);
    expect(gradients((x) => clamp(x!, 1, -1), [0, 2])).toEqual([[0, 0]]);
  });

  test('where: nothing to what was not chosen, though it is not finite', () => {
    expect(gradients((x) => where(x!.gt(0), x!.log(), 0), [-1, 0, 2])).toEqual([[-0, NAN, 0.5]]);
    expect(gradients((x) => where(x!.gt(0), x!, tensor(Infinity)), [-1, 2])).toEqual([[0, 1]]);
  });

  test('softplus at its threshold: still the curve', () => {
    const [below, above] = gradients((x) => softplus(x!), [20, 20.001])[0] as number[];
    expect(below).toBeCloseTo(1 / (1 + Math.exp(-20)), 15);
    expect(above).toBe(1);
  });

  test('pow: 0 to the 0 and to the 2, and the derivative for the exponent at 0', () => {
    expect(gradients((x, y) => pow(x!, y!), [0, 0, 0], [0, 1, 2])).toEqual([
      [0, 1, 0],
      [0, 0, 0],
    ]);
    expect(gradients((x) => pow(x!, 0.5), [0])).toEqual([[Infinity]]);
    expect(gradients((x) => pow(0, x!), [0, 2])).toEqual([[0, 0]]);
  });
});

describe('refusals', () => {
  test.each<[call: () => unknown, error: new (message: string) => Error, message: string]>([
    [() => add(tensor([1, 2]), tensor([1, 2, 3])), ShapeError, 'add: shapes do not broadcast: [2] x [3] (2 != 3)'],
    [
      () => where(tensor([true, false]), tensor([1, 2, 3]), 0),
      ShapeError,
      'where: shapes do not broadcast: [2] x [3] (2 != 3)',
    ],
    [
      () => add(tensor([1]), 1, { Alpha: 1 } as object),
      ValueError,
      "add: unknown option 'Alpha'; did you mean 'alpha'?",
    ],
    [
      () => Reflect.apply(add, undefined, [tensor([1]), '1']),
      ValueError,
      "add: operand 1 must be a Tensor or a number, got '1'",
    ],
    [
      () => Reflect.apply(add, undefined, [tensor([1])]),
      ValueError,
      'add: operand 1 must be a Tensor or a number, got undefined',
    ],
    [() => Reflect.apply(mul, undefined, [tensor([1])]), ValueError, 'mul: expected 2 operands, got 1'],
    [
      () => Reflect.apply(relu, undefined, [1]),
      ValueError,
      'relu: operand 0 must be a Tensor, got 1; wrap it as tensor(1)',
    ],
    [() => tensor([true]).neg(), DTypeError, 'neg: not defined for bool tensors; use logicalNot'],
    [() => sub(tensor([true]), tensor([true])), DTypeError, 'sub: not defined for bool tensors; use logicalXor'],
    [
      () => div(tensor([1]), 1, { roundingMode: 'up' } as object),
      ValueError,
      "div: unknown roundingMode 'up'; known: trunc, floor",
    ],
    [() => pow(int32([2]), -1), ValueError, 'pow: integers to a negative power are not integers, got exponent -1'],
    [() => pow(2, 3), ValueError, 'pow: expected a Tensor, got two numbers'],
    [() => tensor([1]).maximum(3), ValueError, 'maximum: operand 1 must be a Tensor, got 3; wrap it as tensor(3)'],
    [() => tensor([true]).logicalAnd(1), ValueError, 'logicalAnd: operand 1 must be a Tensor, got 1'],
    [() => clamp(tensor([1]), null), ValueError, 'clamp: expected a lower or an upper bound, got neither'],
    [() => Reflect.apply(clampMin, undefined, [1, 2]), ValueError, 'clampMin: input must be a Tensor, got 1'],
    [() => Reflect.apply(where, undefined, [true, 1, 2]), ValueError, 'where: condition must be a Tensor'],
    [() => round(tensor([1]), { decimals: 0.5 }), ValueError, 'round: decimals must be an integer'],
    [() => maskedFill(tensor([1]), tensor([1]), 0), DTypeError, 'maskedFill: mask must be a bool tensor, got float32'],
    [
      () => maskedFill(int32([1]), tensor([true]), 0.5),
      DTypeError,
      'maskedFill: cannot fill a int32 tensor with a float',
    ],
    [
      () => maskedFill(tensor([1]), tensor([true]), ones([1])),
      ShapeError,
      'maskedFill: the value must be a number or a 0-d tensor, got shape [1]',
    ],
  ])('%s', (call, error, message) => {
    expect(call).toThrow(error);
    expect(call).toThrow(message);
  });

  test('methods refuse as functions do', () => {
    expect(() => Reflect.apply(Tensor.prototype.add, tensor([1]), [{}])).toThrow(
      'add: operand 1 must be a Tensor or a number, got a Object',
    );
  });
});

test('where takes no numbers for a condition, also where operands stand in each other’s place', () => {
  const [mask, x, y] = [tensor([true, false]), tensor([1, 2]), tensor([3, 4])];
  expect(() => where(x, x, y)).toThrow(DTypeError);
  expect(() => mask.where(x, y)).toThrow('where: condition must be a bool tensor, got float32');
  expect(x.where(mask, y).toArray()).toEqual([1, 4]);
});

describe('in place, with the options of the plain forms', () => {
  test('div_', () => {
    expect(tensor([7, -7]).div_(2, { roundingMode: 'trunc' }).toArray()).toEqual([3, -3]);
    const whole = tensor([7, -7], { dtype: 'int32' });
    expect(whole.div_(tensor([2, 2], { dtype: 'int32' }), { roundingMode: 'floor' }).toArray()).toEqual([3, -4]);
    expect(() => tensor([true]).div_(true as never, { roundingMode: 'floor' })).toThrow(ValueError);
    expect(() => tensor([true]).div_(tensor([true]), { roundingMode: 'floor' })).toThrow(
      'div_: not defined for bool tensors with a rounding mode',
    );
    expect(() => tensor([1]).div_(2, { roundingMode: 'ceil' as 'floor' })).toThrow(ValueError);
  });

  test('round_', () => {
    const x = tensor([1.25, -2.5, 0.5]);
    expect(x.round_({ decimals: 1 }).toArray()).toEqual(x.round({ decimals: 1 }).toArray());
    expect(x.round_()).toBe(x);
    expect(x.toArray()).toEqual([1, -2, 0]);
    expect(tensor([1234]).round_({ decimals: -2 }).item()).toBe(1200);
  });
});
