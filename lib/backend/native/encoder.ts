import { NablaError } from '../../errors.js';
import { dtypes } from '../dtype.js';
import { type Loops, planLoops, strideAt } from '../loops.js';
import { type Epilogue, encodeProgram, type Program } from '../program.js';
import type { Storage } from '../storage.js';
import { MAX_DIMS, sizeOf, type View } from '../view.js';
import type { Addon } from './addon.js';
import { failureOf } from './failure.js';
import type { Records } from './records.js';

const OPCODE = { map: 0, fold: 1, matmul: 2, gather: 3, scatter: 4, random: 5, check: 6 } as const;
const NO_PROGRAM = 0;

/**
 * Writes instructions to the addon's tape, as `native/instructions.h` lays them out, and has the addon run them. A nest always has an
 * axis, if only of size 1.
 */
export class Encoder {
  readonly #addon: Addon;
  readonly #tape: Float64Array;
  readonly #programs = new WeakMap<Program, number>();
  #length = 0;
  /** Takes the instructions instead of the addon. */
  #records: Records | null = null;

  constructor(addon: Addon) {
    this.#addon = addon;
    this.#tape = addon.tape;
  }

  /** Has `records` take the instructions that `encode` comes to, which are not run. */
  collect(records: Records, encode: () => void): void {
    this.#records = records;
    try {
      encode();
    } finally {
      this.#records = null;
    }
  }

  /** Runs the instruction that has been written for `op`, unless instructions are collected. Returns what the addon does. */
  submit(op: string): number {
    if (this.#records === null) return this.#run(op);
    this.#records.add(this.#tape.subarray(0, this.#length));
    return -1;
  }

  #run(op: string): number {
    try {
      return this.#addon.run();
    } catch (error) {
      throw failureOf(op, error);
    }
  }

  map(program: Program, params: readonly number[], inputs: readonly View[], outputs: readonly View[]): void {
    this.#start(OPCODE.map, inputs.length + outputs.length, params.length);
    this.#write(this.#programAddress(program));
    const { shape } = outputs[0]!;
    if (this.#records === null && this.#flatMap(params, inputs, outputs, sizeOf(shape))) return;
    const operands = [...inputs, ...outputs];
    const loops = withAxis(planLoops(shape, operands));
    this.#write(loops.sizes.length);
    this.#writeAll(loops.sizes);
    this.#writeAll(params);
    for (let i = 0; i < operands.length; i++) this.#operand(operands[i]!, loops.strides[i]!);
  }

  fold(
    program: Program,
    params: readonly number[],
    inputs: readonly View[],
    outputs: readonly View[],
    shape: readonly number[],
    axes: readonly number[],
  ): void {
    this.#start(OPCODE.fold, inputs.length + outputs.length, params.length);
    this.#write(this.#programAddress(program));
    const whole = axes.length === shape.length;
    if (this.#records === null && whole && this.#flatFold(params, inputs, outputs, sizeOf(shape))) return;
    const operands = [...inputs, ...outputs];
    const keptAxes: number[] = [];
    for (let axis = 0; axis < shape.length; axis++) if (!axes.includes(axis)) keptAxes.push(axis);
    const kept = withAxis(planLoops(shape, operands, keptAxes));
    const folded = withAxis(planLoops(shape, operands, axes));
    this.#write(kept.sizes.length);
    this.#write(folded.sizes.length);
    this.#writeAll(kept.sizes);
    this.#writeAll(folded.sizes);
    this.#writeAll(params);
    operands.forEach((operand, i) => {
      this.#operand(operand, kept.strides[i]!);
      this.#writeAll(folded.strides[i]!);
    });
  }

  /**
   * The rest of a map that one axis suffices for; false if it does not. Most maps are such, and many are small. A short way to what
   * `map` writes in any case, which does not tell `#records` where addresses are.
   */
  #flatMap(params: readonly number[], inputs: readonly View[], outputs: readonly View[], size: number): boolean {
    const header = this.#length + 2 + params.length;
    if (!this.#flatOperands(inputs, size, header, 0)) return false;
    if (!this.#flatOperands(outputs, size, header + inputs.length * 3, 0)) return false;
    this.#write(1);
    this.#write(size);
    this.#writeAll(params);
    return true;
  }

  /** Likewise for a fold of everything: one row of one axis. */
  #flatFold(params: readonly number[], inputs: readonly View[], outputs: readonly View[], size: number): boolean {
    const header = this.#length + 4 + params.length;
    if (!this.#flatOperands(inputs, size, header, 1)) return false;
    if (!this.#flatOperands(outputs, size, header + inputs.length * 4, 1)) return false;
    this.#write(1);
    this.#write(1);
    this.#write(1);
    this.#write(size);
    this.#writeAll(params);
    return true;
  }

  /** Writes operands from `at` on, with `unitAxes` before the one axis that they are walked by; false if one can't be walked so. */
  #flatOperands(views: readonly View[], size: number, at: number, unitAxes: number): boolean {
    const tape = this.#tape;
    for (let i = 0; i < views.length; i++) {
      const view = views[i]!;
      const stride = flatStride(view, size);
      if (stride < 0) return false;
      tape[at++] = addressOf(view);
      tape[at++] = dtypes[view.dtype].code;
      for (let axis = 0; axis < unitAxes; axis++) tape[at++] = 0;
      tape[at++] = stride;
    }
    return true;
  }

  matmul(a: View, b: View, outputs: readonly View[], epilogue: Epilogue | null): void {
    const { shape } = outputs[0]!;
    const inputs = epilogue === null ? NONE : epilogue.inputs;
    const params = epilogue === null ? NONE : epilogue.params;
    const batch = shape.length === 2 ? NO_BATCH : batchLoops(shape, [a, b, ...inputs, ...outputs]);
    this.#start(OPCODE.matmul, inputs.length + outputs.length, params.length);
    this.#write(epilogue === null ? NO_PROGRAM : this.#programAddress(epilogue.program));
    this.#write(dtypes[a.dtype].code);
    this.#write(batch.sizes.length);
    this.#write(shape[shape.length - 2]!);
    this.#write(shape[shape.length - 1]!);
    this.#write(a.shape[a.shape.length - 1]!);
    this.#writeAll(batch.sizes);
    this.#matrix(a, batch.strides[0] ?? NONE);
    this.#matrix(b, batch.strides[1] ?? NONE);
    this.#write(inputs.length);
    this.#write(outputs.length);
    this.#writeAll(params);
    for (let i = 0; i < inputs.length; i++) this.#tileOperand(inputs[i]!, batch.strides[2 + i] ?? NONE);
    for (let i = 0; i < outputs.length; i++) {
      this.#tileOperand(outputs[i]!, batch.strides[2 + inputs.length + i] ?? NONE);
    }
  }

  #tileOperand(view: View, batchStrides: readonly number[]): void {
    this.#operand(view, batchStrides);
    this.#write(strideAt(view, -2));
    this.#write(strideAt(view, -1));
  }

  #matrix(view: View, batchStrides: readonly number[]): void {
    this.#writeStart(view);
    this.#writeAll(batchStrides);
    this.#write(view.strides[view.strides.length - 2]!);
    this.#write(view.strides[view.strides.length - 1]!);
  }

  gather(out: View, input: View, index: View, axis: number): void {
    const operands = [out, withoutAxis(input, index, axis), index];
    const loops = withAxis(planLoops(index.shape, operands));
    this.#start(OPCODE.gather, operands.length, 0);
    this.#write(dtypes[out.dtype].code);
    this.#indexed(input, axis, operands, loops);
  }

  scatter(out: View, index: View, source: View, axis: number, mode: number): void {
    const operands = [withoutAxis(out, index, axis), index, source];
    const loops = withAxis(planLoops(index.shape, operands));
    this.#start(OPCODE.scatter, operands.length, 0);
    this.#write(mode);
    this.#write(dtypes[out.dtype].code);
    this.#indexed(out, axis, operands, loops);
  }

  random(kind: number, state: Storage, out: View, p0: number, p1: number): void {
    this.#start(OPCODE.random, 0, 0);
    this.#write(kind);
    this.#write(dtypes[out.dtype].code);
    this.#writeAddress(state, 0);
    this.#writeStart(out);
    this.#write(sizeOf(out.shape));
    this.#write(p0);
    this.#write(p1);
  }

  check(flag: View): void {
    this.#start(OPCODE.check, 0, 0);
    this.#writeStart(flag);
  }

  /** The part that gather and scatter share; `whole` is the operand that indices point into. */
  #indexed(whole: View, axis: number, operands: readonly View[], loops: Loops): void {
    this.#write(loops.sizes.length);
    this.#write(whole.shape[axis]!);
    this.#write(whole.strides[axis]!);
    this.#writeAll(loops.sizes);
    operands.forEach((operand, i) => {
      this.#writeStart(operand);
      this.#writeAll(loops.strides[i]!);
    });
  }

  #start(opcode: number, operands: number, params: number): void {
    const { maxOperands } = this.#addon;
    if (operands > maxOperands)
      throw new NablaError(`an instruction takes at most ${maxOperands} operands, got ${operands}`);
    const reserved = MAX_HEADER + maxOperands * MAX_OPERAND;
    if (params > this.#tape.length - reserved) {
      throw new NablaError(`an instruction takes at most ${this.#tape.length - reserved} parameters, got ${params}`);
    }
    this.#tape[0] = opcode;
    this.#length = 1;
  }

  #write(value: number): void {
    this.#tape[this.#length++] = value;
  }

  #writeAll(values: readonly number[]): void {
    for (let i = 0; i < values.length; i++) this.#tape[this.#length++] = values[i]!;
  }

  /** The address of a view's first element. */
  #writeStart(view: View): void {
    this.#writeAddress(view.storage, view.offset * dtypes[view.dtype].size);
  }

  #writeAddress(storage: Storage, byteOffset: number): void {
    this.#records?.noteAddress(this.#length, storage);
    this.#write(storage.address + byteOffset);
  }

  #operand(view: View, strides: readonly number[]): void {
    this.#writeStart(view);
    this.#write(dtypes[view.dtype].code);
    this.#writeAll(strides);
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

const NONE: readonly never[] = [];
const NO_BATCH: Loops = { sizes: NONE, strides: NONE };

function batchLoops(shape: readonly number[], operands: readonly View[]): Loops {
  const axes: number[] = [];
  for (let axis = 0; axis < shape.length - 2; axis++) axes.push(axis);
  return planLoops(shape, operands, axes);
}

/** Most doubles that instructions have before their operands (without parameters), and per operand: all axes and a unit axis. */
const MAX_HEADER = 16 + 3 * (MAX_DIMS + 1);
const MAX_OPERAND = 2 + MAX_DIMS + 1;

/** Of a view's first element. */
export const addressOf = (view: View): number => view.storage.address + view.offset * dtypes[view.dtype].size;

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

function withAxis(loops: Loops): Loops {
  return loops.sizes.length > 0 ? loops : { sizes: [1], strides: loops.strides.map(() => [0]) };
}

/** `whole` as walked beside `index`, with its position on `axis` left to the indices. */
function withoutAxis(whole: View, index: View, axis: number): View {
  return { ...whole, shape: index.shape, strides: whole.strides.map((stride, i) => (i === axis ? 0 : stride)) };
}
