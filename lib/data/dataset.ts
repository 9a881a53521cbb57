import { define } from '../arguments/define.js';
import type { ArgumentsOf, OptionsOf, RestOf } from '../arguments/forms.js';
import { type Kind, kind } from '../arguments/kind.js';
import { takeNoMore } from '../arguments/no-more.js';
import { signature } from '../arguments/signature.js';
import { describe } from '../describe.js';
import { ShapeError, ValueError } from '../errors.js';
import { tensor } from '../ops/creation.js';
import { randperm } from '../ops/random.js';
import * as kinds from '../tensor/kinds.js';
import { drawing } from '../tensor/parameters.js';
import { isTensor, type Tensor } from '../tensor/tensor.js';
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

function isDataset(value: unknown): value is Dataset<unknown, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const { length, get, gather } = value as Partial<Dataset<unknown, unknown>>;
  if (typeof get !== 'function' || !(gather === undefined || typeof gather === 'function')) return false;
  return Number.isSafeInteger(length) && length! >= 0;
}

/** What has items by position. */
export const dataset: Kind<Dataset<unknown, unknown>> = kind('a data set (an object with length and get)', isDataset, {
  explain: (op, name, value) => {
    if (isTensor(value))
      throw new ValueError(`${op}: ${name} must be a data set, got a Tensor; pass new TensorDataset(x)`);
    if (!Array.isArray(value)) return;
    throw new ValueError(
      `${op}: ${name} must be a data set, got ${describe(value)}; pass { length: items.length, get: (i) => items[i] }`,
    );
  },
});

const indices: Kind<ArrayLike<number>> = kind('an array of indices', (value): value is ArrayLike<number> => {
  if (typeof value !== 'object' || value === null || !('length' in value)) return false;
  return Number.isSafeInteger(value.length) && (value.length as number) >= 0;
});

const choosing = signature('dataset, indices, /', { dataset, indices });

const splitting = signature('dataset, lengths, /, generator', {
  dataset,
  lengths: kinds.listOf('an array of lengths', kinds.number),
  ...drawing,
});

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

  static {
    takeNoMore(TensorDataset, 'get', 'gather');
  }

  constructor(...tensors: T) {
    const sizes = kinds.tensors.take('TensorDataset', 'tensors', tensors).map((t, i) => {
      if (t.ndim === 0) throw new ShapeError(`TensorDataset: tensors[${i}] is 0-d, it has no rows`);
      return t.shape[0]!;
    });
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

  static {
    takeNoMore(Subset, 'get');
  }

  constructor(...args: ArgumentsOf<typeof choosing, object, { dataset: Dataset<Item, Batch> }>) {
    const [source, indices] = choosing.read('Subset', args);
    const dataset = source as Dataset<Item, Batch>;
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

export interface RandomSplitOptions extends OptionsOf<typeof splitting> {}

/** Splits a data set into as many subsets as there are lengths. */
export type RandomSplit = <Item, Batch, const L extends readonly number[]>(
  dataset: Dataset<Item, Batch>,
  lengths: L,
  ...generator: RestOf<typeof splitting, RandomSplitOptions>
) => { -readonly [K in keyof L]: Subset<Item, Batch> };

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
export const randomSplit = define('randomSplit', splitting, (dataset, lengths, generator) => {
  const sizes = isFractions(lengths) ? fractionsOf(dataset.length, lengths) : lengths;
  for (const [i, size] of sizes.entries()) length.take('randomSplit', `lengths[${i}]`, size);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== dataset.length) {
    throw new ValueError(
      `randomSplit: lengths [${lengths.join(', ')}] sum up to ${total}, the data set has ${dataset.length} items`,
    );
  }
  const order = randperm(total, { generator }).toTypedArray();
  let end = 0;
  return sizes.map((size) => {
    const begin = end;
    end += size;
    return new Subset(dataset, order.subarray(begin, end));
  });
}) as RandomSplit;

const length = kinds.integerFrom(0);

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
