import { constants } from 'node:buffer';
import { NablaError } from '../errors.js';
import { allocating, checkMemory } from './memory.js';
import { canCollectYoung, collectYoung } from './young.js';

export const ALIGNMENT = 64;

/**
 * Large ones begin where a page does: a processor takes a load for one of what is still to be stored if the two are equally far from the
 * beginning of a page, and waits. Of elements with the same index that is no matter, they are loaded first.
 */
const PAGE = 4096;
const alignmentOf = (bytes: number): number => (bytes < 8 * PAGE ? ALIGNMENT : PAGE);

/** How many bytes are lent before their owners are looked at: they and the operands stay in the third-level cache. */
const CYCLE = 3 * 2 ** 22;
const LONGEST_CYCLE = 2 ** 26;
/** How often V8 may take too long. */
const PATIENCE = 4;
/** Owners in such a time, if they have little. */
const MANY = 128;
/** As much may be free in any case; more only while it was in use since V8 last looked at all objects. */
const KEPT = 2 ** 28;

/**
 * Memory of a large storage: a buffer that nobody else sees, from V8. When the storage has been collected, the next of its size gets the
 * block. Left to V8, every result would have a new buffer, which is in no cache; and because V8 frees them beside the program, it would
 * take a loop of operations for a heap that grows, and look at all objects again and again.
 */
export class Block {
  readonly buffer: ArrayBuffer;
  /** Where it begins in the buffer, 64-byte aligned. */
  readonly start: number;
  /** 0 where the core needs none. */
  readonly address: number;
  readonly bytes: number;
  /** The number of the owner; 0 while it is free. */
  loan = 0;

  constructor(buffer: ArrayBuffer, bytes: number, bufferAddress: number) {
    this.buffer = buffer;
    const alignment = alignmentOf(bytes);
    this.start = (alignment - (bufferAddress % alignment)) % alignment;
    this.address = bufferAddress === 0 ? 0 : bufferAddress + this.start;
    this.bytes = bytes;
  }
}

/** What a core says of memory. */
export interface MemoryCore {
  /** Where the first byte of a buffer is; 0 if addresses are of no use. */
  addressOf(buffer: ArrayBuffer): number;
  /** Whether it watches over memory: then a block is exactly what was asked for, and is not lent again. */
  readonly checked: boolean;
  /** Memory that all ranks of this machine see, from a page on; none where there are no others. */
  sharedBuffer?(bytes: number): ArrayBuffer | undefined;
  /** Each of `owners` goes by its number when V8 collects it. */
  watch?(owners: readonly object[], numbers: Float64Array): void;
  /** The numbers of what was collected. Of old objects only if V8 has looked at them, or `all` is true. */
  collected?(all: boolean): readonly number[];
}

let core: MemoryCore | null = null;
/** Whether blocks are lent again when their owners are collected, and not only when they are given back. */
let isWatching = false;
const free = new Map<number, Block[]>();
/** By loan. */
const lent = new Map<number, Block>();
let loans = 0;
/**
 * Owners that are not watched yet, the last first: many are done with before it comes to that. Not an array, which would grow old: V8 takes
 * for used whatever an old object refers to, also when nobody refers to that.
 */
let fresh: Fresh | null = null;
let freshCount = 0;

interface Fresh {
  readonly owner: object;
  readonly block: Block;
  readonly loan: number;
  readonly before: Fresh | null;
}

/** Bytes; `lentSince` counts from the last time that owners were looked at. */
let [freeBytes, lentBytes, lentSince] = [0, 0, 0];
/** Since V8 last looked at all objects: the least that was free, and the most that was lent. */
let [leastFree, mostLent] = [0, 0];
let cycle = CYCLE;
let collectedAt = 0;
/** How many times in a row V8 took too long. */
let slow = 0;
let overwrites = false;

/** For tests: looks at owners after so few bytes, and overwrites what is free, so that it shows if somebody still reads it. */
export function lendEagerly(bytes: number): void {
  cycle = bytes;
  overwrites = true;
}

/** Blocks of another core have no addresses, and are not used again. */
export function setMemoryCore(next: MemoryCore): void {
  core = next;
  isWatching = next.watch !== undefined && !next.checked;
  free.clear();
  lent.clear();
  [fresh, freshCount] = [null, 0];
  [freeBytes, lentBytes, lentSince, leastFree, mostLent] = [0, 0, 0, 0, 0];
}

/** Lends a block of at least so many bytes to the object that `owning` makes of it. */
export function lend<T extends object>(bytes: number, owning: (block: Block) => T): T {
  const block = take(isWatching ? sizeClass(bytes) : bytes);
  block.loan = ++loans;
  const owner = owning(block);
  count(block.bytes);
  if (isWatching) note(owner, block);
  return owner;
}

function count(bytes: number): void {
  lentBytes += bytes;
  lentSince += bytes;
  if (lentBytes > mostLent) mostLent = lentBytes;
}

function note(owner: object, block: Block): void {
  fresh = { owner, block, loan: block.loan, before: fresh };
  freshCount++;
  if (lentSince > cycle) takeCollected();
  else if (freshCount === MANY) watchFresh();
}

function take(bytes: number): Block {
  const block = free.get(bytes)?.pop();
  if (block === undefined) return make(bytes);
  freeBytes -= bytes;
  if (freeBytes < leastFree) leastFree = freeBytes;
  return block;
}

function make(bytes: number): Block {
  if (core === null) throw new NablaError('memory was asked for before there was a backend', 'ERR_NABLA_NATIVE');
  const what = `${bytes} bytes for a tensor`;
  checkMemory(what, bytes);
  // The one way to uninitialised memory that the collector itself frees; it aligns to 16 only.
  const { buffer } = allocating(what, () => Buffer.allocUnsafeSlow(bytes + alignmentOf(bytes)) as Buffer<ArrayBuffer>);
  return new Block(buffer, bytes, core.addressOf(buffer));
}

/** A block that all ranks of this machine see, which is not lent again; none where there are no others. */
export function sharedBlock(bytes: number): Block | undefined {
  checkMemory(`${bytes} bytes for a program`, bytes);
  if (bytes > constants.MAX_LENGTH) return undefined;
  const buffer = core?.sharedBuffer?.(bytes);
  return buffer === undefined ? undefined : new Block(buffer, bytes, core!.addressOf(buffer));
}

/** In steps of a sixteenth, so that lengths that differ a little share blocks. */
function sizeClass(bytes: number): number {
  const step = 256 << (31 - Math.clz32(bytes >>> 12));
  return bytes < 2 ** 31 ? Math.ceil(bytes / step) * step : bytes;
}

function watchFresh(): void {
  if (!canCollectYoung()) {
    stopWatching();
    return;
  }
  const [owners, numbers]: [object[], number[]] = [[], []];
  for (let one = fresh; one !== null; one = one.before) {
    if (one.block.loan !== one.loan) continue;
    lent.set(one.loan, one.block);
    owners.push(one.owner);
    numbers.push(one.loan);
  }
  [fresh, freshCount] = [null, 0];
  core!.watch!(owners, Float64Array.from(numbers));
  awaitFullCollection();
}

/** Where the engine cannot be asked, or takes too long: it frees what nobody gives back, as where nothing is watched. */
function stopWatching(): void {
  isWatching = false;
  [fresh, freshCount] = [null, 0];
  lent.clear();
}

function takeCollected(): void {
  watchFresh();
  if (!isWatching) return;
  collectInProportion();
  takeBack(core!.collected!(false));
  lentSince = 0;
}

function collectInProportion(): void {
  const began = performance.now();
  collectYoung();
  const ended = performance.now();
  if (!overwrites) adapt((ended - began) / (began - collectedAt));
  collectedAt = ended;
}

/** Less often where V8 takes so long that the program would wait for it most of the time, and not at all if it still does. */
function adapt(share: number): void {
  slow = share > 1 / 2 && cycle === LONGEST_CYCLE ? slow + 1 : 0;
  if (slow === PATIENCE) stopWatching();
  if (share > 1 / 2) cycle = Math.min(2 * cycle, LONGEST_CYCLE);
  else if (share < 1 / 4) cycle = Math.max(cycle / 2, CYCLE);
}

function takeBack(gone: readonly number[]): void {
  for (const number of gone) {
    const block = lent.get(number);
    if (block !== undefined) giveBack(block, number);
  }
}

/** The next that asks for so much gets the block. Whoever had it, by this number, may at worst read what is written to it then. */
export function giveBack(block: Block, loan: number): void {
  if (block.loan !== loan) return;
  lent.delete(loan);
  block.loan = 0;
  count(-block.bytes);
  if (overwrites) new Uint8Array(block.buffer).fill(0xff);
  const most = isWatching ? Math.max(KEPT, mostLent) : KEPT;
  if (freeBytes + block.bytes > most) letGo(freeBytes);
  const alike = free.get(block.bytes);
  if (alike === undefined) free.set(block.bytes, [block]);
  else alike.push(block);
  freeBytes += block.bytes;
}

/** Leaves at least so many free bytes to V8, if there are. */
function letGo(bytes: number): void {
  let left = bytes;
  for (const [size, blocks] of free) {
    const count = Math.min(blocks.length, Math.ceil(left / size));
    blocks.splice(0, count);
    if (blocks.length === 0) free.delete(size);
    left -= count * size;
    freeBytes -= count * size;
    if (left <= 0) break;
  }
  leastFree = Math.min(leastFree, freeBytes);
}

let isAwaiting = false;

/** When V8 has looked at all objects, and JavaScript yields: what died old is free, and what nobody has needed since the last time is V8's again. */
function awaitFullCollection(): void {
  if (isAwaiting) return;
  isAwaiting = true;
  fullCollections.register({}, null);
}

const fullCollections = new FinalizationRegistry<null>(() => {
  isAwaiting = false;
  takeBack(core?.collected?.(true) ?? []);
  letGo(leastFree);
  [leastFree, mostLent] = [freeBytes, lentBytes];
  if (lent.size > 0 || freeBytes > 0) awaitFullCollection();
});
