import { isBool } from '../backend/dtype.js';
import { isRepeated, sameShape } from '../backend/view.js';
import { describe } from '../describe.js';
import { DTypeError, ShapeError, ValueError } from '../errors.js';
import { checkBoolean, unknownName } from '../options.js';
import { show } from '../tensor/shape.js';
import { shapeOf, Tensor, viewOf } from '../tensor/tensor.js';

// What an update takes for granted of the tensors and numbers that it gets: the core looks no more, and users can change all of them
// between steps. Errors name the optimizer, the parameter and the entry.

/** Entries of a state: tensors of their parameter's shape and type, or (where true) null until a step makes one. */
export type StateEntries<S> = { readonly [K in keyof S]-?: { readonly orNull: boolean } };

/**
 * Refuses options of another kind than their defaults, numbers or booleans. A rate may be a tensor of one element.
 *
 * @param where what an error starts with; asked for only then
 */
export function checkOptionTypes(where: () => string, options: object, defaults: object): void {
  const [given, kinds] = [options as Record<string, unknown>, defaults as Record<string, unknown>];
  for (const name in kinds) {
    const value = given[name];
    if (typeof kinds[name] === 'boolean') {
      if (typeof value !== 'boolean') checkBoolean(where(), name, value);
    } else if (!isNumber(name, value)) {
      const what = name === 'lr' ? 'a number, or a tensor of one' : 'a number';
      throw new ValueError(`${where()}: ${name} must be ${what}, got ${shown(value)}`);
    }
  }
}

const isNumber = (name: string, value: unknown): boolean =>
  typeof value === 'number'
    ? !Number.isNaN(value)
    : name === 'lr' && value instanceof Tensor && value.numel() === 1 && !isBool(value.dtype);

const shown = (value: unknown): string =>
  value instanceof Tensor ? `a ${value.dtype} tensor of shape ${show(value.shape)}` : describe(value);

/** Refuses what cannot be a parameter. */
export function checkParameter(where: string, parameter: unknown): asserts parameter is Tensor {
  if (!(parameter instanceof Tensor)) throw new ValueError(`${where} must be a Tensor, got ${describe(parameter)}`);
  if (!parameter.isLeaf) throw new ValueError(`${where} is the result of an operation; only leaves can be optimized`);
  if (isRepeated(viewOf(parameter))) {
    throw new ValueError(`${where} is an expanded tensor, with one element in several places; clone() it first`);
  }
}

/** Whether a tensor has the shape and type of its parameter. */
export const isLike = (tensor: Tensor, parameter: Tensor): boolean =>
  tensor.dtype === parameter.dtype && sameShape(shapeOf(tensor), shapeOf(parameter));

/** Refuses a tensor that is not of the shape and type of its parameter. */
export function checkLike(where: string, what: string, tensor: Tensor, parameter: Tensor, wayOut: string): void {
  const [own, whole] = [shapeOf(tensor), shapeOf(parameter)];
  if (!sameShape(own, whole)) {
    throw new ShapeError(`${where} has shape ${show(whole)}, but its ${what} ${show(own)}; ${wayOut}`);
  }
  if (tensor.dtype !== parameter.dtype) {
    throw new DTypeError(`${where} is ${parameter.dtype}, but its ${what} ${tensor.dtype}; ${wayOut}`);
  }
}

/** Refuses a state that is not what the optimizer keeps of this parameter. */
export function checkState(
  where: string,
  state: unknown,
  parameter: Tensor,
  entries: StateEntries<object>,
  wayOut: string,
): void {
  if (typeof state !== 'object' || state === null) {
    throw new ValueError(`${where}: its state must be an object, got ${describe(state)}`);
  }
  for (const name in state) {
    if (!Object.hasOwn(entries, name)) {
      throw new ValueError(`${where}: its state: ${unknownName('entry', name, Object.keys(entries))}`);
    }
  }
  for (const name in entries) {
    const value: unknown = Reflect.get(state, name);
    const { orNull } = Reflect.get(entries, name) as { orNull: boolean };
    if (orNull && (value === null || value === undefined)) continue;
    if (!(value instanceof Tensor)) {
      throw new ValueError(`${where}: its ${name} must be a Tensor${orNull ? ' or null' : ''}, got ${describe(value)}`);
    }
    checkLike(where, name, value, parameter, wayOut);
    if (isRepeated(viewOf(value))) {
      throw new ValueError(
        `${where}: its ${name} is an expanded tensor, with one element in several places; clone() it`,
      );
    }
  }
}
