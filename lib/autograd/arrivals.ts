import { isTensor, leafHooksOf, peekGrad, storageOf, type Tensor } from '../tensor/tensor.js';
import type { Node } from './node.js';

/** Is told of a leaf within a pass, when nothing more will come for it, and nothing else in the pass needs the memory of its gradient. */
export type ArrivalListener = (leaf: Tensor) => void;

let listener: ArrivalListener | null = null;

/** Tells of leaves in the first pass within `pass`, those that can be told of before its end. */
export function withArrivals(told: ArrivalListener, pass: () => void): void {
  listener = told;
  try {
    pass();
  } finally {
    listener = null;
  }
}

/** Which leaves a pass has brought all that it will. */
export class Arrivals {
  readonly #order: readonly Node[];
  readonly #tell: ArrivalListener;
  /** Through how many edges something may still come. */
  readonly #open = new Map<Tensor, number>();

  private constructor(order: readonly Node[], tell: ArrivalListener) {
    this.#order = order;
    this.#tell = tell;
    for (const leaf of order.flatMap(leavesOf)) this.#open.set(leaf, (this.#open.get(leaf) ?? 0) + 1);
  }

  /** Null where nobody wants to know. Functions of the user's may start passes of their own, or look at any gradient: then leaves are left for the end. */
  static of(order: readonly Node[]): Arrivals | null {
    const told = listener;
    listener = null;
    if (told === null || order.some(({ hooks, rule }) => hooks !== null || rule.isForeign === true)) return null;
    return new Arrivals(order, told);
  }

  /** The node at `place` has passed on what it got, if anything. */
  passed(place: number): void {
    for (const leaf of leavesOf(this.#order[place]!)) {
      const left = this.#open.get(leaf)! - 1;
      this.#open.set(leaf, left);
      if (left === 0 && leafHooksOf(leaf) === null && !this.#isPending(leaf, place)) this.#tell(leaf);
    }
  }

  #isPending(leaf: Tensor, place: number): boolean {
    const gradient = peekGrad(leaf);
    if (gradient === null) return true;
    const memory = storageOf(gradient);
    for (let i = place + 1; i < this.#order.length; i++) {
      const { pending } = this.#order[i]!;
      if (pending !== null && storageOf(pending) === memory) return true;
    }
    return false;
  }
}

const leavesOf = ({ edges }: Node): Tensor[] => edges.filter((edge) => edge !== null && isTensor(edge)) as Tensor[];
