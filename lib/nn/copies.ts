import { types } from 'node:util';
import { AutogradError } from '../errors.js';
import { isPlainObject, typedArrayName } from '../realm.js';
import { isTensor, type Tensor } from '../tensor/tensor.js';
import { isParameter, Parameter } from './parameter.js';

/** What an object has that knows how to make a copy of itself. */
export const COPY = Symbol('copy');

interface Copied {
  [COPY](copies: Copies): object;
}

const copiesItself = (value: object): value is Copied => COPY in value;

/**
 * Deep copies, as Python's `deepcopy` makes them: what is in several places is copied once. Tensors, modules, arrays, typed arrays, plain
 * objects, maps and sets are copied; functions and objects of other classes are not.
 */
export class Copies {
  readonly #made = new Map<object, object>();

  of<T>(value: T): T {
    if (typeof value !== 'object' || value === null) return value;
    return (this.#made.get(value) ?? this.#copy(value)) as T;
  }

  /** Notes the copy of an object before its parts are copied, as these may know of it. */
  note<T extends object>(value: object, copy: T): T {
    this.#made.set(value, copy);
    return copy;
  }

  /** Copies the properties of one object to another, which it returns. */
  properties<T extends object>(from: object, to: T): T {
    for (const key of Reflect.ownKeys(from)) {
      const descriptor = Object.getOwnPropertyDescriptor(from, key)!;
      if ('value' in descriptor) descriptor.value = this.of(descriptor.value);
      Object.defineProperty(to, key, descriptor);
    }
    return to;
  }

  #copy(value: object): object {
    if (isTensor(value)) return this.note(value, copyOf(value));
    if (copiesItself(value)) return value[COPY](this);
    if (typedArrayName(value) !== undefined) return this.note(value, structuredClone(value));
    if (types.isMap(value)) return this.#mapOf(value);
    if (types.isSet(value)) return this.#setOf(value);
    if (!Array.isArray(value) && !isPlainObject(value)) return value;
    const empty = Array.isArray(value) ? [] : (Object.create(Object.getPrototypeOf(value) as object | null) as object);
    return this.properties(value, this.note(value, empty));
  }

  #mapOf(value: ReadonlyMap<unknown, unknown>): Map<unknown, unknown> {
    const copy = this.note(value, new Map<unknown, unknown>());
    for (const [key, item] of value) copy.set(this.of(key), this.of(item));
    return copy;
  }

  #setOf(value: ReadonlySet<unknown>): Set<unknown> {
    const copy = this.note(value, new Set<unknown>());
    for (const item of value) copy.add(this.of(item));
    return copy;
  }
}

/** A tensor with values of its own. Its gradient stays where it is. */
function copyOf(x: Tensor): Tensor {
  if (!x.isLeaf) {
    throw new AutogradError(
      'clone: a module has the result of an operation, which belongs to the graph of its inputs; keep x.detach() instead',
    );
  }
  const values = x.detach().clone();
  return isParameter(x) ? new Parameter(values, x.requiresGrad) : values.requiresGrad_(x.requiresGrad);
}
