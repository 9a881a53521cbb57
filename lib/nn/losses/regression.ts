import { define } from '../../arguments/define.js';
import type { ArgumentsOf, NamedOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { sameShape } from '../../backend/view.js';
import { ShapeError } from '../../errors.js';
import type { Expr, ExprLike } from '../../expr/index.js';
import * as e from '../../expr/index.js';
import { div } from '../../ops/pointwise.js';
import { sum } from '../../ops/reductions.js';
import * as kinds from '../../tensor/kinds.js';
import { show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { onPair } from '../operands.js';
import { LossModule } from './loss-module.js';
import { type LossFunction, PointwiseLoss } from './pointwise-loss.js';
import { type Reduction, type ReductionOptions, reducing, reductionSignature } from './reduction.js';

// Losses of differences.

const smoothL1Signature = signature('reduction, beta', {
  ...reducing,
  /** Below this distance the loss is quadratic; 0 makes it l1Loss. Default: 1. */
  beta: kinds.atLeast(0).default(1),
});

const huberSignature = signature('reduction, delta', {
  ...reducing,
  /** Below this distance the loss is quadratic. Default: 1. */
  delta: kinds.above(0).default(1),
});

const weighted = {
  /** Multiplies each loss; of the input's shape. Default: null, 1. */
  weight: kinds.tensor.optional(),
};

const weightedSignature = signature('reduction, weight', { ...reducing, ...weighted });

const weightedHuberSignature = signature('reduction, delta, weight', { ...huberSignature.kinds, ...weighted });

export interface WeightedLossOptions extends OptionsOf<typeof weightedSignature> {}
export interface WeightedHuberOptions extends OptionsOf<typeof weightedHuberSignature> {}
export interface SmoothL1Options extends OptionsOf<typeof smoothL1Signature> {}
export interface HuberOptions extends OptionsOf<typeof huberSignature> {}

const difference = (input: Expr, target: Expr): Expr => e.sub(input, target);

const absolute = new PointwiseLoss('l1Loss', 'broadcast', (input, target) => e.abs(difference(input, target)));
const squared = new PointwiseLoss('mseLoss', 'broadcast', (input, target) => e.square(difference(input, target)));

const weightedAbsolute = new PointwiseLoss('l1Loss', 'operands', (input, target, weight: Expr) =>
  e.mul(e.abs(difference(input, target)), weight),
);
const weightedSquared = new PointwiseLoss('mseLoss', 'operands', (input, target, weight: Expr) =>
  e.mul(e.square(difference(input, target)), weight),
);

function checkWeight(op: string, input: Tensor, weight: Tensor): void {
  if (sameShape(shapeOf(weight), shapeOf(input))) return;
  throw new ShapeError(
    `${op}: weight must have the shape ${show(input.shape)} of the input, got ${show(weight.shape)}`,
  );
}

/** The mean divides by the sum of the weights. */
function weightedLoss(
  op: string,
  loss: PointwiseLoss<[weight: Expr]>,
  [input, target, weight]: readonly [Tensor, Tensor, Tensor],
  reduction: Reduction,
): Tensor {
  checkWeight(op, input, weight);
  if (reduction !== 'mean') return loss.apply(input, target, [weight], reduction);
  return div(loss.apply(input, target, [weight], 'sum'), sum(weight));
}

/** 0.5 d² up to `limit`, from there on the tangent. */
function bent(input: Expr, target: Expr, limit: Expr): Expr {
  const distance = e.abs(difference(input, target));
  const near = e.min(distance, limit);
  return e.mul(near, e.sub(distance, e.mul(0.5, near)));
}

const between = (x: Expr, low: ExprLike, high: ExprLike): Expr => e.max(e.min(x, high), low);

const smoothed = new PointwiseLoss(
  'smoothL1Loss',
  'broadcast',
  (input, target, beta, inverse) => e.mul(bent(input, target, beta), inverse),
  (input, target, _, inverse) => {
    const slope = between(e.mul(difference(input, target), inverse), -1, 1);
    return [slope, e.neg(slope), null, null];
  },
);

const hubered = new PointwiseLoss(
  'huberLoss',
  'input',
  (input, target, delta) => bent(input, target, delta),
  (input, target, delta) => {
    const slope = between(difference(input, target), e.neg(delta), delta);
    return [slope, e.neg(slope), null];
  },
);

const weightedHubered = new PointwiseLoss(
  'huberLoss',
  'operands',
  (input, target, delta: Expr, weight: Expr) => e.mul(bent(input, target, delta), weight),
  (input, target, delta, weight) => {
    const slope = e.mul(between(difference(input, target), e.neg(delta), delta), weight);
    return [slope, e.neg(slope), null, bent(input, target, delta)];
  },
);

/**
 * |input - target|; the derivative where they are equal is 0.
 *
 * @param input float
 * @param target broadcasts with the input
 * @throws DTypeError for integer inputs; ShapeError if the shapes do not broadcast
 * @example
 * ```ts
 * nn.functional.l1Loss(tensor([1, 2]), tensor([1, 4])); // tensor(1.)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.l1_loss.html
 */
export const l1Loss: LossFunction<typeof weightedSignature, WeightedLossOptions> = define(
  'l1Loss',
  onPair(weightedSignature),
  (input, target, reduction, weight) =>
    weight === null
      ? absolute.apply(input, target, [], reduction)
      : weightedLoss('l1Loss', weightedAbsolute, [input, target, weight], reduction),
);

/**
 * The mean (or sum) of |input - target|.
 *
 * @example
 * ```ts
 * new nn.L1Loss().forward(tensor([1, 2]), tensor([1, 4])); // tensor(1.)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.L1Loss.html
 */
export class L1Loss extends LossModule<NamedOf<typeof reductionSignature>> {
  constructor(...args: ArgumentsOf<typeof reductionSignature, ReductionOptions>) {
    super(l1Loss, reductionSignature.named('L1Loss', args));
  }
}

/**
 * (input - target)².
 *
 * @param input float
 * @param target broadcasts with the input
 * @throws DTypeError for integer inputs; ShapeError if the shapes do not broadcast
 * @example
 * ```ts
 * nn.functional.mseLoss(tensor([1, 2]), tensor([1, 4]), { reduction: 'none' }); // tensor([0., 4.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.mse_loss.html
 */
export const mseLoss: LossFunction<typeof weightedSignature, WeightedLossOptions> = define(
  'mseLoss',
  onPair(weightedSignature),
  (input, target, reduction, weight) =>
    weight === null
      ? squared.apply(input, target, [], reduction)
      : weightedLoss('mseLoss', weightedSquared, [input, target, weight], reduction),
);

/**
 * The mean (or sum) of (input - target)².
 *
 * @example
 * ```ts
 * new nn.MSELoss().forward(tensor([1, 2]), tensor([1, 4])); // tensor(2.)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MSELoss.html
 */
export class MSELoss extends LossModule<NamedOf<typeof reductionSignature>> {
  constructor(...args: ArgumentsOf<typeof reductionSignature, ReductionOptions>) {
    super(mseLoss, reductionSignature.named('MSELoss', args));
  }
}

/**
 * 0.5 d² / beta where d = |input - target| is below beta, d - 0.5 beta elsewhere.
 *
 * @param input float
 * @param target broadcasts with the input
 * @throws ValueError for a negative beta; DTypeError for integer inputs; ShapeError if the shapes do not broadcast
 * @example
 * ```ts
 * nn.functional.smoothL1Loss(tensor([0.5, 2]), tensor([0, 0]), { reduction: 'none' }); // tensor([0.1250, 1.5000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.smooth_l1_loss.html
 */
export const smoothL1Loss: LossFunction<typeof smoothL1Signature, SmoothL1Options> = define(
  'smoothL1Loss',
  onPair(smoothL1Signature),
  (input, target, reduction, beta) => {
    const inverse = 1 / beta;
    if (Math.fround(inverse) === Number.POSITIVE_INFINITY) return absolute.apply(input, target, [], reduction);
    return smoothed.apply(input, target, [beta, inverse], reduction);
  },
);

/**
 * Quadratic below `beta`, linear above; the smooth version of L1Loss: see `nn.functional.smoothL1Loss`.
 *
 * @example
 * ```ts
 * new nn.SmoothL1Loss({ beta: 0.5 }).forward(tensor([0, 2]), tensor([0, 0])); // tensor(0.8750)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.SmoothL1Loss.html
 */
export class SmoothL1Loss extends LossModule<NamedOf<typeof smoothL1Signature>> {
  constructor(...args: ArgumentsOf<typeof smoothL1Signature, SmoothL1Options>) {
    super(smoothL1Loss, smoothL1Signature.named('SmoothL1Loss', args));
  }
}

/**
 * 0.5 d² where d = |input - target| is below delta, delta (d - 0.5 delta) elsewhere.
 *
 * @param input float
 * @param target broadcasts with the input
 * @throws ValueError for a delta that is not above 0; DTypeError for integer inputs; ShapeError if the shapes do not broadcast
 * @example
 * ```ts
 * nn.functional.huberLoss(tensor([0.5, 4]), tensor([0, 0]), { delta: 2, reduction: 'none' }); // tensor([0.1250, 6.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.huber_loss.html
 */
export const huberLoss: LossFunction<typeof weightedHuberSignature, WeightedHuberOptions> = define(
  'huberLoss',
  onPair(weightedHuberSignature),
  (input, target, reduction, delta, weight) => {
    if (weight === null) return hubered.apply(input, target, [delta], reduction);
    checkWeight('huberLoss', input, weight);
    return weightedHubered.apply(input, target, [delta, weight], reduction);
  },
);

/**
 * Quadratic below `delta`, linear above: see `nn.functional.huberLoss`.
 *
 * @example
 * ```ts
 * new nn.HuberLoss({ delta: 0.5 }).forward(tensor([0, 2]), tensor([0, 0])); // tensor(0.4375)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.HuberLoss.html
 */
export class HuberLoss extends LossModule<NamedOf<typeof huberSignature>> {
  constructor(...args: ArgumentsOf<typeof huberSignature, HuberOptions>) {
    super(huberLoss, huberSignature.named('HuberLoss', args));
  }
}
