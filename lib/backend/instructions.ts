import { isInteger } from './dtype.js';
import {
  choice,
  epilogue,
  type Field,
  flag,
  moves,
  number,
  numbers,
  program,
  read,
  readAll,
  state,
  update,
  updateAll,
  write,
  writeAll,
} from './fields.js';
import { collective, collectiveKinds, settle } from './js/collective.js';
import { convolve, convolveWeight } from './js/convolve.js';
import { factor, factorKinds, factorSizes } from './js/factor.js';
import { gather, scatter, scatterModes } from './js/indexing.js';
import { run } from './js/interpreter.js';
import { matmul } from './js/matmul.js';
import { maxPool } from './js/pool.js';
import { randomFill, randomKinds } from './js/random.js';
import { scan, scanKinds } from './js/scan.js';
import { sort, sortOrders } from './js/sort.js';
import { DONE } from './outcome.js';
import { opsPerElement } from './program.js';
import type { Storage } from './storage.js';
import {
  beside,
  drawn,
  exchanged,
  factored,
  indexed,
  over,
  pooled,
  products,
  shortened,
  sliding,
  type Tape,
  within,
} from './tape.js';
import { sizeOf, type View } from './view.js';

/** Arguments by position, as calls have them. */
type Fields = readonly (readonly [name: string, field: Field<unknown>])[];
type ValueOf<F> = F extends Field<infer T> ? T : never;
type ArgumentsOf<F extends Fields> = { -readonly [i in keyof F]: ValueOf<F[i][1]> };
type NamedOf<F extends Fields> = { readonly [P in F[number] as P[0]]: ValueOf<P[1]> };

/** Indices that must be in [0, length). */
export interface IndexBound {
  readonly index: View;
  readonly length: number;
}

/** What there is to know of an instruction beside its arguments. */
interface Meaning<F extends Fields> {
  /** What it does, in plain TypeScript: the living definition, which the native core is held to. */
  js(...values: ArgumentsOf<F>): number;
  /** Writes it for the native core. */
  encode(tape: Tape, ...values: ArgumentsOf<F>): void;
  /** What an error calls it. Default: its own name. */
  called?(instruction: NamedOf<F>): string;
  /** Whether it may find a value that it cannot go on with. Where that is an index, which ones, and what they must be. */
  mayStop(instruction: NamedOf<F>): boolean | IndexBound;
  /** Floating-point operations. */
  flops(instruction: NamedOf<F>): number;
}

export interface Row<F extends Fields = Fields> extends Meaning<F> {
  readonly fields: F;
}

const row = <const F extends Fields>(fields: F, meaning: Meaning<F>): Row<F> => ({ fields, ...meaning });

const holdsIntegers = ({ dtype }: View): boolean => isInteger(dtype);

/**
 * The instruction set: all that the layers above ask of a core, in the order in which both sides of the native seam number it. Whoever
 * looks at instructions, to record, fuse, guard, print, replay or encode them, goes by these rows.
 *
 * Nothing is checked here: shapes, types and options were checked by the caller. Views of the same storage may be operands together only
 * where an output is exactly the same view as an input, or overlaps none.
 *
 * An instruction returns `DONE`; or `MISFIT`, if a value does not fit the int32 that it is stored as; or the position of what else it cannot
 * go on with.
 */
export const instructions = {
  /** Runs a program without folds over every element of the outputs' common shape; inputs are broadcast to it. */
  map: row(
    [
      ['program', program],
      ['params', numbers],
      ['inputs', readAll],
      ['outputs', writeAll],
    ],
    {
      js: (program, params, inputs, outputs) => {
        const { shape } = outputs[0]!;
        return run(program, params, inputs, outputs, shape, [...shape.keys()]);
      },
      encode: (tape, program, params, inputs, outputs) =>
        over(tape, outputs[0]!.shape, [...inputs, ...outputs], program, params),
      called: ({ program }) => program.name,
      mayStop: ({ outputs }) => outputs.some(holdsIntegers),
      flops: ({ program, outputs }) => opsPerElement(program) * sizeOf(outputs[0]!.shape),
    },
  ),

  /**
   * Runs a program with folds over `shape`; `axes` (ascending) are the folded ones. Element operands are broadcast to `shape`; row
   * operands have size 1 in every folded axis. A reduction is a program all of whose outputs are row values.
   */
  fold: row(
    [
      ['program', program],
      ['params', numbers],
      ['inputs', readAll],
      ['outputs', writeAll],
      ['shape', numbers],
      ['axes', numbers],
    ],
    {
      js: run,
      encode: (tape, program, params, inputs, outputs, shape, axes) =>
        within(tape, shape, axes, [...inputs, ...outputs], program, params),
      called: ({ program }) => program.name,
      mayStop: ({ outputs }) => outputs.some(holdsIntegers),
      flops: ({ program, shape }) => opsPerElement(program) * sizeOf(shape),
    },
  ),

  /**
   * out[…, m, n] = sum over k, in order, of a[…, m, k] * b[…, k, n]; leading (batch) axes are broadcast. `a`, `b` and the product are
   * all float32 or all float64. With an epilogue, `outputs` are the epilogue program's; without, the one output is the product.
   */
  matmul: row(
    [
      ['a', read],
      ['b', read],
      ['outputs', writeAll],
      ['epilogue', epilogue],
    ],
    {
      js: matmul,
      encode: products,
      called: ({ epilogue }) => epilogue?.program.name ?? 'matmul',
      mayStop: ({ outputs }) => outputs.some(holdsIntegers),
      flops: ({ a, outputs, epilogue }) => {
        const after = epilogue === null ? 0 : opsPerElement(epilogue.program);
        return sizeOf(outputs[0]!.shape) * (2 * a.shape.at(-1)! + after);
      },
    },
  ),

  /**
   * out[n, o, …p] = sum over c and k, in order, of weight[o, c, …k] * input[n, c, …p * stride + k * dilation - before], where the input goes on
   * with zeros; over one to three axes. Channels are in as many groups as the input has more of them than the weight, and c counts those of o's.
   * `input`, `weight` and the sums are all float32 or all float64, and the weight has elements. With an epilogue as `matmul`.
   */
  convolve: row(
    [
      ['input', read],
      ['weight', read],
      ['outputs', writeAll],
      ['moves', moves],
      ['epilogue', epilogue],
    ],
    {
      js: convolve,
      encode: sliding,
      called: ({ epilogue }) => epilogue?.program.name ?? 'convolve',
      mayStop: ({ outputs }) => outputs.some(holdsIntegers),
      flops: ({ weight, outputs, epilogue }) => {
        const after = epilogue === null ? 0 : opsPerElement(epilogue.program);
        return sizeOf(outputs[0]!.shape) * (2 * sizeOf(weight.shape.slice(1)) + after);
      },
    },
  ),

  /**
   * The gradient of a `convolve` by its weight: weight[o, c, …k] = sum over n and p, in order, of
   * gradient[n, o, …p] * input[n, c, …p * stride + k * dilation - before]. There is at least one sample and one place.
   */
  convolveWeight: row(
    [
      ['input', read],
      ['weight', write],
      ['gradient', read],
      ['moves', moves],
    ],
    {
      js: convolveWeight,
      encode: (tape, input, weight, gradient, moves) => sliding(tape, input, weight, [gradient], moves, null),
      mayStop: () => false,
      flops: ({ weight, gradient }) => 2 * sizeOf(gradient.shape) * sizeOf(weight.shape.slice(1)),
    },
  ),

  /**
   * The largest element of each window of `kernel` elements over the last one to three axes of (N, C, …), and which element of its channel that
   * is, in row-major order; of equal ones the first, and NaN (the last of them) before all. Every window has an element of the input; what it
   * has outside does not count. `input` and `values` are of one type but bool, `indices` of int32.
   */
  maxPool: row(
    [
      ['input', read],
      ['values', write],
      ['indices', write],
      ['kernel', numbers],
      ['moves', moves],
    ],
    {
      js: maxPool,
      encode: pooled,
      mayStop: () => false,
      flops: ({ values, kernel }) => sizeOf(values.shape) * sizeOf(kernel),
    },
  ),

  /**
   * out[i, j, k] = input[i, index[i, j, k], k] for `axis` 1, likewise for others; `index` (int32) has out's shape.
   * Returns the row-major position of the first index outside [0, input.shape[axis]) and then writes nothing.
   */
  gather: row(
    [
      ['out', write],
      ['input', read],
      ['index', read],
      ['axis', number],
    ],
    {
      js: gather,
      encode: (tape, out, input, index, axis) =>
        indexed(tape, [out, beside(input, index, axis), index], 1, input, axis),
      mayStop: ({ input, index, axis }) => ({ index, length: input.shape[axis]! }),
      flops: () => 0,
    },
  ),

  /**
   * out[i, index[i, j, k], k] = source[i, j, k] for `axis` 1, likewise for others, in row-major order of `index`, or what is there combined
   * with it: added, multiplied, or the larger or smaller of both. `source` has index's shape and out's type. Returns as `gather` does.
   */
  scatter: row(
    [
      ['out', update],
      ['index', read],
      ['source', read],
      ['axis', number],
      ['mode', choice(scatterModes)],
    ],
    {
      js: scatter,
      encode: (tape, out, index, source, axis, mode) =>
        indexed(tape, [beside(out, index, axis), index, source], 0, out, axis, [scatterModes.indexOf(mode)]),
      mayStop: ({ out, index, axis }) => ({ index, length: out.shape[axis]! }),
      flops: () => 0,
    },
  ),

  /**
   * A fold along `axis` that keeps every partial result, in order: `cumsum` and `cumprod` in float64, `cummax` and `cummin` with the position
   * of the best so far (int32, the second output; the last of equal ones and of NaN, which wins), `logcumsumexp` (of floats), and `linear` (of
   * floats) with two inputs a and b: out[i] = a[i] * out[i - 1] + b[i], where the first is b[0]. Inputs have the type and shape of the
   * first output. For the other direction the operands are views with a negative stride.
   */
  scan: row(
    [
      ['kind', choice(scanKinds)],
      ['inputs', readAll],
      ['outputs', writeAll],
      ['axis', number],
    ],
    {
      js: scan,
      encode: (tape, kind, inputs, outputs, axis) =>
        within(tape, outputs[0]!.shape, [axis], [...inputs, ...outputs], null, [], [scanKinds.indexOf(kind)]),
      called: ({ kind }) => kind,
      mayStop: ({ outputs }) => outputs.length === 1 && holdsIntegers(outputs[0]!),
      flops: ({ inputs, outputs }) => inputs.length * sizeOf(outputs[0]!.shape),
    },
  ),

  /**
   * The first elements along `axis` in their order, as many as `values` (of input's type) and `indices` (int32) have room for, and where
   * each was. NaN is above all others; equal elements keep their order, whichever `order` is asked for.
   */
  sort: row(
    [
      ['values', write],
      ['indices', write],
      ['input', read],
      ['axis', number],
      ['order', choice(sortOrders)],
    ],
    {
      js: sort,
      encode: (tape, values, indices, input, axis, order) =>
        shortened(tape, [values, indices], input, axis, [sortOrders.indexOf(order), values.shape[axis]!]),
      mayStop: () => false,
      flops: () => 0,
    },
  ),

  /**
   * A decomposition of each matrix of a batch, or a system of equations with a triangular one: `factorAxes` says what goes in and out, and
   * how the sizes hang together. Inputs and outputs are floats, but for int32 pivots and numbers of what failed.
   */
  factor: row(
    [
      ['kind', choice(factorKinds)],
      ['inputs', readAll],
      ['outputs', writeAll],
    ],
    {
      js: factor,
      encode: (tape, kind, inputs, outputs) => factored(tape, kind, inputs, outputs),
      called: ({ kind }) => kind,
      mayStop: () => false,
      flops: ({ kind, inputs, outputs }) => {
        const { m, n, k } = factorSizes(kind, [...inputs, ...outputs]);
        return (sizeOf(inputs[0]!.shape) / Math.max(1, m)) * m * Math.max(n, k) * 2;
      },
    },
  ),

  /** Fills `out`, which is contiguous, and advances the stream (see `random-state.ts`). `p0` and `p1` are the kind's parameters. */
  random: row(
    [
      ['kind', choice(randomKinds)],
      ['state', state],
      ['out', write],
      ['p0', number],
      ['p1', number],
    ],
    {
      js: randomFill,
      encode: (tape, kind, state, out, p0, p1) => drawn(tape, randomKinds.indexOf(kind), state, out, p0, p1),
      called: ({ kind }) => kind,
      mayStop: () => false,
      flops: () => 0,
    },
  ),

  /** Stops, with 0, where the one element of `flag` (float64) is not 0: a check of values, which cannot throw from where it runs. */
  check: row([['flag', read]], {
    js: (flag) => (flag.storage.array('float64')[flag.offset] === 0 ? DONE : 0),
    encode: (tape, flag) => over(tape, flag.shape, [flag]),
    mayStop: () => true,
    flops: () => 0,
  }),

  /**
   * What all ranks do together with their buffers, in place: contiguous views of one element type, of the same sizes on every rank. `gather`
   * takes one buffer of as many equal parts as there are ranks, of which each has filled its own. `root` is whose buffers are broadcast. Sums
   * and the like follow a fixed tree over the ranks, but for `anySum`. The order of the exchanges on a channel is the same on all ranks.
   * What is `apart` goes on beside the instructions after it: nothing may touch the buffers before they are settled, by the same thread.
   */
  collective: row(
    [
      ['kind', choice(collectiveKinds)],
      ['channel', number],
      ['root', number],
      ['apart', flag],
      ['buffers', updateAll],
    ],
    {
      js: collective,
      encode: (tape, kind, channel, root, apart, buffers) =>
        exchanged(tape, [collectiveKinds.indexOf(kind), channel, root, Number(apart)], buffers),
      mayStop: () => false,
      flops: ({ kind, buffers }) =>
        kind === 'broadcast' || kind === 'gather' ? 0 : buffers.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    },
  ),

  /** Waits for what was begun with these buffers, and for all before it. */
  settle: row(
    [
      ['channel', number],
      ['buffers', updateAll],
    ],
    {
      js: settle,
      encode: (tape, channel, buffers) => exchanged(tape, [0, channel, 0, 0], buffers),
      mayStop: () => false,
      flops: () => 0,
    },
  ),
} as const;

type Rows = typeof instructions;

/** The names of the instructions. */
export type Op = keyof Rows;

/** The instructions as calls: what a core is asked for. */
export type InstructionSet = { readonly [op in Op]: Rows[op]['js'] };

/** A call as data, so that it can be looked at, rewritten, and run again. */
export type Instruction = { [op in Op]: { readonly op: op } & NamedOf<Rows[op]['fields']> }[Op];
export type MatmulInstruction = Extract<Instruction, { op: 'matmul' }>;
export type ConvolveInstruction = Extract<Instruction, { op: 'convolve' }>;

export const ops = Object.keys(instructions) as Op[];

const rows: Readonly<Record<Op, Row>> = instructions;

/** A field of an instruction, with its place among the arguments. */
interface Part {
  readonly name: string;
  readonly field: Field<unknown>;
  readonly place: number;
}

/**
 * The parts of which something is to be said, by instruction: whoever records, fuses and places thousands of instructions asks the same of each
 * again and again, and most parts have no answer.
 */
const partsWith = (has: (field: Field<unknown>) => boolean): Readonly<Record<Op, readonly Part[]>> =>
  Object.fromEntries(
    ops.map((op) => {
      const parts = rows[op].fields.map(([name, field], place): Part => ({ name, field, place }));
      return [op, parts.filter(({ field }) => has(field))];
    }),
  ) as Record<Op, Part[]>;

const all = partsWith(() => true);
const reading = partsWith(({ reads }) => reads !== undefined);
const writing = partsWith(({ writes }) => writes !== undefined);
const advancing = partsWith(({ state }) => state !== undefined);
const copying = partsWith(({ copy }) => copy !== undefined);
const movable = partsWith(({ over }) => over !== undefined);

const valueAt = (instruction: Instruction, { name }: Part): unknown =>
  (instruction as Readonly<Record<string, unknown>>)[name];

function instructionOf(op: Op, values: readonly unknown[]): Instruction {
  const made: Record<string, unknown> = { op };
  for (const { name, place } of all[op]) made[name] = values[place];
  return made as Instruction;
}

/** The values of an instruction in the order of calls. */
const valuesOf = (instruction: Instruction): unknown[] => all[instruction.op].map((part) => valueAt(instruction, part));

/** An instruction as both sides of the native seam must have it: its arguments, and the names that it knows by number. */
export const signatures: readonly string[] = ops.map((op) => {
  const { fields } = rows[op];
  const names = fields.flatMap(([, field]) => field.names ?? []);
  const signature = `${op}(${fields.map(([name]) => name).join(', ')})`;
  return names.length === 0 ? signature : `${signature} of ${names.join(', ')}`;
});

/** Calls of whatever `make` makes for an instruction. */
export const eachOp = (make: (op: Op, row: Row) => (...values: unknown[]) => number): InstructionSet =>
  Object.fromEntries(ops.map((op) => [op, make(op, rows[op])])) as InstructionSet;

/** Calls that hand every instruction on as data of its own, which later changes of the caller's arrays do not reach. */
export const asData = (run: (instruction: Instruction) => number): InstructionSet =>
  eachOp((op) => (...values) => {
    for (const { field, place } of copying[op]) values[place] = field.copy!(values[place]);
    return run(instructionOf(op, values));
  });

/** Runs one instruction at once. */
export function execute(core: InstructionSet, instruction: Instruction): number {
  const call = core[instruction.op] as (...values: unknown[]) => number;
  return call(...valuesOf(instruction));
}

/** The views that an instruction reads. A random stream's state is read and written too, but is no view: see `stateOf`. */
export const readsOf = (instruction: Instruction): readonly View[] =>
  viewsOf(instruction, reading[instruction.op], (field, value) => field.reads!(value));

/** The views that an instruction writes, whole or (scatter) in part. */
export const writesOf = (instruction: Instruction): readonly View[] =>
  viewsOf(instruction, writing[instruction.op], (field, value) => field.writes!(value));

function viewsOf(
  instruction: Instruction,
  parts: readonly Part[],
  viewsIn: (field: Field<unknown>, value: unknown) => readonly View[],
): readonly View[] {
  if (parts.length === 1) return viewsIn(parts[0]!.field, valueAt(instruction, parts[0]!));
  const views: View[] = [];
  for (const part of parts) for (const view of viewsIn(part.field, valueAt(instruction, part))) views.push(view);
  return views;
}

/** The state of the random stream that an instruction advances; null for one that draws nothing. */
export function stateOf(instruction: Instruction): Storage | null {
  for (const part of advancing[instruction.op]) return part.field.state!(valueAt(instruction, part));
  return null;
}

/** All memory that an instruction reads. */
export const storagesRead = (instruction: Instruction): Storage[] => storagesOf(instruction, readsOf(instruction));

/** All memory that an instruction writes. */
export const storagesWritten = (instruction: Instruction): Storage[] => storagesOf(instruction, writesOf(instruction));

function storagesOf(instruction: Instruction, views: readonly View[]): Storage[] {
  const storages = views.map(({ storage }) => storage);
  const state = stateOf(instruction);
  if (state !== null) storages.push(state);
  return storages;
}

/** The same instruction over other views, and with another state. */
export function withViews(
  instruction: Instruction,
  view: (view: View) => View,
  state: (state: Storage) => Storage = (same) => same,
): Instruction {
  const values = valuesOf(instruction);
  for (const { field, place } of movable[instruction.op]) values[place] = field.over!(values[place], view, state);
  return instructionOf(instruction.op, values);
}

/** What an error calls an instruction: the program that it runs, the kind of random numbers, or what it is itself. */
export const nameOf = (instruction: Instruction): string =>
  rows[instruction.op].called?.(instruction) ?? instruction.op;

/** Whether an instruction may find a value that it cannot go on with: an integer that does not fit, an index out of range, a failed check. */
export const mayStop = (instruction: Instruction): boolean | IndexBound => rows[instruction.op].mayStop(instruction);

/** The floating-point operations of an instruction. */
export const flopsOf = (instruction: Instruction): number => rows[instruction.op].flops(instruction);
