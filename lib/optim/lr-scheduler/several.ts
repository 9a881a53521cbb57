import { allAre } from '../../arguments/elements.js';
import type { ArgumentsOf } from '../../arguments/forms.js';
import { type Kind, kind } from '../../arguments/kind.js';
import { signature } from '../../arguments/signature.js';
import { describe } from '../../describe.js';
import { ValueError } from '../../errors.js';
import { LRScheduler, milestoneList } from './lr-scheduler.js';
import { type Beginning, Scheduler, type SchedulerState, type Standing, scheduling } from './scheduler.js';

const isScheduler = (value: unknown): value is LRScheduler => value instanceof LRScheduler;

const schedulerList: Kind<readonly LRScheduler[]> = kind(
  'an array of schedulers',
  (value): value is readonly LRScheduler[] => Array.isArray(value) && value.length > 0 && allAre(value, isScheduler),
  {
    explain: (op, name, value) => {
      if (!Array.isArray(value)) return;
      if (value.length === 0) throw new ValueError(`${op}: ${name} must be at least one scheduler, got an empty array`);
      const wrong = value.findIndex((one) => !isScheduler(one));
      const reason = value[wrong] instanceof Scheduler ? ', which steps by a metric and cannot be one of several' : '';
      throw new ValueError(
        `${op}: ${name}[${wrong}] must be a scheduler that steps by itself, got ${describe(value[wrong])}${reason}`,
      );
    },
  },
);

/** Schedulers that work together on one optimizer. */
abstract class Several extends LRScheduler {
  /** Those that it steps. */
  declare readonly schedulers: readonly LRScheduler[];

  constructor(name: string, beginning: Beginning & { schedulers: readonly LRScheduler[] }) {
    beginning.schedulers.forEach((one, i) => {
      if (one.optimizer === beginning.optimizer) return;
      throw new ValueError(`${name}: schedulers[${i}], a ${one.constructor.name}, is of another optimizer`);
    });
    super(beginning);
  }

  protected override next(lr: number): number {
    return lr;
  }

  override begin(): void {
    this.stepCount = 0;
    this.advance();
  }

  override undo(): void {
    for (const one of this.schedulers) one.undo();
  }

  override standing(): SeveralStanding {
    return { ...super.standing(), each: this.schedulers.map((one) => one.standing()) };
  }

  override return(standing: SeveralStanding): void {
    this.schedulers.forEach((one, i) => {
      one.return(standing.each[i]!);
    });
    super.return(standing);
  }

  override stateDict(): SchedulerState {
    return { ...super.stateDict(), schedulers: this.schedulers.map((one) => one.stateDict()) };
  }

  override checkState(where: string, saved: SchedulerState): void {
    const states: unknown = typeof saved === 'object' && saved !== null ? saved.schedulers : undefined;
    if (Array.isArray(states) && states.length === this.schedulers.length) {
      this.schedulers.forEach((one, i) => {
        one.checkState(`${where}: schedulers[${i}]`, states[i] as SchedulerState);
      });
      // They are looked at; what is left is as in any scheduler.
      super.checkState(where, { ...saved, schedulers: this.stateDict().schedulers });
      return;
    }
    super.checkState(where, saved);
  }

  override take({ schedulers, ...saved }: SchedulerState): void {
    const states = schedulers as SchedulerState[];
    this.schedulers.forEach((one, i) => {
      one.take(states[i]!);
    });
    super.take(saved);
  }
}

interface SeveralStanding extends Standing {
  readonly each: readonly Standing[];
}

const chained = signature('schedulers, optimizer', {
  /** Schedulers of one optimizer. */
  schedulers: schedulerList,
  /** Their optimizer. Default: null, that of the first. */
  optimizer: scheduling.optimizer.optional(),
});

/**
 * Steps several schedulers of one optimizer, one after the other: those that multiply rates work together.
 *
 * @throws ValueError for no schedulers, and for schedulers of several optimizers
 * @example
 * ```ts
 * const sgd = new optim.SGD([zeros([1], { requiresGrad: true })], { lr: 1 });
 * const { ChainedScheduler, ConstantLR, ExponentialLR } = optim.lrScheduler;
 * const both = new ChainedScheduler([new ConstantLR(sgd, 0.5, 4), new ExponentialLR(sgd, 0.5)]);
 * sgd.step();
 * both.step();
 * both.getLastLr(); // [0.25]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ChainedScheduler.html
 */
export class ChainedScheduler extends Several {
  constructor(...args: ArgumentsOf<typeof chained>) {
    const { schedulers, optimizer } = chained.named('ChainedScheduler', args);
    const own = optimizer ?? schedulers[0]!.optimizer;
    super('ChainedScheduler', { optimizer: own, lastEpoch: -1, schedulers: [...schedulers] });
  }

  protected override start(): void {
    this.lastEpoch = 0;
    this.noteRates();
  }

  override advance(): void {
    this.stepCount++;
    this.lastEpoch++;
    for (const one of this.schedulers) one.advance();
    this.noteRates();
  }
}

const inTurn = signature('optimizer, /, schedulers, milestones, lastEpoch', {
  ...scheduling,
  /** Schedulers of the optimizer. */
  schedulers: schedulerList,
  /** The steps at which the second and those after it start over and take the place of the one before, in order. */
  milestones: milestoneList,
});

/** Refuses milestones that do not part schedulers. */
function checkTurns(schedulers: readonly LRScheduler[], milestones: readonly number[]): void {
  if (milestones.length !== schedulers.length - 1) {
    throw new ValueError(
      `SequentialLR: expected ${schedulers.length - 1} milestones between ${schedulers.length} schedulers, got ${milestones.length}`,
    );
  }
  if (milestones.some((one, i) => i > 0 && one < milestones[i - 1]!)) {
    throw new ValueError(`SequentialLR: milestones must not fall, got [${milestones.join(', ')}]`);
  }
  schedulers.forEach((one, i) => {
    if (i === 0 || !(one instanceof Several)) return;
    throw new ValueError(
      `SequentialLR: schedulers[${i}] is a ${one.constructor.name}, which cannot start over at a milestone; put it first, or its schedulers in its place`,
    );
  });
}

/**
 * Schedulers of one optimizer that take turns: each starts over at its milestone.
 *
 * @throws ValueError for no schedulers, for schedulers of another optimizer, and for milestones that are not one less or that fall
 * @example
 * ```ts
 * const sgd = new optim.SGD([zeros([1], { requiresGrad: true })], { lr: 1 });
 * const { CosineAnnealingLR, LinearLR, SequentialLR } = optim.lrScheduler;
 * const warmUp = new LinearLR(sgd, 0.25, 1, 3);
 * const scheduler = new SequentialLR(sgd, [warmUp, new CosineAnnealingLR(sgd, 10)], [3]);
 * const rates: number[] = [];
 * for (let epoch = 0; epoch < 3; epoch++) {
 *   rates.push(...scheduler.getLastLr());
 *   sgd.step();
 *   scheduler.step();
 * }
 * rates.map((lr) => lr.toFixed(2)); // ['0.25', '0.50', '0.75']
 * scheduler.getLastLr(); // [1]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.SequentialLR.html
 */
export class SequentialLR extends Several {
  declare milestones: number[];

  constructor(...args: ArgumentsOf<typeof inTurn>) {
    const { schedulers, milestones, ...rest } = inTurn.named('SequentialLR', args);
    checkTurns(schedulers, milestones);
    super('SequentialLR', { ...rest, schedulers: [...schedulers], milestones: [...milestones] });
  }

  /** Takes back what the schedulers did when they were made, and begins with the one whose turn it is. */
  protected override start(): void {
    this.lastEpoch++;
    this.setRates(this.baseLrs);
    this.undo();
    this.schedulers[turnAt(this.milestones, 0)]!.begin();
    this.noteRates();
  }

  override advance(): void {
    this.stepCount++;
    this.lastEpoch++;
    const turn = turnAt(this.milestones, this.lastEpoch);
    const one = this.schedulers[turn]!;
    if (turn > 0 && this.milestones[turn - 1] === this.lastEpoch) one.restart();
    else one.advance();
    this.noteRates();
  }
}

/** Whose turn it is after so many steps. */
const turnAt = (milestones: readonly number[], step: number): number => milestones.filter((one) => one <= step).length;
