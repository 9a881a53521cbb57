import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { type Kind, kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import { computeType, isFloat, isInteger } from '../backend/dtype.js';
import { ValueError } from '../errors.js';
import type { Expr } from '../expr/index.js';
import * as e from '../expr/index.js';
import { sumOver } from '../tensor/basics.js';
import type { Binary } from '../tensor/elementwise.js';
import { averageOver, Formula, type GradientRule } from '../tensor/formula.js';
import type { Dims } from '../tensor/kinds.js';
import * as kinds from '../tensor/kinds.js';
import { normalizeDim } from '../tensor/shape.js';
import { isTensor, shapeOf, type Tensor } from '../tensor/tensor.js';
import { converted, dim, foldedSize, frameOf, keepdim, requireElements, requireFloat, sumType } from './frames.js';
import { type Picks, pickAlong } from './picking.js';
import { maximum, minimum } from './pointwise.js';

// One row per reduction: an expression with folds over the reduced dimensions.

/** Which dimensions to reduce: one, several, or (undefined, null or an empty list) all. */
export type Dim = Dims | undefined;

const choosing = signature('input, /, dim, keepdim', {
  input: kinds.tensor,
  ...dim,
  ...keepdim,
});

const reducing = signature('input, /, dim, keepdim, *, dtype', {
  input: kinds.tensor,
  ...dim,
  ...keepdim,
  /** Convert to this element type before reducing. Default: the tensor's own; int32 for sums and products of bools. */
  dtype: kinds.dtype.optional(),
});

const spreading = signature('input, /, dim, unbiased, keepdim, *, correction', {
  input: kinds.tensor,
  ...dim,
  /** PyTorch's older name: true for a correction of 1, false for 0. Default: true. */
  unbiased: kinds.boolean.default(true),
  ...keepdim,
  /** Divide by max(0, n - correction). Default: 1, Bessel's correction. */
  correction: kinds.finite.optional(),
});

const locating = signature('input, /, dim, keepdim', {
  input: kinds.tensor,
  /** The dimension to look along, or null to look at all elements. Default: null. */
  dim: kinds.dim.optional(),
  ...keepdim,
});

export interface KeepdimOptions extends OptionsOf<typeof choosing> {}
export interface SumOptions extends OptionsOf<typeof reducing> {}
export interface VarOptions extends OptionsOf<typeof spreading> {}

type Choosing = FunctionOf<Tensor, typeof choosing, KeepdimOptions>;
type Summing = FunctionOf<Tensor, typeof reducing, SumOptions>;
type Spreading<R = Tensor> = FunctionOf<R, typeof spreading, VarOptions>;
type Locating = FunctionOf<Tensor, typeof locating>;

type Reduction = Formula<[x: Expr]>;

/** Elements of int32 that add up exactly in float64. */
const EXACT_SUM = 2 ** 22;

/** Σ x of more integers than that: their halves are added up apart, and joined with the carry. */
const summingHalves = new Formula('sum', (x) => {
  const high = e.floor(e.div(x, 2 ** 16));
  const low = e.rowSum(e.sub(x, e.mul(high, 2 ** 16)));
  const carry = e.floor(e.div(low, 2 ** 16));
  return e.add(e.mul(e.add(e.rowSum(high), carry), 2 ** 16), e.sub(low, e.mul(carry, 2 ** 16)));
});

const multiplying = new Formula<[x: Expr]>('prod', e.rowProd);

/** Π x of integers: NaN comes of what left float64 on the way and met a 0 then, or before on another lane. */
const multiplyingIntegers = new Formula<[x: Expr]>('prod', (x) => {
  const product = e.rowProd(x);
  return e.where(e.ne(product, product), 0, product);
});

/**
 * Σ x over `dim`. Integers and bools add up in int32.
 *
 * @param dim one dimension, several, or none for all
 * @throws ValueError for a sum of integers that int32 does not hold
 * @example
 * ```ts
 * const x = tensor([[1, 2], [3, 4]]);
 * sum(x); // tensor(10.)
 * x.sum(1); // tensor([3., 7.])
 * x.sum([0], { keepdim: true }); // tensor([[4., 6.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.sum.html
 */
export const sum: Summing = define('sum', reducing, (x, dim, keepdim, dtype) => {
  const frame = frameOf('sum', x, dim, keepdim);
  const operand = converted(x, dtype);
  const isLong = isInteger(operand.dtype) && foldedSize(frame) > EXACT_SUM;
  if (isLong) return summingHalves.call([operand], 'int32', undefined, frame);
  return sumOver(operand, sumType(x, dtype), frame);
});

/**
 * Π x over `dim`; the gradient is right where some x are 0.
 *
 * @param dim one dimension, several, or none for all
 * @throws ValueError for a product of integers that int32 does not hold
 * @example
 * ```ts
 * prod(tensor([[1, 2], [3, 4]]), 1); // tensor([ 2., 12.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.prod.html
 */
export const prod: Summing = define('prod', reducing, (x, dim, keepdim, dtype) => {
  const frame = frameOf('prod', x, dim, keepdim);
  // In float64: a product of a few hundred elements leaves float32 on the way, and infinity times 0 is NaN.
  const operand = converted(x, dtype);
  const formula = isFloat(operand.dtype) ? multiplying : multiplyingIntegers;
  return formula.call([operand], sumType(x, dtype), 'float64', frame);
});

/**
 * Σ x / n over `dim`; NaN of nothing.
 *
 * @param dim one dimension, several, or none for all
 * @throws DTypeError for integers
 * @example
 * ```ts
 * mean(tensor([[1, 2], [3, 4]]), 0); // tensor([2., 3.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.mean.html
 */
export const mean: Summing = define('mean', reducing, (x, dim, keepdim, dtype) => {
  const frame = frameOf('mean', x, dim, keepdim);
  requireFloat('mean', dtype ?? x.dtype);
  return averageOver(converted(x, dtype), dtype ?? x.dtype, foldedSize(frame), frame);
});

const deviation = (x: Expr, n: Expr) => e.sub(x, e.div(e.rowSum(x), n));

const variance = (x: Expr, n: Expr, divisor: Expr) => e.div(e.rowSum(e.square(deviation(x, n))), divisor);

type Spread = Formula<[x: Expr, n: Expr, divisor: Expr]>;

const varying: Spread = new Formula('var', variance, {
  gradient: (g, _, x, n, divisor) => [e.mul(e.mul(e.div(2, divisor), g), deviation(x, n)), null, null],
});
const deviating: Spread = new Formula('std', (x, n, divisor) => e.sqrt(variance(x, n, divisor)), {
  // Where all elements are equal the subgradient is 0, as PyTorch takes it.
  gradient: (g, out, x, n, divisor) => [
    e.mul(e.where(e.eq(out, 0), 0, e.div(g, e.mul(out, divisor))), deviation(x, n)),
    null,
    null,
  ],
});

const spread =
  (op: string, formula: Spread) =>
  (x: Tensor, dim: Dims, unbiased: boolean, keepdim: boolean, correction: number | null): Tensor => {
    const frame = frameOf(op, x, dim, keepdim);
    requireFloat(op, x.dtype);
    const n = foldedSize(frame);
    const divisor = Math.max(0, n - (correction ?? Number(unbiased)));
    // In float64, as PyTorch: squares of what float32 holds may be beyond it, also where the result is not.
    return formula.call([x, n, divisor], x.dtype, 'float64', frame);
  };

/**
 * Σ (x - mean)² / max(0, n - correction) over `dim`: the variance.
 *
 * @param dim one dimension, several, or none for all
 * @throws DTypeError for integers
 * @example
 * ```ts
 * tensor([1, 2, 3, 4]).var(); // tensor(1.6667)
 * tensor([1, 2, 3, 4]).var(0, { correction: 0 }); // tensor(1.2500)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.var.html
 */
const var_: Spreading = define('var', spreading, spread('var', varying));

export { var_ as var };

/**
 * √var over `dim`; where all elements are equal the gradient is 0.
 *
 * @param dim one dimension, several, or none for all
 * @throws DTypeError for integers
 * @example
 * ```ts
 * std(tensor([1, 2, 3, 4])); // tensor(1.2910)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.std.html
 */
export const std: Spreading = define('std', spreading, spread('std', deviating));

const withMean =
  (op: string, formula: Spread) =>
  (x: Tensor, dim: Dims, unbiased: boolean, keepdim: boolean, correction: number | null): [Tensor, Tensor] => [
    spread(op, formula)(x, dim, unbiased, keepdim, correction),
    mean(x, dim, keepdim),
  ];

/** `[var, mean]` over `dim`. @example varMean(tensor([1, 2, 3])); // [tensor(1.), tensor(2.)] */
export const varMean: Spreading<[Tensor, Tensor]> = define('varMean', spreading, withMean('varMean', varying));

/** `[std, mean]` over `dim`. @example stdMean(tensor([1, 2, 3])); // [tensor(1.), tensor(2.)] */
export const stdMean: Spreading<[Tensor, Tensor]> = define('stdMean', spreading, withMean('stdMean', deviating));

const largest = new Formula<[x: Expr]>('amax', e.rowMax);
const smallest = new Formula<[x: Expr]>('amin', e.rowMin);

const sharing: GradientRule<[x: Expr]> = (g, out, x) => [e.sharedByAll(g, out, x)];
const largestOfAll = new Formula<[x: Expr]>('max', e.rowMax, { gradient: sharing });
const smallestOfAll = new Formula<[x: Expr]>('min', e.rowMin, { gradient: sharing });

const extreme =
  (op: string, formula: Reduction) =>
  (x: Tensor, dim: Dims, keepdim: boolean): Tensor => {
    const frame = frameOf(op, x, dim, keepdim);
    requireElements(op, frame);
    return formula.call([x], x.dtype, undefined, frame);
  };

/**
 * The largest element over `dim`; equal ones share the gradient. NaN wins.
 *
 * @param dim one dimension, several, or none for all
 * @throws ShapeError if there is nothing to choose from
 * @example
 * ```ts
 * amax(tensor([[1, 5], [7, 3]]), 1); // tensor([5., 7.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.amax.html
 */
export const amax: Choosing = define('amax', choosing, extreme('amax', largest));

/**
 * The smallest element over `dim`; equal ones share the gradient. NaN wins.
 *
 * @param dim one dimension, several, or none for all
 * @throws ShapeError if there is nothing to choose from
 * @example
 * ```ts
 * amin(tensor([[1, 5], [7, 3]]), 1); // tensor([1., 3.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.amin.html
 */
export const amin: Choosing = define('amin', choosing, extreme('amin', smallest));

const largestAt = new Formula<[x: Expr]>('argmax', e.rowArgmax);
const smallestAt = new Formula<[x: Expr]>('argmin', e.rowArgmin);

const extremeAt =
  (op: string, formula: Reduction) =>
  (x: Tensor, dim: number | null, keepdim: boolean): Tensor => {
    const frame = frameOf(op, x, dim, keepdim);
    requireElements(op, frame);
    // Positions are computed in float64: float32 would lose them beyond 2^24.
    return formula.call([x.detach()], 'int32', 'float64', frame);
  };

/**
 * The position of the largest element along `dim` (of all, in row-major order, without one); the first of equal ones. int32.
 *
 * @throws ShapeError if there is nothing to choose from
 * @example
 * ```ts
 * argmax(tensor([[1, 5], [7, 3]]), 1); // tensor([1, 0])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.argmax.html
 */
export const argmax: Locating = define('argmax', locating, extremeAt('argmax', largestAt));

/**
 * The position of the smallest element along `dim` (of all, in row-major order, without one); the first of equal ones. int32.
 *
 * @throws ShapeError if there is nothing to choose from
 * @example
 * ```ts
 * argmin(tensor([[1, 5], [7, 3]]), 1); // tensor([0, 1])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.argmin.html
 */
export const argmin: Locating = define('argmin', locating, extremeAt('argmin', smallestAt));

/** The extreme elements along a dimension, and where they are. */
export type Extremes = Picks;

const dimOrOther: Kind<number | Tensor> = kind(
  'a dim or a Tensor',
  (value): value is number | Tensor => kinds.dim.accepts(value) || isTensor(value),
);

const comparing = signature('input, /, dim, keepdim', {
  input: kinds.tensor,
  dim: dimOrOther.optional(),
  keepdim: kinds.boolean.optional(),
});

/** What `max` and `min` are: a function of all elements, of two tensors, or along a dimension. */
interface Extreme {
  (input: Tensor): Tensor;
  (input: Tensor, other: Tensor): Tensor;
  (input: Tensor, dim: number, keepdim?: boolean | KeepdimOptions): Extremes;
  (input: Tensor, options: KeepdimOptions & { dim: number }): Extremes;
}

const extremeOrAlong =
  (op: string, formula: Reduction, pair: Binary, position: Locating) =>
  (x: Tensor, dim: number | Tensor | null, keepdim: boolean | null): Tensor | Extremes => {
    if (typeof dim === 'number') return extremesAlong(op, position, x, dim, keepdim ?? false);
    if (keepdim !== null) throw new ValueError(`${op}: keepdim goes with a dim; leave it out`);
    return dim === null ? extreme(op, formula)(x, null, false) : pair(x, dim);
  };

function extremesAlong(op: string, position: Locating, x: Tensor, dim: number, keepdim: boolean): Extremes {
  const axis = normalizeDim(op, dim, x.ndim);
  return pickAlong(op, x, axis, position(x, axis, true), keepdim);
}

/**
 * The largest element of all; with a dim, the largest along it and their positions; with a second tensor, the larger of each pair.
 *
 * Gradients: all equal largest elements share that of `max(x)`; that of `max(x, dim)` goes to the first.
 *
 * @example
 * ```ts
 * const x = tensor([[1, 5], [7, 3]]);
 * max(x); // tensor(7.)
 * const { values, indices } = x.max(1);
 * values; // tensor([5., 7.])
 * const [largest, positions] = x.max(1);
 * positions; // tensor([1, 0])
 * x.max(tensor(4)); // tensor([[4., 5.], [7., 4.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.max.html
 */
export const max = define('max', comparing, extremeOrAlong('max', largestOfAll, maximum, argmax)) as Extreme;

/**
 * The smallest element of all; with a dim, the smallest along it and their positions; with a second tensor, the smaller of each pair.
 *
 * Gradients: all equal smallest elements share that of `min(x)`; that of `min(x, dim)` goes to the first.
 *
 * @example
 * ```ts
 * tensor([[1, 5], [7, 3]]).min(0).values; // tensor([1., 3.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.min.html
 */
export const min = define('min', comparing, extremeOrAlong('min', smallestOfAll, minimum, argmin)) as Extreme;

const anyTrue = new Formula('any', (x) => e.ne(e.rowSum(e.ne(x, 0)), 0));
const allTrue = new Formula('all', (x) => e.eq(e.rowSum(e.eq(x, 0)), 0));

const condition =
  (op: string, formula: Reduction) =>
  (x: Tensor, dim: Dims, keepdim: boolean): Tensor => {
    const none = Array.isArray(dim) && dim.length === 0 && x.ndim > 0;
    const frame = none ? { shape: shapeOf(x), axes: [], keepdim: false } : frameOf(op, x, dim, keepdim);
    return formula.call([x.detach()], 'bool', computeType(x.dtype), frame);
  };

/**
 * Whether any element over `dim` is not 0; false of nothing.
 *
 * @example
 * ```ts
 * any(tensor([[0, 0], [0, 1]]), 1); // tensor([False,  True])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.any.html
 */
export const any: Choosing = define('any', choosing, condition('any', anyTrue));

/**
 * Whether all elements over `dim` are not 0; true of nothing.
 *
 * @example
 * ```ts
 * all(tensor([[1, 1], [0, 1]]), 1); // tensor([ True, False])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.all.html
 */
export const all: Choosing = define('all', choosing, condition('all', allTrue));

const logSumming = new Formula('logsumexp', e.rowLogSumExp, {
  gradient: (g, out, x) => [e.mul(g, e.exp(e.sub(x, out)))],
});

/**
 * log Σ eˣ over `dim`, without overflow.
 *
 * @param dim one dimension, several, or null for all
 * @example
 * ```ts
 * logsumexp(tensor([[1000, 1000], [0, 1]]), 1); // tensor([1000.6932,    1.3133])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.logsumexp.html
 */
export const logsumexp: Choosing = define('logsumexp', choosing, (x, dim, keepdim) => {
  const frame = frameOf('logsumexp', x, dim, keepdim);
  return logSumming.call([x], isFloat(x.dtype) ? x.dtype : 'float32', undefined, frame);
});
