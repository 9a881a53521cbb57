import type { Tensor } from '../tensor/tensor.js';

// The line search of L-BFGS, as PyTorch does it after lswolfe.lua and polyinterp.lua of Torch.

/** A point on a line: how far along, the loss there, its gradient, and the slope along the line. */
export interface Point {
  readonly t: number;
  readonly loss: number;
  readonly gradient: Tensor;
  readonly slope: number;
}

/** How much of the loss that the slope promises a step must bring, and how much flatter the slope must be there. */
const ENOUGH = 1e-4;
const FLATTER = 0.9;

/** A bracket smaller than this, times the longest element of the direction, is small enough. */
const SMALLEST = 1e-9;

/** The minimum of the cubic through two points with their slopes, within bounds; the middle if there is none. */
function cubicMinimum(
  a: Point,
  b: Point,
  [low, high]: readonly [number, number] = [Math.min(a.t, b.t), Math.max(a.t, b.t)],
): number {
  const d1 = a.slope + b.slope - (3 * (a.loss - b.loss)) / (a.t - b.t);
  const square = d1 ** 2 - a.slope * b.slope;
  if (!(square >= 0)) return (low + high) / 2;
  const d2 = Math.sqrt(square);
  const [near, far] = a.t <= b.t ? [a, b] : [b, a];
  const t = far.t - (far.t - near.t) * ((far.slope + d2 - d1) / (far.slope - near.slope + 2 * d2));
  return Math.min(Math.max(t, low), high);
}

/** Two points between which there is one that is good, or the good one itself. */
interface Bracket {
  readonly ends: readonly [Point, Point];
  readonly isFound: boolean;
}

/** A line on which a good point is looked for; it counts how often the loss is computed. */
class Line {
  readonly start: Point;
  readonly #at: (t: number) => Point;
  readonly #most: number;
  /** Computations after the first. */
  steps = 0;
  evaluations = 0;

  constructor(start: Point, at: (t: number) => Point, most: number) {
    this.start = start;
    this.#at = at;
    this.#most = most;
  }

  get isOver(): boolean {
    return this.steps >= this.#most;
  }

  first(t: number): Point {
    this.evaluations++;
    return this.#at(t);
  }

  next(t: number): Point {
    this.steps++;
    return this.first(t);
  }

  /** Whether a loss is more than a step so far should leave. */
  isTooHigh({ t, loss }: Point): boolean {
    return loss > this.start.loss + ENOUGH * t * this.start.slope;
  }

  isFlat({ slope }: Point): boolean {
    return Math.abs(slope) <= -FLATTER * this.start.slope;
  }
}

/** Goes further and further, until there is a good point in between. */
function bracketOn(line: Line, first: number): Bracket {
  let before = line.start;
  let point = line.first(first);
  while (!line.isOver) {
    if (line.isTooHigh(point) || (line.steps > 1 && point.loss >= before.loss)) {
      return { ends: [before, point], isFound: false };
    }
    if (line.isFlat(point)) return { ends: [point, point], isFound: true };
    if (point.slope >= 0) return { ends: [before, point], isFound: false };
    const bounds = [point.t + 0.01 * (point.t - before.t), point.t * 10] as const;
    const t = cubicMinimum(before, point, bounds);
    before = point;
    point = line.next(t);
  }
  return { ends: [line.start, point], isFound: false };
}

/** Narrows a bracket until its lower end is good, or it is small, or it has taken long enough. */
function narrowed(line: Line, ends: [Point, Point], longest: number): Point {
  let low = ends[0].loss <= ends[1].loss ? 0 : 1;
  let wasSlow = false;
  while (!line.isOver && !(Math.abs(ends[1].t - ends[0].t) * longest < SMALLEST)) {
    const trial = trialIn(ends, wasSlow);
    wasSlow = trial.isSlow;
    const point = line.next(trial.t);
    if (line.isTooHigh(point) || point.loss >= ends[low]!.loss) {
      ends[1 - low] = point;
      low = ends[0].loss <= ends[1].loss ? 0 : 1;
      continue;
    }
    if (line.isFlat(point)) return point;
    if (point.slope * (ends[1 - low]!.t - ends[low]!.t) >= 0) ends[1 - low] = ends[low]!;
    ends[low] = point;
  }
  return ends[low]!;
}

/** Where to look next in a bracket: not near an end twice in a row. */
function trialIn([a, b]: readonly [Point, Point], wasSlow: boolean): { t: number; isSlow: boolean } {
  const [low, high] = [Math.min(a.t, b.t), Math.max(a.t, b.t)];
  const t = cubicMinimum(a, b);
  const margin = 0.1 * (high - low);
  if (!(Math.min(high - t, t - low) < margin)) return { t, isSlow: false };
  if (!wasSlow && t < high && t > low) return { t, isSlow: true };
  return { t: Math.abs(t - high) < Math.abs(t - low) ? high - margin : low + margin, isSlow: false };
}

/**
 * A point on a line that meets the strong Wolfe conditions, and how often the loss was computed to find it.
 *
 * @param start where t is 0
 * @param at computes a point
 * @param first how far along to look first
 * @param longest the size of the largest element of the direction
 * @param most how many points to compute after the first
 */
export function strongWolfe(
  start: Point,
  at: (t: number) => Point,
  first: number,
  longest: number,
  most: number,
): { point: Point; evaluations: number } {
  const line = new Line(start, at, most);
  const { ends, isFound } = bracketOn(line, first);
  const point = isFound ? ends[0] : narrowed(line, [...ends], longest);
  return { point, evaluations: line.evaluations };
}
