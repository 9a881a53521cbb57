import { checkBoolean, checkOptions } from '../arguments/check-options.js';
import { describe } from '../describe.js';
import { ValueError } from '../errors.js';
import type { Generator } from '../ops/random.js';
import { checkInteger } from '../tensor/shape.js';
import { type Collated, defaultCollate } from './collate.js';
import { checkDataset, type Dataset } from './dataset.js';
import { drainSampler } from './indices.js';
import { checkGenerator, drawSeed, RandomSampler, type Sampler, SequentialSampler } from './sampler.js';

export interface DataLoaderOptions<Item, Batch> {
  /** Items per batch. Default: 1. */
  readonly batchSize?: number;
  /** Visit the items in another random order each epoch. Default: false. */
  readonly shuffle?: boolean;
  /** Leave out a last batch that is not full. Default: false. */
  readonly dropLast?: boolean;
  /** Where orders are drawn from. Default: the default generator. */
  readonly generator?: Generator;
  /** The order to visit items in, instead of `shuffle`. Default: one after the other. */
  readonly sampler?: Sampler;
  /** Makes a batch of items. Default: the data set's own `gather`, or else {@link defaultCollate}. */
  readonly collate?: (items: Item[]) => Batch;
}

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
  readonly collate: ((items: Item[]) => Batch) | undefined;
  readonly #generator: Generator | undefined;
  readonly #makeBatch: (indices: Int32Array) => Batch;

  constructor(dataset: Dataset<Item, Batch>, options: DataLoaderOptions<Item, Batch> = {}) {
    checkDataset('DataLoader', dataset);
    checkLoaderOptions(options);
    const { batchSize = 1, shuffle = false, dropLast = false, generator, sampler, collate } = options;
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.dropLast = dropLast;
    this.sampler =
      sampler ?? (shuffle ? new RandomSampler(dataset.length, { generator }) : new SequentialSampler(dataset.length));
    this.collate = collate;
    this.#generator = generator;
    this.#makeBatch = batchMaker(dataset, collate);
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
  collate: ((items: Item[]) => Batch) | undefined,
): (indices: Int32Array) => Batch {
  const items = (indices: Int32Array) => Array.from(indices, (index) => dataset.get(index));
  if (collate !== undefined) return (indices) => collate(items(indices));
  return (indices) => dataset.gather?.(indices) ?? (defaultCollate(items(indices)) as Batch);
}

function isSampler(value: unknown): value is Sampler {
  if (typeof value !== 'object' || value === null) return false;
  const { length, indices, [Symbol.iterator]: iterator } = value as Partial<Sampler>;
  const gives = typeof iterator === 'function' && (indices === undefined || typeof indices === 'function');
  return gives && Number.isSafeInteger(length) && length! >= 0;
}

function checkLoaderOptions<Item, Batch>(options: DataLoaderOptions<Item, Batch>): void {
  const where = 'DataLoader';
  checkOptions(where, options, ['batchSize', 'shuffle', 'dropLast', 'generator', 'sampler', 'collate']);
  const { batchSize = 1, shuffle = false, dropLast = false, generator, sampler, collate } = options;
  checkInteger(where, 'batchSize', batchSize, 1);
  checkBoolean(where, 'shuffle', shuffle);
  checkBoolean(where, 'dropLast', dropLast);
  checkGenerator(where, generator);
  if (sampler !== undefined && shuffle) throw new ValueError(`${where}: sampler and shuffle exclude each other`);
  if (sampler !== undefined && !isSampler(sampler)) {
    throw new ValueError(`${where}: sampler: expected an iterable of indices with a length, got ${describe(sampler)}`);
  }
  if (collate !== undefined && typeof collate !== 'function') {
    throw new ValueError(`${where}: collate: expected a function, got ${describe(collate)}`);
  }
}
