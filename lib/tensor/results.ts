import { inspect } from 'node:util';
import type { Tensor } from './tensor.js';

/** The same by position, as array patterns and indices read it. */
type Positions<N extends readonly string[]> = {
  readonly [I in keyof N as I extends `${number}` | 'length' ? I : never]: I extends 'length' ? N[I] : Tensor;
};

/**
 * Several results of one operation, under the names that PyTorch gives them and in its order: `const { values, indices } = x.max(1)`,
 * `const [values, indices] = x.max(1)`, `x.max(1)[0]`.
 */
export type Results<N extends readonly string[]> = { readonly [K in N[number]]: Tensor } & Positions<N> &
  Iterable<Tensor>;

/** What `results` makes. Its own visible properties are the names; positions are there beside them. */
export class NamedResults<T = unknown> implements Iterable<T> {
  readonly #operation: string;
  readonly #tensors: readonly T[];

  constructor(operation: string, names: readonly string[], tensors: readonly T[]) {
    this.#operation = operation;
    this.#tensors = tensors;
    Object.defineProperty(this, 'length', { value: tensors.length });
    for (const [i, value] of tensors.entries()) Object.defineProperty(this, i, { value });
    for (const [i, name] of names.entries()) Object.defineProperty(this, name, { value: tensors[i], enumerable: true });
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#tensors[Symbol.iterator]();
  }

  /** Results of the same operation, each made from the one here. */
  map<U>(change: (tensor: T) => U): NamedResults<U> {
    return new NamedResults(this.#operation, Object.keys(this), this.#tensors.map(change));
  }

  toString(): string {
    const lines = Object.entries(this).map(([name, tensor]) => `${name}=${tensor}`);
    return `${this.#operation}(\n${lines.join(',\n')})`;
  }

  /** As PyTorch prints a tuple with names. @internal */
  [inspect.custom](): string {
    return this.toString();
  }
}

/** Results by the names of `names`, in their order. */
export const results = <const N extends readonly string[]>(
  operation: string,
  names: N,
  tensors: { readonly [I in keyof N]: Tensor },
): Results<N> => new NamedResults(operation, names, tensors) as object as Results<N>;
