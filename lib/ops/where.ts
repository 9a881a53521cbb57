import { isBool } from '../backend/dtype.js';
import { DTypeError } from '../errors.js';
import type { Expr, ExprLike } from '../expr/index.js';
import type { Operand } from '../tensor/promotion.js';
import { isTensor, type Tensor } from '../tensor/tensor.js';
import { nonzero } from './picks.js';
import { where as choose } from './pointwise.js';

interface Where {
  /** The same as an expression, for `elementwise`. */
  (condition: Expr, input: ExprLike, other: ExprLike): Expr;
  (condition: Tensor, input: Operand, other: Operand): Tensor;
  /** The indices of what is true, one tensor per dimension: `nonzero(condition, { asTuple: true })`. */
  (condition: Tensor): Tensor[];
}

/** Numbers are no condition: what stands in the wrong place would be taken for one. */
function requireBool(condition: unknown): void {
  if (!isTensor(condition) || isBool(condition.dtype)) return;
  throw new DTypeError(`where: condition must be a bool tensor, got ${condition.dtype}; compare it, as with x.ne(0)`);
}

/**
 * Elements of `input` where the condition is true, of `other` elsewhere; all three broadcast. Of a condition alone, the indices of what is true.
 *
 * The method has PyTorch's order: `x.where(condition, other)` is `where(condition, x, other)`.
 *
 * @example
 * ```ts
 * const x = tensor([-2, 3]);
 * where(x.gt(0), x, 0); // tensor([0., 3.])
 * x.where(x.gt(0), 0); // tensor([0., 3.])
 * where(x.gt(0)); // [tensor([1])]
 * ```
 * @throws DTypeError for a condition that is not bool
 * @see https://pytorch.org/docs/stable/generated/torch.where.html
 */
export const where = ((condition: unknown, ...rest: readonly never[]) => {
  if (rest.length === 0 && isTensor(condition)) return nonzero(condition, { asTuple: true });
  requireBool(condition);
  return choose(condition as never, ...(rest as [never, never]));
}) as Where;
