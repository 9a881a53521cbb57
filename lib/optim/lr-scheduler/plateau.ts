import type { ArgumentsOf } from '../../arguments/forms.js';
import { kind } from '../../arguments/kind.js';
import { signature } from '../../arguments/signature.js';
import * as kinds from '../../tensor/kinds.js';
import { rateOf } from '../parameters.js';
import { oneOrEach, perGroup } from './lr-scheduler.js';
import { Scheduler, scheduling } from './scheduler.js';

const waiting = signature('optimizer, /, mode, factor, patience, threshold, thresholdMode, cooldown, minLr, eps', {
  optimizer: scheduling.optimizer,
  /** Whether the metric is to fall or to rise. Default: 'min'. */
  mode: kinds.choice('min', 'max').default('min'),
  /** What rates are multiplied by. Default: 0.1. */
  factor: kind(
    'a finite number below 1',
    (value): value is number => Number.isFinite(value) && (value as number) < 1,
  ).default(0.1),
  /** How many steps in a row may bring nothing better; the next reduces the rates. Default: 10. */
  patience: kinds.integerFrom(0).default(10),
  /** By how much a metric must be better to count. Default: 1e-4. */
  threshold: kinds.finite.default(1e-4),
  /** Whether that is a part of the best so far or a number by itself. Default: 'rel'. */
  thresholdMode: kinds.choice('rel', 'abs').default('rel'),
  /** For how many steps after a reduction nothing is counted. Default: 0. */
  cooldown: kinds.integerFrom(0).default(0),
  /** The least rate of all groups, or of each. Default: 0. */
  minLr: oneOrEach.default(0),
  /** Reductions of no more than this are left out. Default: 1e-8. */
  eps: kinds.atLeast(0).default(1e-8),
});

const measuring = signature('metrics, /', {
  /** What is looked at: a loss, say. A tensor of one element may hold it. */
  metrics: kinds.operand,
});

/**
 * Reduces rates when a metric has stopped getting better. Unlike other schedulers, `step` takes the metric; in a captured function, which
 * knows no values, call it outside, or in `onEpoch` of `run`.
 *
 * @throws ValueError for what is no optimizer, a factor of 1 or more, and other options that make no sense
 * @example
 * ```ts
 * const sgd = new optim.SGD([zeros([1], { requiresGrad: true })], { lr: 1 });
 * const scheduler = new optim.lrScheduler.ReduceLROnPlateau(sgd, 'min', 0.5, 1);
 * for (const loss of [3, 2, 2, 2]) scheduler.step(loss);
 * scheduler.getLastLr(); // [0.5]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ReduceLROnPlateau.html
 */
export class ReduceLROnPlateau extends Scheduler {
  declare mode: 'min' | 'max';
  declare factor: number;
  declare patience: number;
  declare threshold: number;
  declare thresholdMode: 'rel' | 'abs';
  declare cooldown: number;
  declare minLr: number | readonly number[];
  declare eps: number;
  /** The best metric so far; null before the first. */
  declare best: number | null;
  /** Steps in a row that brought nothing better. */
  declare numBadEpochs: number;
  /** Steps of a cooldown that are left. */
  declare cooldownCounter: number;

  constructor(...args: ArgumentsOf<typeof waiting>) {
    const values = waiting.named('ReduceLROnPlateau', args);
    perGroup('ReduceLROnPlateau', 'minLr', values.minLr, values.optimizer);
    super({ ...values, lastEpoch: 0, best: null, numBadEpochs: 0, cooldownCounter: 0 });
    this.noteRates();
  }

  protected override get nullable(): readonly string[] {
    return ['best'];
  }

  /** Looks at a metric, and reduces the rates if it was not better for long enough. */
  step(...args: ArgumentsOf<typeof measuring>): void {
    const [metrics] = measuring.read('ReduceLROnPlateau.step', args);
    const metric = rateOf(metrics);
    this.perform(() => this.#look(metric));
  }

  #look(metric: number): void {
    const least = perGroup(this.name, 'minLr', this.minLr, this.optimizer);
    this.lastEpoch++;
    const isBetter = this.#isBetter(metric);
    if (isBetter) this.best = metric;
    this.numBadEpochs = isBetter ? 0 : this.numBadEpochs + 1;
    if (this.cooldownCounter > 0) {
      this.cooldownCounter--;
      this.numBadEpochs = 0;
    }
    if (this.numBadEpochs > this.patience) {
      this.#reduce(least);
      this.cooldownCounter = this.cooldown;
      this.numBadEpochs = 0;
    }
    this.noteRates();
  }

  #reduce(least: readonly number[]): void {
    const rates = this.groups.map(({ lr }, i) => {
      const [before, after] = [rateOf(lr), Math.max(rateOf(lr) * this.factor, least[i]!)];
      return before - after > this.eps ? after : before;
    });
    this.setRates(rates);
  }

  #isBetter(metric: number): boolean {
    const { mode, threshold, thresholdMode } = this;
    const best = this.best ?? (mode === 'min' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY);
    if (mode === 'min') return metric < (thresholdMode === 'rel' ? best * (1 - threshold) : best - threshold);
    return metric > (thresholdMode === 'rel' ? best * (threshold + 1) : best + threshold);
  }
}
