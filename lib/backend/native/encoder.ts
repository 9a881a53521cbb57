import { NablaError } from '../../errors.js';
import { dtypes } from '../dtype.js';
import { DONE } from '../outcome.js';
import { encodeProgram, type Program } from '../program.js';
import type { Storage } from '../storage.js';
import { type Tape, writeAll } from '../tape.js';
import { MAX_DIMS, MAX_OPERANDS, type View } from '../view.js';
import type { Addon } from './addon.js';
import { failureOf } from './failure.js';
import type { LinkedCode } from './linked-code.js';

/** Writes instructions to the tape that is shared with the addon, and has the addon run them. */
export class Encoder implements Tape {
  readonly numbers: Float64Array;
  readonly #addon: Addon;
  readonly #programs = new WeakMap<Program, number>();
  #length = 0;
  /** The program of the instruction that is being written, and its address. */
  #program: Program | null = null;
  #address = 0;
  /** Takes the instructions instead of the addon. */
  #code: LinkedCode | null = null;

  constructor(addon: Addon) {
    this.#addon = addon;
    this.numbers = addon.tape;
  }

  /** Has `code` take the instructions that `encode` comes to, which are not run. */
  collect(code: LinkedCode, encode: () => void): void {
    this.#code = code;
    try {
      encode();
    } finally {
      this.#code = null;
    }
  }

  start(
    program: Program | null,
    params: number,
    numbers: number,
    outer: number,
    inner: number,
    operands: number,
  ): number {
    if (operands > MAX_OPERANDS)
      throw new NablaError(`an instruction takes at most ${MAX_OPERANDS} operands, got ${operands}`);
    const tape = this.numbers;
    const room = tape.length - RESERVED;
    if (params > room) throw new NablaError(`an instruction takes at most ${room} parameters, got ${params}`);
    if (program !== this.#program) {
      this.#address = program === null ? 0 : this.#programAddress(program);
      this.#program = program;
    }
    tape[1] = this.#address;
    tape[2] = numbers;
    tape[3] = outer;
    tape[4] = inner;
    tape[5] = operands;
    return HEADER;
  }

  operand(at: number, view: View): number {
    this.#code?.noteAddress(at, view.storage);
    const { code, size } = dtypes[view.dtype];
    this.numbers[at] = addressIn(view, size);
    this.numbers[at + 1] = code;
    return at + 2;
  }

  state(at: number, state: Storage): number {
    this.#code?.noteAddress(at, state);
    this.numbers[at] = state.address;
    this.numbers[at + 1] = dtypes.int32.code;
    return at + 2;
  }

  end(at: number): void {
    this.#length = at;
  }

  /**
   * Writes an instruction without numbers whose operands are all walked by one axis, of `size`: a short way for the many small ones.
   * False if they cannot be, or instructions are collected.
   *
   * @param unitAxes 1 if that is an inner axis, after an outer one of size 1; else 0
   */
  writeFlat(
    program: Program,
    params: readonly number[],
    inputs: readonly View[],
    outputs: readonly View[],
    size: number,
    unitAxes: 0 | 1,
  ): boolean {
    if (this.#code !== null) return false;
    const tape = this.numbers;
    let at = this.start(program, params.length, 0, 1, unitAxes, inputs.length + outputs.length);
    if (unitAxes === 1) tape[at++] = 1;
    tape[at++] = size;
    at = writeAll(tape, at, params);
    at = this.#flatOperands(at, inputs, size, unitAxes);
    return at > 0 && this.#flatOperands(at, outputs, size, unitAxes) > 0;
  }

  /** Returns where the instruction goes on, or 0 if one of them cannot be walked so. */
  #flatOperands(at: number, views: readonly View[], size: number, unitAxes: number): number {
    const tape = this.numbers;
    let next = at;
    for (let i = 0; i < views.length; i++) {
      const view = views[i]!;
      const stride = flatStride(view, size);
      if (stride < 0) return 0;
      const { code, size: bytes } = dtypes[view.dtype];
      tape[next++] = addressIn(view, bytes);
      tape[next++] = code;
      if (unitAxes === 1) tape[next++] = 0;
      tape[next++] = stride;
    }
    return next;
  }

  /** Runs the instruction that was written, the one with this number, unless instructions are collected. Returns what the addon does. */
  run(op: string, code: number): number {
    this.numbers[0] = code;
    if (this.#code !== null) {
      this.#code.add(this.numbers.subarray(0, this.#length));
      return DONE;
    }
    try {
      return this.#addon.run() ?? DONE;
    } catch (error) {
      throw failureOf(this.#program?.name ?? op, error);
    }
  }

  #programAddress(program: Program): number {
    let address = this.#programs.get(program);
    if (address === undefined) {
      address = this.#define(program);
      this.#programs.set(program, address);
    }
    return address;
  }

  #define(program: Program): number {
    try {
      return this.#addon.define(encodeProgram(program), Float64Array.from(program.constants));
    } catch (error) {
      throw failureOf(program.name, error);
    }
  }
}

/** Numbers before those of the instruction's own, and most of all without parameters: these, sizes, and all operands. */
const HEADER = 6;
const MOST_NUMBERS = 10 + MAX_OPERANDS;
const RESERVED = HEADER + MOST_NUMBERS + (MAX_DIMS + 1) + MAX_OPERANDS * (2 + MAX_DIMS + 1);

/** Of the first element of a view of elements of `size` bytes. */
const addressIn = ({ storage, offset }: View, size: number): number => storage.address + offset * size;

/** The same where the size is not at hand; the memory of results starts where they do. */
export const addressOf = (view: View): number =>
  view.offset === 0 ? view.storage.address : addressIn(view, dtypes[view.dtype].size);

/** The stride of an operand in an iteration over `size` elements in order, if there is one such: 1, or 0 for a single element; else -1. */
function flatStride({ shape, strides }: View, size: number): number {
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] === 1) continue;
    if (strides[i] !== step) return -1;
    step *= shape[i]!;
  }
  if (step === 1) return 0;
  return step === size ? 1 : -1;
}
