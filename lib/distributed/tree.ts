import { noGrad } from '../autograd/mode.js';
import type { Tensor } from '../tensor/tensor.js';

/** Tensors of one shard, by their places; null where it has none. */
export type Values = (Tensor | null)[];

/**
 * Sums of shards that come one after the other, in the tree in which ranks are added: (0 + 1) + (2 + 3). The tensors given are the tree's, and
 * some become sums. As much is kept as the tree is high.
 */
export class ShardTree {
  readonly #open: { readonly height: number; readonly values: Values }[] = [];

  add(values: Values): void {
    this.#open.push({ height: 0, values });
    while (this.#open.length > 1 && this.#open.at(-1)!.height === this.#open.at(-2)!.height) this.#join();
  }

  /** The sums of all. */
  total(): Values {
    while (this.#open.length > 1) this.#join();
    return this.#open[0]!.values;
  }

  #join(): void {
    const right = this.#open.pop()!;
    const left = this.#open.pop()!;
    const values = left.values.map((one, i) => sum(one, right.values[i] ?? null));
    this.#open.push({ height: left.height + 1, values });
  }
}

function sum(left: Tensor | null, right: Tensor | null): Tensor | null {
  if (left === null || right === null) return left ?? right;
  return noGrad(() => left.add_(right));
}
