import { define } from '../../arguments/define.js';
import type { ArgumentsOf, NamedOf, OptionsOf } from '../../arguments/forms.js';
import { type Kind, kind } from '../../arguments/kind.js';
import { signature } from '../../arguments/signature.js';
import { sameShape } from '../../backend/view.js';
import { ShapeError } from '../../errors.js';
import type { Expr } from '../../expr/index.js';
import * as e from '../../expr/index.js';
import { arange } from '../../ops/creation.js';
import { gather } from '../../ops/indexing.js';
import { eq, logicalAnd, lt, where } from '../../ops/pointwise.js';
import { any, argmax } from '../../ops/reductions.js';
import { reshape, unsqueeze } from '../../ops/views.js';
import { Formula } from '../../tensor/formula.js';
import * as kinds from '../../tensor/kinds.js';
import { broadcastShapes, type Shape, show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { onPair } from '../operands.js';
import { LossModule } from './loss-module.js';
import { type LossFunction, requireFloat } from './pointwise-loss.js';
import { type ReductionOptions, reduceRows, reducing, reductionSignature } from './reduction.js';
import { checkClasses } from './targets.js';

// Losses of classes that want the right ones ahead of the others.

const exponent: Kind<1 | 2> = kind('1 or 2', (value): value is 1 | 2 => value === 1 || value === 2);

const weighted = {
  /** A weight per class. Default: null, 1 for each. */
  weight: kinds.tensor.optional(),
};

const multiMarginSignature = signature('p, margin, weight, reduction', {
  /** The power of each loss, 1 or 2. Default: 1. */
  p: exponent.default(1),
  /** By how much the right class should be ahead. Default: 1. */
  margin: kinds.number.default(1),
  ...weighted,
  ...reducing,
});

export interface MultiMarginOptions extends OptionsOf<typeof multiMarginSignature> {}

/** max(x, 0), with the derivative 0 at 0. */
const positive = (x: Expr): Expr => e.where(e.gt(x, 0), x, 0);

const behind = (power: (x: Expr) => Expr) =>
  new Formula(
    'multiMarginLoss',
    (x, target: Expr, weight: Expr, margin: Expr, classes: Expr) => {
      const isRight = e.eq(e.position(), target);
      const right = e.rowSum(e.where(isRight, x, 0));
      const own = weight.rate === 'call' ? weight : e.rowSum(e.where(isRight, weight, 0));
      const losses = power(positive(e.add(e.sub(margin, right), x)));
      return e.div(e.mul(own, e.rowSum(e.where(isRight, 0, losses))), classes);
    },
    { kinds: ['element', 'row', 'element'] },
  );

const behindBy = { 1: behind((x) => x), 2: behind(e.square) } as const;

/** A 0-d tensor as one class. */
const atLeast1 = (x: Tensor): Tensor => (x.ndim === 0 ? reshape(x, [1]) : x);

/** The shape of (classes), or (batch, classes), both with classes. */
function classesOf(op: string, input: Tensor): Shape {
  requireFloat(op, input);
  const shape = shapeOf(input);
  if ((shape.length === 1 || shape.length === 2) && shape.at(-1)! > 0) return shape;
  throw new ShapeError(`${op}: the input must be (classes) or (batch, classes), got ${show(shape)}`);
}

/**
 * Σ max(0, margin - input[target] + input[i])^p / classes over all classes i but the target, each times the target's weight.
 *
 * @param input (classes) or (batch, classes)
 * @param target int32, one class per sample
 * @throws ValueError for a target that is no class; ShapeError if the shapes do not fit; DTypeError for targets that are not int32
 * @example
 * ```ts
 * const input = tensor([[0.1, 0.2, 0.4, 0.8]]);
 * nn.functional.multiMarginLoss(input, tensor([3], { dtype: 'int32' })); // tensor(0.3250)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.multi_margin_loss.html
 */
export const multiMarginLoss: LossFunction<typeof multiMarginSignature, MultiMarginOptions> = define(
  'multiMarginLoss',
  onPair(multiMarginSignature),
  (given, target, p, margin, weight, reduction) => {
    const op = 'multiMarginLoss';
    const input = atLeast1(given);
    const shape = classesOf(op, input);
    const classes = shape.at(-1)!;
    const samples = shape.slice(0, -1);
    const isSingle = samples.length === 0 && sameShape(shapeOf(target), [1]);
    if (!isSingle && !sameShape(shapeOf(target), samples)) {
      throw new ShapeError(`${op}: the target must have shape ${show(samples)}, got ${show(target.shape)}`);
    }
    if (weight !== null && !sameShape(shapeOf(weight), [classes])) {
      throw new ShapeError(`${op}: weight must have shape [${classes}], one per class, got ${show(weight.shape)}`);
    }
    checkClasses(op, target, classes);
    const frame = { shape, axes: [shape.length - 1], keepdim: false };
    const own = isSingle ? target.squeeze(0) : target;
    const rows = behindBy[p].call([input, own, weight ?? 1, margin, classes], input.dtype, undefined, frame);
    return reduceRows(reshape(rows, shapeOf(target)), reduction);
  },
);

/**
 * Σ max(0, margin - input[target] + input[i])^p / classes: see `nn.functional.multiMarginLoss`.
 *
 * @example
 * ```ts
 * const input = tensor([[0.1, 0.2, 0.4, 0.8]]);
 * new nn.MultiMarginLoss().forward(input, tensor([3], { dtype: 'int32' })); // tensor(0.3250)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MultiMarginLoss.html
 */
export class MultiMarginLoss extends LossModule<NamedOf<typeof multiMarginSignature>> {
  constructor(...args: ArgumentsOf<typeof multiMarginSignature, MultiMarginOptions>) {
    super(multiMarginLoss, multiMarginSignature.named('MultiMarginLoss', args));
  }
}

/** Rows of pairs: the target classes of a sample, and all classes. */
const misordered = new Formula(
  'multilabelMarginLoss',
  (right, isListed: Expr, x: Expr, isTarget: Expr, classes: Expr) =>
    e.div(e.rowSum(e.where(e.and(isListed, e.not(isTarget)), positive(e.add(e.sub(1, right), x)), 0)), classes),
);

/** Which targets are listed: those before the first -1. */
function listed(target: Tensor): Tensor {
  const isEnd = lt(target, 0);
  const [size, last] = [shapeOf(target).at(-1)!, target.ndim - 1];
  const end = where(any(isEnd, last, true), argmax(isEnd, last, true), size);
  return lt(arange(size), end);
}

/**
 * Σ max(0, 1 - input[target] + input[i]) / classes over all targets of a sample, and all classes i that are none of them.
 *
 * @param input (classes) or (batch, classes)
 * @param target int32, of the same shape: the classes that a sample has, then -1; what follows that does not count
 * @throws ValueError for a target that is neither a class nor -1; ShapeError if the shapes differ; DTypeError for targets that are not int32
 * @example
 * ```ts
 * const input = tensor([0.1, 0.2, 0.4, 0.8]);
 * nn.functional.multilabelMarginLoss(input, tensor([3, 0, -1, 1], { dtype: 'int32' })); // tensor(0.8500)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.multilabel_margin_loss.html
 */
export const multilabelMarginLoss: LossFunction<typeof reductionSignature, ReductionOptions> = define(
  'multilabelMarginLoss',
  onPair(reductionSignature),
  (given, targets, reduction) => {
    const op = 'multilabelMarginLoss';
    const [input, target] = [atLeast1(given), atLeast1(targets)];
    const shape = classesOf(op, input);
    if (!sameShape(shapeOf(target), shape)) {
      throw new ShapeError(
        `${op}: the target must have the shape ${show(shape)} of the input, got ${show(target.shape)}`,
      );
    }
    const classes = shape.at(-1)!;
    checkClasses(op, target, classes, -1);
    const isListed = listed(target);
    const at = where(isListed, target, 0);
    const right = gather(input, -1, at);
    const isTarget = any(logicalAnd(eq(unsqueeze(at, -1), arange(classes)), unsqueeze(isListed, -1)), -2);
    const pairs = [
      unsqueeze(right, -1),
      unsqueeze(isListed, -1),
      unsqueeze(input, -2),
      unsqueeze(isTarget, -2),
    ] as const;
    const whole = broadcastShapes(op, ...pairs.map(shapeOf));
    const frame = { shape: whole, axes: [whole.length - 2, whole.length - 1], keepdim: false };
    return reduceRows(misordered.call([...pairs, classes], input.dtype, undefined, frame), reduction);
  },
);

/**
 * Σ max(0, 1 - input[target] + input[i]) / classes: see `nn.functional.multilabelMarginLoss`.
 *
 * @example
 * ```ts
 * const input = tensor([0.1, 0.2, 0.4, 0.8]);
 * new nn.MultiLabelMarginLoss().forward(input, tensor([3, 0, -1, 1], { dtype: 'int32' })); // tensor(0.8500)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MultiLabelMarginLoss.html
 */
export class MultiLabelMarginLoss extends LossModule<NamedOf<typeof reductionSignature>> {
  constructor(...args: ArgumentsOf<typeof reductionSignature, ReductionOptions>) {
    super(multilabelMarginLoss, reductionSignature.named('MultiLabelMarginLoss', args));
  }
}

const multiLabelSignature = signature('weight, reduction', { ...weighted, ...reducing });

export interface MultiLabelSoftMarginOptions extends OptionsOf<typeof multiLabelSignature> {}

const entropies = new Formula(
  'multilabelSoftMarginLoss',
  (x, target: Expr, weight: Expr, classes: Expr) => {
    const loss = e.add(e.sub(e.max(x, 0), e.mul(x, target)), e.softplusOfMinusMagnitude(x));
    return e.div(e.rowSum(e.mul(weight, loss)), classes);
  },
  {
    gradient: (g, _, x, target, weight, classes) => {
      const slope = e.mul(weight, e.div(g, classes));
      return [e.mul(slope, e.sub(e.sigmoid(x), target)), e.neg(e.mul(slope, x)), null, null];
    },
  },
);

/**
 * The mean over the classes of -weight (target log σ(input) + (1 - target) log σ(-input)).
 *
 * @param input logits: (…, classes)
 * @param target 1 where a sample is of a class, 0 elsewhere; broadcasts with the input
 * @throws ShapeError if the shapes do not broadcast; DTypeError for integer inputs
 * @example
 * ```ts
 * nn.functional.multilabelSoftMarginLoss(tensor([[0, 2]]), tensor([[1, 0]])); // tensor(1.4100)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.multilabel_soft_margin_loss.html
 */
export const multilabelSoftMarginLoss: LossFunction<typeof multiLabelSignature, MultiLabelSoftMarginOptions> = define(
  'multilabelSoftMarginLoss',
  onPair(multiLabelSignature),
  (input, target, weight, reduction) => {
    const op = 'multilabelSoftMarginLoss';
    requireFloat(op, input);
    const tensors = [input, target, ...(weight === null ? [] : [weight])];
    const shape = broadcastShapes(op, ...tensors.map(shapeOf));
    if (shape.length === 0) throw new ShapeError(`${op}: the input must have a dimension of classes, got a 0-d tensor`);
    const frame = { shape, axes: [shape.length - 1], keepdim: false };
    const classes = shapeOf(input).at(-1) ?? 1;
    const rows = entropies.call([input, target, weight ?? 1, classes], input.dtype, undefined, frame);
    return reduceRows(rows, reduction);
  },
);

/**
 * The mean over the classes of -weight (target log σ(input) + (1 - target) log σ(-input)).
 *
 * @example
 * ```ts
 * new nn.MultiLabelSoftMarginLoss().forward(tensor([[0, 2]]), tensor([[1, 0]])); // tensor(1.4100)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MultiLabelSoftMarginLoss.html
 */
export class MultiLabelSoftMarginLoss extends LossModule<NamedOf<typeof multiLabelSignature>> {
  constructor(...args: ArgumentsOf<typeof multiLabelSignature, MultiLabelSoftMarginOptions>) {
    super(multilabelSoftMarginLoss, multiLabelSignature.named('MultiLabelSoftMarginLoss', args));
  }
}
