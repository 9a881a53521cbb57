import { define } from '../../arguments/define.js';
import type { ArgumentsOf, NamedOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { ValueError } from '../../errors.js';
import type { Expr } from '../../expr/index.js';
import * as e from '../../expr/index.js';
import { hardshrink, shrinkingBy } from '../../ops/activations.js';
import { Pointwise } from '../../tensor/elementwise.js';
import * as kinds from '../../tensor/kinds.js';
import { onInput } from '../operands.js';
import { pythonText } from '../text.js';
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

// Made of straight lines.

const hardtanhSignature = signature('minVal, maxVal, inplace', {
  /** The lower bound. Default: -1. */
  minVal: kinds.number.default(-1),
  /** The upper bound. Default: 1. */
  maxVal: kinds.number.default(1),
  ...inplace,
});

export interface HardtanhOptions extends OptionsOf<typeof hardtanhSignature> {}

const bounding = new Pointwise('hardtanh', (x, low, high) => e.min(e.max(x, low), high), {
  refuse: { dtype: 'bool', hint: 'convert with .int()' },
  gradient: (g, _, x, low, high) => [e.where(e.or(e.le(x, low), e.ge(x, high)), 0, g), null, null],
});

/**
 * min(max(x, minVal), maxVal); the derivative at the bounds is 0.
 *
 * @throws ValueError if `minVal` is above `maxVal`
 * @example
 * ```ts
 * nn.functional.hardtanh(tensor([-2, 0.5, 3])); // tensor([-1.0000,  0.5000,  1.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.hardtanh.html
 */
export const hardtanh: ActivationFunction<typeof hardtanhSignature, HardtanhOptions> = define(
  'hardtanh',
  onInput(hardtanhSignature),
  (x, minVal, maxVal, inplace) => {
    if (minVal > maxVal) throw new ValueError(`hardtanh: expected minVal <= maxVal, got ${minVal} and ${maxVal}`);
    return run(bounding, inplace, x, numberBeside(x, minVal), numberBeside(x, maxVal));
  },
);

/**
 * min(max(x, minVal), maxVal).
 *
 * @throws ValueError if `minVal` is not below `maxVal`
 * @example
 * ```ts
 * new nn.Hardtanh(-2, 2).forward(tensor([-3, 0.5, 3])); // tensor([-2.0000,  0.5000,  2.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Hardtanh.html
 */
export class Hardtanh extends Activation<NamedOf<typeof hardtanhSignature>> {
  constructor(...args: ArgumentsOf<typeof hardtanhSignature, HardtanhOptions>) {
    const options = hardtanhSignature.named('Hardtanh', args);
    const { minVal, maxVal } = options;
    if (minVal >= maxVal) throw new ValueError(`Hardtanh: expected minVal < maxVal, got ${minVal} and ${maxVal}`);
    super(hardtanh, options);
  }
}

/** max(0, min(6, x + 3)) / 6. */
const ramp = (x: Expr): Expr => e.div(e.min(e.max(e.add(x, 3), 0), 6), 6);

const ramping = new Pointwise('hardsigmoid', ramp, {
  ...float,
  // PyTorch's sixth is that of float32, whatever the element type.
  gradient: (g, _, x) => [e.where(e.and(e.gt(x, -3), e.lt(x, 3)), e.mul(g, Math.fround(1 / 6)), 0)],
});

/**
 * max(0, min(6, x + 3)) / 6: 0 below -3, 1 above 3.
 *
 * @example
 * ```ts
 * nn.functional.hardsigmoid(tensor([-4, 0, 1.5])); // tensor([0.0000, 0.5000, 0.7500])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.hardsigmoid.html
 */
export const hardsigmoid: ActivationFunction<typeof inplaceSignature, InplaceOptions> = define(
  'hardsigmoid',
  onInput(inplaceSignature),
  (x, inplace) => run(ramping, inplace, x),
);

/** An activation that says nothing of itself, as PyTorch's do. */
abstract class SilentActivation extends Activation<NamedOf<typeof inplaceSignature>> {
  override extraRepr(): string {
    return '';
  }
}

/**
 * max(0, min(6, x + 3)) / 6.
 *
 * @example
 * ```ts
 * new nn.Hardsigmoid().forward(tensor([-4, 0, 1.5])); // tensor([0.0000, 0.5000, 0.7500])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Hardsigmoid.html
 */
export class Hardsigmoid extends SilentActivation {
  constructor(...args: ArgumentsOf<typeof inplaceSignature, InplaceOptions>) {
    super(hardsigmoid, inplaceSignature.named('Hardsigmoid', args));
  }
}

const ramped = new Pointwise('hardswish', (x) => e.mul(x, ramp(x)), {
  ...float,
  gradient: (g, _, x) => {
    const inside = e.mul(g, e.add(e.div(x, 3), 0.5));
    return [e.where(e.le(x, -3), 0, e.where(e.lt(x, 3), inside, g))];
  },
});

/**
 * x max(0, min(6, x + 3)) / 6: 0 below -3, x above 3.
 *
 * @example
 * ```ts
 * nn.functional.hardswish(tensor([-4, 1, 5])); // tensor([-0.0000,  0.6667,  5.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.hardswish.html
 */
export const hardswish: ActivationFunction<typeof inplaceSignature, InplaceOptions> = define(
  'hardswish',
  onInput(inplaceSignature),
  (x, inplace) => run(ramped, inplace, x),
);

/**
 * x max(0, min(6, x + 3)) / 6.
 *
 * @example
 * ```ts
 * new nn.Hardswish().forward(tensor([-4, 1, 5])); // tensor([-0.0000,  0.6667,  5.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Hardswish.html
 * @see https://arxiv.org/abs/1905.02244
 */
export class Hardswish extends SilentActivation {
  constructor(...args: ArgumentsOf<typeof inplaceSignature, InplaceOptions>) {
    super(hardswish, inplaceSignature.named('Hardswish', args));
  }
}

const hardshrinkSignature = signature('lambd', shrinkingBy);

const softshrinkSignature = signature('lambd', {
  /** How far elements move towards 0; at least 0. Default: 0.5. */
  lambd: kinds.atLeast(0).default(0.5),
});

export interface ShrinkOptions extends OptionsOf<typeof softshrinkSignature> {}

/**
 * x where |x| is above `lambd`, 0 elsewhere.
 *
 * @example
 * ```ts
 * new nn.Hardshrink(1).forward(tensor([-2, 0.5, 3])); // tensor([-2.,  0.,  3.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Hardshrink.html
 */
export class Hardshrink extends Activation<NamedOf<typeof hardshrinkSignature>> {
  constructor(...args: ArgumentsOf<typeof hardshrinkSignature>) {
    super(hardshrink, hardshrinkSignature.named('Hardshrink', args));
  }

  override extraRepr(): string {
    return pythonText(this.options.lambd);
  }
}

const softly = new Pointwise(
  'softshrink',
  (x, lambd) => e.where(e.gt(x, lambd), e.sub(x, lambd), e.where(e.lt(x, e.neg(lambd)), e.add(x, lambd), e.mul(x, 0))),
  {
    ...float,
    gradient: (g, _, x, lambd) => [e.where(e.le(e.abs(x), lambd), 0, g), null],
  },
);

/**
 * x moved towards 0 by `lambd`, and 0 where |x| is not above that.
 *
 * @throws ValueError for a negative `lambd`
 * @example
 * ```ts
 * nn.functional.softshrink(tensor([-2, 0.25, 3])); // tensor([-1.5000,  0.0000,  2.5000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.softshrink.html
 */
export const softshrink: ActivationFunction<typeof softshrinkSignature, ShrinkOptions> = define(
  'softshrink',
  onInput(softshrinkSignature),
  (x, lambd) => softly.apply([x, lambd]),
);

/**
 * x moved towards 0 by `lambd`, and 0 where |x| is not above that.
 *
 * @throws ValueError for a negative `lambd`
 * @example
 * ```ts
 * new nn.Softshrink(1).forward(tensor([-2, 0.25, 3])); // tensor([-1.,  0.,  2.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Softshrink.html
 */
export class Softshrink extends Activation<NamedOf<typeof softshrinkSignature>> {
  constructor(...args: ArgumentsOf<typeof softshrinkSignature, ShrinkOptions>) {
    super(softshrink, softshrinkSignature.named('Softshrink', args));
  }

  override extraRepr(): string {
    return pythonText(this.options.lambd);
  }
}
