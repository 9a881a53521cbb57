import { noGrad } from '../autograd/mode.js';
import type { Tensor } from '../tensor/tensor.js';

/**
 * The sum of what shards have, one after the other, in the tree in which ranks are added: (0 + 1) + (2 + 3); null where a shard has nothing. The
 * tensors given are the tree's, and some become sums. As many are kept as the tree is high.
 */
export class ShardTree {
  readonly #open: { readonly height: number; readonly sum: Tensor | null }[] = [];

  add(one: Tensor | null): void {
    this.#open.push({ height: 0, sum: one });
    while (this.#open.length > 1 && this.#open.at(-1)!.height === this.#open.at(-2)!.height) this.#join();
  }

  /** The sum of all. */
  total(): Tensor | null {
    while (this.#open.length > 1) this.#join();
    return this.#open[0]!.sum;
  }

  #join(): void {
    const right = this.#open.pop()!;
    const left = this.#open.pop()!;
    this.#open.push({ height: left.height + 1, sum: sumOf(left.sum, right.sum) });
  }
}

function sumOf(left: Tensor | null, right: Tensor | null): Tensor | null {
  if (left === null || right === null) return left ?? right;
  return noGrad(() => left.add_(right));
}
