import { define } from '../../arguments/define.js';
import type { ArgumentsOf, NamedOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import type { Expr } from '../../expr/index.js';
import * as e from '../../expr/index.js';
import * as kinds from '../../tensor/kinds.js';
import { onPair } from '../operands.js';
import { LossModule } from './loss-module.js';
import { type LossFunction, PointwiseLoss } from './pointwise-loss.js';
import { reducing } from './reduction.js';

// Targets that are counts.

const poissonSignature = signature('logInput, full, eps, reduction', {
  /** Whether the input is the logarithm of the rate. Default: true. */
  logInput: kinds.boolean.default(true),
  /** Whether Stirling's approximation of log(target!) is added, for targets above 1. Default: false. */
  full: kinds.boolean.default(false),
  /** Added to rates before their logarithm is taken. Default: 1e-8. */
  eps: kinds.number.default(1e-8),
  ...reducing,
});

export interface PoissonNLLOptions extends OptionsOf<typeof poissonSignature> {}

/** Stirling's log t!, for t above 1. Its derivative at 0 is NaN, as in PyTorch. */
function logFactorial(t: Expr): Expr {
  const value = e.add(e.sub(e.mul(t, e.log(t)), t), e.mul(0.5, e.log(e.mul(2 * Math.PI, t))));
  return e.where(e.le(t, 1), 0, value);
}

const ofLogarithms = (input: Expr, target: Expr): Expr => e.sub(e.exp(input), e.mul(target, input));
const ofRates = (input: Expr, target: Expr, eps: Expr): Expr => e.sub(input, e.mul(target, e.log(e.add(input, eps))));

const logRate = new PointwiseLoss('poissonNllLoss', 'lifted', ofLogarithms);
const rate = new PointwiseLoss('poissonNllLoss', 'lifted', ofRates);
const fullLogRate = new PointwiseLoss('poissonNllLoss', 'lifted', (input, target) =>
  e.add(ofLogarithms(input, target), logFactorial(target)),
);
const fullRate = new PointwiseLoss('poissonNllLoss', 'lifted', (input, target, eps: Expr) =>
  e.add(ofRates(input, target, eps), logFactorial(target)),
);

/**
 * The negative log-likelihood of counts under Poisson distributions: e^input - target · input, or input - target log(input + eps).
 *
 * @param input rates, or with `logInput` their logarithms
 * @param target counts; broadcasts with the input
 * @throws ShapeError if the shapes do not broadcast
 * @example
 * ```ts
 * nn.functional.poissonNllLoss(tensor([0, 1]), tensor([1, 3])); // tensor(0.3591)
 * nn.functional.poissonNllLoss(tensor([1, 2]), tensor([1, 3]), { logInput: false, full: true }); // tensor(1.3423)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.poisson_nll_loss.html
 */
export const poissonNllLoss: LossFunction<typeof poissonSignature, PoissonNLLOptions> = define(
  'poissonNllLoss',
  onPair(poissonSignature),
  (input, target, logInput, full, eps, reduction) =>
    logInput
      ? (full ? fullLogRate : logRate).apply(input, target, [], reduction)
      : (full ? fullRate : rate).apply(input, target, [eps], reduction),
);

/**
 * The negative log-likelihood of counts under Poisson distributions: see `nn.functional.poissonNllLoss`.
 *
 * @example
 * ```ts
 * new nn.PoissonNLLLoss().forward(tensor([0, 1]), tensor([1, 3])); // tensor(0.3591)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.PoissonNLLLoss.html
 */
export class PoissonNLLLoss extends LossModule<NamedOf<typeof poissonSignature>> {
  constructor(...args: ArgumentsOf<typeof poissonSignature, PoissonNLLOptions>) {
    super(poissonNllLoss, poissonSignature.named('PoissonNLLLoss', args));
  }
}
