import { type DType, dtypes, type TypedArray } from './dtype.js';
import { NablaError } from '../errors.js';
import { allocating, checkMemory } from './memory.js';

const ALIGNMENT = 64;
const SLAB_BYTES = 1 << 18;
const SMALL_BYTES = 1 << 14;
const POOL_BYTES = 1 << 28;

/** Where the first byte of an ArrayBuffer is, for the native core; the JS backend needs no addresses and has 0. */
let addressOf: (buffer: ArrayBuffer) => number = () => {
  throw new NablaError('memory was asked for before there was a backend', 'ERR_NABLA_NATIVE');
};

/** What wants memory before a backend is chosen; null when it is. */
let waiting: (() => void)[] | null = [];

/** Calls `act` where there is a backend: at once, unless modules are still being loaded, which may begin with any of them. */
export function onceBackend(act: () => void): void {
  if (waiting === null) act();
  else waiting.push(act);
}

/** No storage shares a buffer, so that a core that is built to watch over memory sees where each ends. */
let apart = false;

/** Called when a backend is chosen, and by the native one when it opens. Memory that was set aside before has no address and is not used again. */
export function setAddressOf(lookup: (buffer: ArrayBuffer) => number, separate = false): void {
  addressOf = lookup;
  apart = separate;
  slab = undefined;
  pool.clear();
  pooled = 0;
  const acts = waiting ?? [];
  waiting = null;
  for (const act of acts) act();
}

/**
 * A run of bytes, 64-byte aligned and padded to a multiple of 64, inside a buffer that V8 manages. The buffer never
 * leaves the library, so nobody can detach or resize it, and its address holds for as long as the storage is reachable.
 */
export class Storage {
  readonly buffer: ArrayBuffer;
  readonly byteOffset: number;
  readonly byteLength: number;
  readonly address: number;
  /** Counts writes in place, so that a backward pass can tell when a tensor it saved has changed. */
  version = 0;
  /** The last in-place operation, for the error that names it. */
  changedBy = '';
  #views: (TypedArray | undefined)[] | undefined;

  constructor(buffer: ArrayBuffer, byteOffset: number, byteLength: number, address: number) {
    this.buffer = buffer;
    this.byteOffset = byteOffset;
    this.byteLength = byteLength;
    this.address = address;
  }

  /**
   * The whole storage as a typed array. For backends and for copying values in and out; never handed to the user.
   *
   * @param reader the operation on whose behalf values are read; null where they are written, or a backend asks
   */
  array(dtype: DType, reader: string | null = null): TypedArray {
    if (observer !== null) observer.touched(this, reader);
    const { code, size, view } = dtypes[dtype];
    this.#views ??= [undefined, undefined, undefined, undefined];
    let array = this.#views[code];
    if (array === undefined) {
      array = view(this.buffer, this.byteOffset, Math.floor(this.byteLength / size));
      this.#views[code] = array;
    }
    return array;
  }
}

/** Is told of storage that is allocated, and of values that are read or written other than by instructions. */
export interface StorageObserver {
  allocated(storage: Storage): void;
  touched(storage: Storage, reader: string | null): void;
  /** The library lets go of memory that it kept for itself, or of the gradient of a leaf: the next tensor may get it. */
  dropped(storage: Storage): void;
}

let observer: StorageObserver | null = null;

/** Puts an observer (or none) in place of the one there was, which is returned. */
export function observeStorage(next: StorageObserver | null): StorageObserver | null {
  const previous = observer;
  observer = next;
  return previous;
}

interface Slab {
  readonly buffer: ArrayBuffer;
  readonly address: number;
  used: number;
}

let slab: Slab | undefined;
const pool = new Map<number, Storage[]>();
let pooled = 0;

/** What `allocate` handed out since `trackAllocations` began, large storages only. */
let tracked: Storage[] | null = null;

/** Uninitialised storage for `length` elements. Small ones share a slab; large ones come from the pool of released ones or from V8. */
export function allocate(dtype: DType, length: number): Storage {
  const bytes = Math.max(ALIGNMENT, roundUp(length * dtypes[dtype].size));
  const storage = bytes <= SMALL_BYTES ? allocateSmall(bytes) : allocateTracked(bytes);
  observer?.allocated(storage);
  return storage;
}

function allocateTracked(bytes: number): Storage {
  const storage = takeReleased(bytes) ?? allocateLarge(bytes);
  tracked?.push(storage);
  return storage;
}

/** Runs `fn` and returns the large storages that it allocated; what of these nobody needs can then be released. */
export function trackAllocations(fn: () => void): Storage[] {
  const outer = tracked;
  const own: Storage[] = [];
  tracked = own;
  try {
    fn();
  } finally {
    tracked = outer;
  }
  return own;
}

/** Runs `fn`, whose storages are kept by whoever asked for them, though a pass that is tracked is under way. */
export function untracked<T>(fn: () => T): T {
  const outer = tracked;
  tracked = null;
  try {
    return fn();
  } finally {
    tracked = outer;
  }
}

/** Asks whoever observes whether memory may be let go of; it throws if not. */
export function letGo(storage: Storage): void {
  observer?.dropped(storage);
}

/** A storage object is never reused, only its bytes: a stale reference can at worst read old values. */
function takeReleased(bytes: number): Storage | undefined {
  const released = pool.get(bytes)?.pop();
  if (released === undefined) return undefined;
  pooled -= bytes;
  return new Storage(released.buffer, released.byteOffset, bytes, released.address);
}

/**
 * Gives a storage back for the next `allocate` of its size. Only for one that no tensor refers to any more: what the
 * library made and nobody else has seen. Small ones stay with their slab.
 */
export function release(storage: Storage): void {
  const bytes = storage.byteLength;
  if (bytes <= SMALL_BYTES || pooled + bytes > POOL_BYTES) return;
  const free = pool.get(bytes);
  if (free === undefined) pool.set(bytes, [storage]);
  else free.push(storage);
  pooled += bytes;
}

function allocateSmall(bytes: number): Storage {
  if (apart) return allocateLarge(bytes);
  if (slab === undefined || slab.used + bytes > SLAB_BYTES) slab = newSlab();
  const storage = new Storage(slab.buffer, slab.used, bytes, slab.address === 0 ? 0 : slab.address + slab.used);
  slab.used += bytes;
  return storage;
}

function newSlab(): Slab {
  const { buffer, address, start } = alignedBuffer(SLAB_BYTES - ALIGNMENT);
  return { buffer, address, used: start };
}

function allocateLarge(bytes: number): Storage {
  const { buffer, address, start } = alignedBuffer(bytes);
  return new Storage(buffer, start, bytes, address === 0 ? 0 : address + start);
}

/** `allocUnsafeSlow` is the one way to uninitialised memory that the collector itself frees; it aligns to 16 only. */
function alignedBuffer(bytes: number): { buffer: ArrayBuffer; address: number; start: number } {
  const { buffer } = unpooledBuffer(bytes + ALIGNMENT);
  const address = addressOf(buffer);
  return { buffer, address, start: (ALIGNMENT - (address % ALIGNMENT)) % ALIGNMENT };
}

function unpooledBuffer(bytes: number): { buffer: ArrayBuffer } {
  const what = `${bytes} bytes for a tensor`;
  checkMemory(what, bytes);
  return allocating(what, () => Buffer.allocUnsafeSlow(bytes) as Buffer<ArrayBuffer>);
}

const roundUp = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
