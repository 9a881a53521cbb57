import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { dtypes, isBool, isInteger } from '../backend/index.js';
import { DTypeError, ValueError } from '../errors.js';
import { overwritten, requireWritable } from '../tensor/elementwise.js';
import * as kinds from '../tensor/kinds.js';
import { drawing } from '../tensor/parameters.js';
import type { Tensor } from '../tensor/tensor.js';
import { inOrderOfMemory, normals, requireFloat, uniforms } from './draws.js';
import { add, ceil, clamp, div, exp, log, mul, sub, tan } from './pointwise.js';
import { reshape } from './views.js';

// Draws that are functions of uniform or normal ones: these are drawn in double precision, whatever the type of the tensor, as in PyTorch.

/** Fills a tensor, in the order of its memory, with values that are drawn if it can be written to. */
function fillWith(op: string, x: Tensor, values: (count: number) => Tensor): Tensor {
  requireWritable(op, x);
  const inOrder = inOrderOfMemory(x.detach());
  inOrder.copy_(reshape(values(x.numel()), inOrder.shape));
  overwritten(op, x);
  return x;
}

const peaked = signature('input, /, median, sigma, *, generator', {
  input: kinds.tensor,
  /** Default: 0. */
  median: kinds.number.default(0),
  /** Half the width at half the height. Default: 1. */
  sigma: kinds.above(0).default(1),
  ...drawing,
});

interface CauchyOptions extends OptionsOf<typeof peaked> {}

/**
 * Fills with values of a Cauchy distribution: of density σ / (π (σ² + (x - median)²)).
 *
 * @param median default 0
 * @param sigma half the width at half the height; default 1
 * @throws DTypeError for integers; ValueError for a width that is not above 0
 * @example
 * ```ts
 * manualSeed(7);
 * empty([3]).cauchy_(1, 2); // tensor([-0.6611, -0.7224,  5.3238])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.cauchy_.html
 */
export const cauchy_: FunctionOf<Tensor, typeof peaked, CauchyOptions> = define(
  'cauchy_',
  peaked,
  (x, median, sigma, generator) => {
    requireFloat('cauchy_', x);
    return fillWith('cauchy_', x, (count) => {
      const u = clamp(uniforms(count, generator), Number.EPSILON, 1 - Number.EPSILON);
      return add(mul(tan(mul(sub(u, 0.5), Math.PI)), sigma), median);
    });
  },
);

const skewed = signature('input, /, mean, std, *, generator', {
  input: kinds.tensor,
  /** Of the logarithm. Default: 1. */
  mean: kinds.number.default(1),
  /** Of the logarithm. Default: 2. */
  std: kinds.above(0).default(2),
  ...drawing,
});

interface LogNormalOptions extends OptionsOf<typeof skewed> {}

/**
 * Fills with values whose logarithm is normal: e^(mean + std z).
 *
 * @param mean of the logarithm; default 1
 * @param std of the logarithm; default 2
 * @throws DTypeError for integers; ValueError for a standard deviation that is not above 0
 * @example
 * ```ts
 * manualSeed(7);
 * empty([3]).logNormal_(0.5, 0.25); // tensor([1.5893, 2.0068, 2.0890])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.log_normal_.html
 */
export const logNormal_: FunctionOf<Tensor, typeof skewed, LogNormalOptions> = define(
  'logNormal_',
  skewed,
  (x, mean, std, generator) => {
    requireFloat('logNormal_', x);
    return fillWith('logNormal_', x, (count) => exp(normals(count, generator, mean, std)));
  },
);

/** The logarithm of the smallest uniform value above 0. */
const SMALLEST = -53 * Math.LN2;

const trials = signature('input, /, p, *, generator', {
  input: kinds.tensor,
  /** That a trial succeeds: above 0 and below 1. */
  p: kinds.between(0, 1),
  ...drawing,
});

/**
 * Fills with how many trials it takes until one succeeds, each with probability p: k with probability (1 - p)^(k-1) p.
 *
 * @param p above 0 and below 1
 * @throws ValueError for another probability, and one whose numbers of trials an int32 tensor may not hold; DTypeError for bools
 * @example
 * ```ts
 * manualSeed(7);
 * empty([3]).geometric_(0.3); // tensor([4., 4., 1.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.geometric_.html
 */
export const geometric_: FunctionOf<Tensor, typeof trials, OptionsOf<typeof trials>> = define(
  'geometric_',
  trials,
  (x, p, generator) => {
    const { dtype } = x;
    if (isBool(dtype)) {
      throw new DTypeError('geometric_: not defined for bool tensors; draw into an int32 or float tensor');
    }
    const perTrial = Math.log1p(-p);
    if (isInteger(dtype) && SMALLEST / perTrial > dtypes[dtype].largest) {
      throw new ValueError(
        `geometric_: numbers of trials for p = ${p} may not fit ${dtype}; draw into a float64 tensor`,
      );
    }
    return fillWith('geometric_', x, (count) => ceil(div(log(uniforms(count, generator)), perTrial)));
  },
);
