import type { ArgumentsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { describe } from '../../describe.js';
import { ValueError } from '../../errors.js';
import * as kinds from '../../tensor/kinds.js';
import { LRScheduler, oneOrEach, perGroup } from './lr-scheduler.js';
import { type AnyOptimizer, ratedGroupsOf, scheduling, setMomentum, setRate } from './scheduler.js';

// Schedules that take rates up and down, and momenta the other way.

const cycling = {
  ...scheduling,
  /** Rates at their highest: one number for all groups, or one for each. */
  maxLr: oneOrEach,
  /** Let the momentum (or first beta) fall while rates rise, and rise while they fall. Default: true. */
  cycleMomentum: kinds.boolean.default(true),
};

/** The least and the greatest momenta by group; null where momenta are left alone. */
interface Momenta {
  readonly baseMomentums: number[] | null;
  readonly maxMomentums: number[] | null;
}

interface CycleOptions {
  readonly optimizer: AnyOptimizer;
  readonly cycleMomentum: boolean;
  readonly baseMomentum: number | readonly number[];
  readonly maxMomentum: number | readonly number[];
}

/** The momenta between which a schedule moves. */
function momentaOf(name: string, { optimizer, cycleMomentum, baseMomentum, maxMomentum }: CycleOptions): Momenta {
  const baseMomentums = perGroup(name, 'baseMomentum', baseMomentum, optimizer);
  const maxMomentums = perGroup(name, 'maxMomentum', maxMomentum, optimizer);
  if (!cycleMomentum) return { baseMomentums: null, maxMomentums: null };
  for (const group of optimizer.paramGroups) {
    if ('momentum' in group || 'betas' in group) continue;
    throw new ValueError(
      `${name}: ${optimizer.constructor.name} has no momentum and no betas to change; give cycleMomentum: false`,
    );
  }
  return { baseMomentums, maxMomentums };
}

const cyclic = signature(
  'optimizer, /, baseLr, maxLr, stepSizeUp, stepSizeDown, mode, gamma, scaleFn, scaleMode, cycleMomentum, baseMomentum, maxMomentum, lastEpoch',
  {
    ...cycling,
    /** Rates at their lowest: one number for all groups, or one for each. */
    baseLr: oneOrEach,
    /** How many steps rates rise. Default: 2000. */
    stepSizeUp: kinds.above(0).default(2000),
    /** How many steps they fall. Default: null, as many. */
    stepSizeDown: kinds.above(0).optional(),
    /** Whether cycles stay as high, get half as high each time, or fade by `gamma` in every step. Default: 'triangular'. */
    mode: kinds.choice('triangular', 'triangular2', 'exp_range').default('triangular'),
    /** What 'exp_range' multiplies the height by in every step. Default: 1. */
    gamma: kinds.finite.default(1),
    /** The height by a function of the cycle or the step, in place of `mode`. It must depend on that alone. Default: null. */
    scaleFn: kinds.callback<(x: number) => number>().optional(),
    /** What that function is given: the number of the cycle, from 1, or of the step. Default: 'cycle'. */
    scaleMode: kinds.choice('cycle', 'iterations').default('cycle'),
    /** Momenta at their lowest. Default: 0.8. */
    baseMomentum: oneOrEach.default(0.8),
    /** Momenta at their highest. Default: 0.9. */
    maxMomentum: oneOrEach.default(0.9),
  },
);

/**
 * Takes rates up and down in a triangle, again and again, and momenta the other way.
 *
 * @throws ValueError for what is no optimizer, numbers that are none or not one for each group, and where there are no momenta to change
 * @example
 * ```ts
 * const sgd = new optim.SGD([zeros([1], { requiresGrad: true })], { lr: 1 });
 * const scheduler = new optim.lrScheduler.CyclicLR(sgd, 0.5, 1.5, { stepSizeUp: 2 });
 * const rates = scheduler.getLastLr();
 * for (let step = 0; step < 4; step++) {
 *   sgd.step();
 *   scheduler.step();
 *   rates.push(...scheduler.getLastLr());
 * }
 * rates; // [0.5, 1, 1.5, 1, 0.5]
 * sgd.paramGroups[0]!.momentum; // 0.9
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CyclicLR.html
 */
export class CyclicLR extends LRScheduler {
  declare maxLrs: number[];
  declare baseMomentums: number[] | null;
  declare maxMomentums: number[] | null;
  /** Steps of a cycle, and the part of them in which rates rise. */
  declare totalSize: number;
  declare stepRatio: number;
  declare mode: 'triangular' | 'triangular2' | 'exp_range';
  declare gamma: number;
  declare scaleFn: ((x: number) => number) | null;
  declare scaleMode: 'cycle' | 'iterations';

  constructor(...args: ArgumentsOf<typeof cyclic>) {
    const name = 'CyclicLR';
    const values = cyclic.named(name, args);
    const { optimizer, lastEpoch, stepSizeUp, mode, gamma, scaleFn } = values;
    const baseLrs = perGroup(name, 'baseLr', values.baseLr, optimizer);
    const maxLrs = perGroup(name, 'maxLr', values.maxLr, optimizer);
    const momenta = momentaOf(name, values);
    const totalSize = stepSizeUp + (values.stepSizeDown ?? stepSizeUp);
    const byMode = mode === 'exp_range' ? 'iterations' : 'cycle';
    const scaleMode = scaleFn === null ? byMode : values.scaleMode;
    // Before anything is set.
    if (scaleFn !== null) scaleAt(scaleFn, scaleMode === 'cycle' ? 1 : 0);
    if (lastEpoch === -1) {
      ratedGroupsOf(optimizer).forEach((group, i) => {
        setRate(group, baseLrs[i]!);
        if (momenta.maxMomentums !== null) setMomentum(group, momenta.maxMomentums[i]!);
      });
    }
    const stepRatio = stepSizeUp / totalSize;
    super({ optimizer, lastEpoch, maxLrs, ...momenta, totalSize, stepRatio, mode, gamma, scaleFn, scaleMode });
    this.baseLrs = baseLrs;
  }

  protected override next(_lr: number, baseLr: number, group: number): number {
    const { height, scale } = heightAt(this);
    return baseLr + (this.maxLrs[group]! - baseLr) * height * scale;
  }

  protected override momentum(group: number): number | null {
    const { baseMomentums, maxMomentums } = this;
    if (baseMomentums === null || maxMomentums === null) return null;
    const { height, scale } = heightAt(this);
    const most = maxMomentums[group]!;
    return most - (most - baseMomentums[group]!) * height * scale;
  }
}

/** Where on a triangle a schedule stands, from 0 to 1, and how high the triangle is. */
function heightAt(scheduler: CyclicLR): { height: number; scale: number } {
  const { lastEpoch, totalSize, stepRatio, mode, gamma, scaleFn, scaleMode } = scheduler;
  const cycle = Math.floor(1 + lastEpoch / totalSize);
  const x = 1 + lastEpoch / totalSize - cycle;
  const height = x <= stepRatio ? x / stepRatio : (x - 1) / (stepRatio - 1);
  const along = scaleMode === 'cycle' ? cycle : lastEpoch;
  if (scaleFn !== null) return { height, scale: scaleAt(scaleFn, along) };
  if (mode === 'triangular') return { height, scale: 1 };
  return { height, scale: mode === 'triangular2' ? 1 / 2 ** (along - 1) : gamma ** along };
}

/** What a user's function gives. */
function scaleAt(scaleFn: (x: number) => number, x: number): number {
  const scale: unknown = scaleFn(x);
  if (typeof scale === 'number' && Number.isFinite(scale)) return scale;
  throw new ValueError(`CyclicLR: scaleFn must give a finite number, got ${describe(scale)} for ${x}`);
}

const oneCycle = signature(
  'optimizer, /, maxLr, totalSteps, epochs, stepsPerEpoch, pctStart, annealStrategy, cycleMomentum, baseMomentum, maxMomentum, divFactor, finalDivFactor, threePhase, lastEpoch',
  {
    ...cycling,
    /** How many steps there are in all. Default: null, `epochs` times `stepsPerEpoch`. */
    totalSteps: kinds.integerFrom(1).optional(),
    /** How many epochs. Default: null. */
    epochs: kinds.integerFrom(1).optional(),
    /** How many steps in an epoch. Default: null. */
    stepsPerEpoch: kinds.integerFrom(1).optional(),
    /** The part of the steps in which rates rise. Default: 0.3. */
    pctStart: kinds.within(0, 1).default(0.3),
    /** Along half a cosine or a straight line. Default: 'cos'. */
    annealStrategy: kinds.choice('cos', 'linear').default('cos'),
    /** Momenta at their lowest. Default: 0.85. */
    baseMomentum: oneOrEach.default(0.85),
    /** Momenta at their highest. Default: 0.95. */
    maxMomentum: oneOrEach.default(0.95),
    /** How many times less than `maxLr` rates are at first. Default: 25. */
    divFactor: kinds.above(0).default(25),
    /** How many times less than at first they are in the end. Default: 1e4. */
    finalDivFactor: kinds.above(0).default(1e4),
    /** Fall to the first rates again as long as they rose, and only then further. Default: false. */
    threePhase: kinds.boolean.default(false),
  },
);

/** What rates and momenta go through: their lowest, the first ones, their highest. */
type Level = 'min' | 'initial' | 'max';

/** A part of the way: until which step, and from where to where. */
interface Phase {
  readonly end: number;
  readonly rates: readonly [Level, Level];
  readonly momenta: readonly [Level, Level];
}

function phasesOf(totalSteps: number, pctStart: number, threePhase: boolean): Phase[] {
  const up: Phase = { end: pctStart * totalSteps - 1, rates: ['initial', 'max'], momenta: ['max', 'min'] };
  if (!threePhase) return [up, { end: totalSteps - 1, rates: ['max', 'min'], momenta: ['min', 'max'] }];
  return [
    up,
    { end: 2 * pctStart * totalSteps - 2, rates: ['max', 'initial'], momenta: ['min', 'max'] },
    { end: totalSteps - 1, rates: ['initial', 'min'], momenta: ['max', 'max'] },
  ];
}

/**
 * One rise and one fall of rates over all of a training, with momenta the other way: from maxLr / divFactor up to `maxLr`, then down to
 * that of the first by `finalDivFactor`. Step it after every batch.
 *
 * @throws ValueError for what is no optimizer, numbers that are none or not one for each group, where there are no momenta to change,
 *   without totalSteps or epochs and stepsPerEpoch, and for more steps than there are
 * @example
 * ```ts
 * const sgd = new optim.SGD([zeros([1], { requiresGrad: true })], { lr: 1 });
 * const scheduler = new optim.lrScheduler.OneCycleLR(sgd, 1, { totalSteps: 10, divFactor: 10, annealStrategy: 'linear' });
 * scheduler.getLastLr(); // [0.1]
 * for (let step = 0; step < 2; step++) {
 *   sgd.step();
 *   scheduler.step();
 * }
 * scheduler.getLastLr(); // [1]
 * sgd.paramGroups[0]!.momentum; // 0.85
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.OneCycleLR.html
 */
export class OneCycleLR extends LRScheduler {
  declare totalSteps: number;
  declare maxLrs: number[];
  declare baseMomentums: number[] | null;
  declare maxMomentums: number[] | null;
  declare pctStart: number;
  declare annealStrategy: 'cos' | 'linear';
  declare finalDivFactor: number;
  declare threePhase: boolean;

  constructor(...args: ArgumentsOf<typeof oneCycle>) {
    const name = 'OneCycleLR';
    const values = oneCycle.named(name, args);
    const { optimizer, lastEpoch, epochs, stepsPerEpoch, pctStart, annealStrategy, finalDivFactor, threePhase } =
      values;
    const product = epochs === null || stepsPerEpoch === null ? null : epochs * stepsPerEpoch;
    const totalSteps = values.totalSteps ?? product;
    if (totalSteps === null) throw new ValueError(`${name}: expected totalSteps, or epochs and stepsPerEpoch`);
    if (pctStart * totalSteps === 1) {
      throw new ValueError(
        `${name}: the rise of ${pctStart} of ${totalSteps} steps is a single one; give another pctStart`,
      );
    }
    const maxLrs = perGroup(name, 'maxLr', values.maxLr, optimizer);
    const momenta = momentaOf(name, values);
    if (lastEpoch === -1) {
      ratedGroupsOf(optimizer).forEach((group, i) => {
        group.initialLr = maxLrs[i]! / values.divFactor;
        if (momenta.maxMomentums !== null) setMomentum(group, momenta.maxMomentums[i]!);
      });
    }
    const kept = { optimizer, lastEpoch, totalSteps, maxLrs, ...momenta };
    super({ ...kept, pctStart, annealStrategy, finalDivFactor, threePhase });
  }

  protected override next(_lr: number, baseLr: number, group: number): number {
    if (this.lastEpoch > this.totalSteps) {
      throw new ValueError(`OneCycleLR: step ${this.lastEpoch} of ${this.totalSteps}; there are no more`);
    }
    const levels = { initial: baseLr, max: this.maxLrs[group]!, min: baseLr / this.finalDivFactor };
    const { part, phase } = placeOf(this);
    return between(levels[phase.rates[0]], levels[phase.rates[1]], part, this.annealStrategy);
  }

  protected override momentum(group: number): number | null {
    const { baseMomentums, maxMomentums } = this;
    if (baseMomentums === null || maxMomentums === null) return null;
    const levels = { min: baseMomentums[group]!, initial: Number.NaN, max: maxMomentums[group]! };
    const { part, phase } = placeOf(this);
    return between(levels[phase.momenta[0]], levels[phase.momenta[1]], part, this.annealStrategy);
  }
}

/** The phase of a step, and how much of it is over. */
function placeOf({ totalSteps, pctStart, threePhase, lastEpoch }: OneCycleLR): { part: number; phase: Phase } {
  const phases = phasesOf(totalSteps, pctStart, threePhase);
  const i = phases.findIndex(({ end }, i) => lastEpoch <= end || i === phases.length - 1);
  const [start, phase] = [i === 0 ? 0 : phases[i - 1]!.end, phases[i]!];
  // A phase without steps is over.
  return { part: phase.end === start ? 1 : (lastEpoch - start) / (phase.end - start), phase };
}

function between(start: number, end: number, part: number, strategy: 'cos' | 'linear'): number {
  if (strategy === 'linear') return (end - start) * part + start;
  return end + ((start - end) / 2) * (Math.cos(Math.PI * part) + 1);
}
