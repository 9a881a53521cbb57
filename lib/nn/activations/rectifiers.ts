import { define } from '../../arguments/define.js';
import type { ArgumentsOf, FunctionOf, NamedOf, OptionsOf } from '../../arguments/forms.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { signature } from '../../arguments/signature.js';
import { DEFAULT_FLOAT, isFloat } from '../../backend/dtype.js';
import { ValueError } from '../../errors.js';
import * as e from '../../expr/index.js';
import { prelu } from '../../ops/activations.js';
import { empty, full } from '../../ops/creation.js';
import * as pointwise from '../../ops/pointwise.js';
import { uniform_ } from '../../ops/random.js';
import { Pointwise } from '../../tensor/elementwise.js';
import * as kinds from '../../tensor/kinds.js';
import { drawing, type Single, single } from '../../tensor/parameters.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { constant_ } from '../init.js';
import { Module } from '../module.js';
import { onInput } from '../operands.js';
import { Parameter } from '../parameter.js';
import {
  Activation,
  type ActivationFunction,
  float,
  type InplaceOptions,
  inplace,
  inplaceSignature,
  numberBeside,
  run,
} from './activation.js';

// Linear on both sides of a bend.

const rectifying = new Pointwise<[]>('relu', pointwise.relu);

/**
 * max(x, 0); the derivative at 0 is 0.
 *
 * @example
 * ```ts
 * nn.functional.relu(tensor([-1, 2])); // tensor([0., 2.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.relu.html
 */
export const relu: ActivationFunction<typeof inplaceSignature, InplaceOptions> = define(
  'relu',
  onInput(inplaceSignature),
  (x, inplace) => run(rectifying, inplace, x),
);

/**
 * `relu` written over its input.
 *
 * @throws AutogradError for a leaf that requires a gradient, while gradients are recorded
 * @example
 * ```ts
 * const x = tensor([-1, 2]);
 * nn.functional.relu_(x);
 * x; // tensor([0., 2.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.relu_.html
 */
export const relu_: Single = define('relu_', single, (x) => rectifying.applyInPlace(x, []));

/**
 * max(x, 0); the derivative at 0 is 0.
 *
 * @example
 * ```ts
 * new nn.ReLU().forward(tensor([-1, 2])); // tensor([0., 2.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ReLU.html
 */
export class ReLU extends Activation<NamedOf<typeof inplaceSignature>> {
  constructor(...args: ArgumentsOf<typeof inplaceSignature, InplaceOptions>) {
    super(relu, inplaceSignature.named('ReLU', args));
  }
}

const leakyReluSignature = signature('negativeSlope, inplace', {
  /** The slope below 0. Default: 0.01. */
  negativeSlope: kinds.number.default(0.01),
  ...inplace,
});

export interface LeakyReLUOptions extends OptionsOf<typeof leakyReluSignature> {}

const leaking = new Pointwise('leakyRelu', (x, slope) => e.where(e.gt(x, 0), x, e.mul(x, slope)), float);

/**
 * x above 0, negativeSlope · x below.
 *
 * @example
 * ```ts
 * nn.functional.leakyRelu(tensor([-1, 2]), { negativeSlope: 0.1 }); // tensor([-0.1000,  2.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.leaky_relu.html
 */
export const leakyRelu: ActivationFunction<typeof leakyReluSignature, LeakyReLUOptions> = define(
  'leakyRelu',
  onInput(leakyReluSignature),
  (x, negativeSlope, inplace) => run(leaking, inplace, x, negativeSlope),
);

/**
 * x above 0, negativeSlope · x below.
 *
 * @example
 * ```ts
 * new nn.LeakyReLU({ negativeSlope: 0.1 }).forward(tensor([-1, 2])); // tensor([-0.1000,  2.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LeakyReLU.html
 */
export class LeakyReLU extends Activation<NamedOf<typeof leakyReluSignature>> {
  constructor(...args: ArgumentsOf<typeof leakyReluSignature, LeakyReLUOptions>) {
    super(leakyRelu, leakyReluSignature.named('LeakyReLU', args));
  }
}

const clipping = new Pointwise('relu6', (x) => e.min(e.max(x, 0), 6), {
  refuse: { dtype: 'bool', hint: 'convert with .int()' },
  gradient: (g, _, x) => [e.where(e.or(e.le(x, 0), e.ge(x, 6)), 0, g)],
});

/**
 * min(max(x, 0), 6); the derivative at 0 and at 6 is 0.
 *
 * @example
 * ```ts
 * nn.functional.relu6(tensor([-1, 2, 7])); // tensor([0., 2., 6.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.relu6.html
 */
export const relu6: ActivationFunction<typeof inplaceSignature, InplaceOptions> = define(
  'relu6',
  onInput(inplaceSignature),
  (x, inplace) => run(clipping, inplace, x),
);

/**
 * min(max(x, 0), 6).
 *
 * @example
 * ```ts
 * new nn.ReLU6().forward(tensor([-1, 2, 7])); // tensor([0., 2., 6.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ReLU6.html
 */
export class ReLU6 extends Activation<NamedOf<typeof inplaceSignature>> {
  constructor(...args: ArgumentsOf<typeof inplaceSignature, InplaceOptions>) {
    super(relu6, inplaceSignature.named('ReLU6', args));
  }
}

const learnedSignature = signature('numParameters, init, dtype', {
  /** How many slopes there are: 1, or one per channel. Default: 1. */
  numParameters: kinds.integerFrom(0).default(1),
  /** What they start from. Default: 0.25. */
  init: kinds.number.default(0.25),
  /** Element type of the slopes. Default: float32. */
  dtype: kinds.dtype.default('float32'),
});

export interface PReLUOptions extends OptionsOf<typeof learnedSignature> {}

/**
 * x above 0, weight · x below, with a slope that is learned: one for all, or one per channel (dimension 1).
 *
 * @example
 * ```ts
 * const layer = new nn.PReLU();
 * layer.weight.toArray(); // [0.25]
 * layer.forward(tensor([-2, 3])).detach(); // tensor([-0.5000,  3.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.PReLU.html
 * @see https://arxiv.org/abs/1502.01852
 */
export class PReLU extends Module<[x: Tensor], Tensor> {
  readonly numParameters: number;
  readonly init: number;
  weight: Parameter;

  constructor(...args: ArgumentsOf<typeof learnedSignature, PReLUOptions>) {
    const [numParameters, init, dtype] = learnedSignature.read('PReLU', args);
    super();
    this.numParameters = numParameters;
    this.init = init;
    this.weight = new Parameter(full([numParameters], init, { dtype }));
  }

  /** Sets the slopes to what they were at first. */
  resetParameters(): void {
    constant_(this.weight, this.init);
  }

  override forward(x: Tensor): Tensor {
    return prelu(x, this.weight);
  }

  override extraRepr(): string {
    return `num_parameters=${this.numParameters}`;
  }
}

takeNoMore(PReLU, 'forward');

const slopes = {
  /** The least slope below 0. Default: 1 / 8. */
  lower: kinds.finite.default(1 / 8),
  /** The largest. Default: 1 / 3. */
  upper: kinds.finite.default(1 / 3),
};

const rreluSignature = signature('input, /, lower, upper, training, inplace, *, generator', {
  input: kinds.tensor,
  ...slopes,
  /** Whether slopes are drawn, one per element; else it is the mean of both. Default: false. */
  training: kinds.boolean.default(false),
  ...inplace,
  ...drawing,
});

const rreluModuleSignature = signature('lower, upper, inplace', { ...slopes, ...inplace });

export interface RReLUFunctionOptions extends OptionsOf<typeof rreluSignature> {}
export interface RReLUOptions extends OptionsOf<typeof rreluModuleSignature> {}

/**
 * x above 0, a · x below, with a slope a that is uniform in [lower, upper) in training, and their mean otherwise.
 *
 * A slope is drawn for every element, for those above 0 too: PyTorch draws them only below.
 *
 * @throws ValueError if `lower` is above `upper`
 * @example
 * ```ts
 * nn.functional.rrelu(tensor([-1, 2]), 0.2, 0.4); // tensor([-0.3000,  2.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.rrelu.html
 */
export const rrelu: FunctionOf<Tensor, typeof rreluSignature, RReLUFunctionOptions> = define(
  'rrelu',
  rreluSignature,
  (x, lower, upper, training, inplace, generator) => {
    if (lower > upper) throw new ValueError(`rrelu: expected lower <= upper, got ${lower} and ${upper}`);
    if (!training) return run(leaking, inplace, x, (lower + upper) / 2);
    const dtype = isFloat(x.dtype) ? x.dtype : DEFAULT_FLOAT;
    return run(leaking, inplace, x, uniform_(empty(shapeOf(x), { dtype }), lower, upper, { generator }));
  },
);

/**
 * x above 0, a · x below, with a slope a that is uniform in [lower, upper) in training, and their mean in evaluation.
 *
 * @throws ValueError, when called, if `lower` is above `upper`
 * @example
 * ```ts
 * new nn.RReLU(0.2, 0.4).eval().forward(tensor([-1, 2])); // tensor([-0.3000,  2.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.RReLU.html
 * @see https://arxiv.org/abs/1505.00853
 */
export class RReLU extends Activation<NamedOf<typeof rreluModuleSignature>> {
  constructor(...args: ArgumentsOf<typeof rreluModuleSignature, RReLUOptions>) {
    super((x, options) => rrelu(x, { ...options, training: this.training }), rreluModuleSignature.named('RReLU', args));
  }
}

const thresholdSignature = signature('threshold, value, inplace', {
  /** What x has to be above of. */
  threshold: kinds.number,
  /** What takes its place where it is not. */
  value: kinds.number,
  ...inplace,
});

export interface ThresholdOptions extends OptionsOf<typeof thresholdSignature> {}

const replacing = new Pointwise('threshold', (x, threshold, value) => e.where(e.le(x, threshold), value, x), {
  refuse: { dtype: 'bool', hint: 'convert with .int()' },
});

/**
 * x where it is above `threshold`, `value` elsewhere.
 *
 * @example
 * ```ts
 * nn.functional.threshold(tensor([-1, 0.5, 2]), 1, -5); // tensor([-5., -5.,  2.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.threshold.html
 */
export const threshold: ActivationFunction<typeof thresholdSignature, ThresholdOptions> = define(
  'threshold',
  onInput(thresholdSignature),
  (x, threshold, value, inplace) => run(replacing, inplace, x, numberBeside(x, threshold), numberBeside(x, value)),
);

/**
 * x where it is above `threshold`, `value` elsewhere.
 *
 * @example
 * ```ts
 * new nn.Threshold(1, -5).forward(tensor([-1, 0.5, 2])); // tensor([-5., -5.,  2.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Threshold.html
 */
export class Threshold extends Activation<NamedOf<typeof thresholdSignature>> {
  constructor(...args: ArgumentsOf<typeof thresholdSignature, ThresholdOptions>) {
    super(threshold, thresholdSignature.named('Threshold', args));
  }
}
