import type { Narrowed, OptionsOf, RestOf } from '../arguments/forms.js';
import { type Kind, kind } from '../arguments/kind.js';
import { takeNoMore } from '../arguments/no-more.js';
import { signature } from '../arguments/signature.js';
import { ValueError } from '../errors.js';
import type { Generator } from '../ops/random.js';
import * as kinds from '../tensor/kinds.js';
import { drawing } from '../tensor/parameters.js';
import { type Collated, defaultCollate } from './collate.js';
import { type Dataset, dataset } from './dataset.js';
import { drainSampler } from './indices.js';
import { drawSeed, RandomSampler, type Sampler, SequentialSampler } from './sampler.js';

const sampler: Kind<Sampler> = kind('an iterable of indices with a length', (value): value is Sampler => {
  if (typeof value !== 'object' || value === null) return false;
  const { length, indices, [Symbol.iterator]: iterator } = value as Partial<Sampler>;
  const gives = typeof iterator === 'function' && (indices === undefined || typeof indices === 'function');
  return gives && Number.isSafeInteger(length) && length! >= 0;
});

const loading = signature('dataset, /, batchSize, shuffle, sampler, *, collate, dropLast, generator', {
  dataset,
  /** Items per batch. Default: 1. */
  batchSize: kinds.integerFrom(1).default(1),
  /** Visit the items in another random order each epoch. Default: false. */
  shuffle: kinds.boolean.default(false),
  /** The order to visit items in, instead of `shuffle`. Default: null, one after the other. */
  sampler: sampler.optional(),
  /** Makes a batch of items. Default: null, the data set's own `gather`, or else {@link defaultCollate}. */
  collate: kinds.callback<(items: unknown[]) => unknown>().optional(),
  /** Leave out a last batch that is not full. Default: false. */
  dropLast: kinds.boolean.default(false),
  ...drawing,
});

export interface DataLoaderOptions<Item, Batch>
  extends Narrowed<OptionsOf<typeof loading>, { collate: ((items: Item[]) => Batch) | null }> {}

type Collate<Item, Batch> = (items: Item[]) => Batch;

/**
 * The items of a data set in batches. Each iteration is an epoch; with `shuffle`, in a new order, the same as PyTorch's for the same seed.
 *
 * @example
 * ```ts
 * const dataset = new TensorDataset(arange(10), arange(10).mul(10));
 * const loader = new DataLoader(dataset, { batchSize: 4, shuffle: true });
 * for (const [x, y] of loader) console.log(x.shape, y.shape);
 * loader.length; // 3
 * ```
 * `loader.length` is the number of batches. `for await` works too.
 *
 * @throws ValueError for options that do not exist, do not fit or exclude each other
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.DataLoader
 */
export class DataLoader<Item, Batch = Collated<Item>> implements Iterable<Batch> {
  readonly dataset: Dataset<Item, Batch>;
  readonly batchSize: number;
  readonly dropLast: boolean;
  readonly sampler: Sampler;
  /** What makes batches of items, if it was given. */
  readonly collate: Collate<Item, Batch> | null;
  readonly #generator: Generator | null;
  readonly #makeBatch: (indices: Int32Array) => Batch;

  static {
    takeNoMore(DataLoader, 'order');
  }

  constructor(dataset: Dataset<Item, Batch>, ...rest: RestOf<typeof loading, DataLoaderOptions<Item, Batch>>) {
    const [, batchSize, shuffle, sampler, collate, dropLast, generator] = loading.read('DataLoader', [
      dataset,
      ...rest,
    ]);
    if (sampler !== null && shuffle) throw new ValueError('DataLoader: sampler and shuffle exclude each other');
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.dropLast = dropLast;
    this.sampler =
      sampler ?? (shuffle ? new RandomSampler(dataset.length, { generator }) : new SequentialSampler(dataset.length));
    this.collate = collate as Collate<Item, Batch> | null;
    this.#generator = generator;
    this.#makeBatch = batchMaker(dataset, this.collate);
  }

  /** Number of batches per epoch. */
  get length(): number {
    const batches = this.sampler.length / this.batchSize;
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  /**
   * The order in which an epoch visits the items, drawn as an iteration draws it.
   *
   * @throws ValueError if the sampler gives what is not an index of an item, or does not end
   */
  order(): Int32Array {
    // PyTorch draws a seed for worker processes here, with workers or without: without it, all later draws would differ.
    drawSeed(this.#generator);
    return drainSampler('DataLoader: sampler', this.sampler, this.dataset.length);
  }

  *[Symbol.iterator](): Iterator<Batch> {
    const order = this.order();
    const rest = order.length % this.batchSize;
    const end = this.dropLast ? order.length - rest : order.length;
    for (let start = 0; start < end; start += this.batchSize) {
      yield this.#makeBatch(order.slice(start, start + this.batchSize));
    }
  }
}

function batchMaker<Item, Batch>(
  dataset: Dataset<Item, Batch>,
  collate: Collate<Item, Batch> | null,
): (indices: Int32Array) => Batch {
  const items = (indices: Int32Array) => Array.from(indices, (index) => dataset.get(index));
  if (collate !== null) return (indices) => collate(items(indices));
  return (indices) => dataset.gather?.(indices) ?? (defaultCollate(items(indices)) as Batch);
}
