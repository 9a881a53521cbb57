import type { ArgumentsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import * as kinds from '../../tensor/kinds.js';
import { MultiplyingScheduler } from './lr-scheduler.js';
import { scheduling } from './scheduler.js';

const exponential = signature('optimizer, /, gamma, lastEpoch', {
  ...scheduling,
  /** What rates are multiplied by at every step. */
  gamma: kinds.finite,
});

/**
 * Multiplies rates by `gamma` at every step: baseLr · gammaᵗ.
 *
 * @throws ValueError for what is no optimizer, and a gamma that is no finite number
 * @example
 * ```ts
 * const sgd = new optim.SGD([zeros([1], { requiresGrad: true })], { lr: 1 });
 * const scheduler = new optim.lrScheduler.ExponentialLR(sgd, 0.5);
 * for (let epoch = 0; epoch < 3; epoch++) {
 *   sgd.step();
 *   scheduler.step();
 * }
 * scheduler.getLastLr(); // [0.125]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ExponentialLR.html
 */
export class ExponentialLR extends MultiplyingScheduler {
  declare gamma: number;

  constructor(...args: ArgumentsOf<typeof exponential>) {
    super(exponential.named('ExponentialLR', args));
  }

  protected override next(lr: number, _baseLr: number, _group: number, isInitial: boolean): number {
    return isInitial ? lr : lr * this.gamma;
  }

  protected override closedForm(baseLr: number): number {
    return baseLr * this.gamma ** this.lastEpoch;
  }
}
