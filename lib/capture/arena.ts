import {
  allocate,
  allocateShared,
  dtypes,
  type Instruction,
  readsOf,
  type Storage,
  storagesWritten,
  type View,
  writesOf,
} from '../backend/index.js';
import { Occupancy } from './occupancy.js';

/** From the instruction that first touches it to the last one, both included. */
interface Lifetime {
  readonly storage: Storage;
  readonly first: number;
  last: number;
}

/** The memory of a program's temporaries. */
export interface Arenas {
  readonly own: Storage;
  /** Of what it exchanges with other ranks, which those of this machine see. */
  readonly shared: Storage;
}

export interface InArenas {
  readonly arenas: Arenas;
  /** Of both arenas, and what their temporaries would take if each had its own. */
  readonly arenaBytes: number;
  readonly temporaryBytes: number;
  /** What it sees of an arena, if it is of a temporary. */
  inArena(view: View): View | undefined;
}

export function placeInArenas(
  instructions: readonly Instruction[],
  isTemporary: (storage: Storage) => boolean,
): InArenas {
  const exchanged = new Set(instructions.filter(({ op }) => op === 'collective').flatMap(storagesWritten));
  const own = placeTemporaries(instructions, (storage) => isTemporary(storage) && !exchanged.has(storage));
  const exchanging = exchanged.size === 0 ? [] : instructions;
  const shared = placeTemporaries(exchanging, (storage) => isTemporary(storage) && exchanged.has(storage));
  const arenas = { own: allocate('bool', own.bytes), shared: allocateShared(shared.bytes) };
  const placed = [...own.offsets.keys(), ...shared.offsets.keys()];
  return {
    arenas,
    arenaBytes: own.bytes + shared.bytes,
    temporaryBytes: placed.reduce((sum, storage) => sum + storage.byteLength, 0),
    inArena: (view) => {
      const ownStart = own.offsets.get(view.storage);
      const start = ownStart ?? shared.offsets.get(view.storage);
      if (start === undefined) return undefined;
      const arena = ownStart === undefined ? arenas.shared : arenas.own;
      return withStorage(view, arena, view.offset + start / dtypes[view.dtype].size);
    },
  };
}

/** The same elements, in other memory. */
export const withStorage = ({ shape, strides, dtype }: View, storage: Storage, offset: number): View => {
  return { storage, offset, shape, strides, dtype };
};

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
