import { define } from '../../arguments/define.js';
import type { ArgumentsOf, FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { signature } from '../../arguments/signature.js';
import { recording } from '../../backend/recording.js';
import { sameShape, sizeOf } from '../../backend/view.js';
import { ShapeError } from '../../errors.js';
import { linear } from '../../ops/products.js';
import { reshape } from '../../ops/views.js';
import * as kinds from '../../tensor/kinds.js';
import { type Shape, show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { Linear } from '../layers/linear.js';
import { Module } from '../module.js';
import { pythonText, pythonTuple } from '../text.js';
import { crossEntropy } from './classification.js';
import { reducing } from './reduction.js';

const ofClasses = {
  /** A weight per class; `'mean'` then divides by the sum of the targets' weights. Default: null, 1 for each. */
  weight: kinds.tensor.optional(),
  ...reducing,
  /** Targets of this class count for nothing; for indices only. Default: null, -100. */
  ignoreIndex: kinds.integer.optional(),
  /** How much of each target is spread evenly over all classes. Default: 0. */
  labelSmoothing: kinds.within(0, 1).default(0),
};

const functionSignature = signature(
  'input, linearWeight, target, /, *, linearBias, weight, reduction, ignoreIndex, labelSmoothing',
  {
    input: kinds.tensor,
    linearWeight: kinds.tensor,
    target: kinds.tensor,
    /** A bias per logit. Default: null, none. */
    linearBias: kinds.tensor.optional(),
    ...ofClasses,
  },
);

const moduleSignature = signature(
  'inFeatures, numClasses, *, outFeatures, bias, dtype, reduction, weight, ignoreIndex, labelSmoothing',
  {
    inFeatures: kinds.integerFrom(0),
    numClasses: kinds.integerFrom(1),
    /** The shape of the losses of a sample. Default: [], one. */
    outFeatures: kinds.shape.default([]),
    /** Whether a bias is learned. Default: false. */
    bias: kinds.boolean.default(false),
    /** Element type of the parameters. Default: float32. */
    dtype: kinds.dtype.default('float32'),
    ...ofClasses,
  },
);

export interface LinearCrossEntropyOptions extends OptionsOf<typeof functionSignature> {}
export interface LinearCrossEntropyLossOptions extends OptionsOf<typeof moduleSignature> {}

const OP = 'linearCrossEntropy';

function checkShapes(input: Tensor, weight: Tensor, bias: Tensor | null): void {
  if (input.ndim !== 1 && input.ndim !== 2) {
    throw new ShapeError(`${OP}: the input must have one or two dimensions, got ${show(input.shape)}`);
  }
  if (weight.ndim < 2) {
    throw new ShapeError(`${OP}: linearWeight must have two dimensions or more, got ${show(weight.shape)}`);
  }
  if (shapeOf(input).at(-1) !== shapeOf(weight).at(-1)) {
    throw new ShapeError(
      `${OP}: the last dimensions of input ${show(input.shape)} and linearWeight ${show(weight.shape)} differ`,
    );
  }
  const logits = shapeOf(weight).slice(0, -1);
  if (bias !== null && !sameShape(shapeOf(bias), logits)) {
    throw new ShapeError(`${OP}: linearBias must have shape ${show(logits)}, got ${show(bias.shape)}`);
  }
  if (weight.ndim > 2 && input.ndim === 1) {
    throw new ShapeError(
      `${OP}: a linearWeight of shape ${show(weight.shape)} wants a batch, got ${show(input.shape)}`,
    );
  }
}

/** The logits (batch, classes, …) of a weight (classes, …, features). */
function logitsOf(input: Tensor, weight: Tensor, bias: Tensor | null): Tensor {
  const perSample = shapeOf(weight).slice(0, -1);
  const flatWeight = reshape(weight, [sizeOf(perSample), shapeOf(weight).at(-1)!]);
  const flat = linear(input, flatWeight, bias === null ? null : reshape(bias, [-1]));
  return reshape(flat, [...shapeOf(input).slice(0, -1), ...perSample]);
}

/**
 * `crossEntropy` of logits that are a linear map of the input.
 *
 * @param input (features) or (batch, features)
 * @param linearWeight (classes, features), or (classes, …, features) for several losses per sample
 * @param target int32 class indices, or probabilities of the shape of the logits
 * @throws ShapeError if the shapes do not fit; ValueError for a target that is no class
 * @example
 * ```ts
 * const weight = tensor([[1, 0], [0, 1]]);
 * nn.functional.linearCrossEntropy(tensor([[2, 0]]), weight, tensor([0], { dtype: 'int32' })); // tensor(0.1269)
 * ```
 * @see https://pytorch.org/docs/stable/nn.functional.html
 */
export const linearCrossEntropy: FunctionOf<Tensor, typeof functionSignature, LinearCrossEntropyOptions> = define(
  'linearCrossEntropy',
  functionSignature,
  (input, linearWeight, target, linearBias, weight, reduction, ignoreIndex, labelSmoothing) => {
    checkShapes(input, linearWeight, linearBias);
    const logits = logitsOf(input, linearWeight, linearBias);
    if (ignoreIndex !== null && sameShape(shapeOf(target), shapeOf(logits))) {
      throw new ShapeError(`${OP}: ignoreIndex is for class indices, but the target has the shape of the logits`);
    }
    return crossEntropy(logits, target, { weight, reduction, labelSmoothing, ignoreIndex: ignoreIndex ?? -100 });
  },
);

/**
 * A linear layer and the cross entropy of its outputs: see `nn.functional.linearCrossEntropy`.
 *
 * Shapes: input (inFeatures) or (batch, inFeatures), target () or (batch) or (batch, …outFeatures).
 *
 * @throws ShapeError for weights that are not one per class
 * @example
 * ```ts
 * const loss = new nn.LinearCrossEntropyLoss(5, 10, { outFeatures: [4, 3] });
 * loss.forward(randn([2, 5]), zeros([2, 4, 3], { dtype: 'int32' })).shape; // []
 * ```
 * @see https://pytorch.org/docs/stable/nn.html
 */
export class LinearCrossEntropyLoss extends Module<[input: Tensor, target: Tensor], Tensor> {
  readonly numClasses: number;
  readonly outFeatures: Shape;
  readonly reduction: 'none' | 'mean' | 'sum';
  readonly ignoreIndex: number | null;
  readonly labelSmoothing: number;
  linear: Linear<boolean>;
  declare weight: Tensor | null;

  constructor(...args: ArgumentsOf<typeof moduleSignature, LinearCrossEntropyLossOptions>) {
    const options = moduleSignature.named('LinearCrossEntropyLoss', args);
    const { inFeatures, numClasses, outFeatures, bias, dtype, weight } = options;
    if (weight !== null && !sameShape(shapeOf(weight), [numClasses])) {
      throw new ShapeError(
        `LinearCrossEntropyLoss: weight must have shape [${numClasses}], one per class, got ${show(weight.shape)}`,
      );
    }
    super();
    this.numClasses = numClasses;
    this.outFeatures = [...outFeatures];
    this.reduction = options.reduction;
    this.ignoreIndex = options.ignoreIndex;
    this.labelSmoothing = options.labelSmoothing;
    this.registerBuffer('weight', weight);
    this.linear = new Linear<boolean>(inFeatures, numClasses * sizeOf(outFeatures), { bias, dtype });
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    recording?.used(this);
    const { linear, weight, reduction, ignoreIndex, labelSmoothing } = this;
    const logits = [this.numClasses, ...this.outFeatures];
    return linearCrossEntropy(input, reshape(linear.weight, [...logits, linear.inFeatures]), target, {
      linearBias: linear.bias === null ? null : reshape(linear.bias, logits),
      weight,
      reduction,
      ignoreIndex,
      labelSmoothing,
    });
  }

  override extraRepr(): string {
    const { linear, ignoreIndex } = this;
    return [
      `in_features=${linear.inFeatures}, num_classes=${this.numClasses}, out_features=${pythonTuple(this.outFeatures)}`,
      `bias=${pythonText(linear.bias !== null)}, reduction=${this.reduction}, ignore_index=${ignoreIndex ?? 'None'}`,
      `label_smoothing=${pythonText(this.labelSmoothing)}, options=None`,
    ].join(', ');
  }
}

takeNoMore(LinearCrossEntropyLoss, 'forward');
