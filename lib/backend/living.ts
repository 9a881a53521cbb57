import { backend } from './index.js';

/** All objects of a kind that are in use, so that they can be found; none is kept from being collected. */
export class Living<T extends object> implements Iterable<T> {
  readonly #list = backend.weakList<T>();
  readonly #forgotten = new WeakSet<T>();

  add(one: T): void {
    this.#list.add(one);
  }

  /** For what was never finished, so that nobody finds half of it. */
  forget(one: T): void {
    this.#forgotten.add(one);
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#list
      .values()
      .filter((one) => !this.#forgotten.has(one))
      .values();
  }
}
