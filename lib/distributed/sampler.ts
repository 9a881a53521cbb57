import type { ArgumentsOf, OptionsOf } from '../arguments/forms.js';
import { type Kind, kind } from '../arguments/kind.js';
import { takeNoMore } from '../arguments/no-more.js';
import { signature } from '../arguments/signature.js';
import type { Sampler } from '../data/sampler.js';
import { ValueError } from '../errors.js';
import { arange } from '../ops/creation.js';
import { Generator, randperm } from '../ops/random.js';
import * as kinds from '../tensor/kinds.js';
import { worldFor } from './world.js';

const withLength: Kind<{ readonly length: number }> = kind(
  'a data set with a length',
  (value): value is { readonly length: number } =>
    typeof value === 'object' &&
    value !== null &&
    Number.isSafeInteger((value as { length?: unknown }).length) &&
    (value as { length: number }).length >= 0,
);

const sharing = signature('dataset, numReplicas, rank, shuffle, seed, dropLast, *, shards', {
  dataset: withLength,
  /** How many ranks share the items. Default: null, those of the world. */
  numReplicas: kinds.integerFrom(1).optional(),
  /** Which of them this is. Default: null, that of the world. */
  rank: kinds.integerFrom(0).optional(),
  /** Another random order each epoch. Default: true. */
  shuffle: kinds.boolean.default(true),
  /** What the order is drawn from, together with the epoch: the same on all ranks. Default: 0. */
  seed: kinds.integer.default(0),
  /** Leave out the last items where they cannot be shared evenly, instead of repeating the first. Default: false. */
  dropLast: kinds.boolean.default(false),
  /** How many parts the items are dealt to, as those of {@link DataParallel}: a multiple of `numReplicas`. Default: null, as many as ranks. */
  shards: kinds.integerFrom(1).optional(),
});

const starting = signature('epoch, start', {
  epoch: kinds.integerFrom(0),
  /** How many items, of all ranks together, were seen of it before. Default: 0. */
  start: kinds.integerFrom(0).default(0),
});

export interface DistributedSamplerOptions extends OptionsOf<typeof sharing> {}

/**
 * A rank's part of the items of a data set, each epoch in another random order, which is PyTorch's for the same seed: of every `shards` items in a row
 * each rank takes `shards / numReplicas`. With a batch of B / numReplicas items on each rank, the B items of a step are the same for any number
 * of ranks.
 *
 * @throws ValueError for a rank that is none, and shards that ranks cannot share
 * @example
 * ```ts
 * import { arange } from 'nabla';
 * import { TensorDataset } from 'nabla/data';
 * import { DistributedSampler } from 'nabla/distributed';
 *
 * const dataset = new TensorDataset(arange(10));
 * [...new DistributedSampler(dataset, 2, 1, false)]; // [1, 3, 5, 7, 9]
 * ```
 * Call `setEpoch` before each epoch: without, all have the same order.
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.distributed.DistributedSampler
 */
export class DistributedSampler implements Sampler {
  readonly numReplicas: number;
  readonly rank: number;
  readonly shuffle: boolean;
  readonly seed: number;
  readonly dropLast: boolean;
  readonly shards: number;
  /** Set by `setEpoch`. */
  epoch = 0;
  /** Items of all ranks together that an epoch leaves out at its start: set by `setEpoch`. */
  start = 0;
  readonly #items: number;

  static {
    takeNoMore(DistributedSampler, 'indices');
  }

  constructor(...args: ArgumentsOf<typeof sharing, DistributedSamplerOptions>) {
    const [dataset, numReplicas, rank, shuffle, seed, dropLast, shards] = sharing.read('DistributedSampler', args);
    const where = 'DistributedSampler';
    this.numReplicas = numReplicas ?? worldFor(where).size;
    this.rank = rank ?? worldFor(where).rank;
    this.shards = shards ?? this.numReplicas;
    if (this.rank >= this.numReplicas) {
      throw new ValueError(`${where}: rank must be from 0 to ${this.numReplicas - 1}, got ${this.rank}`);
    }
    if (this.shards % this.numReplicas !== 0) {
      throw new ValueError(`${where}: shards must be a multiple of the ${this.numReplicas} ranks, got ${this.shards}`);
    }
    if (dataset.length === 0) throw new ValueError(`${where}: the data set is empty`);
    this.shuffle = shuffle;
    this.seed = seed;
    this.dropLast = dropLast;
    this.#items = dataset.length;
  }

  /** How many items an epoch has, of all ranks together. */
  get totalSize(): number {
    const rounds = this.#items / this.shards;
    return (this.dropLast ? Math.floor(rounds) : Math.ceil(rounds)) * this.shards;
  }

  /** How many of them are this rank's. */
  get length(): number {
    return Math.max(0, this.totalSize - this.start) / this.numReplicas;
  }

  /**
   * Says which epoch comes next: it decides the order. To go on within one, on this or another number of ranks, say how many items all ranks
   * together have seen of it: steps times the size of their batches.
   *
   * @throws ValueError for a start that ranks cannot share
   */
  setEpoch(...args: ArgumentsOf<typeof starting>): void {
    const [epoch, start] = starting.read('DistributedSampler.setEpoch', args);
    if (start % this.shards !== 0) {
      throw new ValueError(
        `DistributedSampler.setEpoch: start must be a multiple of the ${this.shards} shards, got ${start}`,
      );
    }
    this.epoch = epoch;
    this.start = start;
  }

  /** This rank's part of the epoch. */
  indices(): Int32Array {
    const order = this.#order();
    const own = this.shards / this.numReplicas;
    const indices = new Int32Array(this.length);
    for (let i = 0; i < indices.length; i++) {
      const round = Math.floor(i / own);
      indices[i] = order[(this.start + round * this.shards + this.rank * own + (i % own)) % order.length]!;
    }
    return indices;
  }

  *[Symbol.iterator](): Iterator<number> {
    yield* this.indices();
  }

  #order(): ArrayLike<number> {
    const drawn = this.shuffle
      ? randperm(this.#items, { generator: new Generator().manualSeed(this.seed + this.epoch) })
      : arange(this.#items, { dtype: 'int32' });
    return drawn.toTypedArray();
  }
}
