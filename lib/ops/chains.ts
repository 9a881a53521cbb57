import { ShapeError } from '../errors.js';
import { requireOneType } from '../tensor/check.js';
import { show } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { tensorsOf } from './operands.js';
import { matmul } from './products.js';

// Products of several matrices, in the order that takes the fewest multiplications.

/** Where to split the product of matrices i to j, by dynamic programming over the sizes between them. */
function splits(sizes: readonly number[]): number[][] {
  const count = sizes.length - 1;
  const costs = Array.from({ length: count }, () => new Array<number>(count).fill(0));
  const best = Array.from({ length: count }, () => new Array<number>(count).fill(0));
  for (let length = 1; length < count; length++) {
    for (let i = 0; i + length < count; i++) {
      const j = i + length;
      costs[i]![j] = Number.POSITIVE_INFINITY;
      for (let k = i; k < j; k++) {
        const cost = costs[i]![k]! + costs[k + 1]![j]! + sizes[i]! * sizes[k + 1]! * sizes[j + 1]!;
        if (cost < costs[i]![j]!) [costs[i]![j], best[i]![j]] = [cost, k];
      }
    }
  }
  return best;
}

/** The product of matrices that fit each other. */
export function multipliedAll(matrices: readonly Tensor[]): Tensor {
  const best = splits([shapeOf(matrices[0]!)[0]!, ...matrices.map((x) => shapeOf(x)[1]!)]);
  const between = (i: number, j: number): Tensor => {
    if (i === j) return matrices[i]!;
    const k = best[i]![j]!;
    return matmul(between(i, k), between(k + 1, j));
  };
  return between(0, matrices.length - 1);
}

export function requireChain(op: string, matrices: readonly Tensor[]): void {
  requireOneType(op, matrices[0]!, ...matrices.slice(1));
  for (const [i, x] of matrices.entries()) {
    if (x.ndim !== 2) throw new ShapeError(`${op}: expected matrices, got shape ${show(x.shape)} for tensor ${i}`);
    const before = i === 0 ? x : matrices[i - 1]!;
    if (i > 0 && shapeOf(before)[1] !== shapeOf(x)[0])
      throw new ShapeError(`${op}: inner dimensions differ: ${show(before.shape)} x ${show(x.shape)}`);
  }
}

export function chainMatmul(matrices: readonly Tensor[]): Tensor;
/**
 * The product of matrices, in the order that takes the fewest multiplications.
 *
 * @throws ShapeError for what is no matrix, or where inner sizes differ; DTypeError if element types differ
 * @example
 * ```ts
 * chainMatmul(ones([2, 5]), ones([5, 3]), ones([3, 4])).shape; // [2, 4]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.chain_matmul.html
 */
export function chainMatmul(...matrices: readonly Tensor[]): Tensor;
export function chainMatmul(...given: readonly unknown[]): Tensor {
  const matrices = tensorsOf('chainMatmul', given);
  requireChain('chainMatmul', matrices);
  return multipliedAll(matrices);
}
