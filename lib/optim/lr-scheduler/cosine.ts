import type { ArgumentsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import * as kinds from '../../tensor/kinds.js';
import { LRScheduler } from './lr-scheduler.js';
import { scheduling } from './scheduler.js';

const annealing = {
  ...scheduling,
  /** The least rate. Default: 0. */
  etaMin: kinds.finite.default(0),
};

const once = signature('optimizer, /, TMax, etaMin, lastEpoch', {
  ...annealing,
  /** After how many steps the rate is least; it rises again after that. */
  TMax: kinds.integerFrom(1),
});

/**
 * Lets rates fall along half a cosine: etaMin + (baseLr - etaMin) · (1 + cos(π t / TMax)) / 2.
 *
 * Rates are computed from those before, as PyTorch does it, so that other schedulers of the optimizer count too.
 *
 * @throws ValueError for what is no optimizer, a TMax that is no positive integer, and an etaMin that is no finite number
 * @example
 * ```ts
 * const sgd = new optim.SGD([zeros([1], { requiresGrad: true })], { lr: 1 });
 * const scheduler = new optim.lrScheduler.CosineAnnealingLR(sgd, 4);
 * for (let epoch = 0; epoch < 2; epoch++) {
 *   sgd.step();
 *   scheduler.step();
 * }
 * scheduler.getLastLr()[0]!.toFixed(6); // '0.500000'
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CosineAnnealingLR.html
 */
export class CosineAnnealingLR extends LRScheduler {
  declare TMax: number;
  declare etaMin: number;

  constructor(...args: ArgumentsOf<typeof once>) {
    super(once.named('CosineAnnealingLR', args));
  }

  protected override next(lr: number, baseLr: number, _group: number, isInitial: boolean): number {
    const { TMax, etaMin, lastEpoch } = this;
    if (isInitial) return lr;
    // The step after the least rate, from which no factor leads away.
    if ((lastEpoch - 1 - TMax) % (2 * TMax) === 0) return lr + ((baseLr - etaMin) * (1 - Math.cos(Math.PI / TMax))) / 2;
    const factor = (1 + Math.cos((Math.PI * lastEpoch) / TMax)) / (1 + Math.cos((Math.PI * (lastEpoch - 1)) / TMax));
    return factor * (lr - etaMin) + etaMin;
  }

  protected override closedForm(baseLr: number): number {
    const { TMax, etaMin, lastEpoch } = this;
    return etaMin + ((baseLr - etaMin) * (1 + Math.cos((Math.PI * lastEpoch) / TMax))) / 2;
  }
}

const restarting = signature('optimizer, /, T0, TMult, etaMin, lastEpoch', {
  ...annealing,
  /** How many steps the first fall takes. */
  T0: kinds.integerFrom(1),
  /** How many times as long each takes as the one before. Default: 1. */
  TMult: kinds.integerFrom(1).default(1),
});

const stepping = signature('epoch', {
  /** Where to go instead of one step on; it may be between two epochs. Default: null. */
  epoch: kinds.atLeast(0).optional(),
});

/**
 * Lets rates fall along half a cosine again and again: etaMin + (baseLr - etaMin) · (1 + cos(π TCur / TI)) / 2, with TCur steps since the
 * last restart and TI from there to the next.
 *
 * @throws ValueError for what is no optimizer, a T0 or TMult that is no positive integer, and an etaMin that is no finite number
 * @example
 * ```ts
 * const sgd = new optim.SGD([zeros([1], { requiresGrad: true })], { lr: 1 });
 * const scheduler = new optim.lrScheduler.CosineAnnealingWarmRestarts(sgd, 2);
 * scheduler.step();
 * scheduler.getLastLr()[0]!.toFixed(6); // '0.500000'
 * scheduler.step();
 * scheduler.getLastLr(); // [1]
 * scheduler.step(2.5);
 * scheduler.getLastLr()[0]!.toFixed(6); // '0.853553'
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CosineAnnealingWarmRestarts.html
 */
export class CosineAnnealingWarmRestarts extends LRScheduler {
  declare T0: number;
  declare TMult: number;
  declare etaMin: number;
  /** Steps since the last restart. */
  declare TCur: number;
  /** Steps from the last restart to the next. */
  declare TI: number;

  constructor(...args: ArgumentsOf<typeof restarting>) {
    const values = restarting.named('CosineAnnealingWarmRestarts', args);
    super({ ...values, TCur: values.lastEpoch, TI: values.T0 });
  }

  protected override next(_lr: number, baseLr: number): number {
    return this.etaMin + ((baseLr - this.etaMin) * (1 + Math.cos((Math.PI * this.TCur) / this.TI))) / 2;
  }

  override begin(): void {
    this.stepCount = 0;
    this.advance();
  }

  /** Moves on by a step, or to an epoch, and sets the rate of every group. */
  override step(...args: ArgumentsOf<typeof stepping>): void {
    const [epoch] = stepping.read('CosineAnnealingWarmRestarts.step', args);
    if (epoch === null) super.step();
    else this.perform(() => this.goTo(epoch));
  }

  override advance(): void {
    if (this.lastEpoch < 0) {
      this.goTo(0);
      return;
    }
    this.stepCount++;
    this.lastEpoch++;
    this.TCur++;
    if (this.TCur >= this.TI) {
      this.TCur %= this.TI;
      this.TI *= this.TMult;
    }
    this.renew();
  }

  protected goTo(epoch: number): void {
    const { T0, TMult } = this;
    this.stepCount++;
    this.lastEpoch = Math.floor(epoch);
    if (epoch < T0) {
      this.TI = T0;
      this.TCur = epoch;
    } else if (TMult === 1) this.TCur = epoch % T0;
    else {
      const restarts = Math.floor(Math.log((epoch / T0) * (TMult - 1) + 1) / Math.log(TMult));
      this.TCur = epoch - (T0 * (TMult ** restarts - 1)) / (TMult - 1);
      this.TI = T0 * TMult ** restarts;
    }
    this.renew();
  }
}
