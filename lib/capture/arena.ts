import { type Instruction, readsOf, type Storage, writesOf } from '../backend/index.js';

/** From the instruction that first touches it to the last one, both included. */
interface Lifetime {
  readonly storage: Storage;
  readonly first: number;
  last: number;
}

/** Where each temporary is within the memory that they share, in bytes. */
export interface Placement {
  readonly offsets: ReadonlyMap<Storage, number>;
  readonly bytes: number;
}

/**
 * Places temporaries so that those that live at the same time do not overlap: the largest first, each at the lowest offset that is
 * free while it lives. Sizes are multiples of 64 bytes, so that all stay aligned.
 */
export function placeTemporaries(
  instructions: readonly Instruction[],
  isTemporary: (storage: Storage) => boolean,
): Placement {
  const offsets = new Map<Storage, number>();
  const placed: Lifetime[] = [];
  let bytes = 0;
  for (const one of lifetimes(instructions, isTemporary).sort((a, b) => b.storage.byteLength - a.storage.byteLength)) {
    const neighbours = placed
      .filter((other) => other.first <= one.last && one.first <= other.last)
      .map(({ storage }) => ({ start: offsets.get(storage)!, end: offsets.get(storage)! + storage.byteLength }))
      .sort((a, b) => a.start - b.start);
    const offset = lowestGap(neighbours, one.storage.byteLength);
    offsets.set(one.storage, offset);
    placed.push(one);
    bytes = Math.max(bytes, offset + one.storage.byteLength);
  }
  return { offsets, bytes };
}

function lifetimes(instructions: readonly Instruction[], isTemporary: (storage: Storage) => boolean): Lifetime[] {
  const found = new Map<Storage, Lifetime>();
  instructions.forEach((instruction, i) => {
    for (const { storage } of [...readsOf(instruction), ...writesOf(instruction)]) {
      if (!isTemporary(storage)) continue;
      const known = found.get(storage);
      if (known === undefined) found.set(storage, { storage, first: i, last: i });
      else known.last = i;
    }
  });
  return [...found.values()];
}

function lowestGap(taken: readonly { readonly start: number; readonly end: number }[], size: number): number {
  let offset = 0;
  for (const { start, end } of taken) {
    if (start - offset >= size) break;
    offset = Math.max(offset, end);
  }
  return offset;
}
