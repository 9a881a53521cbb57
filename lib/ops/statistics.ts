import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { isBool, isFloat, isInteger } from '../backend/dtype.js';
import { sameShape } from '../backend/view.js';
import { DTypeError, ShapeError, ValueError } from '../errors.js';
import { refuseIf } from '../tensor/check.js';
import * as kinds from '../tensor/kinds.js';
import { type Single, single } from '../tensor/parameters.js';
import { type Results, results } from '../tensor/results.js';
import { show } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { to } from './conversion.js';
import { diag } from './diagonals.js';
import { frameOf, keepdim, requireElements } from './frames.js';
import { clamp, clampMin, div, eq, lt, mul, sqrt, sub } from './pointwise.js';
import { matmul } from './products.js';
import { amax, amin, sum } from './reductions.js';
import { reshape, squeeze, t, unsqueeze } from './views.js';

const locating = signature('input, /, dim, keepdim', {
  input: kinds.tensor,
  /** The dimension to look along. Default: null, all. */
  dim: kinds.dim.optional(),
  ...keepdim,
});

export interface AminmaxOptions extends OptionsOf<typeof locating> {}

/**
 * The smallest and the largest element, of all or along `dim`; equal ones share the gradient.
 *
 * @throws ShapeError if there is nothing to choose from
 * @example
 * ```ts
 * const { min, max } = aminmax(tensor([[1, 5], [7, 3]]), 1);
 * min; // tensor([1., 3.])
 * max; // tensor([5., 7.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.aminmax.html
 */
export const aminmax: FunctionOf<Results<['min', 'max']>, typeof locating, AminmaxOptions> = define(
  'aminmax',
  locating,
  (x, dim, keepdim) => {
    requireElements('aminmax', frameOf('aminmax', x, dim, keepdim));
    return results('aminmax', ['min', 'max'], [amin(x, dim, keepdim), amax(x, dim, keepdim)]);
  },
);

const covarying = signature('input, /, *, correction, fweights, aweights', {
  input: kinds.tensor,
  /** Divide by the number of observations less this. Default: 1, Bessel's correction. */
  correction: kinds.integer.default(1),
  /** How often each observation was made: integers, at least 0. Default: null, once. */
  fweights: kinds.tensor.optional(),
  /** How much each observation counts: floats, at least 0. Default: null, 1. */
  aweights: kinds.tensor.optional(),
});

export interface CovOptions extends OptionsOf<typeof covarying> {}

function checkWeights(name: string, weights: Tensor | null, count: number, isRight: boolean, type: string): void {
  if (weights === null) return;
  if (!isRight) throw new DTypeError(`cov: ${name} must be ${type}, got ${weights.dtype}`);
  if (!sameShape(shapeOf(weights), [count])) {
    throw new ShapeError(`cov: ${name} must have shape [${count}], one per observation, got ${show(weights.shape)}`);
  }
  refuseIf(to(sum(lt(weights.detach(), 0)), 'float64'), () => new ValueError(`cov: ${name} must not be negative`));
}

/** The weight of each observation, and what the products are divided by. */
function weighing(
  x: Tensor,
  correction: number,
  fweights: Tensor | null,
  aweights: Tensor | null,
): { weights: Tensor | null; total: Tensor | number; divisor: Tensor | number } {
  const count = shapeOf(x)[1]!;
  const weights = fweights === null || aweights === null ? (fweights ?? aweights) : mul(fweights, aweights);
  if (weights === null) return { weights, total: count, divisor: Math.max(0, count - correction) };
  const total = sum(weights);
  refuseIf(
    to(eq(total.detach(), 0), 'float64'),
    () => new ValueError('cov: the weights add up to 0, by which nothing can be divided'),
  );
  const isPlain = aweights === null || correction === 0;
  const less = isPlain ? correction : div(mul(sum(mul(weights, aweights)), correction), total);
  return { weights, total, divisor: clampMin(sub(total, less), 0) };
}

/**
 * The covariances of variables: a row of the input is a variable, a column an observation. One variable has its variance, 0-d.
 *
 * @param input (variables, observations), or (observations)
 * @throws ShapeError for more dimensions, or weights that do not fit; ValueError for negative weights; DTypeError for bools
 * @example
 * ```ts
 * cov(tensor([[0, 1, 2], [2, 1, 0]])); // tensor([[ 1., -1.], [-1.,  1.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.cov.html
 */
export const cov: FunctionOf<Tensor, typeof covarying, CovOptions> = define(
  'cov',
  covarying,
  (given, correction, fweights, aweights) => {
    if (given.ndim > 2) throw new ShapeError(`cov: expected at most two dimensions, got shape ${show(given.shape)}`);
    if (isBool(given.dtype)) throw new DTypeError('cov: not defined for bool tensors; convert with .float()');
    const floats = isFloat(given.dtype) ? given : to(given, 'float32');
    const x = floats.ndim < 2 ? reshape(floats, [1, -1]) : floats;
    const count = shapeOf(x)[1]!;
    checkWeights('fweights', fweights, count, fweights === null || isInteger(fweights.dtype), 'int32');
    checkWeights('aweights', aweights, count, aweights === null || isFloat(aweights.dtype), 'float');
    const { weights, total, divisor } = weighing(x, correction, fweights, aweights);
    const weighted = (values: Tensor) => (weights === null ? values : mul(values, weights));
    const off = sub(x, unsqueeze(div(sum(weighted(x), 1), total), 1));
    return squeeze(div(matmul(off, t(weighted(off))), divisor));
  },
);

/**
 * Pearson's correlation coefficients of variables: a row of the input is a variable, a column an observation.
 *
 * @throws ShapeError for more than two dimensions; DTypeError for bools
 * @example
 * ```ts
 * corrcoef(tensor([[0, 1, 2], [2, 1, 0]])); // tensor([[ 1., -1.], [-1.,  1.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.corrcoef.html
 */
export const corrcoef: Single = define('corrcoef', single, (x) => {
  if (x.ndim > 2) throw new ShapeError(`corrcoef: expected at most two dimensions, got shape ${show(x.shape)}`);
  const covariances = cov(x);
  if (covariances.ndim === 0) return div(covariances, covariances);
  const deviations = sqrt(diag(covariances));
  return clamp(div(div(covariances, unsqueeze(deviations, 1)), deviations), -1, 1);
});
