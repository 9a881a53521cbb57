import { define } from '../../arguments/define.js';
import type { ArgumentsOf, FunctionOf, NamedOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { isFloat, isInteger } from '../../backend/dtype.js';
import { sameShape } from '../../backend/view.js';
import { DTypeError, ShapeError, ValueError } from '../../errors.js';
import type { Expr } from '../../expr/index.js';
import * as e from '../../expr/index.js';
import { once } from '../../once.js';
import { eq, where } from '../../ops/pointwise.js';
import { sum } from '../../ops/reductions.js';
import { reshape } from '../../ops/views.js';
import { refuseIf } from '../../tensor/check.js';
import { Formula } from '../../tensor/formula.js';
import { type Frame, Kernel } from '../../tensor/kernel.js';
import * as kinds from '../../tensor/kinds.js';
import type { Operand } from '../../tensor/promotion.js';
import { allAxes, type Shape, show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { type OnPair, onPair } from '../operands.js';
import { LossModule } from './loss-module.js';
import { reduceRows, reducing } from './reduction.js';

const ofClasses = {
  /** A weight per class; `'mean'` then divides by the sum of the targets' weights. Default: null, 1 for each. */
  weight: kinds.tensor.optional(),
  /** Targets of this class count for nothing. Default: -100. */
  ignoreIndex: kinds.integer.default(-100),
  ...reducing,
};

const nllSignature = signature('weight, ignoreIndex, reduction', ofClasses);

const crossEntropySignature = signature('weight, ignoreIndex, reduction, labelSmoothing', {
  ...ofClasses,
  /** How much of each target is spread evenly over all classes. Default: 0. */
  labelSmoothing: kinds.within(0, 1).default(0),
});

export interface NLLOptions extends OptionsOf<typeof nllSignature> {}
export interface CrossEntropyOptions extends OptionsOf<typeof crossEntropySignature> {}

// A row is the classes of one sample. Arguments: input and weight per class, target per sample, then numbers.

const atTarget = (values: Expr, target: Expr): Expr => e.rowSum(e.where(e.eq(e.position(), target), values, 0));

/** The target's weight; 0 for what is ignored. */
const targetWeight = (target: Expr, weight: Expr, ignore: Expr): Expr =>
  e.where(e.eq(target, ignore), 0, weight.rate === 'call' ? weight : atTarget(weight, target));

const counted = (loss: Expr, target: Expr, ignore: Expr): Expr => e.where(e.eq(target, ignore), 0, loss);

/**
 * How surprising an element is, -log softmax. Both parts are differences from the largest element, so that a large one takes no digits away;
 * an infinite one makes all NaN, as in PyTorch.
 */
function surprise(x: Expr): (element: Expr) => Expr {
  const shift = e.detach(e.rowMax(x));
  const total = e.log(e.rowSum(e.exp(e.sub(x, shift))));
  return (element) => e.sub(total, e.sub(element, shift));
}

const row = ['element', 'row', 'element'] as const;

const likelihood = new Formula(
  'nllLoss',
  (x, target, weight, ignore) => {
    return counted(e.neg(e.mul(targetWeight(target, weight, ignore), atTarget(x, target))), target, ignore);
  },
  { kinds: row },
);

const entropy = new Formula(
  'crossEntropy',
  (x, target, weight, ignore) => {
    const loss = e.mul(targetWeight(target, weight, ignore), surprise(x)(atTarget(x, target)));
    return counted(loss, target, ignore);
  },
  { kinds: row },
);

const smoothedEntropy = new Formula(
  'crossEntropy',
  (x, target, weight, ignore, smoothing, classes) => {
    const surpriseOf = surprise(x);
    const own = e.mul(targetWeight(target, weight, ignore), surpriseOf(atTarget(x, target)));
    const spread = e.rowSum(e.mul(weight, surpriseOf(x)));
    const loss = e.add(e.mul(e.sub(1, smoothing), own), e.mul(e.div(smoothing, classes), spread));
    return counted(loss, target, ignore);
  },
  { kinds: row },
);

/** The target is a probability per class here. */
const softEntropy = new Formula('crossEntropy', (x, target, weight, smoothing, classes) => {
  const smoothed = e.add(e.mul(target, e.sub(1, smoothing)), e.div(smoothing, classes));
  return e.rowSum(e.mul(e.mul(weight, smoothed), surprise(x)(x)));
});

const weighing = new Formula('crossEntropy', (weight, target, ignore) => targetWeight(target, weight, ignore), {
  kinds: ['element', 'row'],
});

/** How many targets are neither a class nor ignored, and how many count. */
const census = once(() => {
  const [target, ignore, classes] = [e.input(0, 'element'), e.param(0), e.param(1)];
  const inside = e.and(e.ge(target, 0), e.lt(target, classes));
  const roots = [e.rowSum(e.not(e.or(inside, e.eq(target, ignore)))), e.rowSum(e.ne(target, ignore))];
  return new Kernel('classTargets', roots, ['element'], 2);
});

/** Class logits (or log-probabilities): (classes), (batch, classes) or (batch, classes, …); the frame folds the classes. */
function classFrame(op: string, input: Tensor): Frame {
  if (!isFloat(input.dtype)) throw new DTypeError(`${op}: the input must be a float tensor, got ${input.dtype}`);
  if (input.ndim === 0) throw new ShapeError(`${op}: the input must have a dimension of classes, got a 0-d tensor`);
  return { shape: shapeOf(input), axes: [input.ndim === 1 ? 0 : 1], keepdim: false };
}

function sampleShape({ shape, axes }: Frame): Shape {
  return shape.filter((_, axis) => axis !== axes[0]);
}

/** Weights as an operand: one per class, laid along the class dimension; or the number 1. */
function classWeights(op: string, weight: Tensor | null, frame: Frame): Operand {
  if (weight === null) return 1;
  const classes = frame.shape[frame.axes[0]!]!;
  if (!sameShape(shapeOf(weight), [classes])) {
    throw new ShapeError(`${op}: weight must have shape [${classes}], one per class, got ${show(weight.shape)}`);
  }
  return reshape(weight, [classes, ...frame.shape.slice(frame.axes[0]! + 1).map(() => 1)]);
}

/** Refuses targets that are not classes; returns how many are not ignored, float64. */
function countTargets(op: string, target: Tensor, frame: Frame, ignoreIndex: number): Tensor {
  checkTargetType(op, target, frame);
  const classes = frame.shape[frame.axes[0]!]!;
  const all = { shape: shapeOf(target), axes: allAxes(shapeOf(target).length), keepdim: false };
  const [misplaced, counted] = census().run([target], [ignoreIndex, classes], 'float64', 'float64', all);
  const isBad = (t: number) => t !== ignoreIndex && (t < 0 || t >= classes);
  const refusal = (which: string) =>
    new ValueError(`${op}: ${which} is out of range for ${classes} classes (ignoreIndex is ${ignoreIndex})`);
  refuseIf(
    misplaced!,
    () => refusal(`target ${(target.toTypedArray() as Int32Array).find(isBad)}`),
    () => refusal('a target'),
  );
  return counted!;
}

function checkTargetType(op: string, target: Tensor, frame: Frame): void {
  if (!isInteger(target.dtype)) {
    throw new DTypeError(
      `${op}: class indices must be int32, got ${target.dtype}; convert with .int(), or pass probabilities of shape ${show(frame.shape)}`,
    );
  }
  const expected = sampleShape(frame);
  if (!sameShape(shapeOf(target), expected)) {
    throw new ShapeError(
      `${op}: for an input of shape ${show(frame.shape)} the target must have shape ${show(expected)}, got ${show(target.shape)}`,
    );
  }
}

/** The sum of the targets' weights, which 'mean' divides by. */
const totalWeight = (target: Tensor, weight: Tensor, ignoreIndex: number, frame: Frame): Tensor =>
  sum(weighing.call([weight.detach(), target, ignoreIndex], weight.dtype, undefined, frame));

/**
 * -weight[target] · input[target], the input being log-probabilities.
 *
 * `'mean'` divides by the sum of the weights of the targets that are not ignored.
 *
 * @param input (classes), (batch, classes) or (batch, classes, …)
 * @param target int32 class indices, the input's shape without its classes
 * @throws ValueError for a target that is no class; DTypeError for targets that are not int32; ShapeError if the shapes do not fit
 * @example
 * ```ts
 * const input = tensor([[0.2, 0.8]]).log();
 * nn.functional.nllLoss(input, tensor([1], { dtype: 'int32' })); // tensor(0.2231)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.nll_loss.html
 */
export const nllLoss: FunctionOf<Tensor, OnPair<typeof nllSignature>, NLLOptions> = define(
  'nllLoss',
  onPair(nllSignature),
  (input, target, classWeight, ignoreIndex, reduction) => {
    const frame = classFrame('nllLoss', input);
    const counted = countTargets('nllLoss', target, frame, ignoreIndex);
    const weight = classWeights('nllLoss', classWeight, frame);
    const rows = likelihood.call([input, target, weight, ignoreIndex], input.dtype, undefined, frame);
    return reduceRows(rows, reduction, () =>
      typeof weight !== 'number' ? totalWeight(target, weight, ignoreIndex, frame) : counted,
    );
  },
);

/**
 * The negative log-likelihood of class indices under log-probabilities: see `nn.functional.nllLoss`.
 *
 * @example
 * ```ts
 * const input = tensor([[0.2, 0.8]]).log();
 * new nn.NLLLoss().forward(input, tensor([1], { dtype: 'int32' })); // tensor(0.2231)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.NLLLoss.html
 */
export class NLLLoss extends LossModule<NamedOf<typeof nllSignature>> {
  constructor(...args: ArgumentsOf<typeof nllSignature, NLLOptions>) {
    super(nllLoss, nllSignature.named('NLLLoss', args));
  }
}

/**
 * -weight[target] · log softmax(input)[target]; for a target of probabilities the sum of that over all classes, each times its probability.
 *
 * `'mean'` divides by the sum of the weights of the targets that are not ignored; for probabilities by the number of samples.
 *
 * @param input logits: (classes), (batch, classes) or (batch, classes, …)
 * @param target int32 class indices, the input's shape without its classes; or probabilities of the input's shape
 * @throws ValueError for a target that is no class; DTypeError for indices that are not int32; ShapeError if the shapes do not fit
 * @example
 * ```ts
 * const logits = tensor([[2, 0], [0, 2]]);
 * nn.functional.crossEntropy(logits, tensor([0, 1], { dtype: 'int32' })); // tensor(0.1269)
 * nn.functional.crossEntropy(logits, tensor([[0.5, 0.5], [0, 1]])); // tensor(0.6269)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html
 */
export const crossEntropy: FunctionOf<Tensor, OnPair<typeof crossEntropySignature>, CrossEntropyOptions> = define(
  'crossEntropy',
  onPair(crossEntropySignature),
  (input, target, classWeight, ignoreIndex, reduction, labelSmoothing) => {
    const frame = classFrame('crossEntropy', input);
    const weight = classWeights('crossEntropy', classWeight, frame);
    const classes = frame.shape[frame.axes[0]!]!;
    if (isFloat(target.dtype) && sameShape(shapeOf(target), shapeOf(input))) {
      if (ignoreIndex >= 0) {
        throw new ValueError(
          `crossEntropy: ignoreIndex is for class indices, but the target has probabilities; leave it out, got ${ignoreIndex}`,
        );
      }
      const rows = softEntropy.call([input, target, weight, labelSmoothing, classes], input.dtype, undefined, frame);
      return reduceRows(rows, reduction, () => rows.numel());
    }
    const counted = countTargets('crossEntropy', target, frame, ignoreIndex);
    const rows =
      labelSmoothing === 0
        ? entropy.call([input, target, weight, ignoreIndex], input.dtype, undefined, frame)
        : smoothedEntropy.call(
            [input, target, weight, ignoreIndex, labelSmoothing, classes],
            input.dtype,
            undefined,
            frame,
          );
    return reduceRows(rows, reduction, () => {
      if (typeof weight === 'number') return counted;
      const total = totalWeight(target, weight, ignoreIndex, frame);
      // What is spread over the other classes is not 0 where the targets' weights are; their own part is 0 / 0, and so is the whole.
      return labelSmoothing === 0 ? total : where(eq(total, 0), Number.NaN, total);
    });
  },
);

/**
 * Cross entropy of logits with class indices or probabilities: log-softmax and negative log-likelihood in one.
 *
 * @example
 * ```ts
 * const logits = tensor([[2, 0], [0, 2]]);
 * new nn.CrossEntropyLoss().forward(logits, tensor([0, 1], { dtype: 'int32' })); // tensor(0.1269)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html
 */
export class CrossEntropyLoss extends LossModule<NamedOf<typeof crossEntropySignature>> {
  constructor(...args: ArgumentsOf<typeof crossEntropySignature, CrossEntropyOptions>) {
    super(crossEntropy, crossEntropySignature.named('CrossEntropyLoss', args));
  }
}
