import { checkFinite } from '../../tensor/arguments.js';
import { checkInteger } from '../../tensor/shape.js';
import { type AnyOptimizer, LRScheduler } from './scheduler.js';

/**
 * Multiplies rates by `gamma` at every `stepSize`-th step: baseLr · gamma^⌊t / stepSize⌋.
 *
 * @param gamma default 0.1
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
export class StepLR extends LRScheduler {
  declare stepSize: number;
  declare gamma: number;

  constructor(optimizer: AnyOptimizer, stepSize: number, gamma = 0.1, lastEpoch = -1) {
    checkInteger('StepLR', 'stepSize', stepSize, 1);
    checkFinite('StepLR', 'gamma', gamma);
    super(optimizer, { stepSize, gamma }, lastEpoch);
  }

  protected override next(lr: number): number {
    return this.lastEpoch === 0 || this.lastEpoch % this.stepSize !== 0 ? lr : lr * this.gamma;
  }

  protected override closedForm(baseLr: number): number {
    return baseLr * this.gamma ** Math.floor(this.lastEpoch / this.stepSize);
  }
}
