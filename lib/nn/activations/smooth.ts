import { define } from '../../arguments/define.js';
import type { ArgumentsOf, FunctionOf, NamedOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import * as e from '../../expr/index.js';
import { Pointwise, type Unary, unary } from '../../tensor/elementwise.js';
import * as kinds from '../../tensor/kinds.js';
import type { Tensor } from '../../tensor/tensor.js';
import { onInput } from '../operands.js';
import {
  Activation,
  type ActivationFunction,
  BareActivation,
  float,
  type InplaceOptions,
  inplaceSignature,
  run,
} from './activation.js';

// Without a bend.

const approximate = {
  /** `'tanh'` for the approximation 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))). Default: 'none', with erf. */
  approximate: kinds.choice('none', 'tanh').default('none'),
};

const geluSignature = signature('approximate', approximate);
const geluByName = signature('input, /, *, approximate', { input: kinds.tensor, ...approximate });

export interface GELUOptions extends OptionsOf<typeof geluSignature> {}

const gaussian = new Pointwise('gelu', (x) => e.mul(e.mul(x, 0.5), e.add(1, e.erf(e.mul(x, Math.SQRT1_2)))), float);
const gaussianTanh = new Pointwise(
  'gelu',
  (x) => {
    const inner = e.mul(Math.sqrt(2 / Math.PI), e.add(x, e.mul(0.044715, e.pow(x, 3))));
    return e.mul(e.mul(0.5, x), e.add(1, e.tanh(inner)));
  },
  float,
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
    super(gelu, geluSignature.named('GELU', args));
  }
}

const swish = new Pointwise('silu', (x) => e.mul(x, e.sigmoid(x)), float);

/**
 * x / (1 + e⁻ˣ).
 *
 * @example
 * ```ts
 * nn.functional.silu(tensor([-1, 2])); // tensor([-0.2689,  1.7616])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.silu.html
 */
export const silu: ActivationFunction<typeof inplaceSignature, InplaceOptions> = define(
  'silu',
  onInput(inplaceSignature),
  (x, inplace) => run(swish, inplace, x),
);

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
    super(silu, inplaceSignature.named('SiLU', args));
  }
}

/** x tanh(log(1 + eˣ)); the logarithm is taken without overflow. */
const softened = new Pointwise(
  'mish',
  (x) => e.mul(x, e.tanh(e.add(e.positivePart(x), e.softplusOfMinusMagnitude(x)))),
  float,
);

/**
 * x tanh(log(1 + eˣ)).
 *
 * @example
 * ```ts
 * nn.functional.mish(tensor([-1, 2])); // tensor([-0.3034,  1.9440])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.mish.html
 */
export const mish: ActivationFunction<typeof inplaceSignature, InplaceOptions> = define(
  'mish',
  onInput(inplaceSignature),
  (x, inplace) => run(softened, inplace, x),
);

/**
 * x tanh(log(1 + eˣ)).
 *
 * @example
 * ```ts
 * new nn.Mish().forward(tensor([-1, 2])); // tensor([-0.3034,  1.9440])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Mish.html
 * @see https://arxiv.org/abs/1908.08681
 */
export class Mish extends Activation<NamedOf<typeof inplaceSignature>> {
  constructor(...args: ArgumentsOf<typeof inplaceSignature, InplaceOptions>) {
    super(mish, inplaceSignature.named('Mish', args));
  }
}

/** x / (1 + |x|). @example nn.functional.softsign(tensor([-1, 3])); // tensor([-0.5000,  0.7500]) */
export const softsign: Unary = unary('softsign', (x) => e.div(x, e.add(1, e.abs(x))), float);

/**
 * x / (1 + |x|).
 *
 * @example
 * ```ts
 * new nn.Softsign().forward(tensor([-1, 3])); // tensor([-0.5000,  0.7500])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Softsign.html
 */
export class Softsign extends BareActivation {
  constructor(...none: readonly []) {
    super(softsign, none);
  }
}

/** x - tanh(x). @example nn.functional.tanhshrink(tensor([-1, 0, 2])); // tensor([-0.2384,  0.0000,  1.0360]) */
export const tanhshrink: Unary = unary('tanhshrink', (x) => e.sub(x, e.tanh(x)), float);

/**
 * x - tanh(x).
 *
 * @example
 * ```ts
 * new nn.Tanhshrink().forward(tensor([-1, 0, 2])); // tensor([-0.2384,  0.0000,  1.0360])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Tanhshrink.html
 */
export class Tanhshrink extends BareActivation {
  constructor(...none: readonly []) {
    super(tanhshrink, none);
  }
}
