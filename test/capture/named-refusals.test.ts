import {
  bincount,
  CaptureError,
  capture,
  distributions,
  isNonzero,
  linspace,
  multinomial,
  narrow,
  nn,
  ones,
  tensor,
  tensorSplit,
  type Tensor,
  zeros,
} from 'nabla';
import { describe, expect, it } from 'vitest';

const { functional: F } = nn;
const { packPaddedSequence, padPackedSequence } = nn.utils.rnn;
const ints = (values: readonly number[]) => tensor([...values], { dtype: 'int32' });

type Case = readonly [op: string, advice: string, fn: (x: Tensor) => unknown, x: Tensor];

const cases: Case[] = [
  ['oneHot', 'give numClasses', (x) => F.oneHot(x), ints([0, 2])],
  ['bincount', 'zeros([size]).scatterAdd(0, x, ones)', (x) => bincount(x), ints([0, 2])],
  ['multinomial', 'from float64 weights', (x) => multinomial(x, 4, true), ones([3])],
  ['multinomial', 'one at a time', (x) => new distributions.Categorical(x).sample([4]), ones([3])],
  [
    'packPaddedSequence',
    'give the lengths as an array of numbers',
    (x) => packPaddedSequence(zeros([3, 2]), x).data,
    ints([3, 2]),
  ],
  [
    'PackedSequence',
    'lengths that are an array of numbers',
    (x) => new nn.utils.rnn.PackedSequence(zeros([3]), x).data,
    ints([2, 1]),
  ],
  [
    'padPackedSequence',
    'lengths that are an array of numbers',
    (x) =>
      padPackedSequence(
        new nn.utils.rnn.PackedSequence(zeros([3]), packPaddedSequence(zeros([2, 2]), [2, 1]).batchSizes, x),
      ).sequences,
    ints([1, 0]),
  ],
  [
    'ctcLoss',
    'give targetLengths as an array of numbers',
    (x) => F.ctcLoss(zeros([4, 2, 3]).logSoftmax(2), ints([1, 2, 1]), [4, 4], x),
    ints([1, 2]),
  ],
  ['narrow', 'give start as a number', (x) => narrow(zeros([4]), 0, x, 2), tensor(1, { dtype: 'int32' })],
  ['tensorSplit', 'give the indices as an array of numbers', (x) => tensorSplit(zeros([4]), x), ints([1, 2])],
  ['linspace', 'give the bounds as numbers', (x) => linspace(0, x, 3), tensor(1)],
  ['isNonzero', 'choose between values with where()', (x) => isNonzero(x), tensor(1)],
  ['Binomial: entropy', 'outside', (x) => new distributions.Binomial(x, 0.5).entropy(), tensor(3)],
];

describe('what goes by values is refused by name, with what to do', () => {
  it.each(cases)('%s: %s', (op, advice, fn, x) => {
    fn(x);
    const captured = capture((given: Tensor) => void fn(given));
    expect(() => captured(x)).toThrow(CaptureError);
    expect(() => captured(x)).toThrow(new RegExp(`^${op}: `));
    expect(() => captured(x)).toThrow(advice);
  });

  it('but not where the numbers are known', () => {
    const packed = capture((x: Tensor) => packPaddedSequence(x, [3, 2]).data);
    expect(packed(ones([3, 2])).shape).toEqual([5]);
    const loss = capture((x: Tensor) => F.ctcLoss(x.logSoftmax(2), ints([1, 2, 1]), [4, 4], [1, 2]));
    expect(loss(zeros([4, 2, 3])).ndim).toBe(0);
    expect(capture((x: Tensor) => F.oneHot(x, 3))(ints([0, 2])).toArray()).toEqual([
      [1, 0, 0],
      [0, 0, 1],
    ]);
  });
});
