import { define } from '../../arguments/define.js';
import type { ArgumentsOf, NamedOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { computeType } from '../../backend/dtype.js';
import { ValueError } from '../../errors.js';
import type { Expr } from '../../expr/index.js';
import * as e from '../../expr/index.js';
import { refuseIf } from '../../tensor/check.js';
import { Formula } from '../../tensor/formula.js';
import * as kinds from '../../tensor/kinds.js';
import { allAxes } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { onPair } from '../operands.js';
import { LossModule } from './loss-module.js';
import { type LossFunction, PointwiseLoss, requireFloat } from './pointwise-loss.js';
import { reducing } from './reduction.js';

const weighted = {
  /** Multiplies each loss; broadcasts. Default: null, 1. */
  weight: kinds.tensor.optional(),
};

const bceSignature = signature('weight, reduction', { ...weighted, ...reducing });

const bceWithLogitsSignature = signature('weight, reduction, posWeight', {
  ...weighted,
  ...reducing,
  /** Multiplies the losses of positive targets; broadcasts. Default: null, 1. */
  posWeight: kinds.tensor.optional(),
});

export interface BCEOptions extends OptionsOf<typeof bceSignature> {}
export interface BCEWithLogitsOptions extends OptionsOf<typeof bceWithLogitsSignature> {}

const clampedLog = (x: Expr): Expr => e.max(e.log(x), -100);
const clampedLog1p = (x: Expr): Expr => e.max(e.log1p(e.neg(x)), -100);

const binary = new PointwiseLoss(
  'binaryCrossEntropy',
  'operands',
  (input, target, weight) => {
    const likelihood = e.add(e.mul(target, clampedLog(input)), e.mul(e.sub(1, target), clampedLog1p(input)));
    return e.neg(e.mul(weight, likelihood));
  },
  (input, target, weight) => [
    e.mul(weight, e.div(e.sub(input, target), e.max(e.mul(input, e.sub(1, input)), 1e-12))),
    e.mul(weight, e.sub(clampedLog1p(input), clampedLog(input))),
    null,
  ],
);

/** max(x, 0) - x y; where x is infinite, that is (1 - y) x - min(x, 0), which is what PyTorch computes. */
function linearPart(x: Expr, y: Expr): Expr {
  const infinite = e.eq(e.abs(x), Number.POSITIVE_INFINITY);
  return e.where(infinite, e.sub(e.mul(e.sub(1, y), x), e.min(x, 0)), e.sub(e.max(x, 0), e.mul(x, y)));
}

const binaryLogits = new PointwiseLoss(
  'binaryCrossEntropyWithLogits',
  'operands',
  (input, target) => e.add(linearPart(input, target), e.softplusOfMinusMagnitude(input)),
  (input, target) => [e.sub(e.sigmoid(input), target), e.neg(input)],
);

const weightedLogits = new PointwiseLoss(
  'binaryCrossEntropyWithLogits',
  'operands',
  (input, target, weight, positive) => {
    const softplusMinus = e.sub(e.softplusOfMinusMagnitude(input), e.negativePart(input));
    const factor = e.add(1, e.mul(e.sub(positive, 1), target));
    return e.mul(weight, e.add(e.mul(e.sub(1, target), input), e.mul(factor, softplusMinus)));
  },
);

const outsideUnit = new Formula('binaryCrossEntropy', (x) => e.rowSum(e.not(e.and(e.ge(x, 0), e.le(x, 1)))));

/** Refuses probabilities outside [0, 1], and NaN. */
function checkUnit(x: Tensor): void {
  const frame = { shape: shapeOf(x), axes: allAxes(shapeOf(x).length), keepdim: false };
  const outside = outsideUnit.call([x.detach()], 'float64', computeType(x.dtype), frame);
  const refusal = (count: string) =>
    new ValueError(
      `binaryCrossEntropy: ${count} of ${x.numel()} inputs are outside [0, 1]; apply sigmoid, or use binaryCrossEntropyWithLogits`,
    );
  refuseIf(
    outside,
    () => refusal(`${outside.item()}`),
    () => refusal('some'),
  );
}

/**
 * -weight (target log input + (1 - target) log(1 - input)), each logarithm at least -100.
 *
 * @param input probabilities
 * @param target probabilities; broadcasts with the input
 * @throws ValueError for an input outside [0, 1]; DTypeError for integer inputs; ShapeError if the shapes do not broadcast
 * @example
 * ```ts
 * nn.functional.binaryCrossEntropy(tensor([0.8, 0.2]), tensor([1, 0])); // tensor(0.2231)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.binary_cross_entropy.html
 */
export const binaryCrossEntropy: LossFunction<typeof bceSignature, BCEOptions> = define(
  'binaryCrossEntropy',
  onPair(bceSignature),
  (input, target, weight, reduction) => {
    requireFloat('binaryCrossEntropy', input);
    checkUnit(input);
    return binary.apply(input, target, [weight ?? 1], reduction);
  },
);

/**
 * Binary cross entropy of probabilities: see `nn.functional.binaryCrossEntropy`.
 *
 * @example
 * ```ts
 * new nn.BCELoss().forward(tensor([0.8, 0.2]), tensor([1, 0])); // tensor(0.2231)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BCELoss.html
 */
export class BCELoss extends LossModule<NamedOf<typeof bceSignature>> {
  constructor(...args: ArgumentsOf<typeof bceSignature, BCEOptions>) {
    super(binaryCrossEntropy, bceSignature.named('BCELoss', args));
  }
}

/**
 * -weight (posWeight target log σ(input) + (1 - target) log(1 - σ(input))), without overflow.
 *
 * @param input logits: what a sigmoid would make probabilities of
 * @param target probabilities; broadcasts with the input
 * @throws DTypeError for integer inputs; ShapeError if the shapes do not broadcast
 * @example
 * ```ts
 * nn.functional.binaryCrossEntropyWithLogits(tensor([2, -1000]), tensor([1, 0])); // tensor(0.0635)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.binary_cross_entropy_with_logits.html
 */
export const binaryCrossEntropyWithLogits: LossFunction<typeof bceWithLogitsSignature, BCEWithLogitsOptions> = define(
  'binaryCrossEntropyWithLogits',
  onPair(bceWithLogitsSignature),
  (input, target, weight, reduction, posWeight) =>
    weight === null && posWeight === null
      ? binaryLogits.apply(input, target, [], reduction)
      : weightedLogits.apply(input, target, [weight ?? 1, posWeight ?? 1], reduction),
);

/**
 * Binary cross entropy of logits: sigmoid and loss in one, without overflow. See `nn.functional.binaryCrossEntropyWithLogits`.
 *
 * @example
 * ```ts
 * new nn.BCEWithLogitsLoss({ posWeight: tensor([2]) }).forward(tensor([0, 0]), tensor([1, 0])); // tensor(1.0397)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html
 */
export class BCEWithLogitsLoss extends LossModule<NamedOf<typeof bceWithLogitsSignature>> {
  constructor(...args: ArgumentsOf<typeof bceWithLogitsSignature, BCEWithLogitsOptions>) {
    super(binaryCrossEntropyWithLogits, bceWithLogitsSignature.named('BCEWithLogitsLoss', args));
  }
}
