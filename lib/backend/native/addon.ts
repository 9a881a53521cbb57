/** What `native/addon.cc` exports. */
export interface Addon {
  /** The instruction that `run` executes; `native/instructions.h` says how it is laid out. */
  readonly tape: Float64Array;
  /** For gather and scatter the position of the first bad index or -1, for others -1. */
  run(): number;
  /** Decodes an encoded program and its constants, and returns the handle that instructions name it by. */
  define(code: Int32Array, constants: Float64Array): number;
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
