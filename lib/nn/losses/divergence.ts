import { define } from '../../arguments/define.js';
import type { ArgumentsOf, NamedOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import type { Expr } from '../../expr/index.js';
import * as e from '../../expr/index.js';
import * as kinds from '../../tensor/kinds.js';
import { shapeOf } from '../../tensor/tensor.js';
import { onPair } from '../operands.js';
import { LossModule } from './loss-module.js';
import { type LossFunction, PointwiseLoss } from './pointwise-loss.js';

const klDivSignature = signature('reduction, logTarget', {
  /** As elsewhere; `'batchmean'` divides the sum by the first size, as the divergence is defined. Default: 'mean'. */
  reduction: kinds.choice('none', 'mean', 'sum', 'batchmean').default('mean'),
  /** Whether the target is given as logarithms. Default: false. */
  logTarget: kinds.boolean.default(false),
});

export interface KLDivOptions extends OptionsOf<typeof klDivSignature> {}

/** t log t, which is 0 at 0. */
const entropy = (t: Expr): Expr => e.where(e.eq(t, 0), 0, e.mul(t, e.log(e.where(e.eq(t, 0), 1, t))));
const divergence = new PointwiseLoss(
  'klDiv',
  'operands',
  (input, target) => e.sub(entropy(target), e.mul(target, input)),
  // At a target of 0 the slope of t log t is NaN, as in PyTorch.
  (input, target) => [e.neg(target), e.sub(e.where(e.eq(target, 0), Number.NaN, e.add(e.log(target), 1)), input)],
);
const logDivergence = new PointwiseLoss('klDiv', 'operands', (input, target) =>
  e.mul(e.exp(target), e.sub(target, input)),
);

/**
 * target (log target - input), the input being logarithms; 0 where the target is 0.
 *
 * @param input log-probabilities
 * @param target probabilities, or their logarithms with `logTarget`
 * @throws ValueError for a reduction that does not exist; DTypeError for integer inputs; ShapeError if the shapes do not broadcast
 * @example
 * ```ts
 * const input = tensor([[0.5, 0.5]]).log();
 * nn.functional.klDiv(input, tensor([[1, 0]]), { reduction: 'batchmean' }); // tensor(0.6931)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.kl_div.html
 */
export const klDiv: LossFunction<typeof klDivSignature, KLDivOptions> = define(
  'klDiv',
  onPair(klDivSignature),
  (input, target, reduction, logTarget) => {
    const loss = logTarget ? logDivergence : divergence;
    if (reduction !== 'batchmean') return loss.apply(input, target, [], reduction);
    return loss.apply(input, target, [], 'sum').div(shapeOf(input)[0] ?? 1);
  },
);

/**
 * The Kullback-Leibler divergence of log-probabilities from a target distribution: see `nn.functional.klDiv`.
 *
 * @example
 * ```ts
 * const input = tensor([[0.5, 0.5]]).log();
 * new nn.KLDivLoss({ reduction: 'batchmean' }).forward(input, tensor([[1, 0]])); // tensor(0.6931)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.KLDivLoss.html
 */
export class KLDivLoss extends LossModule<NamedOf<typeof klDivSignature>> {
  constructor(...args: ArgumentsOf<typeof klDivSignature, KLDivOptions>) {
    super(klDiv, klDivSignature.named('KLDivLoss', args));
  }
}
