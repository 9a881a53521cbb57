import { readFileSync } from 'node:fs';
import {
  capture,
  DTypeError,
  gradcheck,
  nn,
  ones,
  randn,
  ShapeError,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from 'nabla';
import { describe, expect, it } from 'vitest';
import { expectSame } from '../capture/same.js';
import { type Encoded, expectClose, numbers } from '../recorded.js';

/** See fixtures/packed.py. */
interface Recorded {
  readonly name: 'RNN' | 'GRU' | 'LSTM';
  readonly args: readonly unknown[];
  readonly lengths: readonly number[];
  readonly states: boolean;
  readonly sizes: readonly number[];
  readonly rows: number;
  readonly data: Encoded;
  readonly batchSizes: readonly number[];
  readonly sortedIndices: readonly number[];
  readonly unsortedIndices: readonly number[];
  readonly results: readonly Encoded[];
  readonly gx: Encoded;
  readonly gh: readonly Encoded[];
  readonly gradients: readonly Encoded[];
}

const recorded = JSON.parse(readFileSync(new URL('../fixtures/packed.json', import.meta.url), 'utf8')) as Recorded[];

const { rnn } = nn.utils;

const waves = (shape: readonly number[], phase = 0): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(Float64Array.from({ length: size }, (_, i) => Math.sin(i * 0.7 + phase))).reshape([...shape]);
};

type Packed = nn.utils.rnn.PackedSequence;
type Layer = nn.Module<[x: Packed, hx: unknown], readonly [Packed, Iterable<Tensor> | Tensor]>;

describe.each(recorded)('$name of sequences of $lengths', (one) => {
  const make = (): Layer => {
    const layer = Reflect.construct(nn[one.name], one.args) as Layer;
    layer.to('float64');
    layer.parameters().forEach((parameter, i) => {
      parameter.data = waves(parameter.shape, i + 1).div(2);
    });
    return layer;
  };
  const input = () => waves([Math.max(...one.lengths), one.lengths.length, one.args[0] as number]);
  const states = () => one.sizes.map((size, i) => waves([one.rows, one.lengths.length, size], i + 5));
  const run = (layer: Layer, x: Tensor, given: readonly Tensor[]) => {
    const packed = rnn.packPaddedSequence(x, one.lengths, { enforceSorted: false });
    const hx = !one.states ? null : one.name === 'LSTM' ? given : given[0];
    const [output, last] = layer.forward(packed, hx);
    return {
      packed,
      output,
      results: [output.data, ...(one.name === 'LSTM' ? (last as Iterable<Tensor>) : [last as Tensor])],
    };
  };

  it('gives what PyTorch gives, and its gradients', () => {
    const layer = make();
    const [x, given] = [input().requiresGrad_(), states().map((state) => state.requiresGrad_())];
    const { packed, output, results } = run(layer, x, given);
    expectClose(packed.data, one.data, 0);
    for (const name of ['batchSizes', 'sortedIndices', 'unsortedIndices'] as const) {
      expect(numbers(output[name]!)).toEqual(one[name]);
    }
    for (const [i, result] of results.entries()) expectClose(result, one.results[i]!, 1e-12);
    results
      .map((result) => result.mul(waves(result.shape, 2)).sum())
      .reduce((a, b) => a.add(b))
      .backward();
    expectClose(x.grad!, one.gx, 1e-12);
    for (const [i, gradient] of one.gh.entries()) expectClose(given[i]!.grad!, gradient, 1e-12);
    for (const [i, parameter] of layer.parameters().entries()) expectClose(parameter.grad!, one.gradients[i]!, 1e-12);
  });

  it('gives the same bits captured, and what each sequence gives by itself', () => {
    const layer = make();
    const plain = run(layer, input(), states()).results.map((result) => result.detach());
    const step = capture((x: Tensor, given: Tensor[]) => run(layer, x, given).results);
    step(input(), states());
    step(input(), states()).forEach((result, i) => {
      expectSame(result.detach(), plain[i]!);
    });
    const { output } = run(layer, input(), states());
    const { sequences, lengths } = rnn.padPackedSequence(output);
    expect(numbers(lengths)).toEqual(one.lengths);
    one.lengths.forEach((length, i) => {
      const alone = rnn.packSequence([input().select(1, i).narrow(0, 0, length)]);
      const own = states().map((state) => state.narrow(1, i, 1));
      const hx = !one.states ? null : one.name === 'LSTM' ? own : own[0];
      const [single] = layer.forward(alone, hx);
      expectClose(sequences.select(1, i).narrow(0, 0, length), numbers(single.data), 1e-12);
    });
  });
});

describe('sequences', () => {
  const some = () => [
    tensor([[1, 2]]),
    tensor([
      [3, 4],
      [5, 6],
      [7, 8],
    ]),
    tensor([
      [9, 10],
      [11, 12],
    ]),
  ];

  it('come back from being packed and padded', () => {
    const packed = rnn.packSequence(some(), false);
    expect(numbers(packed.batchSizes)).toEqual([3, 2, 1]);
    expect(rnn.unpackSequence(packed).map((one) => one.toArray())).toEqual(some().map((one) => one.toArray()));
    const padded = rnn.padSequence(some(), { batchFirst: true, paddingValue: -1 });
    expect(padded.select(0, 0).toArray()).toEqual([
      [1, 2],
      [-1, -1],
      [-1, -1],
    ]);
    expect(rnn.padSequence(some(), { paddingSide: 'left' }).select(1, 0).toArray()).toEqual([
      [0, 0],
      [0, 0],
      [1, 2],
    ]);
    expect(rnn.unpadSequence(padded, [1, 3, 2], true).map((one) => one.toArray())).toEqual(
      some().map((one) => one.toArray()),
    );
    const { sequences, lengths } = rnn.padPackedSequence(packed, {
      batchFirst: true,
      paddingValue: -1,
      totalLength: 4,
    });
    expect(sequences.narrow(1, 0, 3).toArray()).toEqual(padded.toArray());
    expect(sequences.select(1, 3).eq(-1).all().item()).toBe(true);
    expect(numbers(lengths)).toEqual([1, 3, 2]);
    expect(numbers(rnn.invertPermutation(packed.sortedIndices!)!)).toEqual(numbers(packed.unsortedIndices!));
    expect(rnn.invertPermutation(null)).toBe(null);
  });

  it('have the gradients of finite differences, packed and back', () => {
    const x = randn([3, 2, 2], { dtype: 'float64', requiresGrad: true });
    const there = (y?: Tensor) =>
      rnn.padPackedSequence(rnn.packPaddedSequence(y!, tensor([1, 3], { dtype: 'int32' }), { enforceSorted: false }))
        .sequences;
    expect(gradcheck(there, [x])).toBe(true);
  });

  it('are printed, and change their type, as in PyTorch', () => {
    const packed = rnn.packSequence([tensor([1, 2]), tensor([3])]);
    expect(String(packed)).toBe(
      'PackedSequence(data=tensor([1., 3., 2.]), batch_sizes=tensor([2, 1]), sorted_indices=None, unsorted_indices=None)',
    );
    expect(packed.to('float64').data.dtype).toBe('float64');
  });

  it('name what does not fit', () => {
    const x = ones([3, 2, 2]);
    expect(() => rnn.packPaddedSequence(x, [2, 3])).toThrow(
      new ValueError(
        'packPaddedSequence: lengths must not grow, got 3 after 2; sort the sequences, or pass { enforceSorted: false }',
      ),
    );
    expect(() => rnn.packPaddedSequence(x, [4, 3])).toThrow(
      new ValueError('packPaddedSequence: lengths must be between 1 and 3, the steps there are; got 4 at 0'),
    );
    expect(() => rnn.packPaddedSequence(x, [3, 0])).toThrow(/got 0 at 1$/);
    expect(() => rnn.packPaddedSequence(x, [3])).toThrow(ShapeError);
    expect(() => rnn.packPaddedSequence(x, [3, 1.5])).toThrow(ValueError);
    expect(() => rnn.packPaddedSequence(ones([3]), [3])).toThrow(ShapeError);
    expect(() => rnn.packSequence([zeros([2]), zeros([0])])).toThrow(ValueError);
    expect(() => rnn.padSequence([zeros([2, 3]), zeros([2, 4])])).toThrow(/^padSequence: sequences may differ in/);
    expect(() => rnn.padSequence([zeros([2]), zeros([2]).int()])).toThrow(DTypeError);
    const packed = rnn.packPaddedSequence(x, [3, 1]);
    expect(() => rnn.padPackedSequence(packed, { totalLength: 2 })).toThrow(ValueError);
    expect(() => new rnn.PackedSequence(ones([3, 2]), tensor([1, 2], { dtype: 'int32' }))).toThrow(ValueError);
    expect(() => new rnn.PackedSequence(ones([4, 2]), tensor([2, 1], { dtype: 'int32' }))).toThrow(ShapeError);
    expect(() => new nn.GRU(3, 2).forward(packed)).toThrow(/^GRU: the input must have 3 features/);
    expect(() => new nn.RNN(2, 2).forward(packed, zeros([1, 3, 2]))).toThrow(ShapeError);
  });
});
