import { describe, expect, test } from 'vitest';
import {
  add,
  amax,
  amin,
  DTypeError,
  div,
  grad,
  logSoftmax,
  logsumexp,
  max,
  min,
  nn,
  ones,
  pow,
  softmax,
  sub,
  type Tensor,
  tensor,
  ValueError,
} from '../../lib/index.js';

// Infinities, NaN, values whose squares overflow, and bools. What is expected was printed by torch 2.13.

const F = nn.functional;
const INF = Infinity;
const NAN = Number.NaN;

const slope = (fn: (x: Tensor) => Tensor, values: number[]): unknown => {
  const x = tensor(values, { requiresGrad: true });
  return grad(fn(x), x)[0]!.toArray();
};

describe('infinities', () => {
  test.each<[name: string, actual: () => Tensor, expected: unknown]>([
    ['softmax', () => softmax(tensor([1, INF, 2]), 0), [NAN, NAN, NAN]],
    ['softmax of nothing but -inf', () => softmax(tensor([-INF, -INF]), 0), [NAN, NAN]],
    ['softmax with -inf', () => softmax(tensor([-INF, 0, 0]), 0), [0, 0.5, 0.5]],
    ['logSoftmax', () => logSoftmax(tensor([1, INF, 2]), 0), [NAN, NAN, NAN]],
    ['logSoftmax in a long row', () => logSoftmax(ones([3000]).mul(INF), 0).sum(), NAN],
    [
      'logsumexp',
      () =>
        logsumexp(
          tensor([
            [1, INF],
            [-INF, -INF],
          ]),
          1,
        ),
      [INF, -INF],
    ],
    ['prod of what leaves float32 on the way', () => tensor([...Array(200).fill(-3), 0]).prod(), 0],
    ['crossEntropy', () => F.crossEntropy(tensor([[1, INF, 2]]), tensor([0], { dtype: 'int32' })), NAN],
    ['crossEntropy of probabilities', () => F.crossEntropy(tensor([[1, INF]]), tensor([[0.5, 0.5]])), NAN],
    [
      'crossEntropy, smoothed',
      () => F.crossEntropy(tensor([[1, INF]]), tensor([0], { dtype: 'int32' }), { labelSmoothing: 0.1 }),
      NAN,
    ],
    ['layerNorm', () => F.layerNorm(tensor([[INF, 0, 3]]), [3]), [[NAN, NAN, NAN]]],
    ['layerNorm, squares that overflow', () => F.layerNorm(tensor([[1e30, 0, 0, 0]]), [4]), [[NAN, NAN, NAN, NAN]]],
    [
      'div floor',
      () =>
        div(
          tensor([INF, -INF, -1, 1, -1, 1, 0, 0, INF, INF, 5, -5, NAN, 0, -0]),
          tensor([2, 2, INF, -INF, -INF, INF, INF, -INF, INF, 0, 0, 0, 2, 0, 5]),
          { roundingMode: 'floor' },
        ),
      [NAN, NAN, -1, -1, 0, 0, 0, -0, NAN, INF, INF, -INF, NAN, NAN, -0],
    ],
  ])('%s', (_, actual, expected) => {
    expect(actual().toArray()).toEqual(expected);
  });

  test.each<[x: number, y: number, loss: number, slope: number, weighted: number]>([
    [INF, 0, INF, 1, 1],
    [INF, 1, NAN, 0, 0],
    [INF, 0.5, INF, 0.5, 0.5],
    [-INF, 0, NAN, 0, 0],
    [-INF, 1, NAN, -1, -2],
    [-INF, 0.5, NAN, -0.5, -1],
  ])('binaryCrossEntropyWithLogits(%d, %d)', (x, y, expected, plain, weighted) => {
    const posWeight = tensor([2]);
    expect(F.binaryCrossEntropyWithLogits(tensor([x]), tensor([y])).item()).toBe(expected);
    expect(F.binaryCrossEntropyWithLogits(tensor([x]), tensor([y]), { posWeight }).item()).toBe(expected);
    expect(slope((z) => F.binaryCrossEntropyWithLogits(z, tensor([y])), [x])).toEqual([plain]);
    expect(slope((z) => F.binaryCrossEntropyWithLogits(z, tensor([y]), { posWeight }), [x])).toEqual([weighted]);
  });

  test('gradients of max and min where there are NaN', () => {
    for (const extreme of [max, min]) {
      expect(slope((x) => extreme(x) as Tensor, [1, NAN, 3, NAN])).toEqual([0, 0.5, 0, 0.5]);
      expect(slope((x) => extreme(x, 0).values, [1, NAN, 3, NAN])).toEqual([0, 1, 0, 0]);
      expect(slope((x) => extreme(x) as Tensor, [2, 2])).toEqual([0.5, 0.5]);
    }
    for (const p of [INF, -INF]) expect(slope((x) => x.norm(p), [1, NAN, 3])).toEqual([0, 0, 0]);
    for (const extreme of [amax, amin]) {
      expect(slope((x) => extreme(x), [1, NAN, 3])).toEqual([NAN, NAN, NAN]);
    }
  });
});

describe('gradients at the ends', () => {
  test.each<[name: string, fn: (x: Tensor) => Tensor, values: number[], expected: number[]]>([
    ['pow(x, -2)', (x) => x.pow(-2), [0, -0, INF, -INF, 2], [-INF, INF, -0, 0, -0.25]],
    ['pow(x, -0.5)', (x) => x.pow(-0.5), [0, -0, INF, 4], [-INF, -INF, -0, -0.0625]],
  ])('%s', (_, fn, values, expected) => {
    expect(slope((x) => fn(x).sum(), values)).toEqual(expected);
  });
});

describe('logits so large that their losses would drown in them', () => {
  const targets = tensor([1], { dtype: 'int32' });
  const large = tensor([[-5, 1e10, 1e10]]);

  test.each<[name: string, loss: () => Tensor]>([
    ['classes', () => F.crossEntropy(large, targets)],
    ['weighted classes', () => F.crossEntropy(large, targets, { weight: tensor([2, 3, 4]) })],
    ['probabilities', () => F.crossEntropy(large, tensor([[0, 0.5, 0.5]]))],
    ['by way of logSoftmax', () => F.nllLoss(large.logSoftmax(1), targets)],
  ])('%s', (_, loss) => {
    expect(loss().item()).toBeCloseTo(Math.LN2, 6);
  });

  test('smoothed', () => {
    const smoothed = F.crossEntropy(large, targets, { labelSmoothing: 0.3 }).item();
    expect(smoothed / (0.1 * 1e10)).toBeCloseTo(1, 6);
  });
});

describe('values whose squares float32 does not hold', () => {
  test.each<[values: number[]]>([
    [[1e30, 0, 0, 0, 0]],
    [[1e-30, 0, 0, 0, 0]],
    [[1e38, -1e38]],
    [[1e30, 1e30]],
    [[1e-25, 0, 0]],
    [[INF, 1]],
    [[NAN, 1]],
    [[1]],
    [[0, 0]],
    [[1, 2, 4]],
  ])('std and var of %j are those of float64', (values) => {
    for (const repeat of [1, 700]) {
      const x = tensor(values).expand([repeat, values.length]).reshape([-1]);
      const exact = x.double();
      const [std, expected] = [x.std().item(), exact.std().item()];
      if (Number.isFinite(expected) && expected !== 0) expect(Math.abs(std / expected - 1)).toBeLessThan(1e-5);
      else expect(std).toBe(expected);
      const [variance, rounded] = [x.var().item(), Math.fround(exact.var().item())];
      if (Number.isFinite(rounded) && rounded !== 0) expect(Math.abs(variance / rounded - 1)).toBeLessThan(1e-5);
      else expect(variance).toBe(rounded);
    }
  });

  test('nor their sum', () => {
    expect(tensor([3e38, 3e38]).std().item()).toBe(0);
    expect(tensor([3e38, 3e38]).var().item()).toBe(0);
  });

  test('std along other dimensions, and its gradient', () => {
    const x = tensor([
      [1e30, 1],
      [0, 2],
      [0, 4],
    ]);
    expect(x.std(0).toArray()).toEqual([expect.closeTo(5.7735026e29, -24), expect.closeTo(1.5275252, 6)]);
    const [large] = slope((v) => v.std(), [1e30, 0, 0, 0, 0]) as number[];
    const [small] = slope((v) => v.std(), [1e-30, 0, 0, 0, 0]) as number[];
    expect([large, small]).toEqual([expect.closeTo(0.4472136, 5), expect.closeTo(0.4472136, 5)]);
  });
});

describe('bools and factors', () => {
  const bools = () => tensor([true, false]);
  const ints = () => tensor([3, -3], { dtype: 'int32' });

  test.each<[alpha: number]>([[2], [-1], [0]])('bools add up to bools, with alpha %d as well', (alpha) => {
    expect(add(bools(), bools(), { alpha }).dtype).toBe('bool');
    expect(add(bools(), bools(), { alpha }).toArray()).toEqual([true, false]);
    expect(bools().add_(bools(), { alpha }).toArray()).toEqual([true, false]);
    expect(add(bools(), ints(), { alpha }).toArray()).toEqual([1 + 3 * alpha, 0 - 3 * alpha]);
    expect(add(ints(), ints(), { alpha }).dtype).toBe('int32');
    expect(add(ints(), 2.5, { alpha }).dtype).toBe('float32');
  });

  test('the root of their sum is a float', () => {
    expect(add(bools(), bools(), { alpha: 2 }).sqrt().toArray()).toEqual([1, 0]);
  });

  test('alpha has to be an integer for integers', () => {
    for (const fn of [add, sub]) expect(() => fn(ints(), ints(), { alpha: 0.5 })).toThrow(DTypeError);
    expect(() => ints().add_(ints(), { alpha: 0.5 })).toThrow('add_: alpha must be an integer for int32 operands');
    expect(() => add(bools(), bools(), { alpha: 0.5 })).toThrow(DTypeError);
    expect(add(ints(), tensor([1.5, 2.5]), { alpha: 0.5 }).toArray()).toEqual([3.75, -1.75]);
  });

  test('what PyTorch has not for bools is refused', () => {
    expect(() => sub(bools(), bools())).toThrow(DTypeError);
    expect(() => sub(ints(), bools(), { alpha: 2 })).toThrow(DTypeError);
    expect(() => bools().round()).toThrow(DTypeError);
    expect(pow(bools(), 2).toArray()).toEqual([1, 0]);
    expect(pow(bools(), tensor([2, 0], { dtype: 'int32' })).toArray()).toEqual([1, 1]);
    for (const roundingMode of ['floor', 'trunc'] as const) {
      expect(() => div(bools(), bools(), { roundingMode })).toThrow(DTypeError);
      expect(div(bools(), ints(), { roundingMode }).toArray()).toEqual([0, expect.closeTo(0)]);
    }
  });
});

describe('losses of operands of different shapes', () => {
  const [one, pair] = [tensor(1, { dtype: 'float64' }), tensor([1, 0.5])];

  test.each<[name: string, loss: (x: Tensor, y: Tensor) => Tensor, value: number, types: string[]]>([
    ['l1Loss', F.l1Loss, 0.25, ['float64', 'float64']],
    ['mseLoss', F.mseLoss, 0.125, ['float64', 'float64']],
    ['smoothL1Loss', F.smoothL1Loss, 0.0625, ['float64', 'float64']],
    ['huberLoss', F.huberLoss, 0.0625, ['float64', 'float32']],
  ])('%s of a 0-d float64 and a 1-d float32 tensor', (_, loss, value, types) => {
    const results = [loss(one, pair), loss(pair, one)];
    expect(results.map((x) => x.item())).toEqual([value, value]);
    expect(results.map((x) => x.dtype)).toEqual(types);
    expect(loss(pair, pair).dtype).toBe('float32');
  });

  test('ignoreIndex is for class indices', () => {
    const [logits, target] = [tensor([[1, 2]]), tensor([[0.5, 0.5]])];
    expect(() => F.crossEntropy(logits, target, { ignoreIndex: 1 })).toThrow(ValueError);
    expect(() => new nn.CrossEntropyLoss({ ignoreIndex: 0 }).forward(logits, target)).toThrow('ignoreIndex');
    expect(F.crossEntropy(logits, target, { ignoreIndex: -100 }).item()).toBeCloseTo(0.8133, 4);
  });

  test('shapes that broadcast are a warning, once for each loss and pair of shapes', async () => {
    const warnings: (Error & { code?: string })[] = [];
    // Those of other tests are still on their way.
    await new Promise((resolve) => setImmediate(resolve));
    const listen = (warning: Error) => void warnings.push(warning);
    process.on('warning', listen);
    try {
      const [column, row] = [ones([5, 1]), ones([7])];
      for (let i = 0; i < 3; i++) {
        F.mseLoss(column, row);
        F.l1Loss(column, row);
        F.mseLoss(row, column);
        F.binaryCrossEntropyWithLogits(column, row);
        F.mseLoss(row, row);
      }
      expect(() => F.mseLoss(ones([2, 3]), ones([4]))).toThrow('do not broadcast');
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.off('warning', listen);
    }
    const own = warnings.filter(({ code }) => code === 'NABLA_LOSS_BROADCAST');
    expect(own.map(({ message }) => message.split(' have')[0])).toEqual([
      'mseLoss: the input [5, 1] and the target [7]',
      'l1Loss: the input [5, 1] and the target [7]',
      'mseLoss: the input [7] and the target [5, 1]',
      'binaryCrossEntropyWithLogits: the input [5, 1] and the target [7]',
    ]);
  });
});
