import type { ArgumentsOf } from '../../arguments/forms.js';
import { kind } from '../../arguments/kind.js';
import { signature } from '../../arguments/signature.js';
import * as kinds from '../../tensor/kinds.js';
import { MultiplyingScheduler } from './lr-scheduler.js';
import { scheduling } from './scheduler.js';

// Schedules that go from one factor to another and stay there. Rates are multiplied step by step, as PyTorch does it, so that schedulers
// of one optimizer work together.

const ramping = {
  ...scheduling,
  /** After how many steps the rates are where they go. Default: 5. */
  totalIters: kinds.integerFrom(1).default(5),
};

const constant = signature('optimizer, /, factor, totalIters, lastEpoch', {
  ...scheduling,
  /** From which step on rates are the optimizer's own; 0: rates stay multiplied, as in PyTorch. Default: 5. */
  totalIters: kinds.integerFrom(0).default(5),
  /** What rates are multiplied by until then. Default: 1/3. */
  factor: kinds.within(0, 1).default(1 / 3),
});

/**
 * Multiplies rates by `factor` until step `totalIters`, and gives them back then.
 *
 * @throws ValueError for what is no optimizer, a factor outside [0, 1], and a totalIters that is no integer of at least 0
 * @example
 * ```ts
 * const sgd = new optim.SGD([zeros([1], { requiresGrad: true })], { lr: 1 });
 * const scheduler = new optim.lrScheduler.ConstantLR(sgd, 0.5, 2);
 * scheduler.getLastLr(); // [0.5]
 * for (let epoch = 0; epoch < 2; epoch++) {
 *   sgd.step();
 *   scheduler.step();
 * }
 * scheduler.getLastLr(); // [1]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ConstantLR.html
 */
export class ConstantLR extends MultiplyingScheduler {
  declare factor: number;
  declare totalIters: number;

  constructor(...args: ArgumentsOf<typeof constant>) {
    super(constant.named('ConstantLR', args));
  }

  protected override next(lr: number, baseLr: number): number {
    const { factor, totalIters, lastEpoch } = this;
    if (lastEpoch === 0) return lr * factor;
    if (lastEpoch !== totalIters) return lr;
    return factor === 0 ? baseLr : lr * (1 / factor);
  }

  protected override closedForm(baseLr: number): number {
    return baseLr * (this.factor + Number(this.lastEpoch >= this.totalIters) * (1 - this.factor));
  }
}

const linear = signature('optimizer, /, startFactor, endFactor, totalIters, lastEpoch', {
  ...ramping,
  /** What rates are multiplied by at first. Default: 1/3. */
  startFactor: kind(
    'above 0 and at most 1',
    (value): value is number => typeof value === 'number' && value > 0 && value <= 1,
  ).default(1 / 3),
  /** What they are multiplied by in the end. Default: 1. */
  endFactor: kinds.within(0, 1).default(1),
});

/**
 * Multiplies rates by a factor that goes in a straight line from `startFactor` to `endFactor` in `totalIters` steps: a warm-up.
 *
 * @throws ValueError for what is no optimizer, factors above 1, a startFactor that is not above 0, and a totalIters that is no positive integer
 * @example
 * ```ts
 * const sgd = new optim.SGD([zeros([1], { requiresGrad: true })], { lr: 1 });
 * const warmUp = new optim.lrScheduler.LinearLR(sgd, 0.5, { totalIters: 2 });
 * warmUp.getLastLr(); // [0.5]
 * sgd.step();
 * warmUp.step();
 * warmUp.getLastLr(); // [0.75]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.LinearLR.html
 */
export class LinearLR extends MultiplyingScheduler {
  declare startFactor: number;
  declare endFactor: number;
  declare totalIters: number;

  constructor(...args: ArgumentsOf<typeof linear>) {
    super(linear.named('LinearLR', args));
  }

  protected override next(lr: number, _baseLr: number, _group: number, isInitial: boolean): number {
    const { startFactor, endFactor, totalIters, lastEpoch } = this;
    if (lastEpoch === 0) return lr * startFactor;
    if (isInitial || lastEpoch > totalIters) return lr;
    const range = endFactor - startFactor;
    return lr * (1 + range / (totalIters * startFactor + (lastEpoch - 1) * range));
  }

  protected override closedForm(baseLr: number): number {
    const { startFactor, endFactor, totalIters, lastEpoch } = this;
    return baseLr * (startFactor + ((endFactor - startFactor) * Math.min(totalIters, lastEpoch)) / totalIters);
  }
}

const polynomial = signature('optimizer, /, totalIters, power, lastEpoch', {
  ...ramping,
  /** The power of the polynomial; 1 is a straight line. Default: 1. */
  power: kinds.finite.default(1),
});

/**
 * Lets rates fall to 0 by a power: baseLr · (1 - t / totalIters)^power.
 *
 * @throws ValueError for what is no optimizer, a totalIters that is no positive integer, and a power that is no finite number
 * @example
 * ```ts
 * const sgd = new optim.SGD([zeros([1], { requiresGrad: true })], { lr: 1 });
 * const scheduler = new optim.lrScheduler.PolynomialLR(sgd, 4, 2);
 * for (let epoch = 0; epoch < 2; epoch++) {
 *   sgd.step();
 *   scheduler.step();
 * }
 * scheduler.getLastLr(); // [0.25]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.PolynomialLR.html
 */
export class PolynomialLR extends MultiplyingScheduler {
  declare totalIters: number;
  declare power: number;

  constructor(...args: ArgumentsOf<typeof polynomial>) {
    super(polynomial.named('PolynomialLR', args));
  }

  protected override next(lr: number, _baseLr: number, _group: number, isInitial: boolean): number {
    const { totalIters, power, lastEpoch } = this;
    if (isInitial || lastEpoch > totalIters) return lr;
    return lr * ((1 - lastEpoch / totalIters) / (1 - (lastEpoch - 1) / totalIters)) ** power;
  }

  protected override closedForm(baseLr: number): number {
    const { totalIters, power, lastEpoch } = this;
    return baseLr * (1 - Math.min(totalIters, lastEpoch) / totalIters) ** power;
  }
}
