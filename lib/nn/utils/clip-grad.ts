import { noGrad } from '../../autograd/mode.js';
import { describe } from '../../describe.js';
import { ValueError } from '../../errors.js';
import { tensor } from '../../ops/creation.js';
import { stack } from '../../ops/joining.js';
import { div } from '../../ops/pointwise.js';
import { norm } from '../../ops/reductions.js';
import { checkBoolean, checkOptions } from '../../options.js';
import { refuseIf } from '../../tensor/check.js';
import { peekGrad, Tensor } from '../../tensor/tensor.js';

export interface ClipGradNormOptions {
  /** Which norm: any number, or `'inf'` for the largest element. Default: 2. */
  normType?: number | 'inf';
  /** Refuse gradients whose norm is NaN or infinite. Default: false. */
  errorIfNonfinite?: boolean;
  /** Of no effect: there is one way to do it, which is as fast as many at a time. Default: none. */
  foreach?: boolean | null;
}

/** One parameter, or many. */
export type Parameters = Tensor | Iterable<Tensor>;

/** The gradients of those parameters that have one. */
function gradientsOf(op: string, parameters: Parameters): Tensor[] {
  const isMany = typeof parameters === 'object' && parameters !== null && Symbol.iterator in parameters;
  if (!isMany && !(parameters instanceof Tensor)) {
    throw new ValueError(`${op}: expected a Tensor or an iterable of tensors, got ${describe(parameters)}`);
  }
  const list: unknown[] = parameters instanceof Tensor ? [parameters] : [...(parameters as Iterable<unknown>)];
  return list.flatMap((parameter, i) => {
    if (!(parameter instanceof Tensor)) {
      throw new ValueError(`${op}: parameter ${i} must be a Tensor, got ${describe(parameter)}`);
    }
    return peekGrad(parameter) ?? [];
  });
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
export function clipGradNorm_(parameters: Parameters, maxNorm: number, options: ClipGradNormOptions = {}): Tensor {
  const op = 'clipGradNorm_';
  checkOptions(op, options, ['normType', 'errorIfNonfinite', 'foreach']);
  const { normType = 2, errorIfNonfinite = false } = options;
  const order = normType === 'inf' ? Number.POSITIVE_INFINITY : normType;
  if (typeof order !== 'number' || Number.isNaN(order)) {
    throw new ValueError(`${op}: normType must be a number or 'inf', got ${describe(normType)}`);
  }
  checkBoolean(op, 'errorIfNonfinite', errorIfNonfinite);
  if (options.foreach !== undefined && options.foreach !== null) checkBoolean(op, 'foreach', options.foreach);
  checkBound(op, 'maxNorm', maxNorm);
  return noGrad(() => {
    const gradients = gradientsOf(op, parameters);
    const total = totalNorm(op, gradients, order, errorIfNonfinite);
    const scale = div(maxNorm, total.add(1e-6)).clampMax(1);
    for (const gradient of gradients) gradient.mul_(scale);
    return total;
  });
}

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
export function clipGradValue_(parameters: Parameters, clipValue: number): void {
  checkBound('clipGradValue_', 'clipValue', clipValue);
  noGrad(() => {
    for (const gradient of gradientsOf('clipGradValue_', parameters)) gradient.clamp_(-clipValue, clipValue);
  });
}

function checkBound(op: string, name: string, value: unknown): void {
  if (typeof value === 'number' && !Number.isNaN(value)) return;
  throw new ValueError(`${op}: ${name} must be a number, got ${describe(value)}`);
}
