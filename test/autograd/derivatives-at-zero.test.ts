import {
  acosh,
  asinh,
  atan2,
  cat,
  cosh,
  cosineSimilarity,
  erf,
  erfinv,
  grad,
  hypot,
  lgamma,
  logaddexp,
  logaddexp2,
  logcumsumexp,
  logit,
  logsumexp,
  nn,
  pow,
  sigmoid,
  sinc,
  special,
  stack,
  sub,
  type Tensor,
  tanh,
  tensor,
} from 'nabla';
import { describe, expect, it } from 'vitest';

const F = nn.functional;

const float64 = (values: number | number[] | number[][]): Tensor => tensor(values, { dtype: 'float64' });
const one = float64([1]);
const first = tensor([0], { dtype: 'int32' });

/** The derivatives of a function at a point, the first in front. */
function derivatives(fn: (x: Tensor) => Tensor, at: number, count: number): number[] {
  const x = float64([at]).requiresGrad_();
  const found: number[] = [];
  for (let y = fn(x).sum(); found.length < count; ) {
    [y] = grad([y], [x], { createGraph: true }).map((g) => g!.sum()) as [Tensor];
    found.push(y.item());
    // What is constant has no more.
    if (!y.requiresGrad) return [...found, ...new Array<number>(count - found.length).fill(0)];
  }
  return found;
}

const both = (x: Tensor): Tensor => stack([x, x.mul(2)]);
const logits = (x: Tensor): Tensor => both(x).t();
const rows = (x: Tensor): [Tensor, Tensor] => [stack([x, x.add(1)], 1), stack([x.add(1), x.mul(2).add(1)], 1)];
const bce = F.binaryCrossEntropyWithLogits;

type Row = [name: string, fn: (x: Tensor) => Tensor, derivatives: readonly number[]];

/** The values are PyTorch's in float64, but the second of sinc (-π² / 3) and the third of i1 (3 / 8): what PyTorch gives there is wrong. */
const SMOOTH: Row[] = [
  ['logsigmoid', F.logsigmoid, [0.5, -0.25, 0]],
  ['mish', F.mish, [0.6, 0.64, -0.096, -1.1008]],
  ['softplus', (x) => F.softplus(x, 2), [0.5, 0.5, 0]],
  ['silu', F.silu, [0.5, 0.5, 0]],
  ['gelu', F.gelu, [0.5, 0.7978845608028654, 0]],
  ['gelu by tanh', (x) => F.gelu(x, { approximate: 'tanh' }), [0.5, 0.7978845608028654, 0]],
  ['sigmoid', sigmoid, [0.25, 0, -0.125]],
  ['tanh', tanh, [1, 0, -2]],
  ['tanhshrink', F.tanhshrink, [0, 0, 2]],
  ['glu', (x) => F.glu(cat([x.add(1), x])), [0.75, 0.5, -0.125]],
  ['softmin', (x) => F.softmin(both(x), 0).select(0, 0), [0.25, 0, -0.125]],
  ['softmax', (x) => F.softmax(both(x), 0).select(0, 0), [-0.25, 0, 0.125]],
  ['logSoftmax', (x) => F.logSoftmax(both(x), 0).select(0, 0), [-0.5, -0.25, 0]],

  ['binaryCrossEntropyWithLogits', (x) => bce(x, float64([0.3])), [0.2, 0.25, 0]],
  ['the same with posWeight', (x) => bce(x, one, { posWeight: float64(3) }), [-1.5, 0.75, 0]],
  ['the same with weight', (x) => bce(x, one, { weight: float64(2) }), [-1, 0.5, 0]],
  ['the same with both', (x) => bce(x, float64([0.5]), { weight: float64(2), posWeight: float64(3) }), [-1, 1, 0]],
  ['binaryCrossEntropy', (x) => F.binaryCrossEntropy(x.add(1).div(2), float64([0.3])), [0.4, 1, 0.8]],
  ['softMarginLoss', (x) => F.softMarginLoss(x, one), [-0.5, 0.25, 0]],
  ['multilabelSoftMarginLoss', (x) => F.multilabelSoftMarginLoss(x, one), [-0.5, 0.25, 0]],
  ['multiMarginLoss, squared', (x) => F.multiMarginLoss(logits(x), first, { p: 2 }), [1, 1, 0]],
  ['crossEntropy', (x) => F.crossEntropy(logits(x), first), [0.5, 0.25, 0]],
  ['crossEntropy, smoothed', (x) => F.crossEntropy(logits(x), first, { labelSmoothing: 0.2 }), [0.4, 0.25, 0]],
  ['mseLoss', (x) => F.mseLoss(x, one), [-2, 2, 0]],
  ['huberLoss', (x) => F.huberLoss(x, float64([0])), [0, 1, 0]],
  ['smoothL1Loss', (x) => F.smoothL1Loss(x, float64([0])), [0, 1, 0]],
  ['poissonNllLoss', (x) => F.poissonNllLoss(x, one), [0, 1, 1]],
  ['gaussianNllLoss', (x) => F.gaussianNllLoss(x, one, x.exp()), [-1, 3.5, -6.5]],
  ['klDiv', (x) => F.klDiv(float64([0.5]), x, { logTarget: true }), [0.5, 1.5, 2.5]],
  [
    'cosineEmbeddingLoss',
    (x) => F.cosineEmbeddingLoss(...rows(x), one),
    [-1.0606601717798214, 4.065863991822648, -16.17506761964227],
  ],

  ['logaddexp', (x) => logaddexp(x, x.mul(2)), [1.5, 0.25, 0]],
  ['logaddexp2', (x) => logaddexp2(x, x.mul(2)), [1.5, 0.17328679513998632, 0]],
  ['logsumexp', (x) => logsumexp(both(x), 0), [1.5, 0.25, 0]],
  ['logcumsumexp', (x) => logcumsumexp(both(x), 0).select(0, 1), [1.5, 0.25, 0]],
  ['hypot', (x) => hypot(x, one), [0, 1, 0]],
  ['hypot of equals', (x) => hypot(x.add(1), sub(1, x)), [0, Math.SQRT2, 0]],
  ['atan2', (x) => atan2(x, one), [1, 0, -2]],
  ['atan2 of equals', (x) => atan2(x.add(1), sub(1, x)), [1, 0, -2]],
  ['cosh', cosh, [0, 1, 0]],
  ['asinh', asinh, [1, 0, -1]],
  ['acosh', (x) => acosh(x.add(2)), [0.5773502691896258, -0.3849001794597505, 0.5773502691896258]],
  ['erf', erf, [1.1283791670955126, 0, -2.256758334191025]],
  ['erfinv', erfinv, [0.8862269254527579, 0, 1.3920819992079265]],
  ['ndtr', special.ndtr, [0.3989422804014327, 0, -0.3989422804014327]],
  ['logNdtr', special.logNdtr, [0.7978845608028654, -0.6366197723675815, 0.21801361414499054]],
  ['ndtri', (x) => special.ndtri(x.add(0.5)), [2.5066282746310002, 0, 15.749609945722415]],
  ['erfcx', special.erfcx, [-1.1283791670955126, 2, -4.51351666838205]],
  ['logit', (x) => logit(x.add(0.5)), [4, 0, 32]],
  ['sinc', sinc, [0, -(Math.PI ** 2) / 3, 0]],
  ['i0', special.i0, [0, 0.5, 0]],
  ['i1', special.i1, [0.5, 0, 0.375]],
  ['lgamma', (x) => lgamma(x.add(1)), [-0.5772156649015328, 1.6449340668482264, -2.404113806319188]],

  ['a product with one factor of 0', (x) => stack([x, x.add(2), x.add(1)]).prod(0), [2, 6, 6]],
  ['a product with two', (x) => stack([x, x, x.add(1)]).prod(0), [0, 2, 6]],
  ['a product with three', (x) => stack([x, x, x, x.add(1)]).prod(0), [0, 0, 6]],
  [
    'cosineSimilarity',
    (x) => cosineSimilarity(...rows(x)),
    [1.0606601717798214, -4.065863991822648, 16.17506761964227],
  ],
  ['norm', (x) => rows(x)[0].norm({ dim: 1 }), [1, 1, -3]],
];

describe('what is smooth', () => {
  it.each(SMOOTH)('has its derivatives at 0: %s', (_, fn, expected) => {
    const found = derivatives(fn, 0, expected.length);
    for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i]!, 9);
  });
});

const [UP, DOWN] = [Infinity, -Infinity];

/** As PyTorch's with a number for an exponent. With a tensor PyTorch has NaN where an exponent came down to 0 and is derived again. */
const POWERS: [exponent: number, derivatives: readonly number[]][] = [
  [0, [0, 0, 0]],
  [1, [1, 0, 0]],
  [2, [0, 2, 0, 0]],
  [3, [0, 0, 6, 0]],
  [4, [0, 0, 0, 24, 0, 0]],
  [0.5, [UP, DOWN, UP]],
  [1.5, [0, UP, DOWN]],
  [2.5, [0, 0, UP]],
  [-0.5, [DOWN, UP, DOWN]],
  [-1, [DOWN, UP, DOWN]],
  [-2, [DOWN, UP, DOWN]],
];

describe.each(POWERS)('the derivatives at 0 of x to the power of %d', (exponent, expected) => {
  it.each<[string, (x: Tensor) => Tensor]>([
    ['a number', (x) => pow(x, exponent)],
    ['floatPower', (x) => x.floatPower(exponent)],
    ['a tensor', (x) => pow(x, float64([exponent]))],
    ['a tensor with a gradient', (x) => pow(x, float64([exponent]).requiresGrad_())],
  ])('are right by %s', (_, fn) => {
    const found = derivatives(fn, 0, expected.length);
    expect(found.map((value) => value + 0)).toEqual(expected);
  });
});

it('the mixed second derivatives of 0² are 0', () => {
  const [x, exponent] = [float64(0).requiresGrad_(), float64(2).requiresGrad_()];
  const slopes = grad([pow(x, exponent)], [x, exponent], { createGraph: true });
  const second = slopes.map((slope) => grad([slope!], [x, exponent], { retainGraph: true }).map((g) => g!.item() + 0));
  expect(second).toEqual([
    [2, 0],
    [0, 0],
  ]);
});
