import {
  dtypes,
  type Instruction,
  type MicroInstruction,
  type Program,
  type Storage,
  sizeOf,
  type View,
} from '../backend/index.js';
import { readsOf, stateOf, writesOf } from './operands.js';

/** What an instruction is called, and how an operand is: `in0`, `out1`, a parameter's name, or an address in the arena. */
export type NameOf = (storage: Storage) => string;

/**
 * A program as text, a line per instruction: what it does, its operands with element types and shapes, the bytes it moves at least and
 * its floating-point operations.
 */
export function printProgram(instructions: readonly Instruction[], nameOf: NameOf, arena: Storage): string {
  const operand = (view: View): string => {
    const where = view.storage === arena ? `@${view.offset * dtypes[view.dtype].size}` : nameOf(view.storage);
    return `${where} ${view.dtype}[${view.shape.join(', ')}]`;
  };
  const rows = instructions.map((instruction, i) => {
    const state = stateOf(instruction);
    const reads = [...readsOf(instruction).map(operand), ...(state === null ? [] : [nameOf(state)])];
    const results = writesOf(instruction).map(operand);
    const cost = `${count(bytesOf(instruction))}B ${count(flopsOf(instruction))}flop`;
    return [`${i}`.padStart(3), titleOf(instruction), `${reads.join(', ')} -> ${results.join(', ') || 'stop'}`, cost];
  });
  const width = Math.max(0, ...rows.map(([, title]) => title!.length));
  return rows.map(([i, title, operands, cost]) => `${i} ${title!.padEnd(width)}  ${operands}  ${cost}`).join('\n');
}

function titleOf(instruction: Instruction): string {
  switch (instruction.op) {
    case 'map':
      return `map ${instruction.program.name}`;
    case 'fold':
      return `fold ${instruction.program.name}`;
    case 'matmul':
      return instruction.epilogue === null ? 'matmul' : `matmul, ${instruction.epilogue.program.name}`;
    case 'random':
      return `random ${instruction.kind}`;
    default:
      return instruction.op;
  }
}

function bytesOf(instruction: Instruction): number {
  return [...readsOf(instruction), ...writesOf(instruction)].reduce((sum, view) => sum + bytesIn(view), 0);
}

/** An axis along which a view is repeated is in memory once. */
const bytesIn = ({ shape, strides, dtype }: View): number =>
  sizeOf(shape.map((size, axis) => (strides[axis] === 0 ? Math.min(size, 1) : size))) * dtypes[dtype].size;

function flopsOf(instruction: Instruction): number {
  switch (instruction.op) {
    case 'map':
      return opsPerElement(instruction.program) * sizeOf(instruction.outputs[0]!.shape);
    case 'fold':
      return opsPerElement(instruction.program) * sizeOf(instruction.shape);
    case 'matmul': {
      const size = sizeOf(instruction.outputs[0]!.shape);
      const epilogue = instruction.epilogue === null ? 0 : opsPerElement(instruction.epilogue.program);
      return size * (2 * instruction.a.shape.at(-1)! + epilogue);
    }
    default:
      return 0;
  }
}

function opsPerElement({ resident }: Program): number {
  const computes = ({ op }: MicroInstruction) => op !== 'copy' && op !== 'expand';
  return resident.reduce((sum, { elements, folds }) => sum + elements.filter(computes).length + folds.length, 0);
}

/** 1234 as `1.2 k`. */
export function count(n: number): string {
  const units = ['', 'k', 'M', 'G', 'T'];
  const unit = n < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(n) / 3));
  const value = n / 1000 ** unit;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
