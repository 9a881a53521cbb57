import { backend } from './index.js';

/** All objects of a kind that are in use, so that they can be found; none is kept from being collected. */
export class Living<T extends object> implements Iterable<T> {
  readonly #list = backend.weakList<T>();
  #forgotten: WeakSet<T> | null = null;

  /** How many have been added. */
  added = 0;

  add(one: T): void {
    this.added++;
    this.#list.add(one);
  }

  /** For what was never finished, so that nobody finds half of it. */
  forget(one: T): void {
    this.#forgotten ??= new WeakSet();
    this.#forgotten.add(one);
  }

  [Symbol.iterator](): Iterator<T> {
    const [all, forgotten] = [this.#list.values(), this.#forgotten];
    return (forgotten === null ? all : all.filter((one) => !forgotten.has(one))).values();
  }
}
