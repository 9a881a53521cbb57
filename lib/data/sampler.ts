import type { ArgumentsOf, OptionsOf } from '../arguments/forms.js';
import { takeNoMore } from '../arguments/no-more.js';
import { signature } from '../arguments/signature.js';
import type { TypedArray } from '../backend/dtype.js';
import { ValueError } from '../errors.js';
import { Generator, randint, randperm } from '../ops/random.js';
import * as kinds from '../tensor/kinds.js';
import { indexArray } from './indices.js';

const counting = signature('length', { length: kinds.integerFrom(0) });

const drawing = signature('size, replacement, numSamples, generator', {
  size: kinds.integerFrom(0),
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
 * 0, 1, …, length - 1.
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
    const [length] = counting.read('SequentialSampler', args);
    this.length = length;
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
 * The items of a data set of `size` items at random, in PyTorch's order for the same seed.
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
    const [size, replacement, numSamples, generator] = drawing.read('RandomSampler', args);
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

/** A seed from a stream: the low half of 64 bits, which is what a generator takes of PyTorch's 64-bit seeds. */
export function drawSeed(generator: Generator | null = null): number {
  return randint(-(2 ** 31), 2 ** 31, [1], { generator }).item() + 2 ** 31;
}
