import { describe } from '../describe.js';
import { ValueError } from '../errors.js';
import type { Operand } from './promotion.js';
import { Tensor } from './tensor.js';

// What an operation is given, looked at before it does anything. `name` is what errors call the argument: 'the input', 'alpha'.

/** Refuses what is not a tensor, where there is nothing else to be given. */
export function requireTensor(op: string, value: unknown): asserts value is Tensor {
  if (!(value instanceof Tensor)) throw new ValueError(`${op}: expected a Tensor, got ${describe(value)}`);
}

/** Refuses what is not a tensor. */
export function checkTensor(op: string, name: string, value: unknown): asserts value is Tensor {
  if (!(value instanceof Tensor)) throw new ValueError(`${op}: ${name} must be a Tensor, got ${describe(value)}`);
}

/** Refuses what is not a number. NaN and the infinities are. */
export function checkNumber(op: string, name: string, value: unknown): asserts value is number {
  if (typeof value !== 'number') throw new ValueError(`${op}: ${name} must be a number, got ${describe(value)}`);
}

/** Refuses what is neither a tensor nor a number. */
export function checkOperand(op: string, name: string, value: unknown): asserts value is Operand {
  if (typeof value === 'number' || value instanceof Tensor) return;
  throw new ValueError(`${op}: ${name} must be a Tensor or a number, got ${describe(value)}`);
}

/** Refuses a number that is not finite. */
export function checkFinite(op: string, name: string, value: unknown): asserts value is number {
  if (!Number.isFinite(value)) throw new ValueError(`${op}: ${name} must be a finite number, got ${describe(value)}`);
}
