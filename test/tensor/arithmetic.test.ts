import { describe, expect, test } from 'vitest';
import {
  addcdiv,
  addcmul,
  allclose,
  atan2,
  bitwiseAnd,
  bitwiseLeftShift,
  bitwiseNot,
  capture,
  DTypeError,
  equal,
  fmod,
  frexp,
  gcd,
  gradcheck,
  gradgradcheck,
  isclose,
  lcm,
  lerp,
  nanToNum,
  nextafter,
  ones,
  positive,
  remainder,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from '../../lib/index.js';

// What pointwise.test.ts, which walks through the rows of one and two operands, does not see: options, more operands, errors.

const float64 = (values: number[], requiresGrad = false): Tensor => tensor(values, { dtype: 'float64', requiresGrad });
const int32 = (values: number[]): Tensor => tensor(values, { dtype: 'int32' });

describe('values', () => {
  test.each<[name: string, actual: () => Tensor, expected: unknown]>([
    ['addcmul', () => addcmul(tensor([1, 2]), tensor([3, 4]), tensor([5, 6]), { value: 0.5 }), [8.5, 14]],
    ['addcmul of integers', () => addcmul(int32([1, 2]), int32([3, 4]), int32([5, 6]), { value: 2 }), [31, 50]],
    [
      'addcmul broadcasts',
      () => addcmul(zeros([2, 1]), tensor([1, 2]), tensor(3)),
      [
        [3, 6],
        [3, 6],
      ],
    ],
    ['addcdiv', () => addcdiv(tensor([1, 2]), tensor([3, 4]), tensor([2, 8]), { value: 2 }), [4, 3]],
    ['lerp', () => lerp(tensor([0, 10]), tensor([4, 20]), tensor([0.25, 1])), [1, 20]],
    // torch 2.13: of float32 from 1e8 to 1, the end is reached.
    ['lerp to the end', () => lerp(tensor([1e8]), tensor([1]), 1), [1]],
    [
      'nanToNum',
      () => nanToNum(tensor([NaN, Infinity, -Infinity, 1])),
      [0, 2 ** 128 - 2 ** 104, 2 ** 104 - 2 ** 128, 1],
    ],
    [
      'nanToNum with numbers',
      () => nanToNum(float64([NaN, Infinity, -Infinity]), { nan: 1, posinf: 2, neginf: 3 }),
      [1, 2, 3],
    ],
    ['nanToNum of integers', () => nanToNum(int32([1, 2]), { nan: 7 }), [1, 2]],
    ['bitwiseNot of bools', () => bitwiseNot(tensor([true, false])), [false, true]],
    ['atan2 of a number far from float32', () => atan2(tensor([1]), tensor(1e300, { dtype: 'float64' })), [0]],
  ])('%s', (_, actual, expected) => {
    expect(actual().toArray()).toEqual(expected);
  });

  test('positive is the tensor itself', () => {
    const x = tensor([1, -2]);
    expect(positive(x)).toBe(x);
  });

  test('in place they are what the functions return', () => {
    const x = float64([1, 2.5]);
    const [a, b] = [float64([3, 4]), float64([0.3, 0.7])];
    const same = (changed: Tensor, expected: Tensor) => expect(changed.toArray()).toEqual(expected.toArray());
    same(x.clone().addcmul_(a, b, { value: 2 }), addcmul(x, a, b, { value: 2 }));
    same(x.clone().addcdiv_(a, b, { value: 2 }), addcdiv(x, a, b, { value: 2 }));
    same(x.clone().lerp_(a, b), lerp(x, a, b));
    same(x.div(0).nanToNum_({ posinf: 5 }), nanToNum(x.div(0), { posinf: 5 }));
  });

  test('frexp gives the parts of which ldexp makes the number, at every scale', () => {
    const x = float64([6, 0.1, -3e-320, 5e-324, 2 ** -1022, Number.MAX_VALUE, 0.5, 1, -1 + 2 ** -53, 4 - 2 ** -51]);
    const { mantissa, exponent } = frexp(x);
    expect(mantissa.abs().ge(0.5).logicalAnd(mantissa.abs().lt(1)).all().item()).toBe(true);
    // 2 to the power of an exponent may be beyond what float64 holds.
    const half = exponent.div(2, { roundingMode: 'floor' });
    expect(mantissa.ldexp(half).ldexp(exponent.sub(half)).toArray()).toEqual(x.toArray());
    const special = frexp(tensor([0, Infinity, -Infinity, NaN]));
    expect(special.mantissa.toArray()).toEqual([0, Infinity, -Infinity, NaN]);
    expect(special.exponent.toArray()).toEqual([0, 0, 0, 0]);
  });

  test('nextafter takes one step, at every scale and in both types', () => {
    const scales = [0, 2 ** -149, 2 ** -126, 1.5 * 2 ** -126, 2 ** -125, 1e-20, 1, 1 + 2 ** -23, 2, 2 - 2 ** -23, 3e38];
    const around = (dtype: 'float32' | 'float64', values: number[], up: (x: number) => number) => {
      const x = tensor(values, { dtype });
      const above = nextafter(x, tensor([Infinity], { dtype }));
      expect(above.toArray()).toEqual(values.map(up));
      expect(nextafter(above, tensor([-Infinity], { dtype })).toArray()).toEqual(values);
      expect(nextafter(x.neg(), tensor([-Infinity], { dtype })).toArray()).toEqual(values.map((value) => -up(value)));
    };
    const bits32 = new Int32Array(1);
    const bits64 = new BigInt64Array(1);
    around('float32', scales.map(Math.fround), (x) => {
      new Float32Array(bits32.buffer)[0] = x;
      bits32[0]! += 1;
      return new Float32Array(bits32.buffer)[0]!;
    });
    around(
      'float64',
      [...scales, 5e-324, 2 ** -1022, 2 ** -1021, 2 ** -970, 1.7 * 2 ** -969, 1e-290, 2 ** -900, 1e308],
      (x) => {
        new Float64Array(bits64.buffer)[0] = x;
        bits64[0]! += 1n;
        return new Float64Array(bits64.buffer)[0]!;
      },
    );
    expect(nextafter(tensor([3.4028234663852886e38, Infinity]), tensor([Infinity, 0])).toArray()).toEqual([
      Infinity,
      3.4028234663852886e38,
    ]);
  });

  test('gcd is right where Euclid’s algorithm takes most steps', () => {
    const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
    const numbers = [1, 2];
    // Pell's numbers, those of Fibonacci, and any.
    while (numbers.at(-1)! < 2 ** 29) numbers.push(2 * numbers.at(-1)! + numbers.at(-2)!);
    const fibonacci = [1, 2];
    while (fibonacci.at(-1)! < 2 ** 30) fibonacci.push(fibonacci.at(-1)! + fibonacci.at(-2)!);
    numbers.push(...fibonacci, 0, 2 ** 31 - 1, 360, 1001, 65536, 123456789);
    const pairs = numbers.flatMap((a) => numbers.map((b) => [a, b] as const));
    const [a, b] = [int32(pairs.map(([a]) => a)), int32(pairs.map(([, b]) => -b))];
    expect(gcd(a, b).toArray()).toEqual(pairs.map(([a, b]) => divisor(a, b)));
    expect(lcm(int32([6, 0, -4, 1 << 20]), int32([4, 3, 6, 1 << 20])).toArray()).toEqual([12, 0, 12, 1 << 20]);
  });
});

describe('comparisons', () => {
  test('isclose weighs by the second operand', () => {
    const at = (a: number, b: number, options = {}) => isclose(float64([a]), float64([b]), options).item<boolean>();
    expect([at(1, 1 + 1e-6), at(1, 1.1), at(0, 1e-8), at(0, 1.1e-8)]).toEqual([true, false, true, false]);
    expect([at(10, 11, { rtol: 0.0905, atol: 0 }), at(11, 10, { rtol: 0.0905, atol: 0 })]).toEqual([false, false]);
    expect([at(10, 11, { rtol: 0.091, atol: 0 }), at(11, 10, { rtol: 0.091, atol: 0 })]).toEqual([true, false]);
    expect([at(NaN, NaN), at(NaN, NaN, { equalNan: true }), at(1, NaN, { equalNan: true })]).toEqual([
      false,
      true,
      false,
    ]);
    expect([at(Infinity, Infinity), at(Infinity, -Infinity), at(1, Infinity)]).toEqual([true, false, false]);
  });

  test('allclose and equal are booleans', () => {
    expect([allclose(ones([2]), ones([2])), allclose(ones([2]), zeros([2]))]).toEqual([true, false]);
    expect([equal(ones([2]), ones([2])), equal(ones([2]), zeros([2])), equal(ones([2]), ones([1]))]).toEqual([
      true,
      false,
      false,
    ]);
    expect([equal(zeros([0]), zeros([0])), equal(tensor([NaN]), tensor([NaN]))]).toEqual([true, false]);
    expect([allclose(zeros([0]), ones([0])), allclose(tensor([NaN]), tensor([NaN]), { equalNan: true })]).toEqual([
      true,
      true,
    ]);
  });

  test('a captured function cannot know what they give', () => {
    expect(() => capture((x: Tensor) => (equal(x, x) ? x : x.neg()))(ones([2]))).toThrow('item');
  });
});

describe('gradients', () => {
  const operands = () => [
    float64([0.4, -1.3, 2.2], true),
    float64([1.5, 0.7, -0.9], true),
    float64([0.8, -2.1, 1.4], true),
  ];
  test.each<[name: string, fn: (...args: Tensor[]) => Tensor]>([
    ['addcmul', (x, a, b) => addcmul(x!, a!, b!, { value: 0.7 })],
    ['addcdiv', (x, a, b) => addcdiv(x!, a!, b!, { value: 0.7 })],
    ['lerp', (x, a, b) => lerp(x!, a!, b!)],
    ['lerp by a number', (x, a) => lerp(x!, a!, 0.3)],
    ['frexp', (x) => frexp(x!).mantissa],
  ])('%s', (_, fn) => {
    const args = operands().slice(0, fn.length);
    expect(gradcheck(fn, args)).toBe(true);
    expect(gradgradcheck(fn, args)).toBe(true);
  });

  test('of what nanToNum puts in place of something is 0', () => {
    const x = tensor([NaN, Infinity, 2, -Infinity], { requiresGrad: true });
    nanToNum(x).sum().backward();
    expect(x.grad!.toArray()).toEqual([0, 0, 1, 0]);
  });
});

describe('refusals', () => {
  const cases: [name: string, call: () => unknown, error: typeof ValueError | typeof DTypeError, message: string][] = [
    [
      'remainder of integers by 0',
      () => remainder(int32([1]), int32([0])),
      ValueError,
      'remainder: a result does not fit int32',
    ],
    [
      'fmod of bools',
      () => fmod(tensor([true]), tensor([true])),
      DTypeError,
      'fmod: not defined for bool tensors; convert with .int()',
    ],
    [
      'gcd of floats',
      () => gcd(tensor([1]), int32([1])),
      DTypeError,
      'gcd: not defined for float32 tensors; convert with .int()',
    ],
    [
      'bitwiseAnd of floats',
      () => bitwiseAnd(tensor([1]), 1),
      DTypeError,
      'bitwiseAnd: not defined for float32 tensors',
    ],
    [
      'a shift beyond int32',
      () => bitwiseLeftShift(int32([1]), 31),
      ValueError,
      'bitwiseLeftShift: a result does not fit int32',
    ],
    [
      'lerp of two types',
      () => lerp(tensor([1]), float64([1]), 0.5),
      DTypeError,
      'lerp: the tensors must have one element type, got float32 and float64; use .to()',
    ],
    [
      'lerp of integers',
      () => lerp(int32([1]), int32([2]), 0.5),
      DTypeError,
      'lerp: not defined for int32 tensors; convert with .float()',
    ],
    ['lerp to a number', () => lerp(tensor([1]), 2 as never, 0.5), ValueError, 'lerp: end must be a Tensor, got 2'],
    [
      'isclose of two types',
      () => isclose(tensor([1]), float64([1])),
      DTypeError,
      'isclose: the tensors must have one element type',
    ],
    [
      'isclose within less than nothing',
      () => isclose(tensor([1]), tensor([1]), { rtol: -1 }),
      ValueError,
      'isclose: rtol must be at least 0, got -1',
    ],
    [
      'addcmul of bools',
      () => addcmul(tensor([true]), tensor([true]), tensor([true])),
      DTypeError,
      'addcmul: not defined for bool tensors',
    ],
    [
      'addcmul of integers by a half',
      () => addcmul(int32([1]), int32([1]), int32([1]), { value: 0.5 }),
      DTypeError,
      'addcmul: value must be an integer for int32 operands, got 0.5',
    ],
    [
      'addcdiv of integers',
      () => addcdiv(tensor([1]), int32([1]), int32([1])),
      DTypeError,
      'addcdiv: the quotient of integers is none',
    ],
    [
      'addcdiv_ of integers',
      () => ones([1]).addcdiv_(int32([1]), int32([1])),
      DTypeError,
      'addcdiv_: the quotient of integers is none',
    ],
    [
      'floatPower_ of float32',
      () => ones([1]).floatPower_(2),
      DTypeError,
      'floatPower_: the result is float64 and cannot be stored in a float32 tensor',
    ],
    ['frexp of integers', () => frexp(int32([1])), DTypeError, 'frexp: expected floats, got int32'],
    [
      'nextafter of integers',
      () => nextafter(int32([1]), int32([2])),
      DTypeError,
      'nextafter: not defined for int32 tensors',
    ],
    ['positive of bools', () => positive(tensor([true])), DTypeError, 'positive: not defined for bool tensors'],
    [
      'nanToNum with a text',
      () => nanToNum(tensor([1]), { nan: '0' as never }),
      ValueError,
      "nanToNum: nan must be a number, got '0'",
    ],
    ['an unknown option', () => nanToNum(tensor([1]), { posInf: 0 } as never), ValueError, "did you mean 'posinf'"],
  ];
  test.each(cases)('%s', (_, call, error, message) => {
    expect(call).toThrow(error);
    expect(call).toThrow(message);
  });
});

// Recorded from PyTorch 2.13.
test.each([
  [1, 1 / 3, -2, -3],
  [2, 2 / 3, -2, -3],
  [10, 0.1, -99, -99],
  [-10, 0.1, 100, 100],
  [4.9999998, 1e-3, -4999, -4999],
  [0.3, 0.1, -3, -2],
  [-0.3, 0.1, 4, 3],
  [-3, Number.POSITIVE_INFINITY, 1, 1],
  [3, 0, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
  [Number.POSITIVE_INFINITY, 2, Number.NaN, Number.NaN],
])(
  'the gradient of remainder(%d, b) by b = %d counts the multiples that were taken away, in float32 and float64',
  (a, b, single, double) => {
    const slope = (dtype: 'float32' | 'float64') => {
      const divisor = tensor(b, { dtype, requiresGrad: true });
      remainder(tensor(a, { dtype }), divisor).backward();
      return divisor.grad!.item();
    };
    expect(slope('float32')).toBe(single);
    expect(slope('float64')).toBe(double);
  },
);
