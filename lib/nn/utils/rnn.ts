import { define } from '../../arguments/define.js';
import { allAre } from '../../arguments/elements.js';
import type { FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { type Kind, kind } from '../../arguments/kind.js';
import { signature } from '../../arguments/signature.js';
import { isInteger } from '../../backend/dtype.js';
import { DTypeError, ShapeError, ValueError } from '../../errors.js';
import { index } from '../../ops/along.js';
import { full } from '../../ops/creation.js';
import { indexSelect } from '../../ops/indexing.js';
import { cat, stack } from '../../ops/joining.js';
import { pad } from '../../ops/padding.js';
import { argsort } from '../../ops/sorting.js';
import { narrow, reshape, transpose, unbind } from '../../ops/views.js';
import { requireInt32 } from '../../tensor/check.js';
import * as kinds from '../../tensor/kinds.js';
import { owned } from '../../tensor/layout.js';
import { type Results, results } from '../../tensor/results.js';
import { type Shape, show } from '../../tensor/shape.js';
import { isTensor, shapeOf, type Tensor } from '../../tensor/tensor.js';
import { integers, knownValues, PackedSequence, packed } from '../recurrence/packed-sequence.js';

// Sequences of different lengths: one after another, side by side with something after the shorter ones, or packed step by step.

export { PackedSequence } from '../recurrence/packed-sequence.js';

/** How many steps each sequence has: numbers, or an int32 tensor. */
export type Lengths = Tensor | readonly number[];

const lengthsKind: Kind<Lengths> = kind(
  'an array of integers, at least 1, or an int32 Tensor',
  (value): value is Lengths =>
    (isTensor(value) && isInteger(value.dtype)) || (Array.isArray(value) && allAre(value, kinds.integer.accepts)),
);

const order = {
  /** Whether (batch, time, …) rather than (time, batch, …). Default: false. */
  batchFirst: kinds.boolean.default(false),
};

const filling = {
  /** What is after the shorter ones. Default: 0. */
  paddingValue: kinds.number.default(0),
};

const sorting = {
  /** Whether to refuse sequences that are not in the order of their lengths, the longest first. Default: true. */
  enforceSorted: kinds.boolean.default(true),
};

const packPadded = signature('input, lengths, /, batchFirst, enforceSorted', {
  input: kinds.tensor,
  lengths: lengthsKind,
  ...order,
  ...sorting,
});
const padPacked = signature('sequence, /, batchFirst, paddingValue, totalLength', {
  sequence: packed,
  ...order,
  ...filling,
  /** How many steps the result has. Default: null, those of the longest sequence. */
  totalLength: kinds.integerFrom(1).optional(),
});
const padding = signature('sequences, /, batchFirst, paddingValue, paddingSide', {
  sequences: kinds.tensors,
  ...order,
  ...filling,
  /** Where the shorter ones are filled. Default: 'right'. */
  paddingSide: kinds.choice('right', 'left').default('right'),
});
const unpadding = signature('paddedSequences, lengths, /, batchFirst', {
  paddedSequences: kinds.tensor,
  lengths: lengthsKind,
  ...order,
});
const packing = signature('sequences, /, enforceSorted', { sequences: kinds.tensors, ...sorting });
const unpacking = signature('packedSequences, /', { packedSequences: packed });
const inverting = signature('permutation, /', { permutation: index.optional() });

export interface PackPaddedSequenceOptions extends OptionsOf<typeof packPadded> {}
export interface PadPackedSequenceOptions extends OptionsOf<typeof padPacked> {}
export interface PadSequenceOptions extends OptionsOf<typeof padding> {}
export interface UnpadSequenceOptions extends OptionsOf<typeof unpadding> {}
export interface PackSequenceOptions extends OptionsOf<typeof packing> {}

/** Sequences side by side, and how many steps each has. */
export type PaddedSequences = Results<['sequences', 'lengths']>;

function lengthsOf(op: string, given: Lengths, batch: number, longest: number): readonly number[] {
  if (isTensor(given) && given.ndim !== 1) {
    throw new ShapeError(`${op}: lengths must be 1-d, got ${show(given.shape)}`);
  }
  const lengths = isTensor(given) ? knownValues(given, op, 'give the lengths as an array of numbers') : given;
  if (lengths.length !== batch) {
    throw new ShapeError(`${op}: expected a length for each of ${batch} sequences, got ${lengths.length}`);
  }
  const wrong = lengths.findIndex((length) => length < 1 || length > longest);
  if (wrong < 0) return lengths;
  throw new ValueError(
    `${op}: lengths must be between 1 and ${longest}, the steps there are; got ${lengths[wrong]} at ${wrong}`,
  );
}

/** Time and batch of sequences side by side, and a tensor in which time is first. */
function sides(op: string, x: Tensor, batchFirst: boolean): [time: number, batch: number, turned: Tensor] {
  if (x.ndim < 2) throw new ShapeError(`${op}: expected at least 2 dimensions, time and batch, got ${show(x.shape)}`);
  const turned = batchFirst ? transpose(x, 0, 1) : x;
  const [time, batch] = shapeOf(turned) as readonly [number, number];
  return [time, batch, turned];
}

/** For each step how many sequences have it. */
const sizesOf = (lengths: readonly number[]): number[] =>
  Array.from({ length: Math.max(...lengths) }, (_, step) => lengths.filter((length) => length > step).length);

function checkSorted(op: string, lengths: readonly number[]): void {
  const wrong = lengths.findIndex((length, i) => i > 0 && length > lengths[i - 1]!);
  if (wrong < 0) return;
  throw new ValueError(
    `${op}: lengths must not grow, got ${lengths[wrong]} after ${lengths[wrong - 1]}; sort the sequences, or pass { enforceSorted: false }`,
  );
}

function packedOf(op: string, x: Tensor, lengths: readonly number[], enforceSorted: boolean): PackedSequence {
  if (enforceSorted) checkSorted(op, lengths);
  const [time, batch, ...rest] = shapeOf(x) as readonly [number, number, ...number[]];
  const sorted = lengths.map((_, i) => i).sort((a, b) => lengths[b]! - lengths[a]!);
  const sizes = sizesOf(lengths);
  const places = sizes.flatMap((size, step) => sorted.slice(0, size).map((sequence) => step * batch + sequence));
  const data = indexSelect(reshape(x, [time * batch, ...rest]), 0, integers(places));
  if (enforceSorted) return new PackedSequence(data, integers(sizes));
  const unsorted = lengths.map((_, i) => sorted.indexOf(i));
  return new PackedSequence(data, integers(sizes), integers(sorted), integers(unsorted));
}

/** Where each sequence of the batch is in what is packed. */
function ranksOf(op: string, { unsortedIndices, sizes }: PackedSequence): readonly number[] {
  if (unsortedIndices === null) return Array.from({ length: sizes[0]! }, (_, i) => i);
  return knownValues(unsortedIndices, op, 'pack with lengths that are an array of numbers');
}

const lengthAt = (sizes: readonly number[], rank: number): number => sizes.filter((size) => size > rank).length;

/**
 * Sequences side by side as packed ones: what is after the shorter ones is left out.
 *
 * Shapes: input (time, batch, …), with `batchFirst` (batch, time, …).
 *
 * @param lengths how many steps each sequence has
 * @throws ValueError for lengths that there are not, or that grow with `enforceSorted`; ShapeError unless there is one for each sequence
 * @example
 * ```ts
 * const padded = tensor([[1, 2, 0], [3, 4, 5]]);
 * const packed = nn.utils.rnn.packPaddedSequence(padded, [2, 3], { batchFirst: true, enforceSorted: false });
 * packed.data; // tensor([3., 1., 4., 2., 5.])
 * packed.sortedIndices; // tensor([1, 0])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pack_padded_sequence.html
 */
export const packPaddedSequence: FunctionOf<PackedSequence, typeof packPadded, PackPaddedSequenceOptions> = define(
  'packPaddedSequence',
  packPadded,
  (input, lengths, batchFirst, enforceSorted) => {
    const [time, batch, turned] = sides('packPaddedSequence', input, batchFirst);
    if (batch === 0)
      throw new ShapeError(`packPaddedSequence: expected at least one sequence, got ${show(input.shape)}`);
    const known = lengthsOf('packPaddedSequence', lengths, batch, time);
    return packedOf('packPaddedSequence', turned, known, enforceSorted);
  },
);

/**
 * Packed sequences side by side, in the order that they had: the inverse of `packPaddedSequence`.
 *
 * @returns `{ sequences, lengths }`, or `[sequences, lengths]`
 * @throws ValueError for a `totalLength` of less than the longest sequence
 * @example
 * ```ts
 * const packed = nn.utils.rnn.packSequence([tensor([1, 2, 3]), tensor([4, 5])]);
 * const { sequences, lengths } = nn.utils.rnn.padPackedSequence(packed, true);
 * sequences; // tensor([[1., 2., 3.], [4., 5., 0.]])
 * lengths; // tensor([3, 2])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pad_packed_sequence.html
 */
export const padPackedSequence: FunctionOf<PaddedSequences, typeof padPacked, PadPackedSequenceOptions> = define(
  'padPackedSequence',
  padPacked,
  (sequence, batchFirst, paddingValue, totalLength) => {
    const { data, sizes } = sequence;
    const time = totalLength ?? sizes.length;
    if (time < sizes.length) {
      throw new ValueError(
        `padPackedSequence: totalLength must be at least ${sizes.length}, the length of the longest sequence, got ${time}`,
      );
    }
    if (isInteger(data.dtype)) requireInt32('padPackedSequence', paddingValue);
    const ranks = ranksOf('padPackedSequence', sequence);
    const [count = 0, ...rest] = shapeOf(data);
    const starts = sizes.map((_, step) => sizes.slice(0, step).reduce((sum, size) => sum + size, 0));
    const places = Array.from({ length: time }, (_, step) =>
      ranks.map((rank) => (rank < (sizes[step] ?? 0) ? starts[step]! + rank : count)),
    );
    const entries = integers((batchFirst ? ranks.map((_, i) => places.map((row) => row[i]!)) : places).flat());
    const withFill = cat([data, full([1, ...rest], paddingValue, { dtype: data.dtype })]);
    const lead = batchFirst ? [ranks.length, time] : [time, ranks.length];
    const padded = owned(reshape(indexSelect(withFill, 0, entries), [...lead, ...rest]));
    const lengths = integers(ranks.map((rank) => lengthAt(sizes, rank)));
    return results('padPackedSequence', ['sequences', 'lengths'], [padded, lengths]);
  },
);

function requireAlike(op: string, sequences: readonly Tensor[]): Shape {
  const [first] = sequences as readonly [Tensor];
  const rest = shapeOf(first).slice(1);
  for (const [i, one] of sequences.entries()) {
    if (one.dtype !== first.dtype) {
      throw new DTypeError(
        `${op}: all sequences must have one element type, got ${first.dtype} and ${one.dtype}; use .to()`,
      );
    }
    if (one.ndim === 0 || show(shapeOf(one).slice(1)) !== show(rest) || one.ndim !== first.ndim) {
      throw new ShapeError(
        `${op}: sequences may differ in their first dimension only, got ${show(first.shape)} and, at ${i}, ${show(one.shape)}`,
      );
    }
  }
  return rest;
}

function padded(op: string, sequences: readonly Tensor[], value: number, side: 'left' | 'right'): Tensor[] {
  const rest = requireAlike(op, sequences);
  const longest = Math.max(...sequences.map((one) => shapeOf(one)[0]!));
  return sequences.map((one) => {
    const missing = longest - shapeOf(one)[0]!;
    const margin = side === 'right' ? [0, missing] : [missing, 0];
    return missing === 0 ? one : pad(one, [...rest.flatMap(() => [0, 0]), ...margin], { value });
  });
}

/**
 * Sequences side by side, with `paddingValue` after the shorter ones: (time, batch, …), with `batchFirst` (batch, time, …).
 *
 * @throws ShapeError for sequences that differ in more than their length; DTypeError for those of different types
 * @example
 * ```ts
 * nn.utils.rnn.padSequence([tensor([1, 2]), tensor([3])], true); // tensor([[1., 2.], [3., 0.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pad_sequence.html
 */
export const padSequence: FunctionOf<Tensor, typeof padding, PadSequenceOptions> = define(
  'padSequence',
  padding,
  (sequences, batchFirst, paddingValue, paddingSide) =>
    stack(padded('padSequence', sequences, paddingValue, paddingSide), batchFirst ? 0 : 1),
);

/**
 * Sequences side by side, each by itself: views, the inverse of `padSequence`.
 *
 * @param lengths how many steps each has
 * @throws ValueError for lengths that there are not; ShapeError unless there is one for each sequence
 * @example
 * ```ts
 * nn.utils.rnn.unpadSequence(tensor([[1, 2], [3, 0]]), [2, 1], true)[1]; // tensor([3.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.rnn.unpad_sequence.html
 */
export const unpadSequence: FunctionOf<Tensor[], typeof unpadding, UnpadSequenceOptions> = define(
  'unpadSequence',
  unpadding,
  (paddedSequences, lengths, batchFirst) => {
    const [time, batch, turned] = sides('unpadSequence', paddedSequences, batchFirst);
    const known = lengthsOf('unpadSequence', lengths, batch, time);
    return unbind(turned, 1).map((one, i) => narrow(one, 0, 0, known[i]!));
  },
);

/**
 * Sequences, packed step by step.
 *
 * @throws ValueError for an empty sequence, or lengths that grow with `enforceSorted`; ShapeError for sequences that differ in more than their
 * length; DTypeError for those of different types
 * @example
 * ```ts
 * nn.utils.rnn.packSequence([tensor([1, 2, 3]), tensor([4, 5])]).data; // tensor([1., 4., 2., 5., 3.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pack_sequence.html
 */
export const packSequence: FunctionOf<PackedSequence, typeof packing, PackSequenceOptions> = define(
  'packSequence',
  packing,
  (sequences, enforceSorted) => {
    const side = stack(padded('packSequence', sequences, 0, 'right'), 1);
    const lengths = sequences.map((one) => shapeOf(one)[0]!);
    return packedOf(
      'packSequence',
      side,
      lengthsOf('packSequence', lengths, lengths.length, shapeOf(side)[0]!),
      enforceSorted,
    );
  },
);

/**
 * The sequences of packed ones, each by itself: the inverse of `packSequence`.
 *
 * @example
 * ```ts
 * const packed = nn.utils.rnn.packSequence([tensor([1, 2, 3]), tensor([4, 5])]);
 * nn.utils.rnn.unpackSequence(packed)[1]; // tensor([4., 5.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.rnn.unpack_sequence.html
 */
export const unpackSequence: FunctionOf<Tensor[], typeof unpacking> = define(
  'unpackSequence',
  unpacking,
  (packedSequences) => {
    const { sequences } = padPackedSequence(packedSequences, true);
    const { sizes } = packedSequences;
    const ranks = ranksOf('unpackSequence', packedSequences);
    return ranks.map((rank, i) => narrow(unbind(sequences, 0)[i]!, 0, 0, lengthAt(sizes, rank)));
  },
);

/**
 * Where each number from 0 on is in a permutation of them; null of null.
 *
 * @example
 * ```ts
 * nn.utils.rnn.invertPermutation(tensor([2, 0, 1], { dtype: 'int32' })); // tensor([1, 2, 0])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.rnn.invert_permutation.html
 */
export const invertPermutation: FunctionOf<Tensor | null, typeof inverting> = define(
  'invertPermutation',
  inverting,
  (permutation) => permutation && argsort(permutation),
);
