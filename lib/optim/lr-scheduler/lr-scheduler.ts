import { allAre } from '../../arguments/elements.js';
import { type Kind, kind } from '../../arguments/kind.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { ValueError } from '../../errors.js';
import { rateOf } from '../parameters.js';
import { type AnyOptimizer, type Beginning, Scheduler, setMomentum } from './scheduler.js';

/**
 * The base of schedulers that go by how often `step` was called: a rate for every group of an optimizer. Call it after the optimizer's
 * `step`; in captured functions and in `run` it follows as well.
 *
 * @see https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate
 */
export abstract class LRScheduler extends Scheduler {
  /** The rates that groups had at first. */
  baseLrs: number[];

  static {
    takeNoMore(LRScheduler, 'step');
  }

  /** @param values of its parameters: the optimizer, the numbers of its rule, and `lastEpoch` */
  constructor(beginning: Beginning) {
    super(beginning);
    const { lastEpoch, groups } = this;
    const fresh = groups.filter(({ initialLr }) => initialLr === undefined);
    if (fresh.length > 0 && lastEpoch !== -1) {
      throw new ValueError(
        `${this.name}: group ${groups.indexOf(fresh[0]!)} has no initialLr to go on from at epoch ${lastEpoch}; load the optimizer's state first, or start with lastEpoch -1`,
      );
    }
    for (const group of fresh) group.initialLr = rateOf(group.lr);
    this.baseLrs = groups.map(({ initialLr }) => initialLr!);
    try {
      this.start();
    } catch (error) {
      for (const group of fresh) delete group.initialLr;
      throw error;
    }
  }

  /**
   * The rate of a group at `lastEpoch`.
   *
   * @param lr its rate so far
   * @param baseLr its rate at first
   * @param isInitial whether the scheduler only begins: what multiplies rates leaves them as they are then
   */
  protected abstract next(lr: number, baseLr: number, group: number, isInitial: boolean): number;

  /** The same without regard to the rates so far, where the rule allows that. */
  protected closedForm(baseLr: number, group: number): number {
    return this.next(rateOf(this.groups[group]!.lr), baseLr, group, false);
  }

  /** Takes groups that were added since the scheduler was made, where the rule can. */
  protected takeNewGroups(): void {}

  /** The momentum (or first beta) of a group at `lastEpoch`; null for what leaves it alone. */
  protected momentum(_group: number): number | null {
    return null;
  }

  /** Sets the rates to begin with. */
  protected start(): void {
    this.begin();
  }

  /** @internal Begins, as the first of several too. */
  begin(): void {
    this.stepCount = 1;
    this.lastEpoch++;
    this.#update((lr, baseLr, i) => this.next(lr, baseLr, i, true));
  }

  /** Moves on, and sets the rate of every group. If it cannot, nothing changes. */
  step(): void {
    this.perform(() => this.advance());
  }

  /** @internal What `step` does. */
  advance(): void {
    this.stepCount++;
    this.lastEpoch++;
    this.renew();
  }

  /** Sets what the rule says for `lastEpoch`. */
  protected renew(): void {
    this.#update((lr, baseLr, i) => this.next(lr, baseLr, i, false));
  }

  /** @internal Starts its rule over, as the next of several. */
  restart(): void {
    this.lastEpoch = 0;
    this.#update((_, baseLr, i) => this.closedForm(baseLr, i));
  }

  /** @internal Takes back that it began, so that it can begin as one of several. */
  undo(): void {
    this.lastEpoch--;
  }

  #update(rule: (lr: number, baseLr: number, group: number) => number): void {
    this.takeNewGroups();
    const { groups, baseLrs } = this;
    if (groups.length !== baseLrs.length) {
      throw new ValueError(
        `${this.name}: the optimizer has ${groups.length} parameter groups, but had ${baseLrs.length} when the scheduler was made; make another, or one that multiplies rates, as StepLR does`,
      );
    }
    const rates = groups.map(({ lr }, i) => rule(rateOf(lr), baseLrs[i]!, i));
    groups.forEach((group, i) => {
      const momentum = this.momentum(i);
      if (momentum !== null) setMomentum(group, momentum);
    });
    this.setRates(rates);
  }
}

/** The base of those that ask for nothing of a group but its rate so far: they go on with groups that are added later. */
export abstract class MultiplyingScheduler extends LRScheduler {
  protected override takeNewGroups(): void {
    const fresh = this.groups.slice(this.baseLrs.length);
    for (const group of fresh) group.initialLr ??= rateOf(group.lr);
    if (fresh.length > 0) this.baseLrs = [...this.baseLrs, ...fresh.map(({ initialLr }) => initialLr!)];
  }
}

const isStep = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Steps at which something happens. */
export const milestoneList: Kind<readonly number[]> = kind(
  'an array of integers of at least 0',
  (value): value is readonly number[] => Array.isArray(value) && allAre(value, isStep),
);

const isNumber = (value: unknown): value is number => Number.isFinite(value);

/** A number for all groups, or one for each. */
export const oneOrEach: Kind<number | readonly number[]> = kind(
  'a finite number, or an array of them',
  (value): value is number | readonly number[] => isNumber(value) || (Array.isArray(value) && allAre(value, isNumber)),
);

/** One number for each group: the same for all, or those of an array. */
export function perGroup(
  name: string,
  what: string,
  value: number | readonly number[],
  { paramGroups }: AnyOptimizer,
): number[] {
  if (typeof value === 'number') return paramGroups.map(() => value);
  if (value.length === paramGroups.length) return [...value];
  throw new ValueError(
    `${name}: expected ${paramGroups.length} numbers for ${what}, one for each parameter group, got ${value.length}`,
  );
}
