import type { ArgumentsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import * as kinds from '../../tensor/kinds.js';
import { LRScheduler, oneOrEach, perGroup } from './lr-scheduler.js';
import { scheduling } from './scheduler.js';

const averaging = signature('optimizer, /, swaLr, annealEpochs, annealStrategy, lastEpoch', {
  ...scheduling,
  /** Where rates go: one number for all groups, or one for each. */
  swaLr: oneOrEach,
  /** In how many steps. Default: 10. */
  annealEpochs: kinds.integerFrom(0).default(10),
  /** Along half a cosine or a straight line. Default: 'cos'. */
  annealStrategy: kinds.choice('cos', 'linear').default('cos'),
});

/**
 * Brings rates to the constant one at which weights are averaged (see `optim.swaUtils.AveragedModel`): lr (1 - α) + swaLr α, with α from
 * 0 to 1 in `annealEpochs` steps.
 *
 * @throws ValueError for what is no optimizer, rates that are no finite numbers or not one for each group, and an annealEpochs below 0
 * @example
 * ```ts
 * const sgd = new optim.SGD([zeros([1], { requiresGrad: true })], { lr: 1 });
 * const scheduler = new optim.lrScheduler.SWALR(sgd, 0.5, 2, 'linear');
 * sgd.step();
 * scheduler.step();
 * scheduler.getLastLr(); // [0.75]
 * ```
 * @see https://pytorch.org/docs/stable/optim.html#torch.optim.swa_utils.SWALR
 */
export class SWALR extends LRScheduler {
  declare swaLrs: number[];
  declare annealEpochs: number;
  declare annealStrategy: 'cos' | 'linear';

  constructor(...args: ArgumentsOf<typeof averaging>) {
    const { swaLr, ...rest } = averaging.named('SWALR', args);
    super({ ...rest, swaLrs: perGroup('SWALR', 'swaLr', swaLr, rest.optimizer) });
  }

  protected override next(lr: number, _baseLr: number, group: number): number {
    const swaLr = this.swaLrs[group]!;
    const step = this.annealEpochs === 0 ? Math.max(1, this.stepCount - 1) : this.stepCount - 1;
    const before = shareAt(step - 1, this);
    const from = before === 1 ? swaLr : (lr - before * swaLr) / (1 - before);
    const share = shareAt(step, this);
    return swaLr * share + from * (1 - share);
  }
}

/** How much of the rate is `swaLr` after so many steps. */
function shareAt(step: number, { annealEpochs, annealStrategy }: SWALR): number {
  const part = Math.max(0, Math.min(1, step / Math.max(1, annealEpochs)));
  return annealStrategy === 'linear' ? part : (1 - Math.cos(Math.PI * part)) / 2;
}
