import { isIterable } from '../arguments/elements.js';
import { takeNoMore } from '../arguments/no-more.js';
import { describe } from '../describe.js';
import { ValueError } from '../errors.js';
import type { Collated } from './collate.js';
import { type Dataset, dataset } from './dataset.js';

/** Data sets, each looked at. */
function checked(where: string, list: unknown): readonly Dataset<unknown, unknown>[] {
  if (!Array.isArray(list) || list.length === 0) {
    throw new ValueError(`${where}: datasets must be an array of at least one data set, got ${describe(list)}`);
  }
  for (let i = 0; i < list.length; i++) dataset.take(where, `datasets[${i}]`, list[i]);
  return list as readonly Dataset<unknown, unknown>[];
}

function checkPlace(where: string, index: unknown, length: number): number {
  if (Number.isInteger(index) && (index as number) >= 0 && (index as number) < length) return index as number;
  throw new ValueError(`${where}: index ${describe(index)} is out of range: it has ${length} items`);
}

/**
 * Data sets one after the other, as one.
 *
 * @throws ValueError for what is no data set, and for none at all
 * @example
 * ```ts
 * const all = new ConcatDataset([new TensorDataset(tensor([1, 2])), new TensorDataset(tensor([3]))]);
 * all.length; // 3
 * all.get(2); // [tensor(3.)]
 * ```
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.ConcatDataset
 */
export class ConcatDataset<Item> implements Dataset<Item, Collated<Item>> {
  readonly datasets: readonly Dataset<Item, unknown>[];

  static {
    takeNoMore(ConcatDataset, 'get');
  }

  constructor(datasets: readonly Dataset<Item, unknown>[]) {
    checked('ConcatDataset', datasets);
    this.datasets = [...datasets];
  }

  /** How many items all have together. */
  get length(): number {
    return this.datasets.reduce((sum, { length }) => sum + length, 0);
  }

  /** The item at a position of all, as they follow each other. */
  get(index: number): Item {
    let place = checkPlace('ConcatDataset', index, this.length);
    for (const one of this.datasets) {
      if (place < one.length) return one.get(place);
      place -= one.length;
    }
    throw new ValueError('ConcatDataset: a data set became shorter meanwhile');
  }
}

type Items<T> = { -readonly [K in keyof T]: T[K] extends Dataset<infer Item, infer _> ? Item : never };

/**
 * Data sets beside each other: an item has one of each, in an array or, where they were given by name, in an object.
 *
 * @throws ValueError for what is no data set, for none at all, and where lengths differ
 * @example
 * ```ts
 * const pairs = new StackDataset({
 *   image: new Subset(new TensorDataset(tensor([1, 2])), [0, 1]),
 *   label: { length: 2, get: (i: number) => `label ${i}` },
 * });
 * pairs.get(1); // { image: [tensor(2.)], label: 'label 1' }
 * ```
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.StackDataset
 */
export class StackDataset<
  T extends readonly Dataset<unknown, unknown>[] | Readonly<Record<string, Dataset<unknown, unknown>>>,
> implements Dataset<Items<T>, Collated<Items<T>>>
{
  readonly datasets: T;
  readonly length: number;

  static {
    takeNoMore(StackDataset, 'get');
  }

  constructor(datasets: T) {
    const isObject = typeof datasets === 'object' && datasets !== null;
    const list = checked('StackDataset', isObject && !Array.isArray(datasets) ? Object.values(datasets) : datasets);
    const lengths = list.map(({ length }) => length);
    if (new Set(lengths).size > 1) throw new ValueError(`StackDataset: lengths differ: ${lengths.join(', ')}`);
    this.datasets = datasets;
    this.length = lengths[0]!;
  }

  /** The items at a position, one of each. */
  get(index: number): Items<T> {
    const place = checkPlace('StackDataset', index, this.length);
    const datasets: unknown = this.datasets;
    if (Array.isArray(datasets)) return datasets.map((one: Dataset<unknown, unknown>) => one.get(place)) as Items<T>;
    const entries = Object.entries(datasets as Readonly<Record<string, Dataset<unknown, unknown>>>);
    return Object.fromEntries(entries.map(([name, one]) => [name, one.get(place)])) as Items<T>;
  }
}

/**
 * What has items one after the other, and no positions: a stream. Any iterable that can be gone through again is one; a generator function makes one
 * as the method `[Symbol.iterator]`.
 *
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset
 */
export type IterableDataset<Item> = Iterable<Item>;

/**
 * Streams one after the other, as one.
 *
 * @throws ValueError for what is no iterable
 * @example
 * ```ts
 * [...new ChainDataset([[1, 2], new Set([3])])]; // [1, 2, 3]
 * ```
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.ChainDataset
 */
export class ChainDataset<Item> implements IterableDataset<Item> {
  readonly datasets: readonly IterableDataset<Item>[];

  constructor(datasets: readonly IterableDataset<Item>[]) {
    if (!Array.isArray(datasets)) {
      throw new ValueError(`ChainDataset: datasets must be an array of iterables, got ${describe(datasets)}`);
    }
    for (let i = 0; i < datasets.length; i++) {
      const one: unknown = datasets[i];
      if (isIterable(one)) continue;
      throw new ValueError(`ChainDataset: datasets[${i}] must be an iterable, got ${describe(one)}`);
    }
    this.datasets = [...datasets];
  }

  *[Symbol.iterator](): Iterator<Item> {
    for (const one of this.datasets) yield* one;
  }
}
