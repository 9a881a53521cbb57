import type { Executable } from './executable.js';
import type { Instruction, InstructionSet } from './instructions.js';
import type { Storage } from './storage.js';

/**
 * What runs instructions. The native core and the plain TypeScript of `js/` implement the set alike; where they differ, `js/` is right until
 * shown otherwise.
 */
export interface Backend extends InstructionSet {
  readonly name: 'native' | 'js';

  /**
   * Makes instructions ready to run again and again without decoding or checking them again. Storages that are `ports` are bound by
   * each run; all others are used as they are and stay reachable as long as the result.
   */
  link(instructions: readonly Instruction[], ports: readonly Storage[]): Executable;

  /** A list of objects that it does not keep. */
  weakList<T extends object>(): WeakList<T>;

  /** How many threads an instruction may use. */
  getNumThreads(): number;
  setNumThreads(count: number): void;

  /** Joins the ranks of the first of some MPI libraries that is there; one that keeps others waiting for `seconds` is given up. */
  join(libraries: readonly string[], seconds: number): Membership;
  /** Where the time of all exchanges so far went. */
  exchangeTimes(): ExchangeTimes;
  /** Leaves them; with a code other than 0 by ending all. */
  leave(code: number): void;
}

/** Of exchanges between ranks, in seconds. What threads do beside each other counts for each. */
export interface ExchangeTimes {
  /** For how long programs could do nothing but wait for exchanges, or do them. */
  readonly awaited: number;
  /** For how long exchanges waited for other ranks and their messages, with what the MPI library copied meanwhile. */
  readonly waiting: number;
  /** In calls of the MPI library that begin to send or receive, and copying to and from memory that ranks share. */
  readonly passing: number;
  /** Adding up, with writing sums to others' memory. */
  readonly summing: number;
  /** How many bytes this rank has sent, or written to others' memory. */
  readonly bytes: number;
  readonly exchanges: number;
}

/** What a process is among others. */
export interface Membership {
  readonly rank: number;
  readonly size: number;
  /** The MPI library, as it calls itself. */
  readonly library: string;
}

/** Objects that can be found as long as something else keeps them. */
export interface WeakList<T extends object> {
  add(one: T): void;
  /** Those that are still there. */
  values(): T[];
}
