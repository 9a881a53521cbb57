import type { ArgumentsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import * as kinds from '../../tensor/kinds.js';
import { milestoneList, MultiplyingScheduler } from './lr-scheduler.js';
import { scheduling } from './scheduler.js';

const stepwise = signature('optimizer, /, stepSize, gamma, lastEpoch', {
  ...scheduling,
  /** After how many steps rates are multiplied. */
  stepSize: kinds.integerFrom(1),
  /** What they are multiplied by. Default: 0.1. */
  gamma: kinds.finite.default(0.1),
});

/**
 * Multiplies rates by `gamma` at every `stepSize`-th step: baseLr · gamma^⌊t / stepSize⌋.
 *
 * @throws ValueError for what is no optimizer, a stepSize that is no positive integer, and a gamma that is no finite number
 * @example
 * ```ts
 * const sgd = new optim.SGD([zeros([1], { requiresGrad: true })], { lr: 1 });
 * const scheduler = new optim.lrScheduler.StepLR(sgd, 2, 0.5);
 * for (let epoch = 0; epoch < 3; epoch++) {
 *   sgd.step();
 *   scheduler.step();
 * }
 * scheduler.getLastLr(); // [0.5]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.StepLR.html
 */
export class StepLR extends MultiplyingScheduler {
  declare stepSize: number;
  declare gamma: number;

  constructor(...args: ArgumentsOf<typeof stepwise>) {
    super(stepwise.named('StepLR', args));
  }

  protected override next(lr: number): number {
    return this.lastEpoch === 0 || this.lastEpoch % this.stepSize !== 0 ? lr : lr * this.gamma;
  }

  protected override closedForm(baseLr: number): number {
    return baseLr * this.gamma ** Math.floor(this.lastEpoch / this.stepSize);
  }
}

const stepped = signature('optimizer, /, milestones, gamma, lastEpoch', {
  ...scheduling,
  /** The steps at which rates are multiplied, in any order; one that is there twice multiplies twice. */
  milestones: milestoneList,
  /** What they are multiplied by. Default: 0.1. */
  gamma: kinds.finite.default(0.1),
});

/**
 * Multiplies rates by `gamma` at some steps: baseLr · gamma^k, with k milestones up to step t.
 *
 * @throws ValueError for what is no optimizer, milestones that are no integers of at least 0, and a gamma that is no finite number
 * @example
 * ```ts
 * const sgd = new optim.SGD([zeros([1], { requiresGrad: true })], { lr: 1 });
 * const scheduler = new optim.lrScheduler.MultiStepLR(sgd, [1, 3], 0.5);
 * for (let epoch = 0; epoch < 3; epoch++) {
 *   sgd.step();
 *   scheduler.step();
 * }
 * scheduler.getLastLr(); // [0.25]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.MultiStepLR.html
 */
export class MultiStepLR extends MultiplyingScheduler {
  declare milestones: number[];
  declare gamma: number;

  constructor(...args: ArgumentsOf<typeof stepped>) {
    const { milestones, ...rest } = stepped.named('MultiStepLR', args);
    super({ ...rest, milestones: [...milestones] });
  }

  protected override next(lr: number): number {
    const times = this.milestones.filter((one) => one === this.lastEpoch).length;
    return times === 0 ? lr : lr * this.gamma ** times;
  }

  protected override closedForm(baseLr: number): number {
    return baseLr * this.gamma ** this.milestones.filter((one) => one <= this.lastEpoch).length;
  }
}
