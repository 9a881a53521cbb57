/** What `native/addon.cc` exports. */
export interface Addon {
  /** The instruction that `run` executes; `native/instructions.h` says how it is laid out. */
  readonly tape: Float64Array;
  /** For gather and scatter the position of the first bad index or -1, for others -1. */
  run(): number;
  /** Decodes an encoded program and its constants, and returns the address that instructions name it by. */
  define(code: Int32Array, constants: Float64Array): number;
  /**
   * Keeps encoded instructions, laid end to end, and returns their handle. `starts` says where each begins; `relocations` has per port how many
   * addresses depend on it, then where these are; `addresses` is what the ports were when the instructions were encoded.
   */
  link(code: Float64Array, starts: Int32Array, relocations: Int32Array, addresses: Float64Array): number;
  unlink(handle: number): void;
  /** Runs linked instructions; the tape has the handle and the ports' addresses. The instruction that stopped it, with the tape's first number as position, or -1. */
  replay(): number;
  /** Runs linked instructions many times on a thread of their own. */
  start(handle: number, run: BackgroundRun): Promise<{ instruction: number; position: number }>;
  addressOf(buffer: ArrayBuffer): number;
  getNumThreads(): number;
  setNumThreads(count: number): void;

  /** The names of the micro-operations, by number. */
  readonly microOps: readonly string[];
  /** Inputs and outputs that one instruction can have. */
  readonly maxOperands: number;
  /** The instruction set of the processor that is in use, and all that could be, the fastest first. */
  readonly isa: string;
  readonly isas: readonly string[];
}

/** `Loop`, as addresses. */
export interface BackgroundRun {
  readonly steps: number;
  readonly batchSize: number;
  readonly ports: Float64Array;
  /** Port, address and bytes of a row of each feed. */
  readonly feeds: Float64Array;
  readonly order: number;
  readonly watched: number;
  readonly watchedType: number;
  readonly history: number;
  readonly control: Int32Array;
  /** What holds all this memory, kept from being collected meanwhile. */
  readonly memory: unknown;
}
