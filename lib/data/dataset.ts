import { checkOptions } from '../arguments/check-options.js';
import { describe } from '../describe.js';
import { ShapeError, ValueError } from '../errors.js';
import { tensor } from '../ops/creation.js';
import { type Generator, randperm } from '../ops/random.js';
import { checkNumber } from '../tensor/arguments.js';
import { checkInteger } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import type { Collated } from './collate.js';
import { checkedIndices, checkIndex } from './indices.js';

/**
 * Items by position. Implement `length` and `get`, and any array of numbers, tensors or records of them can be loaded in batches;
 * implement `gather` too where a whole batch is cheaper to make than its items one by one.
 *
 * @example
 * ```ts
 * const squares: Dataset<[Tensor, Tensor]> = {
 *   length: 100,
 *   get: (i) => [tensor(i), tensor(i * i)],
 * };
 * const [first] = new DataLoader(squares, { batchSize: 4 });
 * first![1]; // tensor([0., 1., 4., 9.])
 * ```
 * @see https://pytorch.org/docs/stable/data.html#map-style-datasets
 */
export interface Dataset<Item, Batch = Collated<Item>> {
  readonly length: number;
  get(index: number): Item;
  readonly gather?: ((indices: Int32Array) => Batch) | undefined;
}

/** Refuses what has no items by position. */
export function checkDataset(where: string, dataset: unknown): asserts dataset is Dataset<unknown, unknown> {
  if (Array.isArray(dataset)) {
    throw new ValueError(
      `${where}: expected a data set, got ${describe(dataset)}; pass { length: items.length, get: (i) => items[i] }`,
    );
  }
  const { length, get, gather } = (typeof dataset === 'object' && dataset !== null ? dataset : {}) as Partial<
    Dataset<unknown, unknown>
  >;
  const gathers = gather === undefined || typeof gather === 'function';
  if (typeof get === 'function' && gathers && Number.isSafeInteger(length) && length! >= 0) return;
  throw new ValueError(`${where}: expected a data set (an object with length and get), got ${describe(dataset)}`);
}

/**
 * Tensors whose first axes run along each other: item i is row i of each.
 *
 * @example
 * ```ts
 * const dataset = new TensorDataset(tensor([[1, 2], [3, 4]]), tensor([0, 1]));
 * const [x, y] = dataset.get(1);
 * x; // tensor([3., 4.])
 * y; // tensor(1.)
 * ```
 * @throws ShapeError if the first axes differ
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.TensorDataset
 */
export class TensorDataset<T extends Tensor[]> implements Dataset<T, T> {
  readonly tensors: T;
  readonly length: number;

  constructor(...tensors: T) {
    const sizes = tensors.map((t, i) => {
      if (!(t instanceof Tensor)) throw new ValueError(`TensorDataset: argument ${i} is not a tensor`);
      if (t.ndim === 0) throw new ShapeError(`TensorDataset: argument ${i} is 0-d, it has no rows`);
      return t.shape[0]!;
    });
    if (sizes.length === 0) throw new ValueError('TensorDataset: expected at least one tensor');
    if (new Set(sizes).size > 1) throw new ShapeError(`TensorDataset: first axes differ: ${sizes.join(', ')}`);
    this.tensors = tensors;
    this.length = sizes[0]!;
  }

  /** Row `index` of each tensor: views, not copies. */
  get(index: number): T {
    return this.tensors.map((t) => t.select(0, index)) as T;
  }

  /** The rows at `indices` of each tensor, copied. */
  gather(indices: Int32Array): T {
    const rows = tensor(indices);
    return this.tensors.map((t) => t.indexSelect(0, rows)) as T;
  }
}

/**
 * Some items of a data set, as a data set.
 *
 * @example
 * ```ts
 * const dataset = new TensorDataset(tensor([10, 20, 30]));
 * new Subset(dataset, [2, 0]).get(0); // [tensor(30.)]
 * ```
 * @throws ValueError if an index is not one of the data set's
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.Subset
 */
export class Subset<Item, Batch = Collated<Item>> implements Dataset<Item, Batch> {
  readonly dataset: Dataset<Item, Batch>;
  readonly indices: Int32Array;
  readonly gather: ((indices: Int32Array) => Batch) | undefined;

  constructor(dataset: Dataset<Item, Batch>, indices: ArrayLike<number>) {
    checkDataset('Subset', dataset);
    this.dataset = dataset;
    this.indices = checkedIndices('Subset', indices, dataset.length);
    this.gather = dataset.gather && ((rows) => dataset.gather!(rows.map((row) => this.place(row))));
  }

  /** How many items were chosen. */
  get length(): number {
    return this.indices.length;
  }

  /** The item of the data set that was chosen as number `index`. */
  get(index: number): Item {
    return this.dataset.get(this.place(index));
  }

  /** @internal Which item of the data set number `index` is. The list is everybody's to write to, so it is checked again. */
  place(index: number): number {
    const place = Number.isInteger(index) ? this.indices[index] : undefined;
    if (place === undefined)
      throw new ValueError(`Subset: index ${describe(index)} is out of range: it has ${this.length} items`);
    checkIndex('Subset: indices', index, place, this.dataset.length);
    return place;
  }
}

export interface RandomSplitOptions {
  /** Where the permutation is drawn from. Default: the default generator. */
  readonly generator?: Generator;
}

/**
 * Splits a data set at random into parts of these lengths, or of these fractions if they sum up to 1 (what is left over by
 * rounding goes to the first parts, one item each).
 *
 * @example
 * ```ts
 * const dataset = new TensorDataset(arange(10));
 * const [train, validation] = randomSplit(dataset, [0.8, 0.2], { generator: new Generator(42) });
 * train.length; // 8
 * validation.indices; // Int32Array(2) [ 3, 7 ]
 * ```
 * @throws ValueError if the lengths do not sum up to the data set's
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.random_split
 */
export function randomSplit<Item, Batch, const L extends readonly number[]>(
  dataset: Dataset<Item, Batch>,
  lengths: L,
  options: RandomSplitOptions = {},
): { -readonly [K in keyof L]: Subset<Item, Batch> } {
  checkDataset('randomSplit', dataset);
  checkOptions('randomSplit', options, ['generator']);
  checkLengths(lengths);
  const sizes = isFractions(lengths) ? fractionsOf(dataset.length, lengths) : lengths;
  for (const [i, size] of sizes.entries()) checkInteger('randomSplit', `lengths[${i}]`, size);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== dataset.length) {
    throw new ValueError(
      `randomSplit: lengths [${lengths.join(', ')}] sum up to ${total}, the data set has ${dataset.length} items`,
    );
  }
  const order = randperm(total, options).toTypedArray();
  let end = 0;
  return sizes.map((size) => {
    const begin = end;
    end += size;
    return new Subset(dataset, order.subarray(begin, end));
  }) as { -readonly [K in keyof L]: Subset<Item, Batch> };
}

function checkLengths(lengths: unknown): void {
  if (!Array.isArray(lengths))
    throw new ValueError(`randomSplit: expected an array of lengths, got ${describe(lengths)}`);
  for (let i = 0; i < lengths.length; i++) checkNumber('randomSplit', `lengths[${i}]`, lengths[i]);
}

/** A sum within rounding of 1, not above it. */
function isFractions(lengths: readonly number[]): boolean {
  const sum = lengths.reduce((a, b) => a + b, 0);
  return sum <= 1 && sum > 1 - 1e-9;
}

function fractionsOf(length: number, fractions: readonly number[]): number[] {
  const sizes = fractions.map((fraction, i) => {
    if (fraction >= 0 && fraction <= 1) return Math.floor(length * fraction);
    throw new ValueError(`randomSplit: lengths[${i}]: expected a fraction between 0 and 1, got ${fraction}`);
  });
  const rest = length - sizes.reduce((a, b) => a + b, 0);
  return sizes.map((size, i) => size + Math.floor(rest / sizes.length) + Number(i < rest % sizes.length));
}
