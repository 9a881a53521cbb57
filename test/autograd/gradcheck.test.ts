import { describe, expect, test } from 'vitest';
import {
  AutogradError,
  type Differentiable,
  DTypeError,
  gradcheck,
  gradgradcheck,
  manualSeed,
  noGrad,
  ones,
  rand,
  randn,
  tensor,
  ValueError,
} from '../../lib/index.js';

const leaf = (values: number | number[] | number[][]) => tensor(values, { dtype: 'float64', requiresGrad: true });

/** Right values, but a gradient that lacks a factor of 2. */
const wrong: Differentiable = (x) => x!.mul(x!.detach());

describe('gradcheck', () => {
  test('the documented example', () => {
    const x = randn([3], { dtype: 'float64', requiresGrad: true });
    expect(gradcheck((x) => x.sin().mul(x), x)).toBe(true);
    expect(gradgradcheck((x) => x.exp(), x)).toBe(true);
  });

  test('several inputs and outputs, of different shapes', () => {
    const inputs = [
      leaf([
        [1, 2],
        [3, 4],
      ]),
      leaf([0.5, -1.5]),
      leaf(2),
    ];
    const fn: Differentiable = (a, b, c) => [a!.mul(b!), b!.exp().sum(), c!.mul(a!.sum(0))];
    expect(gradcheck(fn, inputs)).toBe(true);
    expect(gradgradcheck(fn, inputs)).toBe(true);
  });

  test('inputs that need no gradient are passed through, of any type', () => {
    const mask = tensor([true, false]);
    expect(gradcheck((x, m) => x.maskedFill(m, 0), [leaf([1, 2]), mask])).toBe(true);
  });

  test('an input that is a view of a larger tensor', () => {
    const base = leaf([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const view = noGrad(() => base.t().narrow(0, 1, 2)).requiresGrad_();
    expect(gradcheck((x) => x.square().mul(x.t()), [view])).toBe(true);
    expect(base.toArray()).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
  });

  test('an empty input, and an output without elements', () => {
    expect(gradcheck((x) => x.sum(), leaf([]))).toBe(true);
    expect(gradcheck((x) => x.narrow(0, 0, 0), leaf([1, 2]))).toBe(true);
  });

  test('names input, output, elements and both values', () => {
    const check = () =>
      gradcheck(
        (x, y) => [x.add(y), y.mul(y.detach())],
        [
          leaf([1, 2]),
          leaf([
            [3, 5],
            [7, 0],
          ]),
        ],
      );
    expect(check).toThrow(AutogradError);
    expect(check).toThrow(
      /^gradcheck: the derivative of output 1 element \[0, 0\] with respect to input 1 element \[0, 0\] is 3 by backward, but 6\.0000\d* by finite differences$/,
    );
    expect(() => gradcheck(wrong, leaf(3))).toThrow('derivative of output 0 with respect to input 0 is 3 by backward');
    expect(() => gradgradcheck((x) => wrong(x.exp()), leaf(1))).toThrow('gradgradcheck: the derivative of output 0');
  });

  test('can answer instead of throwing', () => {
    expect(gradcheck(wrong, leaf([3]), { raiseException: false })).toBe(false);
    expect(gradgradcheck(wrong, leaf([3]), { raiseException: false })).toBe(false);
  });

  test('tolerances decide', () => {
    const nearly: Differentiable = (x) => x!.mul(1.001).sub(x!.detach().mul(0.001));
    expect(gradcheck(nearly, leaf([1]), { rtol: 1e-2 })).toBe(true);
    expect(gradcheck(nearly, leaf([1]), { rtol: 1e-4, raiseException: false })).toBe(false);
    expect(gradcheck(nearly, leaf([1]), { rtol: 0, atol: 1e-2 })).toBe(true);
  });

  test('a kink fails, and NaN does not pass for anything', () => {
    expect(gradcheck((x) => x.relu(), leaf([0]), { raiseException: false })).toBe(false);
    expect(gradcheck((x) => x.sqrt(), leaf([-1]), { raiseException: false })).toBe(false);
  });

  test('a gradient that is missing counts as zero', () => {
    expect(gradcheck((x, y) => x.add(y.detach().mul(0)), [leaf([1]), leaf([2])])).toBe(true);
    expect(() => gradcheck((x, y) => x.add(y.detach()), [leaf([1]), leaf([2])])).toThrow(
      'input 1 element [0] is 0 by backward',
    );
  });

  test('leaves inputs, gradients and the default stream as they were', () => {
    const x = leaf([0.1, 0.2]);
    manualSeed(0);
    gradcheck((a) => a.square(), x);
    gradgradcheck((a) => a.square(), x);
    expect(x.toArray()).toEqual([0.1, 0.2]);
    expect(x.grad).toBeNull();
    const next = rand([1]).item();
    manualSeed(0);
    expect(next).toBe(rand([1]).item());
  });

  test('restores the input even if the function throws', () => {
    const x = leaf([0.1]);
    let calls = 0;
    const fails: Differentiable = (a) => {
      if (++calls > 1) throw new RangeError('no more');
      return a!.square();
    };
    expect(() => gradcheck(fails, x)).toThrow(RangeError);
    expect(x.toArray()).toEqual([0.1]);
  });

  test('second derivatives with gradients of one’s own', () => {
    const x = leaf([0.3, 0.7]);
    expect(gradgradcheck((a) => a.sin(), x, { gradOutputs: leaf([2, -3]) })).toBe(true);
  });

  test.each<[refused: string, call: () => unknown, error: new (message: string) => Error, message: string]>([
    [
      'float32',
      () => gradcheck((x) => x, ones([1], { requiresGrad: true })),
      DTypeError,
      'input 0 requires a gradient and must be float64, got float32',
    ],
    [
      'no gradient',
      () => gradcheck((x) => x, leaf([1]).detach()),
      ValueError,
      'expected an input that requires a gradient',
    ],
    [
      'an output without one',
      () => gradcheck((x) => x.detach(), leaf([1])),
      AutogradError,
      'no output depends on an input',
    ],
    [
      'a float32 output',
      () => gradcheck((x) => x.float(), leaf([1])),
      DTypeError,
      'outputs must be float64, got float32',
    ],
    [
      'an expanded input',
      () => gradcheck((x) => x, noGrad(() => leaf([1]).expand([3])).requiresGrad_()),
      ValueError,
      'clone() it first',
    ],
    [
      'a misspelled option',
      () => gradcheck((x) => x, leaf([1]), { epsilon: 1 } as object),
      ValueError,
      "unknown option 'epsilon'",
    ],
    ['eps 0', () => gradcheck((x) => x, leaf([1]), { eps: 0 }), ValueError, 'eps must be above 0, got 0'],
    [
      'what is no tensor',
      () => Reflect.apply(gradcheck, undefined, [wrong, [3]]),
      ValueError,
      'gradcheck: inputs[0] must be a Tensor, got 3',
    ],
  ])('refuses %s', (_, call, error, message) => {
    expect(call).toThrow(error);
    expect(call).toThrow(message);
  });
});
