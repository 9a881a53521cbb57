/** All objects of a kind that are in use, so that they can be found; none is kept from being collected. */
export class Living<T extends object> implements Iterable<T> {
  readonly #references = new Set<WeakRef<T>>();
  readonly #of = new WeakMap<T, WeakRef<T>>();
  readonly #collected = new FinalizationRegistry<WeakRef<T>>((reference) => this.#references.delete(reference));

  add(one: T): void {
    const reference = new WeakRef(one);
    this.#references.add(reference);
    this.#of.set(one, reference);
    this.#collected.register(one, reference);
  }

  /** For what was never finished, so that nobody finds half of it. */
  forget(one: T): void {
    const reference = this.#of.get(one);
    if (reference !== undefined) this.#references.delete(reference);
  }

  *[Symbol.iterator](): Iterator<T> {
    for (const reference of this.#references) {
      const one = reference.deref();
      if (one !== undefined) yield one;
    }
  }
}
