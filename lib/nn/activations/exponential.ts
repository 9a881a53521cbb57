import { define } from '../../arguments/define.js';
import type { ArgumentsOf, NamedOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { ValueError } from '../../errors.js';
import type { Expr } from '../../expr/index.js';
import * as e from '../../expr/index.js';
import * as pointwise from '../../ops/pointwise.js';
import { Pointwise, type Unary, unary } from '../../tensor/elementwise.js';
import * as kinds from '../../tensor/kinds.js';
import { onInput } from '../operands.js';
import {
  Activation,
  type ActivationFunction,
  BareActivation,
  float,
  type InplaceOptions,
  inplace,
  inplaceSignature,
  run,
} from './activation.js';

// Made of exponentials.

/**
 * 1 / (1 + e⁻ˣ).
 *
 * @example
 * ```ts
 * new nn.Sigmoid().forward(tensor([0, 2])); // tensor([0.5000, 0.8808])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Sigmoid.html
 */
export class Sigmoid extends BareActivation {
  constructor(...none: readonly []) {
    super(pointwise.sigmoid, none);
  }
}

/**
 * (eˣ - e⁻ˣ) / (eˣ + e⁻ˣ).
 *
 * @example
 * ```ts
 * new nn.Tanh().forward(tensor([0, 1])); // tensor([0.0000, 0.7616])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Tanh.html
 */
export class Tanh extends BareActivation {
  constructor(...none: readonly []) {
    super(pointwise.tanh, none);
  }
}

/** log(1 / (1 + e⁻ˣ)), without overflow. @example nn.functional.logsigmoid(tensor([0, -100])); // tensor([  -0.6931, -100.0000]) */
export const logsigmoid: Unary = unary(
  'logsigmoid',
  (x) => e.sub(e.negativePart(x), e.softplusOfMinusMagnitude(x)),
  float,
);

/**
 * log(1 / (1 + e⁻ˣ)).
 *
 * @example
 * ```ts
 * new nn.LogSigmoid().forward(tensor([0, 2])); // tensor([-0.6931, -0.1269])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LogSigmoid.html
 */
export class LogSigmoid extends BareActivation {
  constructor(...none: readonly []) {
    super(logsigmoid, none);
  }
}

const softplusSignature = signature('beta, threshold', {
  /** Default: 1. */
  beta: kinds.number.default(1),
  /** Where beta x is above this the function is x. Default: 20. */
  threshold: kinds.number.default(20),
});

export interface SoftplusOptions extends OptionsOf<typeof softplusSignature> {}

/**
 * log(1 + e^(beta x)) / beta.
 *
 * @example
 * ```ts
 * nn.functional.softplus(tensor([-1, 2]), { beta: 2 }); // tensor([0.0635, 2.0091])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.softplus.html
 */
export const softplus: ActivationFunction<typeof softplusSignature, SoftplusOptions> = define(
  'softplus',
  onInput(softplusSignature),
  (x, beta, threshold) => pointwise.softplus(x, beta, threshold),
);

/**
 * log(1 + e^(beta x)) / beta.
 *
 * @example
 * ```ts
 * new nn.Softplus().forward(tensor([-1, 2])); // tensor([0.3133, 2.1269])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Softplus.html
 */
export class Softplus extends Activation<NamedOf<typeof softplusSignature>> {
  constructor(...args: ArgumentsOf<typeof softplusSignature, SoftplusOptions>) {
    super(softplus, softplusSignature.named('Softplus', args));
  }
}

const eluSignature = signature('alpha, inplace', {
  /** Minus the limit at -∞. Default: 1. */
  alpha: kinds.number.default(1),
  ...inplace,
});

export interface ELUOptions extends OptionsOf<typeof eluSignature> {}

/** eˣ - 1 below 0; elsewhere 0, so that the exponent cannot overflow into the derivative of the linear side. */
const below = (x: Expr): Expr => e.expm1(e.where(e.le(x, 0), x, 0));

const exponential = new Pointwise('elu', (x, alpha) => e.where(e.le(x, 0), e.mul(alpha, below(x)), x), float);

/**
 * x above 0, alpha (eˣ - 1) below.
 *
 * @example
 * ```ts
 * nn.functional.elu(tensor([-1, 2])); // tensor([-0.6321,  2.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.elu.html
 */
export const elu: ActivationFunction<typeof eluSignature, ELUOptions> = define(
  'elu',
  onInput(eluSignature),
  (x, alpha, inplace) => run(exponential, inplace, x, alpha),
);

/**
 * x above 0, alpha (eˣ - 1) below.
 *
 * @example
 * ```ts
 * new nn.ELU().forward(tensor([-1, 2])); // tensor([-0.6321,  2.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ELU.html
 * @see https://arxiv.org/abs/1511.07289
 */
export class ELU extends Activation<NamedOf<typeof eluSignature>> {
  constructor(...args: ArgumentsOf<typeof eluSignature, ELUOptions>) {
    super(elu, eluSignature.named('ELU', args));
  }
}

const celuSignature = signature('alpha, inplace', {
  /** Minus the limit at -∞; not 0. Default: 1. */
  alpha: kinds.number.default(1),
  ...inplace,
});

export interface CELUOptions extends OptionsOf<typeof celuSignature> {}

const scaledExponential = new Pointwise(
  'celu',
  (x, alpha) => e.where(e.le(x, 0), e.mul(alpha, e.expm1(e.div(e.where(e.le(x, 0), x, 0), alpha))), x),
  float,
);

/**
 * x above 0, alpha (e^(x / alpha) - 1) below: an ELU whose derivative has no bend.
 *
 * @throws ValueError for an alpha of 0
 * @example
 * ```ts
 * nn.functional.celu(tensor([-1, 2]), { alpha: 2 }); // tensor([-0.7869,  2.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.celu.html
 */
export const celu: ActivationFunction<typeof celuSignature, CELUOptions> = define(
  'celu',
  onInput(celuSignature),
  (x, alpha, inplace) => {
    if (alpha === 0) throw new ValueError('celu: alpha must not be 0');
    return run(scaledExponential, inplace, x, alpha);
  },
);

/**
 * x above 0, alpha (e^(x / alpha) - 1) below.
 *
 * @throws ValueError, when called, for an alpha of 0
 * @example
 * ```ts
 * new nn.CELU(2).forward(tensor([-1, 2])); // tensor([-0.7869,  2.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CELU.html
 * @see https://arxiv.org/abs/1704.07483
 */
export class CELU extends Activation<NamedOf<typeof celuSignature>> {
  constructor(...args: ArgumentsOf<typeof celuSignature, CELUOptions>) {
    super(celu, celuSignature.named('CELU', args));
  }
}

const SELU_ALPHA = 1.6732632423543772;
const SELU_SCALE = 1.0507009873554805;

const selfNormalising = new Pointwise<[]>(
  'selu',
  (x) => e.where(e.le(x, 0), e.mul(SELU_SCALE * SELU_ALPHA, below(x)), e.mul(SELU_SCALE, x)),
  float,
);

/**
 * An ELU with the two numbers that keep mean 0 and variance 1 from layer to layer: scale · x above 0, scale · alpha (eˣ - 1) below.
 *
 * @example
 * ```ts
 * nn.functional.selu(tensor([-1, 2])); // tensor([-1.1113,  2.1014])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.selu.html
 */
export const selu: ActivationFunction<typeof inplaceSignature, InplaceOptions> = define(
  'selu',
  onInput(inplaceSignature),
  (x, inplace) => run(selfNormalising, inplace, x),
);

/**
 * scale · x above 0, scale · alpha (eˣ - 1) below: keeps mean 0 and variance 1.
 *
 * @example
 * ```ts
 * new nn.SELU().forward(tensor([-1, 2])); // tensor([-1.1113,  2.1014])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.SELU.html
 * @see https://arxiv.org/abs/1706.02515
 */
export class SELU extends Activation<NamedOf<typeof inplaceSignature>> {
  constructor(...args: ArgumentsOf<typeof inplaceSignature, InplaceOptions>) {
    super(selu, inplaceSignature.named('SELU', args));
  }
}
