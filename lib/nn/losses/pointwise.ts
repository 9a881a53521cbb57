import { define } from '../../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { computeType, isFloat } from '../../backend/dtype.js';
import { sameShape, sizeOf } from '../../backend/view.js';
import { DTypeError, ValueError } from '../../errors.js';
import type { Expr, ExprLike } from '../../expr/index.js';
import * as e from '../../expr/index.js';
import { adjoints } from '../../expr/index.js';
import { refuseIf } from '../../tensor/check.js';
import { Formula, type GradientRule, type Operands } from '../../tensor/formula.js';
import * as kinds from '../../tensor/kinds.js';
import { commonType, wider } from '../../tensor/promotion.js';
import { allAxes, broadcastShapes, show } from '../../tensor/shape.js';
import { shapeOf, Tensor } from '../../tensor/tensor.js';
import { warnOnce } from '../../warnings.js';
import { type OnPair, onPair } from '../operands.js';
import { type Reduction, reducing } from './reduction.js';

export const reductionSignature = signature('reduction', reducing);

export const smoothL1Signature = signature('reduction, beta', {
  ...reducing,
  /** Below this distance the loss is quadratic; 0 makes it l1Loss. Default: 1. */
  beta: kinds.atLeast(0).default(1),
});

export const huberSignature = signature('reduction, delta', {
  ...reducing,
  /** Below this distance the loss is quadratic. Default: 1. */
  delta: kinds.above(0).default(1),
});

const weighted = {
  /** Multiplies each loss; broadcasts. Default: null, 1. */
  weight: kinds.tensor.optional(),
};

export const bceSignature = signature('weight, reduction', { ...weighted, ...reducing });

export const bceWithLogitsSignature = signature('weight, reduction, posWeight', {
  ...weighted,
  ...reducing,
  /** Multiplies the losses of positive targets; broadcasts. Default: null, 1. */
  posWeight: kinds.tensor.optional(),
});

export const klDivSignature = signature('reduction, logTarget', {
  /** As elsewhere; `'batchmean'` divides the sum by the first size, as the divergence is defined. Default: 'mean'. */
  reduction: kinds.choice('none', 'mean', 'sum', 'batchmean').default('mean'),
  /** Whether the target is given as logarithms. Default: false. */
  logTarget: kinds.boolean.default(false),
});

export interface ReductionOptions extends OptionsOf<typeof reductionSignature> {}
export interface SmoothL1Options extends OptionsOf<typeof smoothL1Signature> {}
export interface HuberOptions extends OptionsOf<typeof huberSignature> {}
export interface BCEOptions extends OptionsOf<typeof bceSignature> {}
export interface BCEWithLogitsOptions extends OptionsOf<typeof bceWithLogitsSignature> {}
export interface KLDivOptions extends OptionsOf<typeof klDivSignature> {}

type LossFunction<S, O> = FunctionOf<Tensor, OnPair<S>, O>;

/**
 * The element type of a loss. `broadcast`: input and target as they promote when both have the common shape, so that a 0-d one counts;
 * `operands`: as they promote as they are; `input`: that of the input.
 */
type LossType = 'broadcast' | 'operands' | 'input';

/**
 * A loss with one value per element: from its one expression come the reduced forms too, in which loss and reduction (and their
 * gradients) are each one pass over memory. `R` are the arguments after input and target; `slopes` are derivatives by hand, where
 * PyTorch's differ from the expression's, or are cheaper.
 */
class PointwiseLoss<R extends Expr[]> {
  readonly #name: string;
  readonly #type: LossType;
  readonly #single: Formula<[input: Expr, target: Expr, ...R]>;
  readonly #summed: Formula<[input: Expr, target: Expr, ...R]>;
  /** Knows the number of elements and its inverse, as gradients would divide element by element. */
  readonly #averaged: Formula<[count: Expr, inverse: Expr, input: Expr, target: Expr, ...R]>;

  constructor(
    name: string,
    type: LossType,
    loss: (input: Expr, target: Expr, ...rest: R) => Expr,
    slopes?: (...args: [input: Expr, target: Expr, ...R]) => Slopes<R>,
  ) {
    const gradients = (g: Expr, args: [input: Expr, target: Expr, ...R]): Slopes<R> =>
      slopes === undefined ? adjoints(loss(...args), g, args) : scaled(slopes(...args), g);
    const gradient: GradientRule<[input: Expr, target: Expr, ...R]> = (g, _, ...args) => gradients(g, args);
    this.#name = name;
    this.#type = type;
    this.#single = new Formula(name, loss, { gradient });
    this.#summed = new Formula(name, (...args) => e.rowSum(loss(...args)), { gradient });
    this.#averaged = new Formula(name, (count, _, ...args) => e.div(e.rowSum(loss(...args)), count), {
      gradient: (g, _, __, inverse, ...args) => [null, null, ...gradients(e.mul(g, inverse), args)],
    });
  }

  apply(input: Tensor, target: Tensor, rest: Operands<R>, reduction: Reduction): Tensor {
    const name = this.#name;
    requireFloat(name, input);
    const tensors = [input, target, ...rest.filter((arg) => arg instanceof Tensor)];
    const shape = broadcastShapes(name, ...tensors.map(shapeOf));
    if (!sameShape(shapeOf(input), shapeOf(target))) warnOfBroadcast(name, input, target);
    const promoted = this.#type === 'operands' ? commonType(tensors) : wider(input.dtype, target.dtype);
    const dtype = this.#type === 'input' ? input.dtype : promoted;
    const compute = computeType(promoted);
    if (reduction === 'none') return this.#single.call([input, target, ...rest], dtype, compute);
    const frame = { shape, axes: allAxes(shape.length), keepdim: false };
    const count = sizeOf(shape);
    if (reduction === 'sum') return this.#summed.call([input, target, ...rest], dtype, compute, frame);
    return this.#averaged.call([count, 1 / count, input, target, ...rest], dtype, compute, frame);
  }
}

/** What flows into each argument of a loss. */
type Slopes<R extends Expr[]> = readonly [Expr | null, Expr | null, ...{ readonly [K in keyof R]: Expr | null }];

const scaled = <T extends readonly (Expr | null)[]>(slopes: T, g: Expr) =>
  slopes.map((slope) => slope && e.mul(g, slope)) as readonly (Expr | null)[] as T;

/** Broadcasting [n, 1] with [n] makes n² losses: hardly ever what is meant. As PyTorch warns, once for each loss and pair of shapes. */
const warnOfBroadcast = (name: string, input: Tensor, target: Tensor): void =>
  warnOnce(
    `${name}: the input ${show(input.shape)} and the target ${show(target.shape)} have different shapes and are broadcast, ` +
      'which is likely to give a wrong loss; reshape one of them',
    'NABLA_LOSS_BROADCAST',
  );

function requireFloat(op: string, input: Tensor): void {
  if (!isFloat(input.dtype)) throw new DTypeError(`${op}: the input must be a float tensor, got ${input.dtype}`);
}

const difference = (input: Expr, target: Expr): Expr => e.sub(input, target);

const absolute = new PointwiseLoss('l1Loss', 'broadcast', (input, target) => e.abs(difference(input, target)));
const squared = new PointwiseLoss('mseLoss', 'broadcast', (input, target) => e.square(difference(input, target)));

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

/** log(1 + e^-|x|): no exponential can overflow. */
const softplusMinusAbs = (x: Expr): Expr => e.log1p(e.exp(e.neg(e.abs(x))));

/** max(x, 0) - x y; where x is infinite, that is (1 - y) x - min(x, 0), which is what PyTorch computes. */
function linearPart(x: Expr, y: Expr): Expr {
  const infinite = e.eq(e.abs(x), Number.POSITIVE_INFINITY);
  return e.where(infinite, e.sub(e.mul(e.sub(1, y), x), e.min(x, 0)), e.sub(e.max(x, 0), e.mul(x, y)));
}

const binaryLogits = new PointwiseLoss(
  'binaryCrossEntropyWithLogits',
  'operands',
  (input, target) => e.add(linearPart(input, target), softplusMinusAbs(input)),
  (input, target) => [e.sub(e.sigmoid(input), target), e.neg(input)],
);

const weightedLogits = new PointwiseLoss(
  'binaryCrossEntropyWithLogits',
  'operands',
  (input, target, weight, positive) => {
    const softplusMinus = e.sub(softplusMinusAbs(input), e.min(input, 0));
    const factor = e.add(1, e.mul(e.sub(positive, 1), target));
    return e.mul(weight, e.add(e.mul(e.sub(1, target), input), e.mul(factor, softplusMinus)));
  },
);

/** t log t, which is 0 at 0. */
const entropy = (t: Expr): Expr => e.where(e.eq(t, 0), 0, e.mul(t, e.log(e.where(e.eq(t, 0), 1, t))));
const divergence = new PointwiseLoss('klDiv', 'operands', (input, target) =>
  e.sub(entropy(target), e.mul(target, input)),
);
const logDivergence = new PointwiseLoss('klDiv', 'operands', (input, target) =>
  e.mul(e.exp(target), e.sub(target, input)),
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
export const l1Loss: LossFunction<typeof reductionSignature, ReductionOptions> = define(
  'l1Loss',
  onPair(reductionSignature),
  (input, target, reduction) => absolute.apply(input, target, [], reduction),
);

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
export const mseLoss: LossFunction<typeof reductionSignature, ReductionOptions> = define(
  'mseLoss',
  onPair(reductionSignature),
  (input, target, reduction) => squared.apply(input, target, [], reduction),
);

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
export const huberLoss: LossFunction<typeof huberSignature, HuberOptions> = define(
  'huberLoss',
  onPair(huberSignature),
  (input, target, reduction, delta) => hubered.apply(input, target, [delta], reduction),
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
 * target (log target - input), the input being logarithms; 0 where the target is 0.
 *
 * @param input log-probabilities
 * @param target probabilities, or their logarithms with `logTarget`
 * @throws ValueError for a reduction that does not exist; DTypeError for integer inputs; ShapeError if the shapes do not broadcast
 * @example
 * ```ts
 * const input = tensor([[0.5, 0.5]]).log();
 * nn.functional.klDiv(input, tensor([[1, 0]]), { reduction: 'batchmean' }); // tensor(0.6931)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.kl_div.html
 */
export const klDiv: LossFunction<typeof klDivSignature, KLDivOptions> = define(
  'klDiv',
  onPair(klDivSignature),
  (input, target, reduction, logTarget) => {
    const loss = logTarget ? logDivergence : divergence;
    if (reduction !== 'batchmean') return loss.apply(input, target, [], reduction);
    return loss.apply(input, target, [], 'sum').div(shapeOf(input)[0] ?? 1);
  },
);
