/** Places in a list, in ascending order. */
export class Places {
  /** Null where there are none: most lists are of one place, and V8 gives an empty array that grows room for 17. */
  #all: number[] | null = null;

  add(place: number): void {
    const all = this.#all;
    if (all === null) {
      this.#all = [place];
      return;
    }
    // As a rule at the end.
    let i = all.push(place) - 1;
    for (; i > 0 && all[i - 1]! > place; i--) all[i] = all[i - 1]!;
    all[i] = place;
  }

  delete(place: number): void {
    const all = this.#all!;
    for (let i = this.#countUpTo(place); i < all.length; i++) all[i - 1] = all[i]!;
    all.pop();
  }

  /** The last one before `place`; -1 if there is none. */
  before(place: number): number {
    const count = this.#countUpTo(place - 1);
    return count === 0 ? -1 : this.#all![count - 1]!;
  }

  /** The first one after `place`; infinity if there is none. */
  after(place: number): number {
    const count = this.#countUpTo(place);
    return this.#all === null || count === this.#all.length ? Number.POSITIVE_INFINITY : this.#all[count]!;
  }

  #countUpTo(place: number): number {
    const all = this.#all;
    if (all === null) return 0;
    let low = 0;
    let high = all.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (all[middle]! <= place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
