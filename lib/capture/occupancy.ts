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
    for (const node of this.#parts(span)) if (this.#partly[node] !== undefined) taken.push(this.#partly[node]);
    for (const node of this.#above(span)) if (this.#wholly[node] !== undefined) taken.push(this.#wholly[node]);
    let offset = 0;
    for (let i = 0, fitting = 0; fitting < taken.length; i = (i + 1) % taken.length) {
      const next = taken[i]!.lowestGap(offset, size);
      fitting = next === offset ? fitting + 1 : 1;
      offset = next;
    }
    return offset;
  }

  add(span: Span, start: number, end: number): void {
    for (const node of this.#parts(span)) {
      addTo(this.#partly, node, start, end);
      addTo(this.#wholly, node, start, end);
    }
    for (const node of this.#above(span)) addTo(this.#partly, node, start, end);
  }

  /** The largest nodes that a span consists of. Node i has the parts 2i and 2i + 1. */
  #parts({ first, last }: Span): number[] {
    const nodes: number[] = [];
    let [low, high] = [first + this.#leaves, last + this.#leaves + 1];
    for (; low < high; low >>= 1, high >>= 1) {
      if (low % 2 === 1) nodes.push(low++);
      if (high % 2 === 1) nodes.push(--high);
    }
    return nodes;
  }

  /** The nodes above both ends: those of which the parts of a span are parts, and some of their own parts. */
  #above({ first, last }: Span): number[] {
    const nodes: number[] = [];
    let [a, b] = [(first + this.#leaves) >> 1, (last + this.#leaves) >> 1];
    for (; a > 0; a >>= 1, b >>= 1) {
      nodes.push(a);
      if (b !== a) nodes.push(b);
    }
    return nodes;
  }
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
    let behind = first;
    while (behind < this.#starts.length && this.#starts[behind]! <= end) behind++;
    if (behind === first) {
      this.#starts.splice(first, 0, start);
      this.#ends.splice(first, 0, end);
      return;
    }
    this.#starts[first] = Math.min(start, this.#starts[first]!);
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
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
