import type { NamedOf, Narrowed, OptionsOf, RestOf } from '../arguments/forms.js';
import { type Kind, kind } from '../arguments/kind.js';
import { takeNoMore } from '../arguments/no-more.js';
import { signature } from '../arguments/signature.js';
import { unknownName } from '../arguments/unknown-name.js';
import { isInteger } from '../backend/dtype.js';
import { describe, mark } from '../describe.js';
import { ValueError } from '../errors.js';
import { tensor } from '../ops/creation.js';
import { Generator } from '../ops/random.js';
import { isRecord } from '../realm.js';
import * as kinds from '../tensor/kinds.js';
import { drawing } from '../tensor/parameters.js';
import { isTensor, type Tensor } from '../tensor/tensor.js';
import { type Collated, defaultCollate } from './collate.js';
import type { IterableDataset } from './combined.js';
import { type Dataset, dataset } from './dataset.js';
import { checkedIndices, drainSampler } from './indices.js';
import { drawSeed, RandomSampler, type Sampler, SequentialSampler } from './sampler.js';
import { Staff } from './workers/staff.js';

const sampler: Kind<Sampler> = kind('an iterable of indices with a length', (value): value is Sampler => {
  if (typeof value !== 'object' || value === null) return false;
  const { length, indices, [Symbol.iterator]: iterator } = value as Partial<Sampler>;
  const gives = typeof iterator === 'function' && (indices === undefined || typeof indices === 'function');
  return gives && Number.isSafeInteger(length) && length! >= 0;
});

const isStream = (value: unknown): value is IterableDataset<unknown> =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !isTensor(value) &&
  Symbol.iterator in value &&
  !dataset.accepts(value);

/** Items by position, or one after the other. */
const source: Kind<Dataset<unknown, unknown> | IterableDataset<unknown>> = kind(
  'a data set (an object with length and get), or an iterable of items that is no array',
  (value): value is Dataset<unknown, unknown> | IterableDataset<unknown> => dataset.accepts(value) || isStream(value),
  { explain: (op, name, value) => void dataset.take(op, name, value) },
);

const batchSampler: Kind<BatchesOfIndices> = kind(
  'an iterable of arrays of indices with a length',
  (value): value is BatchesOfIndices => {
    if (typeof value !== 'object' || value === null || isTensor(value)) return false;
    const { length, [Symbol.iterator]: iterator } = value as Partial<BatchesOfIndices>;
    return typeof iterator === 'function' && Number.isSafeInteger(length) && length! >= 0;
  },
);

const loading = signature(
  'dataset, /, batchSize, shuffle, sampler, batchSampler, numWorkers, collateFn, pinMemory, dropLast, *, workerInit, generator, prefetchFactor, persistentWorkers',
  {
    dataset: source,
    /** Items per batch. Default: 1. */
    batchSize: kinds.integerFrom(1).default(1),
    /** Visit the items in another random order each epoch. Default: false. */
    shuffle: kinds.boolean.default(false),
    /** The order to visit items in, instead of `shuffle`. Default: null, one after the other. */
    sampler: sampler.optional(),
    /** The batches to make, as arrays of indices: instead of `batchSize`, `shuffle`, `sampler` and `dropLast`. Default: null. */
    batchSampler: batchSampler.optional(),
    /** How many worker threads make the batches; the data set must then be one of `importDataset`, or a `Subset` of it. Default: 0, none. */
    numWorkers: kinds.integerFrom(0, 1024).default(0),
    /** Makes a batch of items, in this thread. Default: null, the data set's own `gather`, or else {@link defaultCollate}. */
    collateFn: kinds.callback<(items: unknown[]) => unknown>().optional(),
    /** Whether batches are put where a device reads them; there is none. Default: false. */
    pinMemory: kinds.only(false, 'there is no other device'),
    /** Leave out a last batch that is not full. Default: false. */
    dropLast: kinds.boolean.default(false),
    /** A function that the data set's module exports under this name; each worker calls it with its number before anything else. Default: null, none. */
    workerInit: kinds.text.optional(),
    /** How many batches per worker are made ahead. Default: null, 2. */
    prefetchFactor: kinds.integerFrom(1).optional(),
    /** Whether workers stay when an epoch ends. Default: false. */
    persistentWorkers: kinds.boolean.default(false),
    ...drawing,
  },
);

export interface DataLoaderOptions<Item, Batch>
  extends Narrowed<OptionsOf<typeof loading>, { collateFn: ((items: Item[]) => Batch) | null }> {}

/** Which items belong together, batch by batch: what a `BatchSampler` is. */
export interface BatchesOfIndices extends Iterable<ArrayLike<number>> {
  readonly length: number;
}

type Collate<Item, Batch> = (items: Item[]) => Batch;

/** An epoch under way. */
interface Epoch {
  /** Its items, in the order of its batches. */
  readonly order: Int32Array;
  /** What workers' seeds are counted from. */
  readonly seed: number;
  /** How many of them were in batches so far. */
  visited: number;
}

/** Where a loader stands, as `stateDict` gives it. */
export interface LoaderState {
  /** Items of the data set. */
  length: number;
  /** The items of the epoch under way, in order; null between epochs. */
  order: Tensor | null;
  /** How many of them were in batches so far. */
  visited: number;
  /** The stream of the loader's own generator; null if it has none. */
  generator: Tensor | null;
}

const ENTRIES: readonly (keyof LoaderState)[] = ['length', 'order', 'visited', 'generator'];

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
 * `loader.length` is the number of batches. `for await` works too, and is the way to go through a loader whose batches are made by workers
 * (`numWorkers`): it gives the same batches in the same order, and while one is used the next are made.
 *
 * The items of a stream, which is any iterable but an array, come in its order; such a loader has no `length`, no order and no state.
 *
 * @throws ValueError for options that do not exist, do not fit or exclude each other, and for a loop without `await` over what workers make
 * @throws NablaError what a worker's data set throws, when its batch is asked for
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.DataLoader
 */
export class DataLoader<Item, Batch = Collated<Item>> implements Iterable<Batch>, AsyncIterable<Batch> {
  /** Of a stream, nothing that could be asked for by position. */
  readonly dataset: Dataset<Item, Batch>;
  readonly batchSize: number;
  readonly dropLast: boolean;
  readonly sampler: Sampler;
  /** What says which items belong together, if it was given. */
  readonly batchSampler: BatchesOfIndices | null;
  /** What makes batches of items, if it was given. */
  readonly collateFn: Collate<Item, Batch> | null;
  readonly #generator: Generator | null;
  readonly #stream: IterableDataset<Item> | null;
  readonly #makeBatch: (indices: Int32Array) => Batch;
  /** Null without workers. */
  readonly #staff: Staff | null;
  /** The epoch that was begun last, until it is over. */
  #epoch: Epoch | null = null;
  /** Whether the next iteration goes on with it. */
  #isResumed = false;

  static {
    takeNoMore(DataLoader, 'order', 'stateDict', 'loadStateDict');
    mark(DataLoader.prototype);
  }

  constructor(
    source: Dataset<Item, Batch> | IterableDataset<Item>,
    ...rest: RestOf<typeof loading, DataLoaderOptions<Item, Batch>>
  ) {
    const options = loading.named('DataLoader', [source, ...rest]);
    const { batchSize, shuffle, sampler, batchSampler, collateFn, dropLast, generator } = options;
    if (batchSampler !== null) refuseBeside(source, options);
    if (isStream(source) && (shuffle || sampler !== null)) {
      throw new ValueError(
        `DataLoader: a stream has an order of its own: ${shuffle ? 'shuffle' : 'sampler'} is for data sets with positions`,
      );
    }
    this.#stream = isStream(source) ? (source as IterableDataset<Item>) : null;
    const dataset = this.#stream === null ? (source as Dataset<Item, Batch>) : EMPTY;
    if (sampler !== null && shuffle) throw new ValueError('DataLoader: sampler and shuffle exclude each other');
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.dropLast = dropLast;
    this.sampler =
      sampler ?? (shuffle ? new RandomSampler(dataset.length, { generator }) : new SequentialSampler(dataset.length));
    this.batchSampler = batchSampler;
    this.collateFn = collateFn as Collate<Item, Batch> | null;
    this.#generator = generator;
    this.#makeBatch = batchMaker(dataset, this.collateFn);
    this.#staff = Staff.of(source, options, collateFn === null);
  }

  /** @internal Whether batches come one after the other, rather than as so many items of an order each. */
  get isStream(): boolean {
    return this.#stream !== null || this.batchSampler !== null;
  }

  #requirePositions(what: string): void {
    if (this.#stream !== null) {
      throw new ValueError(`DataLoader: ${what}: the items are a stream, of which neither length nor order is known`);
    }
    if (this.batchSampler === null) return;
    throw new ValueError(`DataLoader: ${what}: the batches are those of a batchSampler, which keeps its own state`);
  }

  /** Number of batches per epoch. */
  get length(): number {
    if (this.batchSampler !== null) return this.batchSampler.length;
    this.#requirePositions('length');
    const batches = this.sampler.length / this.batchSize;
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  /**
   * The order in which an epoch visits the items, drawn as an iteration draws it.
   *
   * @throws ValueError if the sampler gives what is not an index of an item, or does not end
   */
  order(): Int32Array {
    this.#requirePositions('order');
    return this.#drawn().order;
  }

  #drawn(): Epoch {
    // The seed is drawn with workers or without, as PyTorch does: all later draws would differ.
    const seed = drawSeed(this.#generator);
    return { order: drainSampler('DataLoader: sampler', this.sampler, this.dataset.length), seed, visited: 0 };
  }

  /** @internal Begins an epoch, or goes on with the one that was loaded. */
  begin(): Epoch {
    const epoch = this.#isResumed ? this.#epoch! : this.#drawn();
    this.#isResumed = false;
    this.#epoch = epoch;
    return epoch;
  }

  /** @internal Says how many items of an epoch were in batches; with the last batch it is over. */
  reach(epoch: Epoch, visited: number): void {
    epoch.visited = visited;
    if (visited >= this.#endOf(epoch) && this.#epoch === epoch) this.#epoch = null;
  }

  /** How many items of an epoch are in batches. */
  #endOf({ order: { length } }: Epoch): number {
    return this.dropLast ? length - (length % this.batchSize) : length;
  }

  /** @internal The batches of an epoch that are left, wherever they are made. */
  batches(epoch: Epoch): Iterable<Batch> | AsyncIterable<Batch> {
    return this.#staff === null ? this.#made(epoch) : this.#delivered(this.#staff, epoch);
  }

  /** Each counts as visited when it is asked for. */
  *#made(epoch: Epoch): IterableIterator<Batch> {
    for (const indices of this.#parts(epoch)) {
      epoch.visited += indices.length;
      yield this.#makeBatch(indices);
    }
  }

  /** The items of each batch that is left. */
  *#parts(epoch: Epoch): IterableIterator<Int32Array> {
    const end = this.#endOf(epoch);
    for (let start = epoch.visited; start < end; start += this.batchSize) {
      yield epoch.order.slice(start, Math.min(start + this.batchSize, end));
    }
  }

  /** Each counts as visited when it is given. */
  #delivered(staff: Staff, epoch: Epoch): AsyncIterableIterator<Batch> {
    const end = this.#endOf(epoch);
    const take = (made: unknown) => {
      epoch.visited = Math.min(epoch.visited + this.batchSize, end);
      return this.#collated(made);
    };
    const over = () => this.reach(epoch, epoch.visited);
    return staff.deliver(epoch.seed, this.#parts(epoch), take, over) as AsyncIterableIterator<Batch>;
  }

  /** A batch of what a worker gave: items, where batches are made here. */
  #collated(made: unknown): Batch {
    return this.collateFn === null ? (made as Batch) : this.collateFn(made as Item[]);
  }

  *#streamed(stream: IterableDataset<Item>): IterableIterator<Batch> {
    drawSeed(this.#generator);
    const batchOf = this.collateFn ?? ((items: Item[]) => defaultCollate(items) as Batch);
    let items: Item[] = [];
    for (const item of stream) {
      items.push(item);
      if (items.length < this.batchSize) continue;
      yield batchOf(items);
      items = [];
    }
    if (items.length > 0 && !this.dropLast) yield batchOf(items);
  }

  /** The items of the batches that a batchSampler gives. */
  *#sampled(batches: BatchesOfIndices): IterableIterator<Int32Array> {
    const { length } = this.dataset;
    let count = 0;
    for (const batch of batches) {
      if (!Array.isArray(batch) && !ArrayBuffer.isView(batch)) {
        throw new ValueError(`DataLoader: batchSampler must give arrays of indices, got ${describe(batch)}`);
      }
      yield checkedIndices(`DataLoader: batchSampler: batch ${count++}`, batch, length);
    }
  }

  [Symbol.iterator](): Iterator<Batch> {
    if (this.#staff === null) return this.#iterated();
    throw new ValueError(
      'DataLoader: batches that workers make have to be waited for: use for await (const batch of loader)',
    );
  }

  [Symbol.asyncIterator](): AsyncIterator<Batch> {
    if (this.#staff === null) return awaited(this.#iterated());
    if (!this.isStream) return this.#delivered(this.#staff, this.begin());
    const parts = this.batchSampler === null ? null : this.#sampled(this.batchSampler);
    const take = (made: unknown) => this.#collated(made);
    return this.#staff.deliver(drawSeed(this.#generator), parts, take, () => {}) as AsyncIterator<Batch>;
  }

  *#iterated(): IterableIterator<Batch> {
    if (this.batchSampler !== null) {
      drawSeed(this.#generator);
      for (const indices of this.#sampled(this.batchSampler)) yield this.#makeBatch(indices);
      return;
    }
    if (this.#stream !== null) return yield* this.#streamed(this.#stream);
    const epoch = this.begin();
    yield* this.#made(epoch);
    this.reach(epoch, epoch.visited);
  }

  /**
   * Where the loader stands: in the body of a loop, or after it was left by `break`, after the batch in hand. The order of the epoch under way is kept as such, so that what is left
   * of it does not depend on how it was drawn. A sampler of your own keeps its own state.
   *
   * @example
   * ```ts
   * const loader = new DataLoader(new TensorDataset(arange(10)), { batchSize: 4 });
   * for (const _ of loader) break;
   * const state = loader.stateDict();
   * loader.loadStateDict(state);
   * [...loader].map(([x]) => x!.toArray()); // [[4, 5, 6, 7], [8, 9]]
   * [...loader].length; // 3
   * ```
   */
  stateDict(): LoaderState {
    this.#requirePositions('stateDict');
    return {
      length: this.dataset.length,
      order: this.#epoch === null ? null : tensor(this.#epoch.order),
      visited: this.#epoch?.visited ?? 0,
      generator: this.#generator === null ? null : tensor(this.#generator.getState()),
    };
  }

  /**
   * Goes on where a loader stood: the next iteration gives the batches that were left of its epoch.
   *
   * @throws ValueError, before anything changes, for a state of another data set, and for what is no state
   */
  loadStateDict(state: LoaderState): void {
    this.loading('DataLoader: loadStateDict', state)();
  }

  /** @internal Looks at a state, and gives what takes it. */
  loading(where: string, state: unknown): () => void {
    this.#requirePositions('loadStateDict');
    const { length, order, visited, generator } = checkedState(where, state);
    const size = this.dataset.length;
    if (length !== size)
      throw new ValueError(`${where}: the state is of ${length} items, but the data set has ${size}`);
    // The seed was drawn before: workers that go on have others.
    const epoch = order && {
      order: checkedIndices(`${where}: order`, order.toTypedArray(), size),
      seed: visited,
      visited,
    };
    const own = this.#generator;
    if ((generator === null) !== (own === null)) {
      const [was, is] = own === null ? ['a', 'none'] : ['no', 'one'];
      throw new ValueError(
        `${where}: the state is of a loader with ${was} generator of its own, but this one has ${is}`,
      );
    }
    const words = generator?.toTypedArray() as Int32Array | undefined;
    if (words !== undefined) new Generator().setState(words);
    return () => {
      this.#epoch = epoch;
      this.#isResumed = epoch !== null;
      if (words !== undefined) own!.setState(words);
    };
  }
}

async function* awaited<T>(values: Iterable<T>): AsyncIterableIterator<T> {
  yield* values;
}

/** What a stream has by position. */
const EMPTY: Dataset<never, never> = {
  length: 0,
  get: () => {
    throw new ValueError('DataLoader: a stream has no items by position');
  },
};

function checkedState(where: string, state: unknown): LoaderState {
  if (!isRecord(state))
    throw new ValueError(`${where}: expected an object as stateDict() gives it, got ${describe(state)}`);
  for (const name of Object.keys(state)) {
    if (!(ENTRIES as readonly string[]).includes(name))
      throw new ValueError(`${where}: ${unknownName('entry', name, ENTRIES)}`);
  }
  const { length, order, visited, generator } = state;
  const refuse = (name: string, expected: string): never => {
    throw new ValueError(`${where}: ${name} must be ${expected}, got ${describe(state[name])}`);
  };
  if (!isCount(length)) return refuse('length', 'a number of items');
  if (!isNumbers(order)) return refuse('order', 'a 1-d int32 Tensor or null');
  const most = order?.numel() ?? 0;
  if (!isCount(visited) || visited > most) return refuse('visited', `an integer, between 0 and ${most}`);
  if (!isNumbers(generator)) return refuse('generator', 'a 1-d int32 Tensor or null');
  return { length, order, visited, generator };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const isNumbers = (value: unknown): value is Tensor | null =>
  value === null || (isTensor(value) && isInteger(value.dtype) && value.ndim === 1);

/** A batchSampler says all that these say. */
function refuseBeside(
  source: unknown,
  options: Pick<NamedOf<typeof loading>, 'batchSize' | 'shuffle' | 'sampler' | 'dropLast'>,
): void {
  const { batchSize, shuffle, sampler, dropLast } = options;
  const beside = { batchSize: batchSize !== 1, shuffle, sampler: sampler !== null, dropLast };
  const other = Object.entries(beside).find(([, isGiven]) => isGiven);
  if (other !== undefined) throw new ValueError(`DataLoader: batchSampler and ${other[0]} exclude each other`);
  if (isStream(source))
    throw new ValueError('DataLoader: a stream has an order of its own: batchSampler is for data sets with positions');
}

function batchMaker<Item, Batch>(
  dataset: Dataset<Item, Batch>,
  collate: Collate<Item, Batch> | null,
): (indices: Int32Array) => Batch {
  const items = (indices: Int32Array) => Array.from(indices, (index) => dataset.get(index));
  if (collate !== null) return (indices) => collate(items(indices));
  return (indices) => dataset.gather?.(indices) ?? (defaultCollate(items(indices)) as Batch);
}
