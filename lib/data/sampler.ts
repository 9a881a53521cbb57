import { allAre } from '../arguments/elements.js';
import type { ArgumentsOf, OptionsOf } from '../arguments/forms.js';
import { type Kind, kind } from '../arguments/kind.js';
import { takeNoMore } from '../arguments/no-more.js';
import { signature } from '../arguments/signature.js';
import type { TypedArray } from '../backend/dtype.js';
import { ValueError } from '../errors.js';
import { tensor } from '../ops/creation.js';
import { Generator, multinomial, randint, randperm } from '../ops/random.js';
import * as kinds from '../tensor/kinds.js';
import { isTensor, type Tensor } from '../tensor/tensor.js';
import { checkedIndices, indexArray } from './indices.js';

type Counted = number | { readonly length: number };

const counted: Kind<Counted> = kind('how many items there are, or what has them', (value): value is Counted => {
  const length = typeof value === 'object' && value !== null && !isTensor(value) ? Reflect.get(value, 'length') : value;
  return Number.isSafeInteger(length) && (length as number) >= 0;
});

const countOf = (source: Counted): number => (typeof source === 'number' ? source : source.length);

const counting = signature('dataSource', { dataSource: counted });

const drawing = signature('dataSource, replacement, numSamples, generator', {
  dataSource: counted,
  /** Draw each index again, so that one may come again. Default: false, a permutation. */
  replacement: kinds.boolean.default(false),
  /** How many indices. Default: null, as many as there are items. */
  numSamples: kinds.integerFrom(1).optional(),
  /** Where they are drawn from. Default: null, a generator seeded, for each epoch, from the default one. */
  generator: kinds.generator.optional(),
});

/**
 * An order to visit items in: any iterable of indices that knows its length, such as an array. Each epoch iterates it again. What it gives
 * counts, not what its length says; but it must end.
 */
export interface Sampler extends Iterable<number> {
  readonly length: number;
  /** All indices of an epoch at once, where that is quicker than one by one. */
  indices?(): Int32Array;
}

/**
 * 0, 1, …, length - 1, of a data set, or of so many items.
 *
 * @example
 * ```ts
 * [...new SequentialSampler(3)];    // [0, 1, 2]
 * ```
 *
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.SequentialSampler
 */
export class SequentialSampler implements Sampler {
  readonly length: number;

  static {
    takeNoMore(SequentialSampler, 'indices');
  }

  constructor(...args: ArgumentsOf<typeof counting>) {
    const [source] = counting.read('SequentialSampler', args);
    this.length = countOf(source);
  }

  /** 0, 1, …, length - 1. */
  indices(): Int32Array {
    const order = indexArray('SequentialSampler', this.length);
    for (let i = 0; i < order.length; i++) order[i] = i;
    return order;
  }

  *[Symbol.iterator](): Iterator<number> {
    for (let i = 0; i < this.length; i++) yield i;
  }
}

export interface RandomSamplerOptions extends OptionsOf<typeof drawing> {}

/**
 * The items of a data set, which is given or of which the size is, at random, in PyTorch's order for the same seed.
 *
 * @example
 * ```ts
 * [...new RandomSampler(5, { generator: new Generator().manualSeed(0) })];
 * ```
 *
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.RandomSampler
 */
export class RandomSampler implements Sampler {
  readonly size: number;
  readonly replacement: boolean;
  readonly length: number;
  readonly #generator: Generator | null;

  static {
    takeNoMore(RandomSampler, 'indices');
  }

  constructor(...args: ArgumentsOf<typeof drawing, RandomSamplerOptions>) {
    const [source, replacement, numSamples, generator] = drawing.read('RandomSampler', args);
    const size = countOf(source);
    if (size === 0) throw new ValueError('RandomSampler: there is nothing to draw from: the data set is empty');
    this.size = size;
    this.replacement = replacement;
    this.length = numSamples ?? size;
    this.#generator = generator;
  }

  /** The order of an epoch, newly drawn. */
  indices(): Int32Array {
    const order = indexArray('RandomSampler', this.length);
    let filled = 0;
    for (const block of this.#blocks()) {
      order.set(block, filled);
      filled += block.length;
    }
    return order;
  }

  *[Symbol.iterator](): Iterator<number> {
    for (const block of this.#blocks()) yield* block;
  }

  #blocks(): Iterable<TypedArray> {
    const generator = this.#generator ?? new Generator().manualSeed(drawSeed());
    return this.replacement ? this.#drawn(generator) : this.#permuted(generator);
  }

  /** Blocks of 32 draws, as PyTorch makes them. */
  *#drawn(generator: Generator): Iterable<TypedArray> {
    for (let left = this.length; left > 0; left -= 32) {
      yield randint(0, this.size, [Math.min(left, 32)], { generator }).toTypedArray();
    }
  }

  /** Whole permutations, then a part of one more. PyTorch draws that one even if the part is empty, and the stream has to agree. */
  *#permuted(generator: Generator): Iterable<TypedArray> {
    let left = this.length;
    for (; left >= this.size; left -= this.size) yield randperm(this.size, { generator }).toTypedArray();
    yield randperm(this.size, { generator }).toTypedArray().subarray(0, left);
  }
}

const subsetting = signature('indices, generator', {
  indices: kind(
    'an array of indices',
    (value): value is ArrayLike<number> =>
      typeof value === 'object' && value !== null && Number.isSafeInteger((value as { length?: unknown }).length),
  ),
  /** Where the order is drawn from. Default: null, the default one. */
  generator: kinds.generator.optional(),
});

export interface SubsetRandomSamplerOptions extends OptionsOf<typeof subsetting> {}

/**
 * Some indices, in another random order each epoch, drawn as PyTorch draws it.
 *
 * @throws ValueError for what is no index
 * @example
 * ```ts
 * [...new SubsetRandomSampler([2, 5, 7])].sort(); // [2, 5, 7]
 * ```
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.SubsetRandomSampler
 */
export class SubsetRandomSampler implements Sampler {
  /** What is chosen from. */
  readonly choice: Int32Array;
  readonly #generator: Generator | null;

  static {
    takeNoMore(SubsetRandomSampler, 'indices');
  }

  constructor(...args: ArgumentsOf<typeof subsetting, SubsetRandomSamplerOptions>) {
    const [choice, generator] = subsetting.read('SubsetRandomSampler', args);
    this.choice = checkedIndices('SubsetRandomSampler', choice, 2 ** 31 - 1);
    this.#generator = generator;
  }

  /** How many there are. */
  get length(): number {
    return this.choice.length;
  }

  /** The order of an epoch, newly drawn. */
  indices(): Int32Array {
    const order = randperm(this.choice.length, { generator: this.#generator }).toTypedArray();
    return Int32Array.from(order, (i) => this.choice[i]!);
  }

  *[Symbol.iterator](): Iterator<number> {
    yield* this.indices();
  }
}

const weighing = signature('weights, numSamples, replacement, generator', {
  weights: kind('an array of numbers or a 1-d Tensor', (value): value is readonly number[] | Tensor =>
    isTensor(value) ? value.ndim === 1 : Array.isArray(value) && allAre(value, kinds.number.accepts),
  ),
  numSamples: kinds.integerFrom(1),
  /** Whether an index may come again. Default: true. */
  replacement: kinds.boolean.default(true),
  /** Where indices are drawn from. Default: null, the default one. */
  generator: kinds.generator.optional(),
});

export interface WeightedRandomSamplerOptions extends OptionsOf<typeof weighing> {}

/**
 * Indices drawn with probabilities in proportion to weights, as PyTorch draws them: to see rare classes as often as others.
 *
 * @throws ValueError for weights that are negative, not finite or all 0, and for more samples than positive weights without replacement
 * @example
 * ```ts
 * [...new WeightedRandomSampler([0, 1, 0], 3)]; // [1, 1, 1]
 * ```
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.WeightedRandomSampler
 */
export class WeightedRandomSampler implements Sampler {
  readonly weights: Tensor;
  readonly length: number;
  readonly replacement: boolean;
  readonly #generator: Generator | null;

  static {
    takeNoMore(WeightedRandomSampler, 'indices');
  }

  constructor(...args: ArgumentsOf<typeof weighing, WeightedRandomSamplerOptions>) {
    const [weights, numSamples, replacement, generator] = weighing.read('WeightedRandomSampler', args);
    const values = tensor(isTensor(weights) ? weights.toTypedArray() : weights, { dtype: 'float64' });
    const positive = values.gt(0).sum().item();
    if (!values.ge(0).logicalAnd(values.isfinite()).all().item() || positive === 0) {
      throw new ValueError('WeightedRandomSampler: weights must be finite and at least 0, and not all 0');
    }
    if (!replacement && numSamples > positive) {
      throw new ValueError(
        `WeightedRandomSampler: numSamples must be at most ${positive} without replacement, the number of positive weights, got ${numSamples}`,
      );
    }
    this.weights = values;
    this.length = numSamples;
    this.replacement = replacement;
    this.#generator = generator;
  }

  /** The order of an epoch, newly drawn. */
  indices(): Int32Array {
    const drawn = multinomial(this.weights, this.length, this.replacement, { generator: this.#generator });
    return Int32Array.from(drawn.toTypedArray());
  }

  *[Symbol.iterator](): Iterator<number> {
    yield* this.indices();
  }
}

const batching = signature('sampler, batchSize, dropLast', {
  sampler: kind(
    'an iterable of indices with a length',
    (value): value is Sampler =>
      typeof value === 'object' &&
      value !== null &&
      Symbol.iterator in value &&
      Number.isSafeInteger((value as { length?: unknown }).length),
  ),
  batchSize: kinds.integerFrom(1),
  /** Leave out a last batch that is not full. */
  dropLast: kinds.boolean,
});

/**
 * The indices of a sampler in batches.
 *
 * @example
 * ```ts
 * [...new BatchSampler(new SequentialSampler(5), 2, false)]; // [[0, 1], [2, 3], [4]]
 * ```
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.BatchSampler
 */
export class BatchSampler implements Iterable<number[]> {
  readonly sampler: Sampler;
  readonly batchSize: number;
  readonly dropLast: boolean;

  constructor(...args: ArgumentsOf<typeof batching>) {
    const [sampler, batchSize, dropLast] = batching.read('BatchSampler', args);
    this.sampler = sampler;
    this.batchSize = batchSize;
    this.dropLast = dropLast;
  }

  /** How many batches there are. */
  get length(): number {
    const batches = this.sampler.length / this.batchSize;
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  *[Symbol.iterator](): Iterator<number[]> {
    let batch: number[] = [];
    for (const index of this.sampler) {
      batch.push(index);
      if (batch.length < this.batchSize) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0 && !this.dropLast) yield batch;
  }
}

/** A seed from a stream: the low half of 64 bits, which is what a generator takes of PyTorch's 64-bit seeds. */
export function drawSeed(generator: Generator | null = null): number {
  return randint(-(2 ** 31), 2 ** 31, [1], { generator }).item() + 2 ** 31;
}
