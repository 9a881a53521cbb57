import { unknownName } from '../arguments/unknown-name.js';
import { isRepeated, sameShape } from '../backend/view.js';
import { describe } from '../describe.js';
import { DTypeError, ShapeError, ValueError } from '../errors.js';
import { type Shape, show } from '../tensor/shape.js';
import { isTensor, shapeOf, type Tensor, viewOf } from '../tensor/tensor.js';
import { type Kept, shapeIn } from './rule.js';

// What an update takes for granted of the tensors and numbers that it gets: the core looks no more, and users can change all of them
// between steps. Errors name the optimizer, the parameter and the entry.

/** Refuses what cannot be a parameter. */
export function checkParameter(where: string, parameter: unknown): asserts parameter is Tensor {
  if (!isTensor(parameter)) throw new ValueError(`${where} must be a Tensor, got ${describe(parameter)}`);
  if (!parameter.isLeaf) throw new ValueError(`${where} is the result of an operation; only leaves can be optimized`);
  if (isRepeated(viewOf(parameter))) {
    throw new ValueError(`${where} is an expanded tensor, with one element in several places; clone() it first`);
  }
}

/** Whether a tensor has the shape and type of its parameter. */
export const isLike = (tensor: Tensor, parameter: Tensor): boolean =>
  tensor.dtype === parameter.dtype && sameShape(shapeOf(tensor), shapeOf(parameter));

/** Refuses a tensor that is not of the shape (or the one that is `due`) and type of its parameter. */
export function checkLike(
  where: string,
  what: string,
  tensor: Tensor,
  parameter: Tensor,
  wayOut: string,
  due: Shape = shapeOf(parameter),
): void {
  const own = shapeOf(tensor);
  if (!sameShape(own, due)) {
    const whole = show(shapeOf(parameter));
    const instead = sameShape(due, shapeOf(parameter)) ? '' : ` instead of ${show(due)}`;
    throw new ShapeError(`${where} has shape ${whole}, but its ${what} ${show(own)}${instead}; ${wayOut}`);
  }
  if (tensor.dtype !== parameter.dtype) {
    throw new DTypeError(`${where} is ${parameter.dtype}, but its ${what} ${tensor.dtype}; ${wayOut}`);
  }
}

/** Whether a state is what the optimizer keeps of this parameter: the usual case, without the words for an error. */
export function isStateOf(state: Readonly<Record<string, unknown>>, parameter: Tensor, rule: Kept): boolean {
  if (typeof state !== 'object' || rule.checkState !== undefined) return false;
  let found = 0;
  for (const name in rule.counters) {
    if (typeof state[name] !== 'number') return false;
    found++;
  }
  for (const name in rule.state) {
    if (!(name in state)) continue;
    const value = state[name];
    const due = shapeIn(rule.state[name]!, shapeOf(parameter));
    if (!isTensor(value) || value.dtype !== parameter.dtype || isRepeated(viewOf(value))) return false;
    if (due === null || !sameShape(shapeOf(value), due)) return false;
    found++;
  }
  for (const _ in state) found--;
  return found === 0;
}

/** Refuses a state that is not what the optimizer keeps of this parameter. */
export function checkState(where: string, state: unknown, parameter: Tensor, rule: Kept, wayOut: string): void {
  if (typeof state !== 'object' || state === null) {
    throw new ValueError(`${where}: its state must be an object, got ${describe(state)}`);
  }
  if (rule.checkState !== undefined) {
    rule.checkState(where, state, parameter);
    return;
  }
  const { counters, state: entries } = rule;
  for (const name in state) {
    if (Object.hasOwn(entries, name) || Object.hasOwn(counters, name)) continue;
    const known = [...Object.keys(counters), ...Object.keys(entries)];
    throw new ValueError(`${where}: its state: ${unknownName('entry', name, known)}`);
  }
  for (const name in counters) checkCounter(`${where}: its ${name}`, Reflect.get(state, name));
  for (const name in entries) {
    const value: unknown = Reflect.get(state, name);
    const due = shapeIn(entries[name]!, shapeOf(parameter));
    const orNull = entries[name]!.needs !== null || due === null;
    if (orNull && (value === null || value === undefined)) continue;
    if (due === null) throw new ValueError(`${where}: a parameter of its shape has no ${name}; ${wayOut}`);
    if (!isTensor(value)) {
      throw new ValueError(`${where}: its ${name} must be a Tensor${orNull ? ' or null' : ''}, got ${describe(value)}`);
    }
    checkLike(where, name, value, parameter, wayOut, due);
    if (isRepeated(viewOf(value))) {
      throw new ValueError(
        `${where}: its ${name} is an expanded tensor, with one element in several places; clone() it`,
      );
    }
  }
}

/** Refuses what is no number that counts. */
export function checkCounter(what: string, value: unknown): void {
  if (typeof value === 'number' && Number.isFinite(value)) return;
  throw new ValueError(`${what} must be a finite number, got ${describe(value)}`);
}
