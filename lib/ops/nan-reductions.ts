import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import type { Expr } from '../expr/index.js';
import * as e from '../expr/index.js';
import { Formula } from '../tensor/formula.js';
import * as kinds from '../tensor/kinds.js';
import type { Tensor } from '../tensor/tensor.js';
import { converted, dim, frameOf, keepdim, requireFloat, sumType } from './frames.js';

// Reductions of what is not NaN.

const reducing = signature('input, /, dim, keepdim, *, dtype', {
  input: kinds.tensor,
  ...dim,
  ...keepdim,
  /** Convert to this element type before reducing. Default: null, the tensor's own; int32 for sums of bools. */
  dtype: kinds.dtype.optional(),
});

export interface NanSumOptions extends OptionsOf<typeof reducing> {}

type Reducing = FunctionOf<Tensor, typeof reducing, NanSumOptions>;

const isKnown = (x: Expr): Expr => e.eq(x, x);
const rowTotal = (x: Expr): Expr => e.rowSum(e.where(isKnown(x), x, 0));
const rowCount = (x: Expr): Expr => e.rowSum(isKnown(x));

// Where nothing is known the gradient of the mean is NaN, as in PyTorch: by a product, not by a choice.
const summing = new Formula('nansum', rowTotal, { gradient: (g, _, x) => [e.mul(g, isKnown(x))] });
const averaging = new Formula('nanmean', (x) => e.div(rowTotal(x), rowCount(x)), {
  gradient: (g, _, x) => [e.mul(e.div(g, rowCount(x)), isKnown(x))],
});

/**
 * Σ x over `dim`, where NaN counts as 0.
 *
 * @param dim one dimension, several, or none for all
 * @example
 * ```ts
 * nansum(tensor([[1, NaN], [2, 3]]), 1); // tensor([1., 5.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nansum.html
 */
export const nansum: Reducing = define('nansum', reducing, (x, dim, keepdim, dtype) =>
  summing.call([converted(x, dtype)], sumType(x, dtype), undefined, frameOf('nansum', x, dim, keepdim)),
);

/**
 * The mean over `dim` of what is not NaN; NaN where nothing is.
 *
 * @param dim one dimension, several, or none for all
 * @throws DTypeError for integers
 * @example
 * ```ts
 * nanmean(tensor([[1, NaN], [2, 3]]), 1); // tensor([1.0000, 2.5000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nanmean.html
 */
export const nanmean: Reducing = define('nanmean', reducing, (x, dim, keepdim, dtype) => {
  requireFloat('nanmean', dtype ?? x.dtype);
  return averaging.call([converted(x, dtype)], dtype ?? x.dtype, undefined, frameOf('nanmean', x, dim, keepdim));
});
