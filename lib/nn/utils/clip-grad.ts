import { define } from '../../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { type Kind, kind } from '../../arguments/kind.js';
import { signature } from '../../arguments/signature.js';
import { noGrad } from '../../autograd/mode.js';
import { describe } from '../../describe.js';
import { ValueError } from '../../errors.js';
import { tensor } from '../../ops/creation.js';
import { stack } from '../../ops/joining.js';
import { div } from '../../ops/pointwise.js';
import { norm } from '../../ops/reductions.js';
import { refuseIf } from '../../tensor/check.js';
import * as kinds from '../../tensor/kinds.js';
import { isTensor, peekGrad, type Tensor } from '../../tensor/tensor.js';

/** One parameter, or many. */
export type Parameters = Tensor | Iterable<Tensor>;

const isParameters = (value: unknown): value is Parameters =>
  isTensor(value) || (typeof value === 'object' && value !== null && Symbol.iterator in value);

const parameters = kind('a Tensor or an iterable of tensors', isParameters);
const bound: Kind<number> = kind(
  'a number',
  (value): value is number => typeof value === 'number' && !Number.isNaN(value),
);

const byNorm = signature('parameters, maxNorm, normType, errorIfNonfinite, foreach', {
  parameters,
  /** The largest norm that is left as it is. */
  maxNorm: bound,
  /** Which norm: any number, or `'inf'` for the largest element. Default: 2. */
  normType: kind(
    "a number or 'inf'",
    (value): value is number | 'inf' => value === 'inf' || bound.accepts(value),
  ).default(2),
  /** Refuse gradients whose norm is NaN or infinite. Default: false. */
  errorIfNonfinite: kinds.boolean.default(false),
  /** Of no effect: there is one way to do it, as fast as many at a time. Default: null. */
  foreach: kinds.boolean.optional(),
});

const byValue = signature('parameters, clipValue, foreach', {
  parameters,
  /** The largest magnitude that is left as it is. */
  clipValue: bound,
  /** Of no effect. Default: null. */
  foreach: kinds.boolean.optional(),
});

export interface ClipGradNormOptions extends OptionsOf<typeof byNorm> {}
export interface ClipGradValueOptions extends OptionsOf<typeof byValue> {}

/** The gradients of those parameters that have one. Each is looked at before the next: an array may have more holes than memory. */
function gradientsOf(op: string, parameters: Parameters): Tensor[] {
  const gradients: Tensor[] = [];
  let i = 0;
  for (const parameter of isTensor(parameters) ? [parameters] : parameters) {
    if (!isTensor(parameter)) {
      throw new ValueError(`${op}: parameter ${i} must be a Tensor, got ${describe(parameter)}`);
    }
    const gradient = peekGrad(parameter);
    if (gradient !== null) gradients.push(gradient);
    i++;
  }
  return gradients;
}

/** The norm of all elements of some tensors: that of their norms. */
function totalNorm(op: string, tensors: readonly Tensor[], normType: number, errorIfNonfinite: boolean): Tensor {
  if (tensors.length === 0) return tensor(0);
  const total = norm(stack(tensors.map((one) => norm(one.reshape([-1]), normType))), normType);
  if (errorIfNonfinite) {
    refuseIf(
      total.isfinite().logicalNot().to('float64'),
      () =>
        new ValueError(
          `${op}: the norm of the gradients is NaN or infinite, so they cannot be clipped; with errorIfNonfinite false they are scaled by it anyway`,
        ),
    );
  }
  return total;
}

/**
 * Scales the gradients of parameters together so that their norm, as that of one vector, is at most `maxNorm`: each is multiplied in place by
 * min(1, maxNorm / (norm + 1e-6)). Works in captured functions and in `run` as well.
 *
 * @returns the norm before
 * @throws ValueError for a maxNorm or a normType that is no number, and with `errorIfNonfinite` for a norm that is NaN or infinite
 * @example
 * ```ts
 * const w = tensor([3, 4], { requiresGrad: true });
 * w.square().sum().backward(); // the gradient is [6, 8]
 * nn.utils.clipGradNorm_([w], 1).item(); // 10
 * w.grad; // tensor([0.6000, 0.8000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html
 */
export const clipGradNorm_: FunctionOf<Tensor, typeof byNorm, ClipGradNormOptions> = define(
  'clipGradNorm_',
  byNorm,
  (parameters, maxNorm, normType, errorIfNonfinite) =>
    noGrad(() => {
      const gradients = gradientsOf('clipGradNorm_', parameters);
      const order = normType === 'inf' ? Number.POSITIVE_INFINITY : normType;
      const total = totalNorm('clipGradNorm_', gradients, order, errorIfNonfinite);
      const scale = div(maxNorm, total.add(1e-6)).clampMax(1);
      for (const gradient of gradients) gradient.mul_(scale);
      return total;
    }),
);

/**
 * Clamps every element of the gradients of parameters to [-clipValue, clipValue], in place. Works in captured functions and in `run` as well.
 *
 * @throws ValueError for a clipValue that is no number
 * @example
 * ```ts
 * const w = tensor([3, -4], { requiresGrad: true });
 * w.square().sum().backward(); // the gradient is [6, -8]
 * nn.utils.clipGradValue_([w], 7);
 * w.grad; // tensor([ 6., -7.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_value_.html
 */
export const clipGradValue_: FunctionOf<void, typeof byValue, ClipGradValueOptions> = define(
  'clipGradValue_',
  byValue,
  (parameters, clipValue) =>
    noGrad(() => {
      for (const gradient of gradientsOf('clipGradValue_', parameters)) gradient.clamp_(-clipValue, clipValue);
    }),
);
