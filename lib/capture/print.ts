import {
  dtypes,
  flopsOf,
  type Instruction,
  nameOf,
  readsOf,
  type Storage,
  sizeOf,
  stateOf,
  type View,
  writesOf,
} from '../backend/index.js';
import type { Arenas } from './arena.js';

/** What an instruction is called, and how an operand is: `in0`, `out1`, a parameter's name, or an address in an arena. */
export type NameOf = (storage: Storage) => string;

/** What is to say of an instruction. */
export interface InstructionText {
  readonly title: string;
  /** With element types and shapes. */
  readonly operands: string;
  /** How many it moves at least. */
  readonly bytes: number;
  /** Floating-point operations. */
  readonly flops: number;
}

export function describeInstruction(instruction: Instruction, memoryName: NameOf, arenas: Arenas): InstructionText {
  const operand = (view: View): string => {
    const place = `@${view.offset * dtypes[view.dtype].size}`;
    const where =
      view.storage === arenas.own
        ? place
        : view.storage === arenas.shared
          ? `shared${place}`
          : memoryName(view.storage);
    return `${where} ${view.dtype}[${view.shape.join(', ')}]`;
  };
  const state = stateOf(instruction);
  const reads = [...readsOf(instruction).map(operand), ...(state === null ? [] : [memoryName(state)])];
  const results = writesOf(instruction).map(operand);
  return {
    title: titleOf(instruction),
    operands: `${reads.join(', ')} -> ${results.join(', ') || 'stop'}`,
    bytes: bytesOf(instruction),
    flops: flopsOf(instruction),
  };
}

/** A program as text, a line per instruction. */
export function printProgram(instructions: readonly InstructionText[]): string {
  const rows = instructions.map(({ title, operands, bytes, flops }, i) => {
    return [`${i}`.padStart(3), title, operands, `${count(bytes)}B ${count(flops)}flop`];
  });
  const width = Math.max(0, ...rows.map(([, title]) => title!.length));
  return rows.map(([i, title, operands, cost]) => `${i} ${title!.padEnd(width)}  ${operands}  ${cost}`).join('\n');
}

function titleOf(instruction: Instruction): string {
  const name = nameOf(instruction);
  return name === instruction.op ? name : `${instruction.op} ${name}`;
}

function bytesOf(instruction: Instruction): number {
  return [...readsOf(instruction), ...writesOf(instruction)].reduce((sum, view) => sum + bytesIn(view), 0);
}

/** An axis along which a view is repeated is in memory once. */
const bytesIn = ({ shape, strides, dtype }: View): number =>
  sizeOf(shape.map((size, axis) => (strides[axis] === 0 ? Math.min(size, 1) : size))) * dtypes[dtype].size;

/** 1234 as `1.2 k`. */
export function count(n: number): string {
  const units = ['', 'k', 'M', 'G', 'T'];
  const unit = n < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(n) / 3));
  const value = n / 1000 ** unit;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
