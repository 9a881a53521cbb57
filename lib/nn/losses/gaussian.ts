import { define } from '../../arguments/define.js';
import type { ArgumentsOf, FunctionOf, NamedOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { sameShape } from '../../backend/view.js';
import { ShapeError, ValueError } from '../../errors.js';
import * as e from '../../expr/index.js';
import { fullLike } from '../../ops/creation.js';
import { unsqueeze } from '../../ops/views.js';
import { refuseIf } from '../../tensor/check.js';
import { Formula } from '../../tensor/formula.js';
import * as kinds from '../../tensor/kinds.js';
import type { Operand } from '../../tensor/promotion.js';
import { allAxes, show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { TripleLossModule } from './loss-module.js';
import { PointwiseLoss, requireFloat } from './pointwise-loss.js';
import { reducing } from './reduction.js';

const gaussianSignature = signature('full, eps, reduction', {
  /** Whether the constant log(2π) / 2 is added. Default: false. */
  full: kinds.boolean.default(false),
  /** The least that a variance counts; gradients do not see it. Default: 1e-6. */
  eps: kinds.above(0).default(1e-6),
  ...reducing,
});

const measured = {
  input: kinds.tensor,
  target: kinds.tensor,
  var: kinds.operand,
};

const withVariance = gaussianSignature.after('input, target, var', measured);

export interface GaussianNLLOptions extends OptionsOf<typeof gaussianSignature> {}

/** The variance, or eps where it is less; derivatives of any order are as if it were not. */
const counted = (variance: e.Expr, eps: e.Expr): e.Expr =>
  e.where(e.lt(variance, eps), e.add(eps, e.sub(variance, e.detach(variance))), variance);

const likelihood = new PointwiseLoss(
  'gaussianNllLoss',
  'silent',
  (input, target, variance, eps, constant) => {
    const v = counted(variance, eps);
    return e.add(e.mul(0.5, e.add(e.log(v), e.div(e.square(e.sub(input, target)), v))), constant);
  },
  (input, target, variance, eps) => {
    const v = counted(variance, eps);
    const off = e.div(e.sub(input, target), v);
    return [off, e.neg(off), e.mul(0.5, e.sub(e.div(1, v), e.square(off))), null, null];
  },
);

const countNegative = new Formula('gaussianNllLoss', (x) => e.rowSum(e.lt(x, 0)));

function refuseNegative(variance: Tensor): void {
  const shape = shapeOf(variance);
  const frame = { shape, axes: allAxes(shape.length), keepdim: false };
  refuseIf(
    countNegative.call([variance.detach()], 'float64', 'float64', frame),
    () => new ValueError('gaussianNllLoss: a variance is negative'),
  );
}

/** The variances as they broadcast with the input: of its shape, or one for each of its rows, or with one size 1 in place of another. */
function fitted(input: Tensor, variance: Tensor): Tensor {
  const [shape, own] = [shapeOf(input), shapeOf(variance)];
  if (sameShape(shape, own)) return variance;
  if (sameShape(shape.slice(0, -1), own)) return unsqueeze(variance, -1);
  const different = own.length === shape.length ? own.filter((size, axis) => size !== shape[axis]) : [];
  if (different.length === 1 && different[0] === 1) return variance;
  throw new ShapeError(
    `gaussianNllLoss: var must have the shape ${show(shape)} of the input, or that without its last dimension, or with one dimension of size 1, got ${show(own)}`,
  );
}

/**
 * The negative log-likelihood of targets under normal distributions: (log v + (input - target)² / v) / 2, where v = max(var, eps).
 *
 * @param input the means
 * @param target broadcasts with the input
 * @param var the variances: a number, or of the input's shape, or without its last dimension, or with one dimension of size 1
 * @throws ValueError for a negative variance; ShapeError for other shapes; DTypeError for integer inputs
 * @example
 * ```ts
 * nn.functional.gaussianNllLoss(tensor([0, 1]), tensor([1, 1]), tensor([1, 4])); // tensor(0.5966)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.gaussian_nll_loss.html
 */
export const gaussianNllLoss: FunctionOf<Tensor, typeof withVariance, GaussianNLLOptions> = define(
  'gaussianNllLoss',
  withVariance,
  (input, target, variance, full, eps, reduction) => {
    requireFloat('gaussianNllLoss', input);
    const given: Operand = typeof variance === 'number' ? fullLike(input, variance) : fitted(input, variance);
    refuseNegative(given);
    const constant = full ? 0.5 * Math.log(2 * Math.PI) : 0;
    return likelihood.apply(input, target, [given, eps, constant], reduction);
  },
);

/**
 * The negative log-likelihood of targets under normal distributions: see `nn.functional.gaussianNllLoss`.
 *
 * @throws ValueError, when called, for a negative variance
 * @example
 * ```ts
 * new nn.GaussianNLLLoss().forward(tensor([0, 1]), tensor([1, 1]), tensor([1, 4])); // tensor(0.5966)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.GaussianNLLLoss.html
 */
export class GaussianNLLLoss extends TripleLossModule<NamedOf<typeof gaussianSignature>> {
  constructor(...args: ArgumentsOf<typeof gaussianSignature, GaussianNLLOptions>) {
    super(gaussianNllLoss, gaussianSignature.named('GaussianNLLLoss', args));
  }
}
