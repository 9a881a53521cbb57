import { describe } from '../describe.js';
import { NablaError, ValueError } from '../errors.js';
import type { Sampler } from './sampler.js';

// Indices that come from outside become int32 here and nowhere else, so that none gets by unseen: instructions that gather rows, in the
// background or not, take them as they are.

/** Refuses what is not one of `size` items; `at` is where it stands in its list. */
export function checkIndex(where: string, at: number, index: unknown, size: number): asserts index is number {
  if (Number.isInteger(index) && (index as number) >= 0 && (index as number) < size) return;
  throw new ValueError(
    `${where}: index ${describe(index)} is not one of a data set of ${size} items; it is at position ${at}`,
  );
}

/** A list of indices of `size` items, checked and copied. */
export function checkedIndices(where: string, indices: ArrayLike<unknown>, size: number): Int32Array {
  if (typeof indices !== 'object' || indices === null || !Number.isSafeInteger(indices.length) || indices.length < 0) {
    throw new ValueError(`${where}: expected an array of indices, got ${describe(indices)}`);
  }
  // All are looked at before anything is allocated: a sparse array can be longer than memory.
  for (let at = 0; at < indices.length; at++) checkIndex(where, at, indices[at], size);
  return Int32Array.from(indices as ArrayLike<number>);
}

/** How many more indices than its length says a sampler may give: it may not know, but must end. */
const MOST_UNFORESEEN = 2 ** 24;
/** 4 GB of indices. */
const MOST = 2 ** 30;

/** All that a sampler gives in an epoch, however many that are: its length is a hint, as in PyTorch. */
export function drainSampler(where: string, sampler: Sampler, size: number): Int32Array {
  if (sampler.indices !== undefined) return checkedIndices(where, sampler.indices(), size);
  const most = Math.max(MOST_UNFORESEEN, Math.min(sampler.length, MOST));
  let order = indexArray(where, Math.max(16, Math.min(sampler.length, MOST_UNFORESEEN)));
  let count = 0;
  for (const index of sampler) {
    checkIndex(where, count, index, size);
    if (count === most) {
      throw new ValueError(
        `${where}: gave more than ${most} indices, though its length is ${sampler.length}; does it end?`,
      );
    }
    if (count === order.length) order = grown(where, order);
    order[count++] = index;
  }
  return order.slice(0, count);
}

function grown(where: string, order: Int32Array): Int32Array {
  const longer = indexArray(where, 2 * order.length);
  longer.set(order);
  return longer;
}

/** Zeros, or an error of ours if there is no memory for so many. */
export function indexArray(where: string, length: number): Int32Array {
  if (length <= MOST) {
    try {
      return new Int32Array(length);
    } catch {
      // V8 has said no: as below.
    }
  }
  throw new NablaError(`${where}: there is no memory for ${length} indices`, 'ERR_NABLA_MEMORY');
}
