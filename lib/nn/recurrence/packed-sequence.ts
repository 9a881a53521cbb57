import { inspect } from 'node:util';
import type { ArgumentsOf } from '../../arguments/forms.js';
import { type Kind, kind } from '../../arguments/kind.js';
import { signature } from '../../arguments/signature.js';
import type { DType } from '../../backend/dtype.js';
import { ShapeError, ValueError } from '../../errors.js';
import { index } from '../../ops/along.js';
import { to } from '../../ops/conversion.js';
import { tensor } from '../../ops/creation.js';
import { argsort } from '../../ops/sorting.js';
import * as kinds from '../../tensor/kinds.js';
import { show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { valuesOf } from '../../tensor/values.js';

const packing = signature('data, batchSizes, sortedIndices, unsortedIndices', {
  data: kinds.tensor,
  batchSizes: index,
  /** Which sequence of the batch each is, from the longest on. Default: null, they were in this order. */
  sortedIndices: index.optional(),
  /** Where each sequence of the batch is among those. Default: null, what `sortedIndices` says. */
  unsortedIndices: index.optional(),
});
const typing = signature('dtype', { dtype: kinds.dtype });

/** What index tensors hold that were made of known numbers: in captured functions they cannot be read. */
const known = new WeakMap<Tensor, readonly number[]>();

const ADVICE = 'make it before the call, or with packPaddedSequence and lengths that are an array of numbers';

/** Integers whose values stay known. */
export function integers(values: readonly number[]): Tensor {
  const made = tensor(Int32Array.from(values));
  known.set(made, values);
  return made;
}

/** The values of an index tensor, read on behalf of `op`. */
export const knownValues = (indices: Tensor, op: string, advice: string): readonly number[] =>
  known.get(indices) ?? [...valuesOf(indices, op, advice)];

/** A batch of so many sequences, step by step: how many there are falls from step to step. */
function checkSizes(sizes: ArrayLike<number>, data: Tensor): void {
  let [total, last] = [0, Number.POSITIVE_INFINITY];
  for (let i = 0; i < sizes.length; i++) {
    const size = sizes[i]!;
    if (size < 1 || size > last) {
      throw new ValueError(
        `PackedSequence: batchSizes must be at least 1, and none larger than the one before, got ${size} at step ${i}`,
      );
    }
    total += size;
    last = size;
  }
  if (data.ndim >= 1 && total === shapeOf(data)[0]) return;
  throw new ShapeError(`PackedSequence: batchSizes add up to ${total}, but data has shape ${show(data.shape)}`);
}

/**
 * Sequences of different lengths, without anything between them: the first steps of all, then the second steps of those that have one, and so
 * on, from the longest sequence on. What `nn.utils.rnn.packPaddedSequence` and `packSequence` make, and recurrent layers take and give.
 *
 * Shapes: data (steps of all sequences, …); batchSizes, int32, how many sequences have each step; sortedIndices and unsortedIndices (batch).
 *
 * @throws ValueError for batch sizes that grow; ShapeError if there are not as many steps as they say
 * @example
 * ```ts
 * const packed = nn.utils.rnn.packSequence([tensor([1, 2, 3]), tensor([4, 5])]);
 * packed.data; // tensor([1., 4., 2., 5., 3.])
 * packed.batchSizes; // tensor([2, 2, 1])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.rnn.PackedSequence.html
 */
export class PackedSequence {
  readonly data: Tensor;
  readonly batchSizes: Tensor;
  readonly sortedIndices: Tensor | null;
  readonly unsortedIndices: Tensor | null;
  readonly #sizes: readonly number[];

  constructor(...args: ArgumentsOf<typeof packing>) {
    const [data, batchSizes, sortedIndices, unsortedIndices] = packing.read('PackedSequence', args);
    if (batchSizes.ndim !== 1 || batchSizes.numel() === 0) {
      throw new ShapeError(
        `PackedSequence: batchSizes must be a list of at least one size, got ${show(batchSizes.shape)}`,
      );
    }
    const sizes = knownValues(batchSizes, 'PackedSequence', ADVICE);
    known.set(batchSizes, sizes);
    checkSizes(sizes, data);
    for (const [name, indices] of Object.entries({ sortedIndices, unsortedIndices })) {
      if (indices === null || (indices.ndim === 1 && shapeOf(indices)[0] === sizes[0])) continue;
      throw new ShapeError(`PackedSequence: ${name} must have shape [${sizes[0]}], got ${show(indices.shape)}`);
    }
    this.data = data;
    this.batchSizes = batchSizes;
    this.sortedIndices = sortedIndices;
    this.unsortedIndices = unsortedIndices ?? (sortedIndices && argsort(sortedIndices));
    this.#sizes = sizes;
  }

  /** @internal How many sequences have each step. */
  get sizes(): readonly number[] {
    return this.#sizes;
  }

  /** @internal The same sequences with other elements. */
  with(data: Tensor): PackedSequence {
    return new PackedSequence(data, this.batchSizes, this.sortedIndices, this.unsortedIndices);
  }

  /**
   * The same with data of another element type.
   *
   * @example
   * ```ts
   * nn.utils.rnn.packSequence([tensor([1, 2])]).to('float64').data; // tensor([1., 2.], dtype=torch.float64)
   * ```
   */
  to(...args: ArgumentsOf<typeof typing>): PackedSequence {
    const [dtype]: readonly [DType] = typing.read('PackedSequence.to', args);
    return this.with(to(this.data, dtype));
  }

  /** As PyTorch prints a tuple with names. */
  toString(): string {
    const { data, batchSizes, sortedIndices, unsortedIndices } = this;
    const text = (indices: Tensor | null): string => (indices === null ? 'None' : String(indices));
    return `PackedSequence(data=${data}, batch_sizes=${batchSizes}, sorted_indices=${text(sortedIndices)}, unsorted_indices=${text(unsortedIndices)})`;
  }

  /** @internal */
  [inspect.custom](): string {
    return this.toString();
  }
}

/** Sequences without anything between them. */
export const packed: Kind<PackedSequence> = kind(
  'a PackedSequence',
  (value): value is PackedSequence => value instanceof PackedSequence,
);
