import { batchOf, type FactorKind, factorAxes, factorKinds, factorSizes } from './js/factor.js';
import type { Moves } from './js/convolve.js';
import { type Loops, planLoops, strideAt } from './loops.js';
import type { Epilogue, Program } from './program.js';
import { STATE_WORDS } from './random-state.js';
import type { Storage } from './storage.js';
import { sizeOf, type View } from './view.js';

/** Where an instruction is written for the native core; `native/instruction.h` says how it is laid out. */
export interface Tape {
  readonly numbers: Float64Array;
  /**
   * Writes what an instruction begins with, and returns where it goes on: with its numbers, the sizes of outer and inner axes, the
   * program's parameters, and operands. (A position that is passed on costs less than one that is kept.)
   */
  start(
    program: Program | null,
    params: number,
    numbers: number,
    outer: number,
    inner: number,
    operands: number,
  ): number;
  /** What an operand begins with; it goes on with its strides along outer and inner axes. */
  operand(at: number, view: View): number;
  /** Likewise of the state of a random stream. */
  state(at: number, state: Storage): number;
  /** Where the instruction ends. */
  end(at: number): void;
}

export function writeAll(tape: Float64Array, at: number, values: readonly number[]): number {
  for (let i = 0; i < values.length; i++) tape[at++] = values[i]!;
  return at;
}

const NONE: readonly never[] = [];

/** An instruction over `shape`, all of whose axes are outer ones. */
export function over(
  tape: Tape,
  shape: readonly number[],
  operands: readonly View[],
  program: Program | null = null,
  params: readonly number[] = NONE,
): void {
  const { sizes, strides } = withAxis(planLoops(shape, operands));
  const { numbers } = tape;
  let at = tape.start(program, params.length, 0, sizes.length, 0, operands.length);
  at = writeAll(numbers, at, sizes);
  at = writeAll(numbers, at, params);
  for (let i = 0; i < operands.length; i++) at = writeAll(numbers, tape.operand(at, operands[i]!), strides[i]!);
  tape.end(at);
}

/** Some `axes` of `shape` are inner ones. */
export function within(
  tape: Tape,
  shape: readonly number[],
  axes: readonly number[],
  operands: readonly View[],
  program: Program | null = null,
  params: readonly number[] = NONE,
  settings: readonly number[] = NONE,
): void {
  const others: number[] = [];
  for (let axis = 0; axis < shape.length; axis++) if (!axes.includes(axis)) others.push(axis);
  const outer = withAxis(planLoops(shape, operands, others));
  const inner = withAxis(planLoops(shape, operands, axes));
  const { numbers } = tape;
  let at = tape.start(program, params.length, settings.length, outer.sizes.length, inner.sizes.length, operands.length);
  at = writeAll(numbers, at, settings);
  at = writeAll(numbers, at, outer.sizes);
  at = writeAll(numbers, at, inner.sizes);
  at = writeAll(numbers, at, params);
  for (let i = 0; i < operands.length; i++) {
    at = writeAll(numbers, tape.operand(at, operands[i]!), outer.strides[i]!);
    at = writeAll(numbers, at, inner.strides[i]!);
  }
  tape.end(at);
}

/** An axis of `whole` is an inner one, and so is the same axis of `parts`, along which these are shorter. */
export function shortened(
  tape: Tape,
  parts: readonly View[],
  whole: View,
  axis: number,
  settings: readonly number[],
): void {
  const size = parts[0]!.shape[axis]!;
  const shorter = parts.map((view) => ({
    ...view,
    shape: [...view.shape.with(axis, 1), size],
    strides: [...view.strides, view.strides[axis]!],
  }));
  const longer = { ...whole, shape: [...whole.shape, 1], strides: [...whole.strides, 0] };
  const axes = [axis, whole.shape.length];
  within(tape, [...whole.shape, size], axes, [...shorter, longer], null, NONE, settings);
}

/**
 * Outer axes: those of the index. Inner: the positions on `axis` of `whole` that indices name; among the operands stands, at `place`,
 * `whole` as it is walked beside the index.
 */
export function indexed(
  tape: Tape,
  operands: readonly View[],
  place: number,
  whole: View,
  axis: number,
  settings: readonly number[] = NONE,
): void {
  const outer = withAxis(planLoops(operands[place]!.shape, operands));
  const { numbers } = tape;
  let at = tape.start(null, 0, settings.length, outer.sizes.length, 1, operands.length);
  at = writeAll(numbers, at, settings);
  at = writeAll(numbers, at, outer.sizes);
  numbers[at++] = whole.shape[axis]!;
  for (let i = 0; i < operands.length; i++) {
    at = writeAll(numbers, tape.operand(at, operands[i]!), outer.strides[i]!);
    numbers[at++] = i === place ? whole.strides[axis]! : 0;
  }
  tape.end(at);
}

/** A view as it is walked beside an index into one of its axes. */
export const beside = ({ storage, offset, strides, dtype }: View, { shape }: View, axis: number): View => ({
  storage,
  offset,
  shape,
  strides: strides.map((stride, i) => (i === axis ? 0 : stride)),
  dtype,
});

const NO_BATCH: Loops = { sizes: NONE, strides: NONE };

/** Outer axes: the batch, which may have none. Inner: rows and columns of the product, and what is summed over, whatever their sizes. */
export function products(tape: Tape, a: View, b: View, outputs: readonly View[], epilogue: Epilogue | null): void {
  const { shape } = outputs[0]!;
  const program = epilogue === null ? null : epilogue.program;
  const params = epilogue === null ? NONE : epilogue.params;
  const inputs = epilogue === null ? NONE : epilogue.inputs;
  const { sizes, strides } = shape.length === 2 ? NO_BATCH : batchLoops(shape, [a, b, ...inputs, ...outputs]);
  const { numbers } = tape;
  let at = tape.start(program, params.length, 0, sizes.length, 3, 2 + inputs.length + outputs.length);
  at = writeAll(numbers, at, sizes);
  numbers[at++] = shape[shape.length - 2]!;
  numbers[at++] = shape[shape.length - 1]!;
  numbers[at++] = a.shape[a.shape.length - 1]!;
  at = writeAll(numbers, at, params);
  at = writeAll(numbers, tape.operand(at, a), strides[0] ?? NONE);
  numbers[at++] = a.strides[a.strides.length - 2]!;
  numbers[at++] = 0;
  numbers[at++] = a.strides[a.strides.length - 1]!;
  at = writeAll(numbers, tape.operand(at, b), strides[1] ?? NONE);
  numbers[at++] = 0;
  numbers[at++] = b.strides[b.strides.length - 1]!;
  numbers[at++] = b.strides[b.strides.length - 2]!;
  for (let i = 0; i < inputs.length; i++) at = writeBesideProduct(tape, at, inputs[i]!, strides[2 + i] ?? NONE);
  for (let i = 0; i < outputs.length; i++) {
    at = writeBesideProduct(tape, at, outputs[i]!, strides[2 + inputs.length + i] ?? NONE);
  }
  tape.end(at);
}

/** An operand that is walked as the product is. */
function writeBesideProduct(tape: Tape, at: number, view: View, batchStrides: readonly number[]): number {
  const { numbers } = tape;
  let next = writeAll(numbers, tape.operand(at, view), batchStrides);
  numbers[next++] = strideAt(view, -2);
  numbers[next++] = strideAt(view, -1);
  numbers[next++] = 0;
  return next;
}

/** The axes that a window may slide over. */
const SLIDES = 3;
const NO_STEPS: readonly number[] = [0, 0, 0];

/**
 * Outer axes: samples and groups of channels. Inner: channels of the output and of the input in a group, then those of the window, of its places
 * and of the input, of which the missing ones have one element. The weight is the second operand.
 */
export function sliding(
  tape: Tape,
  input: View,
  weight: View,
  outputs: readonly View[],
  moves: Moves,
  epilogue: Epilogue | null,
): void {
  const { shape } = outputs[0]!;
  const channels = weight.shape[1]!;
  const rows = (shape[1]! * channels) / input.shape[1]!;
  const missing = SLIDES + 2 - shape.length;
  const program = epilogue === null ? null : epilogue.program;
  const params = epilogue === null ? NONE : epilogue.params;
  const inputs = epilogue === null ? NONE : epilogue.inputs;
  const { numbers } = tape;
  let at = tape.start(program, params.length, 3 * SLIDES, 2, 2 + 3 * SLIDES, 2 + inputs.length + outputs.length);
  at = writeMoves(numbers, at, moves, missing);
  at = writeAll(numbers, at, [shape[0]!, input.shape[1]! / channels, rows, channels]);
  for (const { shape: sizes } of [weight, outputs[0]!, input]) at = writeSlides(numbers, at, sizes, 2, missing, 1);
  at = writeAll(numbers, at, params);
  at = tape.operand(at, input);
  at = writeAll(numbers, at, [input.strides[0]!, channels * input.strides[1]!, 0, input.strides[1]!]);
  at = writeAll(numbers, at, NO_STEPS);
  at = writeAll(numbers, at, NO_STEPS);
  at = writeSlides(numbers, at, input.strides, 2, missing, 0);
  at = tape.operand(at, weight);
  at = writeAll(numbers, at, [0, rows * weight.strides[0]!, weight.strides[0]!, weight.strides[1]!]);
  at = writeSlides(numbers, at, weight.strides, 2, missing, 0);
  at = writeAll(numbers, at, NO_STEPS);
  at = writeAll(numbers, at, NO_STEPS);
  for (const view of [...inputs, ...outputs]) {
    const strides = shape.map((_, axis) => strideAt(view, axis - shape.length));
    at = tape.operand(at, view);
    at = writeAll(numbers, at, [strides[0]!, rows * strides[1]!, strides[1]!, 0]);
    at = writeAll(numbers, at, NO_STEPS);
    at = writeSlides(numbers, at, strides, 2, missing, 0);
    at = writeAll(numbers, at, NO_STEPS);
  }
  tape.end(at);
}

/** Outer axes: samples and channels. Inner: those of the window, of its places and of the input, as in `sliding`. */
export function pooled(
  tape: Tape,
  input: View,
  values: View,
  indices: View,
  kernel: readonly number[],
  moves: Moves,
): void {
  const missing = SLIDES - kernel.length;
  const { numbers } = tape;
  let at = tape.start(null, 0, 3 * SLIDES, 2, 3 * SLIDES, 3);
  at = writeMoves(numbers, at, moves, missing);
  at = writeAll(numbers, at, [input.shape[0]!, input.shape[1]!]);
  at = writeSlides(numbers, at, kernel, 0, missing, 1);
  at = writeSlides(numbers, at, values.shape, 2, missing, 1);
  at = writeSlides(numbers, at, input.shape, 2, missing, 1);
  for (const view of [input, values, indices]) {
    at = writeAll(numbers, tape.operand(at, view), [view.strides[0]!, view.strides[1]!]);
    at = writeAll(numbers, at, NO_STEPS);
    at = view === input ? writeAll(numbers, at, NO_STEPS) : writeSlides(numbers, at, view.strides, 2, missing, 0);
    at = view === input ? writeSlides(numbers, at, view.strides, 2, missing, 0) : writeAll(numbers, at, NO_STEPS);
  }
  tape.end(at);
}

function writeMoves(to: Float64Array, at: number, { stride, dilation, before }: Moves, missing: number): number {
  const afterStride = writeSlides(to, at, stride, 0, missing, 1);
  return writeSlides(to, writeSlides(to, afterStride, dilation, 0, missing, 1), before, 0, missing, 0);
}

/** Numbers for the axes of a window, from place `first` on, after one for each that is missing. */
function writeSlides(
  to: Float64Array,
  at: number,
  values: readonly number[],
  first: number,
  missing: number,
  otherwise: number,
): number {
  for (let axis = 0; axis < missing; axis++) to[at++] = otherwise;
  for (let axis = first; axis < values.length; axis++) to[at++] = values[axis]!;
  return at;
}

/** Outer axes: the batch. Inner: m, n and k, whatever their sizes; which of them an operand has, the bits of a number say. */
export function factored(tape: Tape, kind: FactorKind, inputs: readonly View[], outputs: readonly View[]): void {
  const operands = [...inputs, ...outputs];
  const axes = factorAxes[kind];
  const batches = operands.map((view, i) => batchOf(view, axes[i]!));
  const { sizes, strides } = withAxis(planLoops(batches[0]!.shape, batches));
  const { m, n, k } = factorSizes(kind, operands);
  const parts = axes.map((own) => [...'mnk'].reduce((bits, name, d) => bits | (Number(own.includes(name)) << d), 0));
  const { numbers } = tape;
  let at = tape.start(null, 0, 2 + parts.length, sizes.length, 3, operands.length);
  at = writeAll(numbers, at, [factorKinds.indexOf(kind), inputs.length, ...parts]);
  at = writeAll(numbers, at, sizes);
  at = writeAll(numbers, at, [m, n, k]);
  for (let i = 0; i < operands.length; i++) {
    at = writeAll(numbers, tape.operand(at, operands[i]!), strides[i]!);
    for (const name of 'mnk') {
      const place = axes[i]!.indexOf(name);
      numbers[at++] = place < 0 ? 0 : strideAt(operands[i]!, place - axes[i]!.length);
    }
  }
  tape.end(at);
}

/** Outer axis: what is drawn. Inner: the words of the state. */
export function drawn(tape: Tape, kind: number, state: Storage, out: View, p0: number, p1: number): void {
  const { numbers } = tape;
  let at = tape.start(null, 0, 3, 1, 1, 2);
  numbers[at++] = kind;
  numbers[at++] = p0;
  numbers[at++] = p1;
  numbers[at++] = sizeOf(out.shape);
  numbers[at++] = STATE_WORDS;
  at = tape.state(at, state);
  numbers[at++] = 0;
  numbers[at++] = 1;
  at = tape.operand(at, out);
  numbers[at++] = 1;
  numbers[at++] = 0;
  tape.end(at);
}

/** One outer axis, of size 1: how many elements each operand has, a number says. */
export function exchanged(tape: Tape, settings: readonly number[], buffers: readonly View[]): void {
  const { numbers } = tape;
  let at = tape.start(null, 0, settings.length + buffers.length, 1, 0, buffers.length);
  at = writeAll(numbers, at, settings);
  for (let i = 0; i < buffers.length; i++) numbers[at++] = sizeOf(buffers[i]!.shape);
  numbers[at++] = 1;
  for (let i = 0; i < buffers.length; i++) {
    at = tape.operand(at, buffers[i]!);
    numbers[at++] = 0;
  }
  tape.end(at);
}

function batchLoops(shape: readonly number[], operands: readonly View[]): Loops {
  const axes: number[] = [];
  for (let axis = 0; axis < shape.length - 2; axis++) axes.push(axis);
  return planLoops(shape, operands, axes);
}

function withAxis(loops: Loops): Loops {
  return loops.sizes.length > 0 ? loops : { sizes: [1], strides: loops.strides.map(() => [0]) };
}
