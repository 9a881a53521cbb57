import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { ShapeError } from '../errors.js';
import type { Expr } from '../expr/index.js';
import * as e from '../expr/index.js';
import { Pointwise } from '../tensor/elementwise.js';
import * as kinds from '../tensor/kinds.js';
import { show } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { reshape } from './views.js';

// The activations that are methods of tensors too. The others stand beside their modules.

/** @internal The parameter that the module has too. */
export const shrinkingBy = {
  /** Elements between -lambd and lambd become 0. Default: 0.5. */
  lambd: kinds.number.default(0.5),
};

const shrinking = signature('input, /, lambd', { input: kinds.tensor, ...shrinkingBy });

export interface HardshrinkOptions extends OptionsOf<typeof shrinking> {}

const keepOutside = (x: Expr, lambd: Expr, kept: Expr): Expr =>
  e.where(e.and(e.ge(x, e.neg(lambd)), e.le(x, lambd)), 0, kept);

const cutting = new Pointwise('hardshrink', (x, lambd) => keepOutside(x, lambd, x), {
  result: 'float',
  gradient: (g, _, x, lambd) => [keepOutside(x, lambd, g), null],
});

/**
 * x where |x| is above `lambd`, 0 elsewhere.
 *
 * @example
 * ```ts
 * hardshrink(tensor([-2, 0.25, 3])); // tensor([-2.,  0.,  3.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.hardshrink.html
 */
export const hardshrink: FunctionOf<Tensor, typeof shrinking, HardshrinkOptions> = define(
  'hardshrink',
  shrinking,
  (x, lambd) => cutting.apply([x, lambd]),
);

const leaning = signature('input, /, weight', { input: kinds.tensor, weight: kinds.tensor });

const sloping = new Pointwise('prelu', (x, weight: Expr) => e.where(e.gt(x, 0), x, e.mul(weight, x)), {
  takes: 'floats',
  sameType: true,
  // The derived slope of the weight is x times a gradient that is 0 above 0: NaN where x is infinite.
  gradient: (g, _, x, weight) => [e.where(e.gt(x, 0), g, e.mul(weight, g)), e.where(e.gt(x, 0), 0, e.mul(x, g))],
});

/**
 * x above 0, weight · x below.
 *
 * @param weight a 0-d tensor, or one slope for all, or one per channel (dimension 1 of x); of the element type of x
 * @throws ShapeError for another number of slopes; DTypeError if element types differ
 * @example
 * ```ts
 * prelu(tensor([[-1, -1], [2, -2]]), tensor([0.5, 0.25])); // tensor([[-0.5000, -0.2500], [ 2.0000, -0.5000]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.prelu.html
 */
export const prelu: FunctionOf<Tensor, typeof leaning> = define('prelu', leaning, (x, weight) => {
  const shape = shapeOf(x);
  const channels = shape[1] ?? 1;
  if (weight.ndim > 1)
    throw new ShapeError(`prelu: the weight must have at most one dimension, got ${show(weight.shape)}`);
  if (weight.numel() === 1) return sloping.apply([x, weight.ndim === 0 ? weight : reshape(weight, [])]);
  if (weight.numel() !== channels) {
    throw new ShapeError(
      `prelu: the weight must be one slope, or ${channels} for an input of shape ${show(shape)}, got ${weight.numel()}`,
    );
  }
  return sloping.apply([x, reshape(weight, [channels, ...shape.slice(2).map(() => 1)])]);
});
