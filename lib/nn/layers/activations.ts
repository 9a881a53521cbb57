import { recording } from '../../backend/recording.js';
import { describe } from '../../describe.js';
import { ValueError } from '../../errors.js';
import * as pointwise from '../../ops/pointwise.js';
import { logSoftmax, softmax } from '../../ops/softmax.js';
import { checkOptions } from '../../options.js';
import { checkTensor } from '../../tensor/arguments.js';
import { checkInteger } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';
import { pythonText } from '../text.js';
import type {
  ELUOptions,
  GELUOptions,
  InplaceOptions,
  LeakyReLUOptions,
  SoftplusOptions,
} from './activation-functions.js';
import * as activations from './activation-functions.js';

/** An activation function with the options it is called with. */
abstract class Activation<O extends object> extends Module<[x: Tensor], Tensor> {
  readonly options: Readonly<Required<O>>;
  private readonly call: (x: Tensor, options: O) => Tensor;

  constructor(name: string, call: (x: Tensor, options: O) => Tensor, defaults: Required<O>, options: O) {
    super();
    checkOptions(name, options, Object.keys(defaults));
    this.call = call;
    this.options = { ...defaults, ...options };
    for (const [key, usual] of Object.entries(defaults)) checkLike(name, key, Reflect.get(this.options, key), usual);
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return this.call(x, this.options);
  }

  /** As PyTorch shows them: snake case, floats with a point, `inplace` only where it is true. */
  override extraRepr(): string {
    const shown = Object.entries(this.options).filter(([name, value]) => name !== 'inplace' || value === true);
    return shown.map(([name, value]) => `${snakeCase(name)}=${pythonText(value)}`).join(', ');
  }
}

/** Refuses an option of another type than its default, when the module is made rather than when it is used. */
function checkLike(op: string, key: string, value: unknown, usual: unknown): void {
  if (typeof value === typeof usual) return;
  throw new ValueError(`${op}: ${key} must be a ${typeof usual}, got ${describe(value)}`);
}

const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/**
 * 1 / (1 + e⁻ˣ).
 *
 * @example
 * ```ts
 * new nn.Sigmoid().forward(tensor([0, 2])); // tensor([0.5000, 0.8808])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Sigmoid.html
 */
export class Sigmoid extends Module<[x: Tensor], Tensor> {
  override forward(x: Tensor): Tensor {
    return pointwise.sigmoid(x);
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
export class Tanh extends Module<[x: Tensor], Tensor> {
  override forward(x: Tensor): Tensor {
    return pointwise.tanh(x);
  }
}

/**
 * max(x, 0); the derivative at 0 is 0.
 *
 * @example
 * ```ts
 * new nn.ReLU().forward(tensor([-1, 2])); // tensor([0., 2.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ReLU.html
 */
export class ReLU extends Activation<InplaceOptions> {
  constructor(options: InplaceOptions = {}) {
    super('ReLU', activations.relu, { inplace: false }, options);
  }
}

/**
 * x above 0, negativeSlope · x below.
 *
 * @example
 * ```ts
 * new nn.LeakyReLU({ negativeSlope: 0.1 }).forward(tensor([-1, 2])); // tensor([-0.1000,  2.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LeakyReLU.html
 */
export class LeakyReLU extends Activation<LeakyReLUOptions> {
  constructor(options: LeakyReLUOptions = {}) {
    super('LeakyReLU', activations.leakyRelu, { negativeSlope: 0.01, inplace: false }, options);
  }
}

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
export class ELU extends Activation<ELUOptions> {
  constructor(options: ELUOptions = {}) {
    super('ELU', activations.elu, { alpha: 1, inplace: false }, options);
  }
}

/**
 * x Φ(x), exact or by tanh.
 *
 * @throws ValueError, when called, for an approximation that does not exist
 * @example
 * ```ts
 * new nn.GELU({ approximate: 'tanh' }).forward(tensor([-1, 2])); // tensor([-0.1588,  1.9546])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.GELU.html
 * @see https://arxiv.org/abs/1606.08415
 */
export class GELU extends Activation<GELUOptions> {
  constructor(options: GELUOptions = {}) {
    super('GELU', activations.gelu, { approximate: 'none' }, options);
  }
}

/**
 * x / (1 + e⁻ˣ).
 *
 * @example
 * ```ts
 * new nn.SiLU().forward(tensor([-1, 2])); // tensor([-0.2689,  1.7616])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.SiLU.html
 */
export class SiLU extends Activation<InplaceOptions> {
  constructor(options: InplaceOptions = {}) {
    super('SiLU', activations.silu, { inplace: false }, options);
  }
}

/**
 * log(1 + e^(beta x)) / beta.
 *
 * @example
 * ```ts
 * new nn.Softplus().forward(tensor([-1, 2])); // tensor([0.3133, 2.1269])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Softplus.html
 */
export class Softplus extends Activation<SoftplusOptions> {
  constructor(options: SoftplusOptions = {}) {
    super('Softplus', activations.softplus, { beta: 1, threshold: 20 }, options);
  }
}

/** What both softmax modules are: a function along a dimension, which has a default of its own. */
abstract class AlongDim extends Module<[x: Tensor], Tensor> {
  readonly dim: number | null;

  constructor(dim: number | null = null) {
    super();
    if (dim !== null) checkInteger(this.constructor.name, 'dim', dim, Number.MIN_SAFE_INTEGER);
    this.dim = dim;
  }

  override extraRepr(): string {
    return `dim=${this.dim ?? 'None'}`;
  }
}

/** PyTorch's choice for a softmax without a dim: 1, but 0 for 0-d, 1-d and 3-d inputs. */
function softmaxDim(op: string, x: Tensor): number {
  checkTensor(op, 'the input', x);
  return x.ndim === 0 || x.ndim === 1 || x.ndim === 3 ? 0 : 1;
}

/**
 * eˣ / Σ eˣ along `dim`.
 *
 * @param dim default PyTorch's: 0 for 0-d, 1-d and 3-d inputs, else 1
 * @example
 * ```ts
 * new nn.Softmax(1).forward(tensor([[0, 1]])); // tensor([[0.2689, 0.7311]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Softmax.html
 */
export class Softmax extends AlongDim {
  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return softmax(x, this.dim ?? softmaxDim('Softmax', x));
  }
}

/**
 * x - log Σ eˣ along `dim`.
 *
 * @param dim default PyTorch's: 0 for 0-d, 1-d and 3-d inputs, else 1
 * @example
 * ```ts
 * new nn.LogSoftmax(1).forward(tensor([[0, 1]])); // tensor([[-1.3133, -0.3133]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LogSoftmax.html
 */
export class LogSoftmax extends AlongDim {
  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return logSoftmax(x, this.dim ?? softmaxDim('LogSoftmax', x));
  }
}
