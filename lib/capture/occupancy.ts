/** From one instruction to another, both included. */
export interface Span {
  readonly first: number;
  readonly last: number;
}

/**
 * Which bytes are taken at which instructions, as a segment tree over the instructions: a span comes to a few nodes, however long it is and
 * however much else lives at the time.
 */
export class Occupancy {
  readonly #leaves: number;
  /** By node what is taken at any of its instructions. */
  readonly #partly: (Ranges | undefined)[] = [];
  /** By node what is taken at all of its instructions, by spans that come to this node. */
  readonly #wholly: (Ranges | undefined)[] = [];

  constructor(instructions: number) {
    this.#leaves = 2 ** Math.ceil(Math.log2(Math.max(1, instructions)));
  }

  /** The lowest offset from which on `size` bytes are free all the time. */
  lowestGap(span: Span, size: number): number {
    const taken: Ranges[] = [];
    this.#walk(
      span,
      (node) => note(taken, this.#partly[node]),
      (node) => note(taken, this.#wholly[node]),
    );
    let offset = 0;
    for (let i = 0, fitting = 0; fitting < taken.length; i = (i + 1) % taken.length) {
      const next = taken[i]!.lowestGap(offset, size);
      fitting = next === offset ? fitting + 1 : 1;
      offset = next;
    }
    return offset;
  }

  add(span: Span, start: number, end: number): void {
    this.#walk(
      span,
      (node) => {
        addTo(this.#partly, node, start, end);
        addTo(this.#wholly, node, start, end);
      },
      (node) => addTo(this.#partly, node, start, end),
    );
  }

  /**
   * Node i has the parts 2i and 2i + 1.
   *
   * @param part is called with the largest nodes that a span consists of
   * @param above with the nodes above both ends: those of which the parts of a span are parts, and some of their own parts
   */
  #walk({ first, last }: Span, part: (node: number) => void, above: (node: number) => void): void {
    let low = first + this.#leaves;
    let high = last + this.#leaves + 1;
    for (; low < high; low >>= 1, high >>= 1) {
      if (low % 2 === 1) part(low++);
      if (high % 2 === 1) part(--high);
    }
    let a = (first + this.#leaves) >> 1;
    let b = (last + this.#leaves) >> 1;
    for (; a > 0; a >>= 1, b >>= 1) {
      above(a);
      if (b !== a) above(b);
    }
  }
}

function note(taken: Ranges[], ranges: Ranges | undefined): void {
  if (ranges !== undefined) taken.push(ranges);
}

function addTo(ranges: (Ranges | undefined)[], node: number, start: number, end: number): void {
  ranges[node] ??= new Ranges();
  ranges[node].add(start, end);
}

/** Ranges of bytes, ascending; those that touch are one. */
class Ranges {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  add(start: number, end: number): void {
    const first = countBelow(this.#ends, start);
    const count = this.#starts.length;
    if (first === count) {
      this.#starts.push(start);
      this.#ends.push(end);
      return;
    }
    let behind = first;
    while (behind < count && this.#starts[behind]! <= end) behind++;
    if (behind === first) {
      this.#starts.splice(first, 0, start);
      this.#ends.splice(first, 0, end);
      return;
    }
    if (start < this.#starts[first]!) this.#starts[first] = start;
    this.#ends[first] = Math.max(end, this.#ends[behind - 1]!);
    if (behind - first === 1) return;
    this.#starts.splice(first + 1, behind - first - 1);
    this.#ends.splice(first + 1, behind - first - 1);
  }

  /** The lowest offset, from `offset` on, at which nothing of `size` bytes is taken. */
  lowestGap(offset: number, size: number): number {
    let lowest = offset;
    for (let i = countBelow(this.#ends, offset + 1); i < this.#starts.length; i++) {
      if (this.#starts[i]! - lowest >= size) break;
      lowest = this.#ends[i]!;
    }
    return lowest;
  }
}

/** How many of the ascending values are less than `limit`. */
function countBelow(values: readonly number[], limit: number): number {
  let low = 0;
  let high = values.length;
  // Memory is mostly taken from the start on: as a rule it is all, or none.
  if (high === 0 || values[high - 1]! < limit) return high;
  if (values[0]! >= limit) return 0;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
