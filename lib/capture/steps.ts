import { type Instruction, readsOf, type Storage, storagesRead, storagesWritten, type View } from '../backend/index.js';
import { MOST_MERGED_OPERANDS } from './merge.js';
import { factorsOf, type Nest, nestOf, sameElements } from './nest.js';
import { Places } from './places.js';

export type StorageTest = (storage: Storage) => boolean;

/** An instruction, or what several were merged to, with what fusion asks of it again and again. */
export interface Step {
  /** Null if it is still to be made of the nest. */
  readonly instruction: Instruction | null;
  readonly nest: Nest | null;
  readonly reads: readonly Storage[];
  readonly writes: readonly Storage[];
  /** The last instruction it is of that may find a value it cannot go on with. */
  readonly stopsAt: number;
}

/** None may. */
export const NEVER = -1;

export const canStop = ({ stopsAt }: Step): boolean => stopsAt !== NEVER;

export function stepOf(instruction: Instruction, stopsAt: number): Step {
  const nest = nestOf(instruction);
  if (nest !== null) {
    const step = stepOfNest(nest, stopsAt);
    // Operands that it does not read are gone from the nest.
    return viewCount(nest) < readsOf(instruction).length ? step : { ...step, instruction };
  }
  const reads: Storage[] = [];
  for (const storage of storagesRead(instruction)) addOnce(reads, storage);
  const writes: Storage[] = [];
  for (const storage of storagesWritten(instruction)) addOnce(writes, storage);
  return { instruction, nest, reads, writes, stopsAt };
}

export function stepOfNest(nest: Nest, stopsAt: number): Step {
  const { product, inputs, outputs } = nest;
  const reads: Storage[] = [];
  if (product !== null) for (const { storage } of factorsOf(product)) addOnce(reads, storage);
  for (const { view } of inputs) if (view !== null) addOnce(reads, view.storage);
  const writes: Storage[] = [];
  for (const { storage } of outputs) addOnce(writes, storage);
  return { instruction: null, nest, reads, writes, stopsAt };
}

/** How many views it reads. The product of a matmul is no view, but made of two. */
const viewCount = ({ product, inputs }: Nest): number => inputs.length + (product === null ? 0 : 1);

function addOnce(storages: Storage[], storage: Storage): void {
  if (!storages.includes(storage)) storages.push(storage);
}

/** Where memory is written and read. */
class Accesses {
  readonly writers = new Places();
  readonly readers = new Places();
  /** The nests that read it element by element, by where they start. */
  #starts: Map<number, Places> | null = null;

  startsAt(offset: number): Places {
    this.#starts ??= new Map();
    let known = this.#starts.get(offset);
    if (known === undefined) {
      known = new Places();
      this.#starts.set(offset, known);
    }
    return known;
  }
}

/** What a nest reads element by element, with those that begin to read there too. */
interface ReadElements {
  readonly view: View;
  readonly readers: Places;
}

/** A step with the lists that say where it is. */
interface Entry {
  readonly step: Step;
  /** Those that it is in. */
  readonly own: readonly Places[];
  readonly elements: readonly ReadElements[];
  /** Those of steps that it cannot change places with: one would see what the other writes, or be seen not to be done if the other stops. */
  readonly conflicting: readonly Places[];
}

/** Whether a nest takes others that have nothing to do with what it writes, so that they add to its operands. */
const hasRoom = (nest: Nest | null): boolean =>
  nest !== null && nest.inputs.length + nest.outputs.length < MOST_MERGED_OPERANDS;

/** Whether a nest reads the elements of a view one by one, as another nest does over `shape`. */
function readsElements(nest: Nest, view: View, shape: readonly number[]): boolean {
  const larger = nest.shape.length >= shape.length ? nest.shape : shape;
  for (const input of nest.inputs) {
    if (input.kind === 'element' && input.view !== null && sameElements(input.view, view, larger)) return true;
  }
  return false;
}

const NOTHING_READ: readonly ReadElements[] = [];

/** How many steps of the same memory are looked at: what is further away can rarely be brought near. */
const MOST_RELATED = 16;

/**
 * Steps at numbered places, some of which may be empty, with the definitions and uses of all memory: what a step conflicts with, or has in
 * common with another, is looked up and not searched for. They come one by one, so that lists are of what is there already, and stay short.
 */
export class Steps {
  readonly #coming: readonly Step[];
  readonly #lastReads = new Map<Storage, number>();
  readonly #entries: (Entry | null)[] = [];
  readonly #accesses = new Map<Storage, Accesses>();
  readonly #stopping = new Places();
  /** Those that write what is seen even if an instruction stops the others. */
  readonly #seen = new Places();
  readonly #isOutside: StorageTest;

  constructor(coming: readonly Step[], isOutside: StorageTest) {
    this.#coming = coming;
    this.#isOutside = isOutside;
    coming.forEach(({ reads }, place) => {
      for (const storage of reads) this.#lastReads.set(storage, place);
    });
  }

  /** Takes the next one that comes to its place, which is returned; -1 if there are no more. */
  next(): number {
    const place = this.#entries.length;
    if (place === this.#coming.length) return -1;
    this.put(place, this.#coming[place]!);
    return place;
  }

  at(place: number): Step | null {
    return this.#entries[place]?.step ?? null;
  }

  inOrder(): Step[] {
    return this.#entries.flatMap((entry) => entry?.step ?? []);
  }

  put(place: number, step: Step): void {
    const entry = this.#entryOf(step);
    for (const places of entry.own) places.add(place);
    this.#entries[place] = entry;
  }

  remove(place: number): void {
    for (const places of this.#entries[place]!.own) places.delete(place);
    this.#entries[place] = null;
  }

  /** The last place before it that the step at `place` cannot be moved over. */
  lastConflict(place: number): number {
    let last = -1;
    for (const places of this.#entries[place]!.conflicting) last = Math.max(last, places.before(place));
    return last;
  }

  /** The first place after it that the step at `place` cannot be moved over; infinity if there is none. */
  firstConflict(place: number): number {
    let first = Number.POSITIVE_INFINITY;
    for (const places of this.#entries[place]!.conflicting) first = Math.min(first, places.after(place));
    return first;
  }

  /** Whether memory is read after `place`, other than at `except`: by what is there or by what comes. */
  isReadAfter(storage: Storage, place: number, except: number): boolean {
    if ((this.#lastReads.get(storage) ?? -1) >= this.#entries.length) return true;
    const { readers } = this.#accessesOf(storage);
    const first = readers.after(place);
    return Number.isFinite(first === except ? readers.after(except) : first);
  }

  /**
   * Earlier steps with which the one at `place` has something in common, the nearest first: the last that write what it reads, and the nearest
   * few that read the same elements.
   */
  relatedBefore(place: number): number[] {
    const { step, elements } = this.#entries[place]!;
    const found: number[] = [];
    for (const storage of step.reads) {
      const writer = this.#accessesOf(storage).writers.before(place);
      if (writer >= 0 && !found.includes(writer)) found.push(writer);
    }
    for (const { view, readers } of elements) {
      let other = readers.before(place);
      for (let i = 0; i < MOST_RELATED && other >= 0; i++, other = readers.before(other)) {
        if (!found.includes(other) && readsElements(this.#entries[other]!.step.nest!, view, step.nest!.shape))
          found.push(other);
      }
    }
    return found.sort(descending);
  }

  /** Likewise those that come later, as far as they are there: the nearest few that read what it writes, or the same elements. */
  relatedAfter(place: number): number[] {
    const { step, elements } = this.#entries[place]!;
    const found: number[] = [];
    for (const storage of step.writes) addNext(found, this.#accessesOf(storage).readers, place);
    for (const { readers } of elements) addNext(found, readers, place);
    return found.sort(ascending);
  }

  #entryOf(step: Step): Entry {
    const { reads, writes, nest } = step;
    const elements = this.#elementsOf(nest);
    const own: Places[] = [];
    if (hasRoom(nest)) for (const { readers } of elements) if (!own.includes(readers)) own.push(readers);
    const conflicting: Places[] = [];
    for (const storage of reads) {
      const { readers, writers } = this.#accessesOf(storage);
      own.push(readers);
      conflicting.push(writers);
    }
    let isSeen = false;
    for (const storage of writes) {
      const { readers, writers } = this.#accessesOf(storage);
      own.push(writers);
      conflicting.push(writers, readers);
      isSeen ||= this.#isOutside(storage);
    }
    if (canStop(step)) {
      own.push(this.#stopping);
      conflicting.push(this.#seen);
    }
    if (isSeen) {
      own.push(this.#seen);
      conflicting.push(this.#stopping);
    }
    return { step, own, elements, conflicting };
  }

  /** A product reads its operands in another order: it has none. */
  #elementsOf(nest: Nest | null): readonly ReadElements[] {
    if (nest === null || nest.product !== null) return NOTHING_READ;
    const found: ReadElements[] = [];
    for (const { view, kind } of nest.inputs) {
      if (kind !== 'element' || view === null) continue;
      found.push({ view, readers: this.#accessesOf(view.storage).startsAt(view.offset) });
    }
    return found;
  }

  #accessesOf(storage: Storage): Accesses {
    let known = this.#accesses.get(storage);
    if (known === undefined) {
      known = new Accesses();
      this.#accesses.set(storage, known);
    }
    return known;
  }
}

const ascending = (a: number, b: number): number => a - b;
const descending = (a: number, b: number): number => b - a;

/** Adds the nearest few after `place`. */
function addNext(found: number[], places: Places, place: number): void {
  let other = places.after(place);
  for (let i = 0; i < MOST_RELATED && Number.isFinite(other); i++, other = places.after(other)) {
    if (!found.includes(other)) found.push(other);
  }
}
