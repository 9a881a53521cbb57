import { type Backend, DONE, type Epilogue, type RandomKind, type ScatterMode } from './backend.js';
import type { Program } from './program.js';
import type { Storage } from './storage.js';
import type { View } from './view.js';

/** A call of the instruction set as data, so that it can be looked at, rewritten, and run again. `Backend` says what each means. */
export type Instruction =
  | MapInstruction
  | RowInstruction
  | MatmulInstruction
  | GatherInstruction
  | ScatterInstruction
  | RandomInstruction
  | CheckInstruction;

interface ProgramCall {
  readonly program: Program;
  readonly params: readonly number[];
  readonly inputs: readonly View[];
  readonly outputs: readonly View[];
}

export interface MapInstruction extends ProgramCall {
  readonly op: 'map';
}

/** A `fold`: its program runs row by row. */
export interface RowInstruction extends ProgramCall {
  readonly op: 'fold';
  readonly shape: readonly number[];
  readonly axes: readonly number[];
}

export interface MatmulInstruction {
  readonly op: 'matmul';
  readonly a: View;
  readonly b: View;
  readonly outputs: readonly View[];
  readonly epilogue: Epilogue | null;
}

export interface GatherInstruction {
  readonly op: 'gather';
  readonly out: View;
  readonly input: View;
  readonly index: View;
  readonly axis: number;
}

export interface ScatterInstruction {
  readonly op: 'scatter';
  readonly out: View;
  readonly index: View;
  readonly source: View;
  readonly axis: number;
  readonly mode: ScatterMode;
}

export interface RandomInstruction {
  readonly op: 'random';
  readonly kind: RandomKind;
  readonly state: Storage;
  /** Contiguous. */
  readonly out: View;
  readonly p0: number;
  readonly p1: number;
}

/** Stops where the one element of `flag` (float64) is not 0: a check of values, which cannot throw from where it runs. */
export interface CheckInstruction {
  readonly op: 'check';
  readonly flag: View;
}

/** Where a run of instructions stopped: at which one, and what that returned: a position of the index, or `MISFIT`. */
export interface Stop {
  readonly instruction: number;
  readonly position: number;
}

/**
 * Instructions made ready to run many times. Some of the storages that they name are ports: each run says which memory stands in for
 * them, by a view whose first element is where the port's storage starts.
 */
export interface Executable {
  /** Runs all instructions in order, or up to the one that finds an index or a value it cannot go on with. */
  run(ports: readonly View[]): Stop | null;

  /** Runs `steps` times off this thread. One run at a time. The memory of `ports`, `feeds` and `order` must stay as it is until the promise is settled. */
  start(loop: Loop): Promise<Stop | null>;
}

/** What a run of many steps takes: ports that stay, ports that are filled anew before each step, and what is collected after it. */
export interface Loop {
  readonly steps: number;
  /** For every port the memory that stands in for it; that of fed ones is written to. */
  readonly ports: readonly View[];
  readonly feeds: readonly Feed[];
  /** Rows (int32, contiguous) in the order in which feeds take them: `batchSize` for each step. */
  readonly order: View;
  readonly batchSize: number;
  /** One element, float32 or float64, whose value after step i becomes element i of `history` (float64). */
  readonly watched: View;
  readonly history: Storage;
  /** Shared with the thread that runs: [not 0 to stop after the step under way, steps done]. */
  readonly control: Int32Array;
}

/** Before each step, row j of `port` becomes row order[j] of `rows`; both are contiguous and the axis of rows is the first. */
export interface Feed {
  readonly port: number;
  readonly rows: View;
}

/** Runs one instruction at once; returns as `Backend` does, and for a failed check 0. */
export function execute(backend: Backend, instruction: Instruction): number {
  switch (instruction.op) {
    case 'map':
      return backend.map(instruction.program, instruction.params, instruction.inputs, instruction.outputs);
    case 'fold': {
      const { program, params, inputs, outputs, shape, axes } = instruction;
      return backend.fold(program, params, inputs, outputs, shape, axes);
    }
    case 'matmul':
      return backend.matmul(instruction.a, instruction.b, instruction.outputs, instruction.epilogue);
    case 'gather':
      return backend.gather(instruction.out, instruction.input, instruction.index, instruction.axis);
    case 'scatter': {
      const { out, index, source, axis, mode } = instruction;
      return backend.scatter(out, index, source, axis, mode);
    }
    case 'random': {
      const { kind, state, out, p0, p1 } = instruction;
      backend.random(
        kind,
        state,
        out.storage,
        out.dtype,
        out.offset,
        out.shape.reduce((a, b) => a * b, 1),
        p0,
        p1,
      );
      return DONE;
    }
    case 'check':
      return instruction.flag.storage.array('float64')[instruction.flag.offset] === 0 ? DONE : 0;
  }
}

/** The same instruction over other views. A random stream's state is no view, and stays. */
export function withViews(instruction: Instruction, change: (view: View) => View): Instruction {
  switch (instruction.op) {
    case 'map':
    case 'fold':
      return { ...instruction, inputs: instruction.inputs.map(change), outputs: instruction.outputs.map(change) };
    case 'matmul': {
      const { a, b, outputs, epilogue } = instruction;
      const changed = epilogue === null ? null : { ...epilogue, inputs: epilogue.inputs.map(change) };
      return { ...instruction, a: change(a), b: change(b), outputs: outputs.map(change), epilogue: changed };
    }
    case 'gather': {
      const { out, input, index } = instruction;
      return { ...instruction, out: change(out), input: change(input), index: change(index) };
    }
    case 'scatter': {
      const { out, index, source } = instruction;
      return { ...instruction, out: change(out), index: change(index), source: change(source) };
    }
    case 'random':
      return { ...instruction, out: change(instruction.out) };
    case 'check':
      return { ...instruction, flag: change(instruction.flag) };
  }
}
