import { describe } from '../../describe.js';
import { ValueError } from '../../errors.js';
import type { Expr } from '../../expr/index.js';
import * as e from '../../expr/index.js';
import * as pointwise from '../../ops/pointwise.js';
import { checkBoolean, checkOptions } from '../../options.js';
import { checkNumber, checkTensor } from '../../tensor/arguments.js';
import { Pointwise } from '../../tensor/elementwise.js';
import type { Operands } from '../../tensor/formula.js';
import type { Tensor } from '../../tensor/tensor.js';

// Activations as functions: one row each. The modules of the same names only carry their options.

export interface InplaceOptions {
  /** Write over the input. Default: false. */
  inplace?: boolean;
}

export interface LeakyReLUOptions extends InplaceOptions {
  /** The slope below 0. Default: 0.01. */
  negativeSlope?: number;
}

export interface ELUOptions extends InplaceOptions {
  /** Minus the limit at -∞. Default: 1. */
  alpha?: number;
}

export interface GELUOptions {
  /** `'tanh'` for the approximation 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))). Default: 'none', with erf. */
  approximate?: 'none' | 'tanh';
}

export interface SoftplusOptions {
  /** Default: 1. */
  beta?: number;
  /** Where beta x is above this the function is x. Default: 20. */
  threshold?: number;
}

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
function run<R extends Expr[]>(
  operation: Pointwise<R>,
  inplace: boolean | undefined,
  x: Tensor,
  ...rest: Operands<R>
): Tensor {
  const { name } = operation.formula;
  checkTensor(name, 'the input', x);
  if (inplace !== undefined) checkBoolean(name, 'inplace', inplace);
  return inplace === true ? operation.applyInPlace(x, rest) : operation.apply([x, ...rest]);
}

/**
 * max(x, 0); the derivative at 0 is 0.
 *
 * @example
 * ```ts
 * nn.functional.relu(tensor([-1, 2])); // tensor([0., 2.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.relu.html
 */
export function relu(x: Tensor, options: InplaceOptions = {}): Tensor {
  checkOptions('relu', options, ['inplace']);
  return run(rectifying, options.inplace, x);
}

/**
 * x above 0, negativeSlope · x below.
 *
 * @example
 * ```ts
 * nn.functional.leakyRelu(tensor([-1, 2]), { negativeSlope: 0.1 }); // tensor([-0.1000,  2.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.leaky_relu.html
 */
export function leakyRelu(x: Tensor, options: LeakyReLUOptions = {}): Tensor {
  checkOptions('leakyRelu', options, ['negativeSlope', 'inplace']);
  const { negativeSlope = 0.01, inplace } = options;
  checkNumber('leakyRelu', 'negativeSlope', negativeSlope);
  return run(leaking, inplace, x, negativeSlope);
}

/**
 * x above 0, alpha (eˣ - 1) below.
 *
 * @example
 * ```ts
 * nn.functional.elu(tensor([-1, 2])); // tensor([-0.6321,  2.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.elu.html
 */
export function elu(x: Tensor, options: ELUOptions = {}): Tensor {
  checkOptions('elu', options, ['alpha', 'inplace']);
  const { alpha = 1, inplace } = options;
  checkNumber('elu', 'alpha', alpha);
  return run(exponential, inplace, x, alpha);
}

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
export function gelu(x: Tensor, options: GELUOptions = {}): Tensor {
  checkOptions('gelu', options, ['approximate']);
  const { approximate = 'none' } = options;
  if (approximate !== 'none' && approximate !== 'tanh') {
    throw new ValueError(`gelu: approximate must be 'none' or 'tanh', got ${describe(approximate)}`);
  }
  return (approximate === 'tanh' ? gaussianTanh : gaussian).apply([x]);
}

/**
 * x / (1 + e⁻ˣ).
 *
 * @example
 * ```ts
 * nn.functional.silu(tensor([-1, 2])); // tensor([-0.2689,  1.7616])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.silu.html
 */
export function silu(x: Tensor, options: InplaceOptions = {}): Tensor {
  checkOptions('silu', options, ['inplace']);
  return run(swish, options.inplace, x);
}

/**
 * log(1 + e^(beta x)) / beta.
 *
 * @example
 * ```ts
 * nn.functional.softplus(tensor([-1, 2]), { beta: 2 }); // tensor([0.0635, 2.0091])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.softplus.html
 */
export function softplus(x: Tensor, options: SoftplusOptions = {}): Tensor {
  checkOptions('softplus', options, ['beta', 'threshold']);
  const { beta = 1, threshold = 20 } = options;
  checkNumber('softplus', 'beta', beta);
  checkNumber('softplus', 'threshold', threshold);
  return pointwise.softplus(x, beta, threshold);
}
