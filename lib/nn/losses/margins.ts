import { define } from '../../arguments/define.js';
import type { ArgumentsOf, FunctionOf, NamedOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { ShapeError } from '../../errors.js';
import type { Expr } from '../../expr/index.js';
import * as e from '../../expr/index.js';
import * as kinds from '../../tensor/kinds.js';
import { show } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { onPair } from '../operands.js';
import { LossModule, TripleLossModule } from './loss-module.js';
import { clampedAtZero, type LossFunction, PointwiseLoss } from './pointwise-loss.js';
import { type ReductionOptions, reducing, reductionSignature } from './reduction.js';

// Losses per element that want a distance of at least a margin.

const hingeSignature = signature('margin, reduction', {
  /** How far apart what is unlike should be. Default: 1. */
  margin: kinds.number.default(1),
  ...reducing,
});

export interface HingeEmbeddingOptions extends OptionsOf<typeof hingeSignature> {}

const hinge = new PointwiseLoss('hingeEmbeddingLoss', 'whole', (input, target, margin: Expr) =>
  e.add(e.where(e.eq(target, 1), 0, clampedAtZero(e.sub(margin, input))), e.where(e.eq(target, -1), 0, input)),
);

/**
 * The input where the target is 1, max(0, margin - input) where it is -1.
 *
 * @param input distances
 * @param target 1 or -1; broadcasts with the input
 * @throws DTypeError for the mean of integers; ShapeError if the shapes do not broadcast
 * @example
 * ```ts
 * nn.functional.hingeEmbeddingLoss(tensor([0.5, 0.25]), tensor([1, -1]), { reduction: 'none' }); // tensor([0.5000, 0.7500])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.hinge_embedding_loss.html
 */
export const hingeEmbeddingLoss: LossFunction<typeof hingeSignature, HingeEmbeddingOptions> = define(
  'hingeEmbeddingLoss',
  onPair(hingeSignature),
  (input, target, margin, reduction) => hinge.apply(input, target, [margin], reduction),
);

/**
 * The input where the target is 1, max(0, margin - input) where it is -1: see `nn.functional.hingeEmbeddingLoss`.
 *
 * @example
 * ```ts
 * new nn.HingeEmbeddingLoss().forward(tensor([0.5, 0.25]), tensor([1, -1])); // tensor(0.6250)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.HingeEmbeddingLoss.html
 */
export class HingeEmbeddingLoss extends LossModule<NamedOf<typeof hingeSignature>> {
  constructor(...args: ArgumentsOf<typeof hingeSignature, HingeEmbeddingOptions>) {
    super(hingeEmbeddingLoss, hingeSignature.named('HingeEmbeddingLoss', args));
  }
}

/** log(1 + e^(-y x)), without overflow. */
const softMargin = new PointwiseLoss(
  'softMarginLoss',
  'silent',
  (input, target) => {
    const x = e.mul(input, target);
    return e.add(e.max(e.neg(x), 0), e.softplusOfMinusMagnitude(x));
  },
  (input, target) => {
    const slope = e.neg(e.sigmoid(e.neg(e.mul(input, target))));
    return [e.mul(slope, target), e.mul(slope, input)];
  },
);

/**
 * log(1 + e^(-target · input)).
 *
 * @param target 1 or -1; broadcasts with the input
 * @throws DTypeError for integer inputs; ShapeError if the shapes do not broadcast
 * @example
 * ```ts
 * nn.functional.softMarginLoss(tensor([2, 1]), tensor([1, -1]), { reduction: 'none' }); // tensor([0.1269, 1.3133])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.soft_margin_loss.html
 */
export const softMarginLoss: LossFunction<typeof reductionSignature, ReductionOptions> = define(
  'softMarginLoss',
  onPair(reductionSignature),
  (input, target, reduction) => softMargin.apply(input, target, [], reduction),
);

/**
 * log(1 + e^(-target · input)).
 *
 * @example
 * ```ts
 * new nn.SoftMarginLoss().forward(tensor([2, 1]), tensor([1, -1])); // tensor(0.7201)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.SoftMarginLoss.html
 */
export class SoftMarginLoss extends LossModule<NamedOf<typeof reductionSignature>> {
  constructor(...args: ArgumentsOf<typeof reductionSignature, ReductionOptions>) {
    super(softMarginLoss, reductionSignature.named('SoftMarginLoss', args));
  }
}

const rankingSignature = signature('margin, reduction', {
  /** By how much the one should be above the other. Default: 0. */
  margin: kinds.number.default(0),
  ...reducing,
});

const rankingOf = rankingSignature.after('input1, input2, target', {
  input1: kinds.tensor,
  input2: kinds.tensor,
  target: kinds.tensor,
});

export interface MarginRankingOptions extends OptionsOf<typeof rankingSignature> {}

const ranking = new PointwiseLoss('marginRankingLoss', 'whole', (first, second, target: Expr, margin: Expr) =>
  clampedAtZero(e.add(e.neg(e.mul(target, e.sub(first, second))), margin)),
);

/**
 * max(0, -target (input1 - input2) + margin): the first should rank above the second where the target is 1, below where it is -1.
 *
 * @param input2 broadcasts with the first
 * @param target 1 or -1; broadcasts with both
 * @throws ShapeError unless all have as many dimensions; DTypeError for the mean of integers
 * @example
 * ```ts
 * const [a, b] = [tensor([2, 1]), tensor([1, 1.5])];
 * nn.functional.marginRankingLoss(a, b, tensor([1, 1]), { reduction: 'none' }); // tensor([0.0000, 0.5000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.margin_ranking_loss.html
 */
export const marginRankingLoss: FunctionOf<Tensor, typeof rankingOf, MarginRankingOptions> = define(
  'marginRankingLoss',
  rankingOf,
  (input1, input2, target, margin, reduction) => {
    if (input1.ndim !== input2.ndim || input1.ndim !== target.ndim) {
      const shapes = [input1, input2, target].map(({ shape }) => show(shape)).join(', ');
      throw new ShapeError(`marginRankingLoss: expected as many dimensions in all three, got shapes ${shapes}`);
    }
    return ranking.apply(input1, input2, [target, margin], reduction);
  },
);

/**
 * max(0, -target (input1 - input2) + margin): see `nn.functional.marginRankingLoss`.
 *
 * @example
 * ```ts
 * new nn.MarginRankingLoss().forward(tensor([2, 1]), tensor([1, 1.5]), tensor([1, 1])); // tensor(0.2500)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MarginRankingLoss.html
 */
export class MarginRankingLoss extends TripleLossModule<NamedOf<typeof rankingSignature>> {
  constructor(...args: ArgumentsOf<typeof rankingSignature, MarginRankingOptions>) {
    super(marginRankingLoss, rankingSignature.named('MarginRankingLoss', args));
  }
}
