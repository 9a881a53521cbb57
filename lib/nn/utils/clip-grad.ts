import { define } from '../../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { type Kind, kind } from '../../arguments/kind.js';
import { signature } from '../../arguments/signature.js';
import { noGrad } from '../../autograd/mode.js';
import { ValueError } from '../../errors.js';
import { tensor } from '../../ops/creation.js';
import { stack } from '../../ops/joining.js';
import { norm } from '../../ops/norms.js';
import { div } from '../../ops/pointwise.js';
import { refuseIf } from '../../tensor/check.js';
import * as kinds from '../../tensor/kinds.js';
import { peekGrad, type Tensor } from '../../tensor/tensor.js';
import { type Parameters, parameters, tensorsOf } from './parameters.js';

const bound: Kind<number> = kind(
  'a number',
  (value): value is number => typeof value === 'number' && !Number.isNaN(value),
);

const measured = {
  /** Which norm: any number, or `'inf'` for the largest element. Default: 2. */
  normType: kind(
    "a number or 'inf'",
    (value): value is number | 'inf' => value === 'inf' || bound.accepts(value),
  ).default(2),
  /** Refuse a norm that is NaN or infinite. Default: false. */
  errorIfNonfinite: kinds.boolean.default(false),
  /** Of no effect: there is one way to do it, as fast as many at a time. Default: null. */
  foreach: kinds.boolean.optional(),
};

const measuring = signature('tensors, normType, errorIfNonfinite, foreach', { ...measured, tensors: parameters });

const byNorm = signature('parameters, maxNorm, normType, errorIfNonfinite, foreach', {
  ...measured,
  parameters,
  /** The largest norm that is left as it is. */
  maxNorm: bound,
});

const withNorm = signature('parameters, maxNorm, totalNorm, foreach', {
  parameters,
  /** The largest norm that is left as it is. */
  maxNorm: bound,
  /** The norm of all gradients, as `getTotalNorm` gives it. */
  totalNorm: kinds.tensor,
  /** Of no effect. Default: null. */
  foreach: kinds.boolean.optional(),
});

const byValue = signature('parameters, clipValue, foreach', {
  parameters,
  /** The largest magnitude that is left as it is. */
  clipValue: bound,
  /** Of no effect. Default: null. */
  foreach: kinds.boolean.optional(),
});

export interface TotalNormOptions extends OptionsOf<typeof measuring> {}
export interface ClipGradNormOptions extends OptionsOf<typeof byNorm> {}
export interface ClipGradValueOptions extends OptionsOf<typeof byValue> {}

/** The gradients of those parameters that have one. */
const gradientsOf = (op: string, parameters: Parameters): Tensor[] =>
  tensorsOf(op, 'parameter', parameters).flatMap((parameter) => peekGrad(parameter) ?? []);

function totalNorm(
  op: string,
  tensors: readonly Tensor[],
  normType: number | 'inf',
  errorIfNonfinite: boolean,
): Tensor {
  if (tensors.length === 0) return tensor(0);
  const order = normType === 'inf' ? Number.POSITIVE_INFINITY : normType;
  const total = norm(stack(tensors.map((one) => norm(one.reshape([-1]), order))), order);
  if (errorIfNonfinite) {
    refuseIf(
      total.isfinite().logicalNot().to('float64'),
      () =>
        new ValueError(
          `${op}: the norm of the ${op === 'getTotalNorm' ? 'tensors' : 'gradients'} is NaN or infinite; with errorIfNonfinite false it is used anyway`,
        ),
    );
  }
  return total;
}

function scale(gradients: readonly Tensor[], maxNorm: number, total: Tensor): void {
  const factor = div(maxNorm, total.add(1e-6)).clampMax(1);
  for (const gradient of gradients) gradient.mul_(factor);
}

/**
 * The norm of all elements of some tensors, as that of one vector: such as gradients, before they are clipped.
 *
 * @throws ValueError for what is no tensor, a normType that is no number, and with `errorIfNonfinite` for a norm that is NaN or infinite
 * @example
 * ```ts
 * nn.utils.getTotalNorm([tensor([2, 3]), tensor(6)]).item(); // 7
 * nn.utils.getTotalNorm([tensor([2, 3]), tensor(6)], 'inf').item(); // 6
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.get_total_norm.html
 */
export const getTotalNorm: FunctionOf<Tensor, typeof measuring, TotalNormOptions> = define(
  'getTotalNorm',
  measuring,
  (tensors, normType, errorIfNonfinite) =>
    totalNorm('getTotalNorm', tensorsOf('getTotalNorm', 'tensor', tensors), normType, errorIfNonfinite),
);

/**
 * Scales the gradients of parameters as `clipGradNorm_` does, by a norm that is known: each is multiplied in place by
 * min(1, maxNorm / (totalNorm + 1e-6)).
 *
 * @throws ValueError for a maxNorm that is no number
 * @example
 * ```ts
 * const w = tensor([3, 4], { requiresGrad: true });
 * w.square().sum().backward(); // the gradient is [6, 8]
 * nn.utils.clipGradsWithNorm_([w], 1, nn.utils.getTotalNorm([w.grad!]));
 * w.grad; // tensor([0.6000, 0.8000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.clip_grads_with_norm_.html
 */
export const clipGradsWithNorm_: FunctionOf<void, typeof withNorm> = define(
  'clipGradsWithNorm_',
  withNorm,
  (parameters, maxNorm, total) => noGrad(() => scale(gradientsOf('clipGradsWithNorm_', parameters), maxNorm, total)),
);

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
      const total = totalNorm('clipGradNorm_', gradients, normType, errorIfNonfinite);
      scale(gradients, maxNorm, total);
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
