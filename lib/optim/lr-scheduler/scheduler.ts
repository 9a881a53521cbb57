import { kind } from '../../arguments/kind.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { unknownName } from '../../arguments/unknown-name.js';
import { type HostAction, recording } from '../../backend/index.js';
import { describe, mark } from '../../describe.js';
import { ValueError } from '../../errors.js';
import * as kinds from '../../tensor/kinds.js';
import { isTensor, type Tensor, viewOf } from '../../tensor/tensor.js';
import type { Group, Scheduled } from '../groups.js';
import { isOptimizer, type Optimizer } from '../optimizer.js';
import { rateOf, ratesIn } from '../parameters.js';

/** An optimizer of any kind, whose rates a scheduler sets. */
export type AnyOptimizer = Optimizer<object, object>;

/** What every optimizer's group has for a scheduler, and what some have. */
export type RatedGroup = Group<{ lr: number | Tensor }> &
  Scheduled & { momentum?: number; betas?: readonly [number, number] };

/** Its groups, of which only the rates and momenta are known where any optimizer may come. */
export const ratedGroupsOf = ({ paramGroups }: AnyOptimizer): RatedGroup[] => paramGroups as object[] as RatedGroup[];

/** What every scheduler is made of. */
export const scheduling = {
  optimizer: kind('an Optimizer', (value): value is AnyOptimizer => isOptimizer(value)),
  /** -1 to begin; the epoch to go on from where the optimizer's groups have an `initialLr` of before. Default: -1. */
  lastEpoch: kinds.integerFrom(-1).default(-1),
};

/** What a scheduler is made of: the optimizer, and the numbers of its rule. */
export interface Beginning {
  readonly optimizer: AnyOptimizer;
  readonly lastEpoch: number;
  readonly [setting: string]: unknown;
}

/** What a scheduler needs to go on where another stopped: its numbers, and how far it has come. */
export type SchedulerState = Record<string, unknown>;

/** How a scheduler and what it sets stand. */
export interface Standing {
  readonly fields: object;
  readonly stepCount: number;
  readonly lastLr: readonly number[];
  readonly rates: readonly number[];
  readonly momenta: readonly Pick<RatedGroup, 'momentum' | 'betas'>[];
}

/**
 * What all schedulers have: they set the rates of an optimizer's groups when `step` is called, and can be saved and go on.
 *
 * @see https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate
 */
export abstract class Scheduler {
  readonly optimizer: AnyOptimizer;
  /** How often `step` was called; 0 after construction. */
  lastEpoch: number;
  #stepCount = 0;
  #lastLr: readonly number[] = [];
  #saved: Standing | null = null;

  static {
    takeNoMore(Scheduler, 'getLastLr', 'stateDict', 'loadStateDict');
    mark(Scheduler.prototype);
  }

  /** @param values of its parameters: the optimizer, the numbers of its rule, and `lastEpoch` */
  constructor(beginning: Beginning) {
    if (typeof beginning !== 'object' || beginning === null || !('optimizer' in beginning)) {
      throw new ValueError(`${this.name}: a schedule is made by new StepLR(optimizer, …) and the like`);
    }
    const { optimizer, lastEpoch, ...settings } = beginning;
    this.optimizer = optimizer;
    this.lastEpoch = lastEpoch;
    Object.assign(this, settings);
  }

  /** What it is called. */
  protected get name(): string {
    return this.constructor.name;
  }

  /** The groups whose rates it sets. */
  protected get groups(): RatedGroup[] {
    return ratedGroupsOf(this.optimizer);
  }

  /** How often `step` was called since the scheduler began, with the first by which it sets the rates to begin with. */
  protected get stepCount(): number {
    return this.#stepCount;
  }

  protected set stepCount(count: number) {
    this.#stepCount = count;
  }

  /** Fields that are null as long as there is nothing to say. */
  protected get nullable(): readonly string[] {
    return [];
  }

  /** Does a step: at once, and if it fails not at all; in a captured function once per call. */
  protected perform(move: () => void): void {
    if (recording !== null) {
      recording.host(new Advance(this, move));
      return;
    }
    const before = this.standing();
    try {
      move();
    } catch (error) {
      this.return(before);
      throw error;
    }
  }

  /** Sets the rate of every group. */
  protected setRates(rates: readonly number[]): void {
    this.groups.forEach((group, i) => {
      setRate(group, rates[i]!);
    });
    this.noteRates();
  }

  /** Notes what the rates are now. */
  protected noteRates(): void {
    this.#lastLr = this.groups.map(({ lr }) => rateOf(lr));
  }

  /** The rates that it set last, one for each group. */
  getLastLr(): number[] {
    return [...this.#lastLr];
  }

  /** @internal How things stand. */
  standing(): Standing {
    return {
      fields: { ...this },
      stepCount: this.#stepCount,
      lastLr: this.#lastLr,
      rates: this.groups.map(({ lr }) => rateOf(lr)),
      momenta: this.groups.map(momentaOf),
    };
  }

  /** @internal Puts things back to how they stood. */
  return({ fields, stepCount, lastLr, rates, momenta }: Standing): void {
    Object.assign(this, fields);
    this.#stepCount = stepCount;
    this.#lastLr = lastLr;
    this.groups.forEach((group, i) => {
      setRate(group, rates[i]!);
      Object.assign(group, momenta[i]!);
    });
  }

  /** @internal Remembers how things stand. */
  save(): void {
    this.#saved = this.standing();
  }

  /** @internal Puts things back as they stood when they were saved. */
  restore(): void {
    this.return(this.#saved!);
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
    this.checkState(`${this.name}: loadStateDict`, saved);
    this.take(saved);
  }

  /** @internal Refuses a state that is not of such a scheduler. */
  checkState(where: string, saved: SchedulerState): void {
    if (typeof saved !== 'object' || saved === null) {
      throw new ValueError(`${where}: expected an object as stateDict() gives it, got ${describe(saved)}`);
    }
    const own = this.stateDict();
    for (const name in saved) {
      if (!Object.hasOwn(own, name)) throw new ValueError(`${where}: ${unknownName('entry', name, Object.keys(own))}`);
    }
    for (const name in own) {
      if (this.nullable.includes(name) && isNumberOrNull(saved[name])) continue;
      if (!isAlike(own[name], saved[name])) {
        throw new ValueError(`${where}: ${name} must be ${kindOf(own[name])}, got ${describe(saved[name])}`);
      }
    }
  }

  /** @internal Goes on from a state that was looked at. */
  take(saved: SchedulerState): void {
    const { stepCount, lastLr, ...fields } = structuredClone(saved);
    Object.assign(this, fields);
    this.#stepCount = stepCount as number;
    this.#lastLr = lastLr as number[];
  }
}

/** Sets the momentum of a group, or its first beta. */
export function setMomentum(group: RatedGroup, momentum: number): void {
  if (group.betas === undefined) group.momentum = momentum;
  else group.betas = [momentum, group.betas[1]];
}

/** Sets the rate of a group, in its tensor if one holds it. */
export function setRate(group: RatedGroup, rate: number): void {
  if (!isTensor(group.lr)) {
    group.lr = rate;
    return;
  }
  const { storage, offset, dtype } = viewOf(group.lr);
  storage.array(dtype)[offset] = rate;
}

const NO_MOMENTA = {};

function momentaOf({ momentum, betas }: RatedGroup): Pick<RatedGroup, 'momentum' | 'betas'> {
  if (betas !== undefined) return { betas };
  return momentum === undefined ? NO_MOMENTA : { momentum };
}

/** Whether a value can be saved: what users' functions, the optimizer and other schedulers are, they bring along. */
const isData = (value: unknown): boolean =>
  Array.isArray(value) ? value.every(isData) : value === null || ['number', 'boolean', 'string'].includes(typeof value);

const isNumberOrNull = (value: unknown): boolean =>
  value === null || (typeof value === 'number' && !Number.isNaN(value));

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
  readonly #scheduler: Scheduler;
  readonly #move: () => void;

  constructor(scheduler: Scheduler, move: () => void) {
    this.#scheduler = scheduler;
    this.#move = move;
    this.optimizer = scheduler.optimizer;
  }

  isSame(): boolean {
    return true;
  }

  check(): void {}

  act(): void {
    this.#move();
  }

  follow(): void {
    this.#move();
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
