import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { DTypeError, ShapeError } from '../errors.js';
import { emptyOf } from '../tensor/empty.js';
import * as kinds from '../tensor/kinds.js';
import { expandTo, owned } from '../tensor/layout.js';
import { checkNdim, checkShape, show } from '../tensor/shape.js';
import { isTensor, storageOf, type Tensor } from '../tensor/tensor.js';
import { indexSelect } from './indexing.js';
import { stack } from './joining.js';
import { tensorsOf } from './operands.js';
import { flatten, reshape } from './views.js';

// Every choice of one element from each of several tensors, and of several from one.

const spanning = signature('*, indexing', {
  /** `'ij'` gives the first tensor the first dimension, as a matrix has its rows; `'xy'` the second, as coordinates have it. Default: `'ij'`. */
  indexing: kinds.choice('ij', 'xy').default('ij'),
});

export interface MeshgridOptions extends OptionsOf<typeof spanning> {}

/** One dimension for each of some vectors, in order. */
function grid(vectors: readonly Tensor[]): Tensor[] {
  const shape = vectors.map((x) => x.numel());
  checkShape('meshgrid', shape);
  return vectors.map((x, axis) => {
    const own = shape.map((_, i) => (i === axis ? -1 : 1));
    return expandTo(reshape(x, own), shape);
  });
}

const swappedFirst = <T>([a, b, ...rest]: readonly T[]): T[] => [b!, a!, ...rest];

/**
 * Views of vectors as coordinates of the grid they span, one dimension for each. They come one by one, or as one array.
 *
 * @param given vectors (or 0-d tensors) of one type; options last
 * @throws ShapeError for tensors of more dimensions; DTypeError for several types
 * @example
 * ```ts
 * const [x, y] = meshgrid(tensor([1, 2]), tensor([3, 4, 5]));
 * x; // tensor([[1., 1., 1.], [2., 2., 2.]])
 * y; // tensor([[3., 4., 5.], [3., 4., 5.]])
 * meshgrid([tensor([1, 2]), tensor([3, 4, 5])], { indexing: 'xy' })[0]!.shape; // [3, 2]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.meshgrid.html
 */
export function meshgrid(...given: readonly (Tensor | readonly Tensor[] | MeshgridOptions)[]): Tensor[] {
  const last = given.at(-1);
  const hasOptions = last !== undefined && !isTensor(last) && !Array.isArray(last);
  const [indexing] = spanning.read('meshgrid', hasOptions ? [last] : []);
  const vectors = vectorsOf('meshgrid', hasOptions ? given.slice(0, -1) : given);
  if (indexing === 'ij' || vectors.length < 2) return grid(vectors);
  return swappedFirst(grid(swappedFirst(vectors)));
}

function vectorsOf(op: string, given: readonly unknown[]): readonly Tensor[] {
  const tensors = tensorsOf(op, given);
  checkNdim(op, tensors.length);
  for (const [i, x] of tensors.entries()) {
    if (x.ndim > 1) throw new ShapeError(`${op}: tensor ${i} must be a vector, got shape ${show(x.shape)}`);
    if (x.dtype !== tensors[0]!.dtype)
      throw new DTypeError(`${op}: tensors must have one dtype, got ${tensors[0]!.dtype} and ${x.dtype}`);
  }
  return tensors;
}

/**
 * Every choice of one element from each vector: a row for each; of one vector, itself.
 *
 * @throws ShapeError for what are no vectors; DTypeError for several types
 * @example
 * ```ts
 * cartesianProd(tensor([1, 2]), tensor([3, 4])); // tensor([[1., 3.], [1., 4.], [2., 3.], [2., 4.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.cartesian_prod.html
 */
export function cartesianProd(...tensors: readonly Tensor[]): Tensor {
  const vectors = vectorsOf('cartesianProd', tensors);
  const scalar = vectors.findIndex((x) => x.ndim === 0);
  if (scalar >= 0) throw new ShapeError(`cartesianProd: tensor ${scalar} must be a vector, got a 0-d tensor`);
  if (vectors.length === 1) return vectors[0]!;
  return stack(
    grid(vectors).map((x) => flatten(x)),
    1,
  );
}

/** A row of more is a slip: there would be few rows of it, or more than memory holds. */
const LONGEST_CHOICE = 2 ** 24;

const choosing = signature('input, /, r, withReplacement', {
  input: kinds.tensor,
  /** How many to choose. Default: 2. */
  r: kinds.integerFrom(0, LONGEST_CHOICE).default(2),
  /** Whether an element can be chosen several times. Default: false. */
  withReplacement: kinds.boolean.default(false),
});

export interface CombinationsOptions extends OptionsOf<typeof choosing> {}

/**
 * Every choice of `r` elements of a vector, in its order: a row for each.
 *
 * @throws ShapeError for what is no vector
 * @example
 * ```ts
 * combinations(tensor([1, 2, 3])); // tensor([[1., 2.], [1., 3.], [2., 3.]])
 * combinations(tensor([1, 2]), 2, { withReplacement: true }); // tensor([[1., 1.], [1., 2.], [2., 2.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.combinations.html
 */
export const combinations: FunctionOf<Tensor, typeof choosing, CombinationsOptions> = define(
  'combinations',
  choosing,
  (x, r, withReplacement) => {
    if (x.ndim !== 1) throw new ShapeError(`combinations: expected a vector, got shape ${show(x.shape)}`);
    if (r === 0) return indexSelect(x, 0, emptyOf([0], 'int32'));
    const n = x.numel();
    const count = choices(withReplacement && n > 0 ? n + r - 1 : n, r);
    checkShape('combinations', [count, r]);
    const index = emptyOf([count * r], 'int32');
    fillChoices(storageOf(index).array('int32'), n, r, count, Number(!withReplacement));
    return owned(reshape(indexSelect(x, 0, index), [count, r]));
  },
);

/** n! / (r! (n - r)!). */
function choices(n: number, r: number): number {
  if (r > n) return 0;
  let count = 1;
  // Each step is a binomial itself, so a whole number.
  for (let i = 1; i <= Math.min(r, n - r); i++) count = (count * (n - Math.min(r, n - r) + i)) / i;
  return count;
}

/** Writes `count` ascending choices of `r` of 0 … n-1, each at least `apart` above the one before, in lexicographic order. */
function fillChoices(
  into: ReturnType<Tensor['toTypedArray']>,
  n: number,
  r: number,
  count: number,
  apart: number,
): void {
  if (count === 0) return;
  const choice = Array.from({ length: r }, (_, i) => i * apart);
  for (let row = 0; row < count; row++) {
    into.set(choice, row * r);
    let at = r - 1;
    while (at > 0 && choice[at] === n - 1 - (r - 1 - at) * apart) at--;
    choice[at]!++;
    for (let i = at + 1; i < r; i++) choice[i] = choice[i - 1]! + apart;
  }
}
