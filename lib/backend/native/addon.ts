import type { Membership } from '../backend.js';

/** What `native/addon.cc` exports. */
export interface Addon {
  /** The instruction that `run` executes; `native/instruction.h` says how it is laid out. */
  readonly tape: Float64Array;
  /** As `Backend` says, but nothing for `DONE`: `MISFIT`, or for gather and scatter the position of the first bad index. */
  run(): number | undefined;
  /** Decodes an encoded program and its constants, and returns the address that instructions name it by. */
  define(code: Int32Array, constants: Float64Array): number;
  /**
   * Keeps encoded instructions, laid end to end, as long as `owner` is reachable. Returns the address to name them by. `starts` says where
   * each begins; `relocations` has per port how many addresses depend on it, then where these are; `addresses` is what the ports were
   * bound to when the instructions were encoded.
   */
  link(owner: object, code: Float64Array, starts: Int32Array, relocations: Int32Array, addresses: Float64Array): number;
  /**
   * Runs linked instructions. The tape has their address, then what each port is bound to. Returns the instruction that could not be
   * done, with its position (see `Stop`) on the tape; nothing if all were.
   */
  replay(): number | undefined;
  /** Runs linked instructions many times in the background. */
  start(plan: LoopPlan): Promise<void>;
  addressOf(buffer: ArrayBuffer): number;
  /** A list of objects that it does not keep, by its address; it is there as long as the environment. */
  makeWeakList(): number;
  addWeakly(list: number, object: object): void;
  /** Those that are still there. */
  weakValues(list: number): object[];
  /** As `MemoryCore` says. */
  watch(owners: readonly object[], numbers: Float64Array): void;
  collected(all: boolean): readonly number[];
  getNumThreads(): number;
  setNumThreads(count: number): void;
  /** Opens the first of some MPI libraries that is there, and joins its ranks. A rank that keeps others waiting for `seconds` is given up. */
  join(files: readonly string[], seconds: number): Membership;
  /** As `MemoryCore` says. */
  sharedBuffer(bytes: number): ArrayBuffer | undefined;
  /** The members of `ExchangeTimes`, in their order. */
  exchangeTimes(): number[];
  /** Leaves them; with a code other than 0 by ending all. */
  leave(code: number): void;

  /** Which layout of instructions it reads: `kLayout` of `native/instruction.h`. */
  readonly layout: number;
  /** Axes and operands that an instruction can have. */
  readonly maxDims: number;
  readonly maxOperands: number;
  /** What has numbers there: instructions with their arguments (see `signatures`), micro-operations, folds, and element types. */
  readonly instructions: readonly string[];
  readonly microOps: readonly string[];
  readonly folds: readonly string[];
  readonly dtypes: readonly string[];
  /** The instruction set of the processor that is in use, and all that could be, the fastest first. */
  readonly isa: string;
  readonly isas: readonly string[];
  /** Whether it is built with assertions (and a sanitizer): then every tensor is to have a buffer of its own. */
  readonly checked: boolean;
}

/** A `Loop` by addresses. */
export interface LoopPlan {
  readonly replay: number;
  readonly steps: number;
  readonly batchSize: number;
  readonly ports: Float64Array;
  /** For each feed its port, its address, the bytes of a row, and how many rows there are. */
  readonly feeds: Float64Array;
  readonly order: number;
  /** For each target of the table of numbers its address and how many it takes. */
  readonly targets: Float64Array;
  /** The table's first row; 0 where there is none. */
  readonly rows: number;
  readonly watched: number;
  readonly watchedType: number;
  readonly history: number;
  readonly control: Int32Array;
  /** Is filled with where the loop stopped: instruction and position, or -1 and -1. */
  readonly stop: Float64Array;
  /** Whatever holds the memory in use. */
  readonly memory: unknown;
}
