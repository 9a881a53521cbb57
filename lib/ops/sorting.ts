import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { ValueError } from '../errors.js';
import * as kinds from '../tensor/kinds.js';
import { type Single, single } from '../tensor/parameters.js';
import { normalizeDim } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { lengthAlong, sortAlong } from './order.js';
import { type Picks, pickedRule, picks } from './picking.js';

const ordering = signature('input, /, dim, descending, *, stable', {
  input: kinds.tensor,
  /** The dimension to sort along. Default: -1, the last. */
  dim: kinds.dim.default(-1),
  /** From the largest to the smallest. Default: false. */
  descending: kinds.boolean.default(false),
  /** Whether equal elements have to keep their order; they do in any case. Default: false. */
  stable: kinds.boolean.default(false),
});

export interface SortOptions extends OptionsOf<typeof ordering> {}

/**
 * The elements along a dimension in order, and where each was (int32). Equal elements keep their order; NaN is above all others.
 *
 * @example
 * ```ts
 * const { values, indices } = sort(tensor([3, 1, 2]));
 * values; // tensor([1., 2., 3.])
 * indices; // tensor([1, 2, 0])
 * sort(tensor([3, 1, 2]), { descending: true }).values; // tensor([3., 2., 1.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.sort.html
 */
export const sort: FunctionOf<Picks, typeof ordering, SortOptions> = define('sort', ordering, (x, dim, descending) => {
  return picks('sort', ...sortAlong(x, normalizeDim('sort', dim, x.ndim), descending));
});

/**
 * Where the elements along a dimension are, in order of their values (int32): the `indices` of `sort`.
 *
 * @example
 * ```ts
 * argsort(tensor([3, 1, 2])); // tensor([1, 2, 0])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.argsort.html
 */
export const argsort: FunctionOf<Tensor, typeof ordering, SortOptions> = define(
  'argsort',
  ordering,
  (x, dim, descending) => sortAlong(x.detach(), normalizeDim('argsort', dim, x.ndim), descending)[1],
);

/** `sort` along the first dimension, the values alone. @example msort(tensor([[3, 1], [2, 4]])); // tensor([[2., 1.], [3., 4.]]) */
export const msort: Single = define('msort', single, (x) => sortAlong(x, 0)[0]);

const choosing = signature('input, /, k, dim, largest, sorted', {
  input: kinds.tensor,
  k: kinds.integer,
  /** The dimension to choose along. Default: -1, the last. */
  dim: kinds.dim.default(-1),
  /** The largest, or else the smallest. Default: true. */
  largest: kinds.boolean.default(true),
  /** Whether they have to be in order; they are in any case. Default: true. */
  sorted: kinds.boolean.default(true),
});

export interface TopkOptions extends OptionsOf<typeof choosing> {}

const topRule = pickedRule('Topk');

/**
 * The `k` largest elements along a dimension, the largest first, and where they were (int32); of equal ones the first come first. NaN is
 * above all others.
 *
 * @throws ValueError if there are not that many
 * @example
 * ```ts
 * topk(tensor([1, 5, 3, 4]), 2).values; // tensor([5., 4.])
 * topk(tensor([1, 5, 3, 4]), 2, { largest: false }).indices; // tensor([0, 2])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.topk.html
 */
export const topk: FunctionOf<Picks, typeof choosing, TopkOptions> = define('topk', choosing, (x, k, dim, largest) => {
  const axis = normalizeDim('topk', dim, x.ndim);
  const size = lengthAlong(x, axis);
  if (k < (x.ndim === 0 ? 1 : 0) || k > size)
    throw new ValueError(`topk: k must be between 0 and the ${size} elements of dim ${axis}, got ${k}`);
  return picks('topk', ...sortAlong(x, axis, largest, k, topRule));
});
