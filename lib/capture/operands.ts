import type { Instruction, Storage, View } from '../backend/index.js';

/** The views that an instruction reads. A random stream's state is read and written too, but is no view: see `stateOf`. */
export function readsOf(instruction: Instruction): readonly View[] {
  switch (instruction.op) {
    case 'map':
    case 'fold':
      return instruction.inputs;
    case 'matmul':
      return [instruction.a, instruction.b, ...(instruction.epilogue?.inputs ?? [])];
    case 'gather':
      return [instruction.input, instruction.index];
    case 'scatter':
      return [instruction.out, instruction.index, instruction.source];
    case 'random':
      return [];
    case 'check':
      return [instruction.flag];
  }
}

/** The views that an instruction writes, whole or (scatter) in part. */
export function writesOf(instruction: Instruction): readonly View[] {
  switch (instruction.op) {
    case 'map':
    case 'fold':
    case 'matmul':
      return instruction.outputs;
    case 'gather':
    case 'scatter':
    case 'random':
      return [instruction.out];
    case 'check':
      return [];
  }
}

export const stateOf = (instruction: Instruction): Storage | null =>
  instruction.op === 'random' ? instruction.state : null;
