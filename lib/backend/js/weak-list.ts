import type { WeakList } from '../backend.js';

/** Where there is no core that knows of weak references, JavaScript's own: what is added stays at least until JavaScript yields. */
export class JsWeakList<T extends object> implements WeakList<T> {
  readonly #references = new Set<WeakRef<T>>();
  readonly #collected = new FinalizationRegistry<WeakRef<T>>((reference) => this.#references.delete(reference));

  add(one: T): void {
    const reference = new WeakRef(one);
    this.#references.add(reference);
    this.#collected.register(one, reference);
  }

  values(): T[] {
    return [...this.#references].flatMap((reference) => reference.deref() ?? []);
  }
}
