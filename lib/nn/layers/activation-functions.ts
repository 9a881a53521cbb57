import { define } from '../../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import type { Expr } from '../../expr/index.js';
import * as e from '../../expr/index.js';
import * as pointwise from '../../ops/pointwise.js';
import { Pointwise } from '../../tensor/elementwise.js';
import type { Operands } from '../../tensor/formula.js';
import * as kinds from '../../tensor/kinds.js';
import type { Tensor } from '../../tensor/tensor.js';
import { type OnInput, onInput } from '../operands.js';

// Activations as functions: one row each. The modules of the same names only keep the arguments.

const inplace = {
  /** Write over the input. Default: false. */
  inplace: kinds.boolean.default(false),
};

export const inplaceSignature = signature('inplace', inplace);

export const leakyReluSignature = signature('negativeSlope, inplace', {
  /** The slope below 0. Default: 0.01. */
  negativeSlope: kinds.number.default(0.01),
  ...inplace,
});

export const eluSignature = signature('alpha, inplace', {
  /** Minus the limit at -∞. Default: 1. */
  alpha: kinds.number.default(1),
  ...inplace,
});

const approximate = {
  /** `'tanh'` for the approximation 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))). Default: 'none', with erf. */
  approximate: kinds.choice('none', 'tanh').default('none'),
};

export const geluSignature = signature('approximate', approximate);
const geluByName = signature('input, /, *, approximate', { input: kinds.tensor, ...approximate });

export const softplusSignature = signature('beta, threshold', {
  /** Default: 1. */
  beta: kinds.number.default(1),
  /** Where beta x is above this the function is x. Default: 20. */
  threshold: kinds.number.default(20),
});

export interface InplaceOptions extends OptionsOf<typeof inplaceSignature> {}
export interface LeakyReLUOptions extends OptionsOf<typeof leakyReluSignature> {}
export interface ELUOptions extends OptionsOf<typeof eluSignature> {}
export interface GELUOptions extends OptionsOf<typeof geluSignature> {}
export interface SoftplusOptions extends OptionsOf<typeof softplusSignature> {}

type Activation<S, O> = FunctionOf<Tensor, OnInput<S>, O>;

const float = { result: 'float' } as const;

const rectifying = new Pointwise<[]>('relu', pointwise.relu);
const leaking = new Pointwise('leakyRelu', (x, slope) => e.where(e.gt(x, 0), x, e.mul(x, slope)), float);
const exponential = new Pointwise(
  'elu',
  // The exponent is guarded, so that it cannot overflow into the derivative of the linear side.
  (x, alpha) => e.where(e.le(x, 0), e.mul(alpha, e.expm1(e.where(e.le(x, 0), x, 0))), x),
  float,
);
const gaussian = new Pointwise('gelu', (x) => e.mul(e.mul(x, 0.5), e.add(1, e.erf(e.mul(x, Math.SQRT1_2)))), float);
const gaussianTanh = new Pointwise(
  'gelu',
  (x) => {
    const inner = e.mul(Math.sqrt(2 / Math.PI), e.add(x, e.mul(0.044715, e.pow(x, 3))));
    return e.mul(e.mul(0.5, x), e.add(1, e.tanh(inner)));
  },
  float,
);
const swish = new Pointwise('silu', (x) => e.mul(x, e.sigmoid(x)), float);

/** Runs an activation with its numbers, over its input if it is to. */
const run = <R extends Expr[]>(operation: Pointwise<R>, inplace: boolean, x: Tensor, ...rest: Operands<R>): Tensor =>
  inplace ? operation.applyInPlace(x, rest) : operation.apply([x, ...rest]);

/**
 * max(x, 0); the derivative at 0 is 0.
 *
 * @example
 * ```ts
 * nn.functional.relu(tensor([-1, 2])); // tensor([0., 2.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.relu.html
 */
export const relu: Activation<typeof inplaceSignature, InplaceOptions> = define(
  'relu',
  onInput(inplaceSignature),
  (x, inplace) => run(rectifying, inplace, x),
);

/**
 * x above 0, negativeSlope · x below.
 *
 * @example
 * ```ts
 * nn.functional.leakyRelu(tensor([-1, 2]), { negativeSlope: 0.1 }); // tensor([-0.1000,  2.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.leaky_relu.html
 */
export const leakyRelu: Activation<typeof leakyReluSignature, LeakyReLUOptions> = define(
  'leakyRelu',
  onInput(leakyReluSignature),
  (x, negativeSlope, inplace) => run(leaking, inplace, x, negativeSlope),
);

/**
 * x above 0, alpha (eˣ - 1) below.
 *
 * @example
 * ```ts
 * nn.functional.elu(tensor([-1, 2])); // tensor([-0.6321,  2.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.elu.html
 */
export const elu: Activation<typeof eluSignature, ELUOptions> = define(
  'elu',
  onInput(eluSignature),
  (x, alpha, inplace) => run(exponential, inplace, x, alpha),
);

/**
 * x Φ(x), Φ being the normal distribution's cumulative function.
 *
 * @throws ValueError for an approximation that does not exist
 * @example
 * ```ts
 * nn.functional.gelu(tensor([-1, 2])); // tensor([-0.1587,  1.9545])
 * nn.functional.gelu(tensor([-1, 2]), { approximate: 'tanh' }); // tensor([-0.1588,  1.9546])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.gelu.html
 */
export const gelu: FunctionOf<Tensor, typeof geluByName, GELUOptions> = define('gelu', geluByName, (x, approximate) =>
  (approximate === 'tanh' ? gaussianTanh : gaussian).apply([x]),
);

/**
 * x / (1 + e⁻ˣ).
 *
 * @example
 * ```ts
 * nn.functional.silu(tensor([-1, 2])); // tensor([-0.2689,  1.7616])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.silu.html
 */
export const silu: Activation<typeof inplaceSignature, InplaceOptions> = define(
  'silu',
  onInput(inplaceSignature),
  (x, inplace) => run(swish, inplace, x),
);

/**
 * log(1 + e^(beta x)) / beta.
 *
 * @example
 * ```ts
 * nn.functional.softplus(tensor([-1, 2]), { beta: 2 }); // tensor([0.0635, 2.0091])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.softplus.html
 */
export const softplus: Activation<typeof softplusSignature, SoftplusOptions> = define(
  'softplus',
  onInput(softplusSignature),
  (x, beta, threshold) => pointwise.softplus(x, beta, threshold),
);
