import { Tensor } from '../tensor/tensor.js';

/** Anything made of arrays and plain objects, with tensors and other values in it. */
const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' &&
  value !== null &&
  (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null);

/** The same arrays and objects with every tensor replaced. */
export function mapTensors<T>(value: T, change: (tensor: Tensor) => unknown): T {
  if (value instanceof Tensor) return change(value) as T;
  if (Array.isArray(value)) return value.map((item) => mapTensors(item, change)) as T;
  if (!isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTensors(item, change)])) as T;
}

export function tensorsIn(value: unknown): Tensor[] {
  const found: Tensor[] = [];
  mapTensors(value, (tensor) => found.push(tensor));
  return found;
}

/**
 * What distinguishes one case of a captured function from another: how its arguments are nested, shapes and element types of the tensors,
 * and all else by value.
 */
export class Pattern {
  readonly #matches: (value: unknown, found: Tensor[]) => boolean;

  constructor(example: unknown) {
    this.#matches = matcher(example);
  }

  /** Whether a value is such; its tensors are put into `found`, in order. */
  matches(value: unknown, found: Tensor[]): boolean {
    found.length = 0;
    return this.#matches(value, found);
  }
}

type Matcher = (value: unknown, found: Tensor[]) => boolean;

function matcher(example: unknown): Matcher {
  if (example instanceof Tensor) return tensorMatcher(example);
  if (Array.isArray(example)) {
    const items = example.map(matcher);
    return (value, found) => {
      if (!Array.isArray(value) || value.length !== items.length) return false;
      for (let i = 0; i < items.length; i++) if (!items[i]!(value[i], found)) return false;
      return true;
    };
  }
  if (!isPlain(example)) return (value) => Object.is(value, example);
  const entries = Object.entries(example).map(([key, item]) => [key, matcher(item)] as const);
  return (value, found) =>
    isPlain(value) &&
    Object.keys(value).length === entries.length &&
    entries.every(([key, matches]) => Object.hasOwn(value, key) && matches(value[key], found));
}

function tensorMatcher({ shape, dtype }: Tensor): Matcher {
  return (value, found) => {
    if (!(value instanceof Tensor) || value.dtype !== dtype || value.shape.length !== shape.length) return false;
    for (let i = 0; i < shape.length; i++) if (value.shape[i] !== shape[i]) return false;
    found.push(value);
    return true;
  };
}
