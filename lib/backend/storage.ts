import { ALIGNMENT, Block, giveBack, lend, type MemoryCore, setMemoryCore, sharedBlock } from './blocks.js';
import { type DType, dtypes, type TypedArray } from './dtype.js';

const SLAB_BYTES = 1 << 18;
const SMALL_BYTES = 1 << 14;

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
export function setMemory(core: MemoryCore): void {
  setMemoryCore(core);
  apart = core.checked;
  slab = undefined;
  const acts = waiting ?? [];
  waiting = null;
  for (const act of acts) act();
}

/** What an array keeps, for as long as it is used, from being collected. (Values of a WeakMap would not be collected with what is young.) */
const OWNER = Symbol('owner');
type Owning = TypedArray & { [OWNER]?: Storage };

/**
 * A run of bytes, 64-byte aligned and padded to a multiple of 64, inside a buffer that V8 manages. The buffer never
 * leaves the library, so nobody can detach or resize it. The bytes are the storage's for as long as it is reachable itself; the buffer alone
 * does not keep them.
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
  /** Whose memory it is: a block of its own, or a part of what lives as long. */
  readonly origin: Block | Slab | Storage;
  /** By which it has a block; 0 if it has none of its own. */
  readonly loan: number;
  #views: (TypedArray | undefined)[] | undefined;

  constructor(
    buffer: ArrayBuffer,
    byteOffset: number,
    byteLength: number,
    address: number,
    origin: Block | Slab | Storage,
  ) {
    this.origin = origin;
    this.loan = origin instanceof Block ? origin.loan : 0;
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
      // Without addresses memory is not lent again, and arrays are faster if all are alike.
      if (this.address !== 0) (array as Owning)[OWNER] = this;
    }
    return array;
  }

  /** The same memory from a byte on, as a storage of its own. */
  from(start: number): Storage {
    const { buffer, byteOffset, byteLength, address } = this;
    return new Storage(buffer, byteOffset + start, byteLength - start, address === 0 ? 0 : address + start, this);
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

/** Memory of many small storages. */
class Slab {
  readonly block: Block;
  used = 0;

  constructor(block: Block) {
    this.block = block;
  }

  take(bytes: number): Storage {
    const { buffer, start, address } = this.block;
    const storage = new Storage(buffer, start + this.used, bytes, address === 0 ? 0 : address + this.used, this);
    this.used += bytes;
    return storage;
  }
}

let slab: Slab | undefined;

/** What `allocate` handed out since `trackAllocations` began, large storages only. */
let tracked: Storage[] | null = null;

/** Uninitialised storage for `length` elements. Small ones share a slab; large ones have a block. */
export function allocate(dtype: DType, length: number): Storage {
  const bytes = Math.max(ALIGNMENT, roundUp(length * dtypes[dtype].size));
  const storage = bytes <= SMALL_BYTES ? allocateSmall(bytes) : allocateTracked(bytes);
  observer?.allocated(storage);
  return storage;
}

/** As many bytes, which all ranks of this machine see where there are several: these add up where it lies. */
export function allocateShared(bytes: number): Storage {
  const block = bytes === 0 ? undefined : sharedBlock(roundUp(bytes));
  return block === undefined ? allocate('bool', bytes) : new Slab(block).take(block.bytes);
}

function allocateTracked(bytes: number): Storage {
  const storage = allocateLarge(bytes);
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

/**
 * Gives a storage back for the next `allocate` of its size. Only for one that no tensor refers to any more: what the
 * library made and nobody else has seen. Small ones stay with their slab. A storage object is never reused, only its
 * bytes: a stale reference can at worst read what others wrote. To give back twice is to do so once.
 */
export function release({ origin, loan, byteLength }: Storage): void {
  if (origin instanceof Block && byteLength > SMALL_BYTES) giveBack(origin, loan);
}

function allocateSmall(bytes: number): Storage {
  if (apart) return allocateLarge(bytes);
  if (slab === undefined || slab.used + bytes > SLAB_BYTES) slab = lend(SLAB_BYTES, (block) => new Slab(block));
  return slab.take(bytes);
}

const allocateLarge = (bytes: number): Storage =>
  lend(bytes, (block) => new Storage(block.buffer, block.start, bytes, block.address, block));

const roundUp = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
