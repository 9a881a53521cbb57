/** Places in a list, in ascending order. */
export class Places {
  readonly #all: number[] = [];

  add(place: number): void {
    const all = this.#all;
    // As a rule at the end.
    let i = all.push(place) - 1;
    for (; i > 0 && all[i - 1]! > place; i--) all[i] = all[i - 1]!;
    all[i] = place;
  }

  delete(place: number): void {
    const i = this.#countUpTo(place) - 1;
    this.#all.copyWithin(i, i + 1).pop();
  }

  /** The last one before `place`; -1 if there is none. */
  before(place: number): number {
    return this.#all[this.#countUpTo(place - 1) - 1] ?? -1;
  }

  /** The first one after `place`; infinity if there is none. */
  after(place: number): number {
    return this.#all[this.#countUpTo(place)] ?? Number.POSITIVE_INFINITY;
  }

  #countUpTo(place: number): number {
    const all = this.#all;
    let [low, high] = [0, all.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (all[middle]! <= place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
