import {
  addcmul,
  bernoulli,
  bmm,
  cat,
  fliplr,
  fullLike,
  manualSeed,
  nn,
  normal,
  ones,
  onesLike,
  rand,
  randintLike,
  randLike,
  randnLike,
  roll,
  stack,
  sub,
  type Tensor,
  tensor,
  where,
  zeros,
  zerosLike,
} from 'nabla';
import { describe, expect, it } from 'vitest';

const F = nn.functional;
const of = (...shape: number[]): Tensor => ones(shape);
const turned = (): Tensor => of(4, 6).t();

// What an operation makes of what is not in rows: its strides, its first elements with seed 0, and the number that is drawn next. Recorded from PyTorch 2.13.
const cases: [string, () => Tensor, number[], number[], number][] = [
  [
    'a sum with a number of a transposed matrix',
    () => F.dropout(of(4, 6).t().add(1), 0.5),
    [1, 6],
    [0, 4, 4, 0, 0, 4, 0, 0, 4, 0, 4, 4],
    0.22602,
  ],
  [
    'few normals like a transposed matrix',
    () => randnLike(of(3, 2).t()),
    [1, 2],
    [1.541, -2.1788, -1.0845, -0.2934, 0.5684, -1.3986],
    0.178606,
  ],
  [
    'normals like a transposed matrix, one by one',
    () => randnLike(of(4, 6).t()),
    [1, 6],
    [1.541, 0.4033, -0.8567, -0.892, -0.2934, 0.838, 1.1006, -1.5091, -2.1788, -0.7193, -1.0712, 0.3704],
    0.22602,
  ],
  [
    'a part of a transposed matrix',
    () => F.dropout(of(4, 6).t().narrow(0, 0, 3), 0.5),
    [1, 3],
    [0, 0, 2, 2, 0, 0, 2, 2, 2, 0, 0, 2],
    0.355267,
  ],
  [
    'alpha dropout of such a part',
    () => F.alphaDropout(of(4, 6).t().narrow(0, 0, 3), 0.5, true),
    [1, 3],
    [-0.7792, -0.7792, 1.6656, 1.6656, -0.7792, -0.7792, 1.6656, 1.6656, 1.6656, -0.7792, -0.7792, 1.6656],
    0.355267,
  ],
  [
    'a clone of such a part',
    () => of(4, 6).t().narrow(0, 0, 3).clone().bernoulli_(0.5),
    [1, 3],
    [0, 0, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1],
    0.355267,
  ],
  [
    'a permuted and a plain operand',
    () =>
      F.dropout(
        of(2, 3, 4)
          .permute([2, 0, 1])
          .add(of(4, 2, 3)),
        0.5,
      ),
    [1, 12, 4],
    [0, 0, 0, 4, 4, 4, 0, 0, 4, 0, 4, 0],
    0.22602,
  ],
  [
    'a plain and a permuted operand',
    () => F.dropout(of(4, 2, 3).add(of(2, 3, 4).permute([2, 0, 1])), 0.5),
    [6, 3, 1],
    [0, 0, 4, 0, 0, 0, 4, 4, 0, 4, 4, 4],
    0.22602,
  ],
  [
    'a permuted operand and a row',
    () => F.dropout(of(2, 3, 4).permute([2, 0, 1]).add(of(3)), 0.5),
    [1, 12, 4],
    [0, 0, 0, 4, 4, 4, 0, 0, 4, 0, 4, 0],
    0.22602,
  ],
  [
    'a repeated operand and a permuted one',
    () => F.dropout(of(4, 1, 3).add(of(2, 3, 4).permute([2, 0, 1])), 0.5),
    [3, 12, 1],
    [0, 0, 4, 4, 0, 4, 0, 0, 0, 4, 4, 4],
    0.22602,
  ],
  [
    'a transposed operand that is repeated',
    () =>
      F.dropout(
        of(3, 4)
          .t()
          .add(of(2, 4, 3)),
        0.5,
      ),
    [12, 1, 4],
    [0, 0, 0, 0, 0, 4, 4, 4, 4, 0, 4, 4],
    0.22602,
  ],
  [
    'where',
    () => F.dropout(where(of(6, 4).t().gt(0), of(4, 6), of(4, 6)), 0.5),
    [1, 4],
    [0, 0, 0, 2, 2, 2, 0, 0, 2, 0, 2, 0],
    0.22602,
  ],
  [
    'an expanded operand',
    () => F.dropout(of(1, 6).expand([4, 6]).add(1), 0.5),
    [6, 1],
    [0, 0, 4, 0, 0, 0, 4, 4, 0, 4, 4, 4],
    0.22602,
  ],
  [
    'an expanded operand that is transposed',
    () => F.dropout(of(6, 1).expand([6, 4]).t().relu(), 0.5),
    [6, 1],
    [0, 0, 2, 0, 0, 0, 2, 2, 0, 2, 2, 2],
    0.22602,
  ],
  [
    'an activation',
    () => F.dropout(F.gelu(of(2, 3, 4).transpose(1, 2)), 0.5),
    [12, 1, 4],
    [0, 0, 0, 0, 0, 1.6827, 1.6827, 1.6827, 1.6827, 0, 1.6827, 1.6827],
    0.22602,
  ],
  [
    'another element type',
    () => F.dropout(of(4, 6).t().double(), 0.5),
    [1, 6],
    [0, 2, 2, 0, 0, 2, 0, 0, 2, 0, 2, 2],
    0.22602,
  ],
  [
    'integers like a transposed matrix',
    () => randintLike(of(4, 6).t(), 10),
    [1, 6],
    [4, 7, 6, 4, 9, 3, 9, 3, 3, 7, 8, 6],
    0.355267,
  ],
  [
    'uniform values like a transposed matrix',
    () => randLike(of(4, 6).t()),
    [1, 6],
    [0.4963, 0.4901, 0.0223, 0.161, 0.7682, 0.8964, 0.1689, 0.2823, 0.0885, 0.4556, 0.2939, 0.6816],
    0.355267,
  ],
  [
    'an axis of one',
    () => F.dropout(of(3, 1, 4).permute([2, 1, 0]).mul(2), 0.5),
    [1, 4, 4],
    [0, 0, 0, 0, 0, 4, 4, 4, 4, 0, 4, 4],
    0.355267,
  ],
  [
    'three operands',
    () => F.dropout(addcmul(of(4, 6), of(6, 4).t(), of(4, 6)), 0.5),
    [6, 1],
    [0, 0, 4, 0, 0, 0, 4, 4, 0, 4, 4, 4],
    0.22602,
  ],
  [
    'joined',
    () => F.dropout(cat([of(2, 3, 4).transpose(1, 2), of(2, 3, 4).transpose(1, 2)]), 0.5),
    [12, 3, 1],
    [0, 0, 2, 0, 0, 0, 2, 2, 0, 2, 2, 2],
    0.99726,
  ],
  [
    'softmax',
    () => F.dropout(of(2, 3, 4).transpose(1, 2).softmax(-1), 0.5),
    [12, 3, 1],
    [0, 0, 0.6667, 0, 0, 0, 0.6667, 0.6667, 0, 0.6667, 0.6667, 0.6667],
    0.22602,
  ],
  [
    'layer norm',
    () => F.dropout(F.layerNorm(of(2, 3, 4).transpose(0, 1), [4]), 0.5),
    [8, 4, 1],
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    0.22602,
  ],
  [
    'linear',
    () => F.dropout(F.linear(of(2, 3, 4).transpose(0, 1), of(5, 4)), 0.5),
    [10, 5, 1],
    [0, 0, 8, 0, 0, 0, 8, 8, 0, 8, 8, 8],
    0.809892,
  ],
  [
    'linear with a bias',
    () => F.dropout(F.linear(of(2, 3, 4).transpose(0, 1), of(5, 4), of(5)), 0.5),
    [10, 5, 1],
    [0, 0, 10, 0, 0, 0, 10, 10, 0, 10, 10, 10],
    0.809892,
  ],
  [
    'a cumulative sum',
    () => F.dropout(of(2, 3, 4).transpose(0, 1).cumsum(0), 0.5),
    [8, 4, 1],
    [0, 0, 2, 0, 0, 0, 2, 2, 0, 4, 4, 4],
    0.22602,
  ],
  [
    'padded',
    () => F.dropout(F.pad(of(2, 3, 4).transpose(0, 1), [1, 1]), 0.5),
    [12, 6, 1],
    [0, 0, 2, 0, 0, 0, 0, 2, 0, 2, 2, 0],
    0.57204,
  ],
  [
    'stacked',
    () => F.dropout(stack([of(3, 4).t(), of(3, 4).t()]), 0.5),
    [12, 3, 1],
    [0, 0, 2, 0, 0, 0, 2, 2, 0, 2, 2, 2],
    0.22602,
  ],
  [
    'rolled',
    () => F.dropout(roll(of(2, 3, 4).transpose(0, 1), 1, 0), 0.5),
    [8, 4, 1],
    [0, 0, 2, 0, 0, 0, 2, 2, 0, 2, 2, 2],
    0.22602,
  ],
  [
    'reduced',
    () => F.dropout(of(2, 3, 4, 5).transpose(0, 1).sum(-1), 0.5),
    [8, 4, 1],
    [0, 0, 10, 0, 0, 0, 10, 10, 0, 10, 10, 10],
    0.22602,
  ],
  [
    'an embedding',
    () => F.dropout(F.embedding(zeros([2, 3], { dtype: 'int32' }).t(), of(5, 4)), 0.5),
    [8, 4, 1],
    [0, 0, 2, 0, 0, 0, 2, 2, 0, 2, 2, 2],
    0.22602,
  ],
  [
    'indexed',
    () =>
      F.dropout(
        of(2, 3, 4)
          .transpose(0, 1)
          .index([tensor([0, 1, 2], { dtype: 'int32' })]),
        0.5,
      ),
    [8, 4, 1],
    [0, 0, 2, 0, 0, 0, 2, 2, 0, 2, 2, 2],
    0.22602,
  ],
  [
    'pooled',
    () => F.dropout(F.maxPool1d(of(2, 4, 3).transpose(1, 2), 2), 0.5),
    [6, 2, 1],
    [0, 0, 2, 0, 0, 0, 2, 2, 0, 2, 2, 2],
    0.355267,
  ],
  [
    'a convolution',
    () => F.dropout(F.conv1d(of(2, 4, 3).transpose(1, 2), of(3, 3, 1)), 0.5),
    [12, 4, 1],
    [0, 0, 6, 0, 0, 0, 6, 6, 0, 6, 6, 6],
    0.22602,
  ],
  [
    'a product of batches',
    () => F.dropout(bmm(of(2, 3, 4).transpose(1, 2), of(2, 3, 4)), 0.5),
    [16, 4, 1],
    [0, 0, 6, 0, 0, 0, 6, 6, 0, 6, 6, 6],
    0.195888,
  ],
  [
    'a product',
    () => F.dropout(of(2, 3, 4).transpose(0, 1).matmul(of(4, 5)), 0.5),
    [10, 5, 1],
    [0, 0, 8, 0, 0, 0, 8, 8, 0, 8, 8, 8],
    0.809892,
  ],
  [
    'maskedFill',
    () =>
      F.dropout(
        of(2, 3, 4)
          .transpose(0, 1)
          .maskedFill(of(3, 2, 4).lt(0), 1),
        0.5,
      ),
    [8, 4, 1],
    [0, 0, 2, 0, 0, 0, 2, 2, 0, 2, 2, 2],
    0.22602,
  ],
  [
    'batch norm',
    () => F.dropout(F.batchNorm(of(2, 3, 4).transpose(1, 2), null, null, { training: true }), 0.5),
    [12, 3, 1],
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    0.22602,
  ],
  [
    'zerosLike',
    () => zerosLike(turned()).uniform_(),
    [1, 6],
    [0.4963, 0.4901, 0.0223, 0.161, 0.7682, 0.8964, 0.1689, 0.2823],
    0.355267,
  ],
  [
    'onesLike',
    () => onesLike(turned()).normal_(),
    [1, 6],
    [1.541, 0.4033, -0.8567, -0.892, -0.2934, 0.838, 1.1006, -1.5091],
    0.22602,
  ],
  [
    'fullLike',
    () => fullLike(turned(), 2).uniform_(),
    [1, 6],
    [0.4963, 0.4901, 0.0223, 0.161, 0.7682, 0.8964, 0.1689, 0.2823],
    0.355267,
  ],
  [
    'noise of gumbelSoftmax',
    () => F.gumbelSoftmax(turned()),
    [4, 1],
    [0.0914, 0.2607, 0.5214, 0.1265, 0.1073, 0.071, 0.5648, 0.2569],
    0.22602,
  ],
  ['bernoulli of probabilities', () => bernoulli(turned().mul(0.5)), [4, 1], [1, 0, 1, 1, 1, 0, 1, 0], 0.355267],
  [
    'normals around means',
    () => normal(turned(), 1),
    [4, 1],
    [-0.1258, -0.1524, 0.7494, 0.5661, 1.8487, 1.692, 0.684, -1.1152],
    0.210366,
  ],
  [
    'dropout of channels',
    () => F.dropout2d(of(2, 3, 4, 5).transpose(1, 3), 0.5),
    [60, 1, 5, 20],
    [0, 0, 0, 0, 0, 0, 0, 0],
    0.452869,
  ],
  [
    'a loss that is not reduced',
    () => F.dropout(F.mseLoss(turned(), turned().mul(2), { reduction: 'none' }), 0.5),
    [1, 6],
    [0, 2, 2, 0, 0, 2, 0, 0],
    0.22602,
  ],
  [
    'another',
    () => F.dropout(F.binaryCrossEntropyWithLogits(turned(), turned().mul(0.5), { reduction: 'none' }), 0.5),
    [1, 6],
    [0, 1.6265, 1.6265, 0, 0, 1.6265, 0, 0],
    0.22602,
  ],
  ['flipped', () => F.dropout(fliplr(turned()), 0.5), [1, 6], [0, 2, 2, 0, 0, 2, 0, 0], 0.22602],
  ['a comparison', () => F.dropout(turned().gt(0).float(), 0.5), [1, 6], [0, 2, 2, 0, 0, 2, 0, 0], 0.22602],
  ['a number and an operand', () => F.dropout(sub(1, turned()), 0.5), [1, 6], [0, 0, 0, 0, 0, 0, 0, 0], 0.22602],
  [
    'a part of a part',
    () => F.dropout(of(3, 4, 5).transpose(0, 1).slice(0, 1, 4).select(2, 1).add(1), 0.5),
    [1, 3],
    [0, 0, 4, 0, 0, 4, 4, 0],
    0.288236,
  ],
  [
    'a permuted operand and one that is repeated',
    () =>
      F.dropout(
        of(2, 3, 4, 5)
          .permute([0, 2, 3, 1])
          .add(of(2, 4, 1, 3)),
        0.5,
      ),
    [60, 5, 1, 20],
    [0, 4, 4, 0, 0, 4, 4, 4],
    0.320769,
  ],
  [
    'in place',
    () => F.dropout(turned().clone().tanh_(), 0.5),
    [1, 6],
    [0, 1.5232, 1.5232, 0, 0, 1.5232, 0, 0],
    0.22602,
  ],
  ['normalize', () => F.dropout(F.normalize(turned()), 0.5), [1, 6], [0, 1, 1, 0, 0, 1, 0, 0], 0.22602],
];

describe('the order of memory, in which is drawn, is that of PyTorch', () => {
  it.each(cases)('%s', (_, make, strides, first, next) => {
    manualSeed(0);
    const x = make();
    expect(x.strides).toEqual(strides);
    const values = [...x.double().flatten().toTypedArray()].slice(0, first.length);
    values.forEach((value, i) => {
      expect(value).toBeCloseTo(first[i]!, 3);
    });
    expect(rand([1], { dtype: 'float64' }).item()).toBeCloseTo(next, 5);
  });
});
