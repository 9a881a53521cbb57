import { type Instruction, readsOf, type Storage, type View, writesOf } from '../backend/index.js';
import { Occupancy } from './occupancy.js';

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
  const taken = new Occupancy(instructions.length);
  let bytes = 0;
  for (const one of lifetimes(instructions, isTemporary).sort((a, b) => b.storage.byteLength - a.storage.byteLength)) {
    const size = one.storage.byteLength;
    const offset = taken.lowestGap(one, size);
    taken.add(one, offset, offset + size);
    offsets.set(one.storage, offset);
    bytes = Math.max(bytes, offset + size);
  }
  return { offsets, bytes };
}

function lifetimes(instructions: readonly Instruction[], isTemporary: (storage: Storage) => boolean): Lifetime[] {
  const found = new Map<Storage, Lifetime>();
  const touch = ({ storage }: View, i: number): void => {
    const known = found.get(storage);
    if (known !== undefined) known.last = i;
    else if (isTemporary(storage)) found.set(storage, { storage, first: i, last: i });
  };
  instructions.forEach((instruction, i) => {
    for (const view of readsOf(instruction)) touch(view, i);
    for (const view of writesOf(instruction)) touch(view, i);
  });
  return [...found.values()];
}
