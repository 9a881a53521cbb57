import { checkFinite } from '../../tensor/arguments.js';
import { type AnyOptimizer, LRScheduler } from './scheduler.js';

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
export class ExponentialLR extends LRScheduler {
  declare gamma: number;

  constructor(optimizer: AnyOptimizer, gamma: number, lastEpoch = -1) {
    checkFinite('ExponentialLR', 'gamma', gamma);
    super(optimizer, { gamma }, lastEpoch);
  }

  protected override next(lr: number, _baseLr: number, _group: number, isInitial: boolean): number {
    return isInitial ? lr : lr * this.gamma;
  }

  protected override closedForm(baseLr: number): number {
    return baseLr * this.gamma ** this.lastEpoch;
  }
}
