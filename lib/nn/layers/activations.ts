import type { ArgumentsOf, NamedOf } from '../../arguments/forms.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { signature } from '../../arguments/signature.js';
import { recording } from '../../backend/recording.js';
import * as pointwise from '../../ops/pointwise.js';
import { logSoftmax, softmax } from '../../ops/softmax.js';
import * as kinds from '../../tensor/kinds.js';
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
import {
  eluSignature,
  geluSignature,
  inplaceSignature,
  leakyReluSignature,
  softplusSignature,
} from './activation-functions.js';

/** An activation function with the options it is called with. */
abstract class Activation<O extends object> extends Module<[x: Tensor], Tensor> {
  readonly options: Readonly<O>;
  private readonly call: (x: Tensor, options: O) => Tensor;

  constructor(call: (x: Tensor, options: O) => Tensor, options: O) {
    super();
    this.call = call;
    this.options = options;
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
export class ReLU extends Activation<NamedOf<typeof inplaceSignature>> {
  constructor(...args: ArgumentsOf<typeof inplaceSignature, InplaceOptions>) {
    super(activations.relu, inplaceSignature.named('ReLU', args));
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
export class LeakyReLU extends Activation<NamedOf<typeof leakyReluSignature>> {
  constructor(...args: ArgumentsOf<typeof leakyReluSignature, LeakyReLUOptions>) {
    super(activations.leakyRelu, leakyReluSignature.named('LeakyReLU', args));
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
export class ELU extends Activation<NamedOf<typeof eluSignature>> {
  constructor(...args: ArgumentsOf<typeof eluSignature, ELUOptions>) {
    super(activations.elu, eluSignature.named('ELU', args));
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
export class GELU extends Activation<NamedOf<typeof geluSignature>> {
  constructor(...args: ArgumentsOf<typeof geluSignature, GELUOptions>) {
    super(activations.gelu, geluSignature.named('GELU', args));
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
export class SiLU extends Activation<NamedOf<typeof inplaceSignature>> {
  constructor(...args: ArgumentsOf<typeof inplaceSignature, InplaceOptions>) {
    super(activations.silu, inplaceSignature.named('SiLU', args));
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
export class Softplus extends Activation<NamedOf<typeof softplusSignature>> {
  constructor(...args: ArgumentsOf<typeof softplusSignature, SoftplusOptions>) {
    super(activations.softplus, softplusSignature.named('Softplus', args));
  }
}

const takingDim = signature('dim', {
  /** Default: null, PyTorch's: 0 for 0-d, 1-d and 3-d inputs, else 1. */
  dim: kinds.integer.optional(),
});

/** What both softmax modules are: a function along a dimension, which has a default of its own. */
abstract class AlongDim extends Module<[x: Tensor], Tensor> {
  readonly dim: number | null;

  constructor(...args: ArgumentsOf<typeof takingDim>) {
    const [dim] = takingDim.read(new.target.name, args);
    super();
    this.dim = dim;
  }

  override extraRepr(): string {
    return `dim=${this.dim ?? 'None'}`;
  }
}

/** PyTorch's choice for a softmax without a dim: 1, but 0 for 0-d, 1-d and 3-d inputs. */
function softmaxDim(op: string, x: Tensor): number {
  if (!kinds.tensor.accepts(x)) kinds.tensor.refuse(op, 'input', x);
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

for (const layer of [Activation, Sigmoid, Tanh, Softmax, LogSoftmax]) takeNoMore(layer, 'forward');
