import { computeType, isFloat } from '../../backend/dtype.js';
import { sameShape, sizeOf } from '../../backend/view.js';
import { describe } from '../../describe.js';
import { DTypeError, ValueError } from '../../errors.js';
import type { Expr, ExprLike } from '../../expr/index.js';
import * as e from '../../expr/index.js';
import { adjoints } from '../../expr/index.js';
import { checkBoolean, checkOptions } from '../../options.js';
import { checkTensor } from '../../tensor/arguments.js';
import { refuseIf } from '../../tensor/check.js';
import { Formula, type GradientRule, type Operands } from '../../tensor/formula.js';
import { commonType, type Operand, wider } from '../../tensor/promotion.js';
import { allAxes, broadcastShapes, show } from '../../tensor/shape.js';
import { shapeOf, Tensor } from '../../tensor/tensor.js';
import { warnOnce } from '../../warnings.js';

/** How the losses of the elements are reduced: not at all, their sum divided by the number of elements, or their sum. */
export type Reduction = 'none' | 'mean' | 'sum';

export interface ReductionOptions {
  /** How the losses of the elements are reduced: `'mean'`, `'sum'`, or `'none'` to keep them. Default: `'mean'`. */
  reduction?: Reduction;
}

/** null is no reduction, and refused as such. */
const reductionOf = ({ reduction = 'mean' }: ReductionOptions): Reduction => reduction;

export function checkReduction<R extends string>(
  op: string,
  reduction: unknown,
  known: readonly R[],
): asserts reduction is R {
  if (!known.includes(reduction as R)) {
    throw new ValueError(
      `${op}: reduction must be one of ${known.map((r) => `'${r}'`).join(', ')}, got ${describe(reduction)}`,
    );
  }
}

export const REDUCTIONS: readonly Reduction[] = ['none', 'mean', 'sum'];

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
    checkPair(name, input, target);
    checkReduction(name, reduction, REDUCTIONS);
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

function checkPair(op: string, input: unknown, target: unknown): void {
  checkTensor(op, 'the input', input);
  checkTensor(op, 'the target', target);
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

export interface SmoothL1Options extends ReductionOptions {
  /** Below this distance the loss is quadratic; 0 makes it l1Loss. Default: 1. */
  beta?: number;
}

export interface HuberOptions extends ReductionOptions {
  /** Below this distance the loss is quadratic. Default: 1. */
  delta?: number;
}

export interface BCEOptions extends ReductionOptions {
  /** Multiplies each loss; broadcasts. Default: null, 1. */
  weight?: Tensor | null;
}

export interface BCEWithLogitsOptions extends BCEOptions {
  /** Multiplies the losses of positive targets; broadcasts. Default: null, 1. */
  posWeight?: Tensor | null;
}

export interface KLDivOptions {
  /** As elsewhere; `'batchmean'` divides the sum by the first size, as the divergence is defined. Default: 'mean'. */
  reduction?: Reduction | 'batchmean';
  /** Whether the target is given as logarithms. Default: false. */
  logTarget?: boolean;
}

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
export function l1Loss(input: Tensor, target: Tensor, options: ReductionOptions = {}): Tensor {
  checkOptions('l1Loss', options, ['reduction']);
  return absolute.apply(input, target, [], reductionOf(options));
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
export function mseLoss(input: Tensor, target: Tensor, options: ReductionOptions = {}): Tensor {
  checkOptions('mseLoss', options, ['reduction']);
  return squared.apply(input, target, [], reductionOf(options));
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
export function smoothL1Loss(input: Tensor, target: Tensor, options: SmoothL1Options = {}): Tensor {
  checkOptions('smoothL1Loss', options, ['reduction', 'beta']);
  const { beta = 1, reduction = 'mean' } = options;
  if (!(typeof beta === 'number' && beta >= 0))
    throw new ValueError(`smoothL1Loss: beta must be at least 0, got ${describe(beta)}`);
  const inverse = 1 / beta;
  if (Math.fround(inverse) === Number.POSITIVE_INFINITY) return absolute.apply(input, target, [], reduction);
  return smoothed.apply(input, target, [beta, inverse], reduction);
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
export function huberLoss(input: Tensor, target: Tensor, options: HuberOptions = {}): Tensor {
  checkOptions('huberLoss', options, ['reduction', 'delta']);
  const { delta = 1, reduction = 'mean' } = options;
  if (!(typeof delta === 'number' && delta > 0))
    throw new ValueError(`huberLoss: delta must be above 0, got ${describe(delta)}`);
  return hubered.apply(input, target, [delta], reduction);
}

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
export function binaryCrossEntropy(input: Tensor, target: Tensor, options: BCEOptions = {}): Tensor {
  checkOptions('binaryCrossEntropy', options, ['reduction', 'weight']);
  checkPair('binaryCrossEntropy', input, target);
  const weight = weightOf('binaryCrossEntropy', 'weight', options.weight);
  checkUnit(input);
  return binary.apply(input, target, [weight], reductionOf(options));
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
export function binaryCrossEntropyWithLogits(
  input: Tensor,
  target: Tensor,
  options: BCEWithLogitsOptions = {},
): Tensor {
  checkOptions('binaryCrossEntropyWithLogits', options, ['reduction', 'weight', 'posWeight']);
  const { reduction = 'mean' } = options;
  const weight = weightOf('binaryCrossEntropyWithLogits', 'weight', options.weight);
  const posWeight = weightOf('binaryCrossEntropyWithLogits', 'posWeight', options.posWeight);
  if (weight === 1 && posWeight === 1) return binaryLogits.apply(input, target, [], reduction);
  return weightedLogits.apply(input, target, [weight, posWeight], reduction);
}

/** A weight as an operand: 1 where there is none. */
function weightOf(op: string, name: string, weight: Tensor | null | undefined): Operand {
  if (weight === null || weight === undefined) return 1;
  checkTensor(op, name, weight);
  return weight;
}

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
export function klDiv(input: Tensor, target: Tensor, options: KLDivOptions = {}): Tensor {
  checkOptions('klDiv', options, ['reduction', 'logTarget']);
  const { reduction = 'mean', logTarget = false } = options;
  checkReduction('klDiv', reduction, [...REDUCTIONS, 'batchmean']);
  checkBoolean('klDiv', 'logTarget', logTarget);
  const loss = logTarget ? logDivergence : divergence;
  if (reduction !== 'batchmean') return loss.apply(input, target, [], reduction);
  return loss.apply(input, target, [], 'sum').div(shapeOf(input)[0] ?? 1);
}
