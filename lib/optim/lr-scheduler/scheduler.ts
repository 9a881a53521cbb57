import { kind } from '../../arguments/kind.js';
import { unknownName } from '../../arguments/unknown-name.js';
import { type HostAction, recording } from '../../backend/index.js';
import { describe } from '../../describe.js';
import { ValueError } from '../../errors.js';
import * as kinds from '../../tensor/kinds.js';
import { Tensor, viewOf } from '../../tensor/tensor.js';
import type { Group, Scheduled } from '../groups.js';
import { Optimizer } from '../optimizer.js';
import { rateOf, ratesIn } from '../parameters.js';

/** An optimizer of any kind, whose rates a scheduler sets. */
export type AnyOptimizer = Optimizer<object, object>;

/** What every optimizer's group has for a scheduler. */
export type RatedGroup = Group<{ lr: number | Tensor }> & Scheduled;

/** What every scheduler is made of. */
export const scheduling = {
  optimizer: kind('an Optimizer', (value): value is AnyOptimizer => value instanceof Optimizer),
  /** -1 to begin; the epoch to go on from where the optimizer's groups have an `initialLr` of before. Default: -1. */
  lastEpoch: kinds.integerFrom(-1).default(-1),
};

interface Beginning {
  readonly optimizer: AnyOptimizer;
  readonly lastEpoch: number;
  readonly [setting: string]: unknown;
}

/** What a scheduler needs to go on where another stopped: its numbers, and how far it has come. */
export type SchedulerState = Record<string, unknown>;

/**
 * The base of all schedulers: a rate for every group of an optimizer, by a rule of how often `step` was called. Call it after the optimizer's
 * `step`; in captured functions and in `run` it follows as well.
 *
 * @see https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate
 */
export abstract class LRScheduler {
  readonly optimizer: AnyOptimizer;
  /** How often `step` was called; 0 after construction. */
  lastEpoch: number;
  /** The rates that groups had at first. */
  baseLrs: number[];
  #stepCount = 0;
  #lastLr: readonly number[] = [];
  #saved: Saved | null = null;

  /** @param values of its parameters: the optimizer, the numbers of its rule, and `lastEpoch` */
  constructor(beginning: Beginning) {
    const { name } = this.constructor;
    if (typeof beginning !== 'object' || beginning === null || !('optimizer' in beginning)) {
      throw new ValueError(`${name}: a schedule is made by new StepLR(optimizer, …) and the like`);
    }
    const { optimizer, lastEpoch, ...settings } = beginning;
    this.optimizer = optimizer;
    Object.assign(this, settings);
    this.lastEpoch = lastEpoch;
    this.groups.forEach((group, i) => {
      if (lastEpoch === -1) group.initialLr ??= rateOf(group.lr);
      if (group.initialLr !== undefined) return;
      throw new ValueError(
        `${name}: group ${i} has no initialLr to go on from at epoch ${lastEpoch}; load the optimizer's state first, or start with lastEpoch -1`,
      );
    });
    this.baseLrs = this.groups.map(({ initialLr }) => initialLr!);
    this.begin();
  }

  /** The groups whose rates it sets. */
  protected get groups(): RatedGroup[] {
    return this.optimizer.paramGroups as object[] as RatedGroup[];
  }

  /** How often `step` was called since the scheduler began, with the first by which it sets the rates to begin with. */
  protected get stepCount(): number {
    return this.#stepCount;
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

  /** @internal Sets the rates to begin with. */
  begin(): void {
    this.#stepCount = 0;
    this.lastEpoch++;
    this.#stepCount++;
    this.update((lr, baseLr, i) => this.next(lr, baseLr, i, true));
  }

  /** Moves on, and sets the rate of every group. */
  step(): void {
    if (recording === null) this.advance();
    else recording.host(new Advance(this));
  }

  /** @internal What `step` does. */
  advance(): void {
    this.#stepCount++;
    this.lastEpoch++;
    this.update((lr, baseLr, i) => this.next(lr, baseLr, i, false));
  }

  /** @internal Starts its rule over, as the next of several. */
  restart(): void {
    this.lastEpoch = 0;
    this.update((_, baseLr, i) => this.closedForm(baseLr, i));
  }

  /** Sets the rate of every group. */
  protected update(rule: (lr: number, baseLr: number, group: number) => number): void {
    const { groups } = this;
    if (groups.length !== this.baseLrs.length) {
      throw new ValueError(
        `${this.constructor.name}: the optimizer has ${groups.length} parameter groups, but had ${this.baseLrs.length} when the scheduler was made`,
      );
    }
    const rates = groups.map(({ lr }, i) => rule(rateOf(lr), this.baseLrs[i]!, i));
    groups.forEach((group, i) => {
      setRate(group, rates[i]!);
    });
    this.#lastLr = groups.map(({ lr }) => rateOf(lr));
  }

  /** The rates that it set last, one for each group. */
  getLastLr(): number[] {
    return [...this.#lastLr];
  }

  /** @internal Remembers how things stand. */
  save(): void {
    this.#saved = {
      fields: { ...this },
      stepCount: this.#stepCount,
      lastLr: this.#lastLr,
      rates: this.groups.map(({ lr }) => rateOf(lr)),
    };
  }

  /** @internal Puts things back as they stood when they were saved. */
  restore(): void {
    const { fields, stepCount, lastLr, rates } = this.#saved!;
    Object.assign(this, fields);
    this.#stepCount = stepCount;
    this.#lastLr = lastLr;
    this.groups.forEach((group, i) => {
      setRate(group, rates[i]!);
    });
  }

  /** All that it needs to go on from here beside the state of its optimizer. Functions are left out. */
  stateDict(): SchedulerState {
    const fields = Object.entries(this).filter(([, value]) => isData(value));
    return structuredClone({ ...Object.fromEntries(fields), stepCount: this.#stepCount, lastLr: this.#lastLr });
  }

  /**
   * Goes on from a state that `stateDict` gave; the rates themselves come with the state of the optimizer.
   *
   * @throws ValueError for entries that are unknown, missing, or of another kind than its own
   */
  loadStateDict(saved: SchedulerState): void {
    const where = `${this.constructor.name}: loadStateDict`;
    if (typeof saved !== 'object' || saved === null) {
      throw new ValueError(`${where}: expected an object as stateDict() gives it, got ${describe(saved)}`);
    }
    const own = this.stateDict();
    for (const name in saved) {
      if (!Object.hasOwn(own, name)) throw new ValueError(`${where}: ${unknownName('entry', name, Object.keys(own))}`);
    }
    for (const name in own) {
      if (!isAlike(own[name], saved[name])) {
        throw new ValueError(`${where}: ${name} must be ${kindOf(own[name])}, got ${describe(saved[name])}`);
      }
    }
    const { stepCount, lastLr, ...fields } = structuredClone(saved);
    Object.assign(this, fields);
    this.#stepCount = stepCount as number;
    this.#lastLr = lastLr as number[];
  }
}

/** What a step changes. */
interface Saved {
  readonly fields: object;
  readonly stepCount: number;
  readonly lastLr: readonly number[];
  readonly rates: readonly number[];
}

function setRate(group: RatedGroup, rate: number): void {
  if (!(group.lr instanceof Tensor)) {
    group.lr = rate;
    return;
  }
  const { storage, offset, dtype } = viewOf(group.lr);
  storage.array(dtype)[offset] = rate;
}

/** Whether a value can be saved: what users' functions and the optimizer are, they bring along. */
const isData = (value: unknown): boolean =>
  Array.isArray(value) ? value.every(isData) : value === null || ['number', 'boolean', 'string'].includes(typeof value);

/** Whether a value is of the kind of another: a number, an array of as many numbers, and so on. */
function isAlike(own: unknown, value: unknown): boolean {
  if (Number.isNaN(value)) return false;
  if (!Array.isArray(own)) return typeof own === typeof value && (own === null) === (value === null);
  return Array.isArray(value) && value.length === own.length && own.every((item, i) => isAlike(item, value[i]));
}

const kindOf = (value: unknown): string =>
  Array.isArray(value) ? `an array of ${value.length} like ${describe(value[0])}` : `a ${typeof value}`;

/** A step of a scheduler in a captured function. */
class Advance implements HostAction {
  readonly optimizer: object;
  readonly numbers = null;
  readonly count = 0;
  readonly #scheduler: LRScheduler;

  constructor(scheduler: LRScheduler) {
    this.#scheduler = scheduler;
    this.optimizer = scheduler.optimizer;
  }

  isSame(): boolean {
    return true;
  }

  check(): void {}

  act(): void {
    this.#scheduler.advance();
  }

  follow(): void {
    this.#scheduler.advance();
  }

  save(): void {
    this.#scheduler.save();
  }

  restore(): void {
    this.#scheduler.restore();
  }

  rates(): readonly Tensor[] {
    return ratesIn(this.#scheduler.optimizer.paramGroups);
  }
}
