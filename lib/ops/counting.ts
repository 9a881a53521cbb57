import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { type Kind, kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import { type DType, isFloat, isInteger } from '../backend/dtype.js';
import { sameShape } from '../backend/view.js';
import { DTypeError, ShapeError, ValueError } from '../errors.js';
import type { Expr } from '../expr/index.js';
import * as e from '../expr/index.js';
import { refuseIf } from '../tensor/check.js';
import { Formula } from '../tensor/formula.js';
import * as kinds from '../tensor/kinds.js';
import type { Operand } from '../tensor/promotion.js';
import { type Results, results } from '../tensor/results.js';
import { show } from '../tensor/shape.js';
import { isTensor, shapeOf, type Tensor } from '../tensor/tensor.js';
import { valuesOf } from '../tensor/values.js';
import { to } from './conversion.js';
import { arange, ones, zeros } from './creation.js';
import { dim, frameOf } from './frames.js';
import { scatterAdd } from './indexing.js';
import { add, div, eq, isfinite, logicalAnd, logicalNot, lt, mul, sub, where } from './pointwise.js';
import { amax, amin, sum } from './reductions.js';
import { narrow, reshape, unsqueeze } from './views.js';

// How many elements there are of a kind. Nothing here has a gradient.

const counting = signature('input, /, dim', { input: kinds.tensor, ...dim });

export interface CountNonzeroOptions extends OptionsOf<typeof counting> {}

const notZero = new Formula('countNonzero', (x) => e.rowSum(e.ne(x, 0)));

/**
 * How many elements over `dim` are not 0, int32. NaN is not.
 *
 * @param dim one dimension, several, or none for all
 * @example
 * ```ts
 * countNonzero(tensor([[0, 1], [2, 3]]), 1); // tensor([1, 2])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.count_nonzero.html
 */
export const countNonzero: FunctionOf<Tensor, typeof counting, CountNonzeroOptions> = define(
  'countNonzero',
  counting,
  (x, dim) => notZero.call([x.detach()], 'int32', 'float64', frameOf('countNonzero', x, dim, false)),
);

const tallying = signature('input, /, weights, minlength', {
  input: kinds.tensor,
  /** What each element counts. Default: null, 1. */
  weights: kinds.tensor.optional(),
  /** The least number of counts. Default: 0. */
  minlength: kinds.integerFrom(0).default(0),
});

export interface BincountOptions extends OptionsOf<typeof tallying> {}

/** The least and the largest element, which decide how many counts there are. */
function boundsOf(x: Tensor): [number, number] {
  const advice =
    'add up in a tensor of the size that you want, as in zeros([size]).scatterAdd(0, x, ones), or call it before';
  const [least, most] = [amin(x), amax(x)].map((bound) => Number(valuesOf(bound, 'bincount', advice)[0]));
  return [least!, most!];
}

/**
 * How often each integer from 0 to the largest is there, or the sum of its weights. Counts are int32; sums are of the weights' type, float64
 * for integers.
 *
 * @param input 1-d integers, at least 0
 * @throws ValueError for a negative element; ShapeError for other dimensions; DTypeError for floats; CaptureError within a captured
 * function, because the size of the result depends on values
 * @example
 * ```ts
 * bincount(tensor([0, 2, 2], { dtype: 'int32' })); // tensor([1, 0, 2])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.bincount.html
 */
export const bincount: FunctionOf<Tensor, typeof tallying, BincountOptions> = define(
  'bincount',
  tallying,
  (x, weights, minlength) => {
    if (!isInteger(x.dtype)) throw new DTypeError(`bincount: expected int32, got ${x.dtype}; convert with .int()`);
    if (x.ndim !== 1) throw new ShapeError(`bincount: expected one dimension, got shape ${show(x.shape)}`);
    if (weights !== null && !sameShape(shapeOf(weights), shapeOf(x))) {
      throw new ShapeError(`bincount: weights must have the shape ${show(x.shape)}, got ${show(weights.shape)}`);
    }
    const isEmpty = x.numel() === 0;
    const [least, most] = isEmpty ? [0, -1] : boundsOf(x);
    if (least < 0) throw new ValueError(`bincount: expected elements of at least 0, got ${least}`);
    const size = Math.max(minlength, most + 1);
    const dtype = weights === null ? 'int32' : isFloat(weights.dtype) ? weights.dtype : 'float64';
    const each = weights === null ? ones(shapeOf(x), { dtype }) : to(weights.detach(), dtype);
    return scatterAdd(zeros([size], { dtype }), 0, x, each);
  },
);

/** Refuses bounds that are not finite numbers. */
function requireFinite(op: string, low: Tensor, high: Tensor): void {
  refuseIf(
    to(logicalNot(logicalAnd(isfinite(low), isfinite(high))), 'float64'),
    () => new ValueError(`${op}: the range of the elements is not finite; give one`),
  );
}

/** The least and the largest element, or what stands for them if there is none. */
function extent(op: string, x: Tensor, otherwise: [number, number]): [Operand, Operand] {
  if (x.numel() === 0) return otherwise;
  const values = x.detach();
  const bounds: [Tensor, Tensor] = [amin(values), amax(values)];
  requireFinite(op, ...bounds);
  return bounds;
}

/** Bounds that are equal, moved apart. */
function apart(low: Operand, high: Operand, by: number): [Operand, Operand] {
  if (typeof low === 'number' && typeof high === 'number') return low === high ? [low - by, high + by] : [low, high];
  const areEqual = eq(low, high);
  return [where(areEqual, sub(low, by), low), where(areEqual, add(high, by), high)];
}

/** In which of `bins` equal bins each element is; `bins` where it is in none. The last bin has its upper bound too. */
const placing = new Formula('histc', (x, low, high, bins) => {
  const place = e.floor(e.div(e.mul(e.sub(x, low), bins), e.sub(high, low)));
  const isInside = e.and(e.ge(x, low), e.le(x, high));
  return e.where(isInside, e.min(place, e.sub(bins, 1)), bins);
});

/** Sums of weights by place, of which the last does not count. */
function tally(places: Tensor, weights: Tensor | null, bins: number, dtype: DType): Tensor {
  const flat = reshape(places, [-1]);
  const each = weights === null ? ones(shapeOf(flat), { dtype }) : reshape(to(weights.detach(), dtype), [-1]);
  return narrow(scatterAdd(zeros([bins + 1], { dtype }), 0, flat, each), 0, 0, bins);
}

const sorting = signature('input, /, bins, min, max', {
  input: kinds.tensor,
  /** How many bins there are. Default: 100. */
  bins: kinds.integerFrom(1).default(100),
  /** The lower bound. Default: 0; where both are equal, the least element counts. */
  min: kinds.finite.default(0),
  /** The upper bound. Default: 0; where both are equal, the largest element counts. */
  max: kinds.finite.default(0),
});

export interface HistcOptions extends OptionsOf<typeof sorting> {}

function requireFloat(op: string, x: Tensor): void {
  if (!isFloat(x.dtype)) throw new DTypeError(`${op}: expected a float tensor, got ${x.dtype}; convert with .float()`);
}

/**
 * How many elements are in each of `bins` equal bins between `min` and `max`; those outside count for nothing. Of the input's type.
 *
 * @throws ValueError if `min` is above `max`, or the elements are to give a range and are not finite; DTypeError for integers
 * @example
 * ```ts
 * histc(tensor([1, 2, 1]), 4, 0, 3); // tensor([0., 2., 1., 0.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.histc.html
 */
export const histc: FunctionOf<Tensor, typeof sorting, HistcOptions> = define('histc', sorting, (x, bins, min, max) => {
  requireFloat('histc', x);
  if (min > max) throw new ValueError(`histc: expected min <= max, got ${min} and ${max}`);
  const given: [Operand, Operand] = min === max ? extent('histc', x, [min, max]) : [min, max];
  const [low, high] = apart(...given, 1);
  const places = placing.call([x.detach(), low, high, bins], 'int32', 'float64');
  return tally(places, null, bins, x.dtype);
});

const binsOrEdges: Kind<number | Tensor> = kind(
  'an integer, at least 1, or a Tensor of edges',
  (value): value is number | Tensor => kinds.integerFrom(1).accepts(value) || isTensor(value),
);

const range: Kind<readonly number[]> = kind(
  'a lower and an upper bound, finite numbers',
  (value): value is readonly number[] =>
    Array.isArray(value) && value.length === 2 && value.every(kinds.finite.accepts),
);

const charting = signature('input, bins, /, *, range, weight, density', {
  input: kinds.tensor,
  bins: binsOrEdges,
  /** The bounds of the bins, where their number is given. Default: null, the least and the largest element. */
  range: range.optional(),
  /** What each element counts, in the shape of the input. Default: null, 1. */
  weight: kinds.tensor.optional(),
  /** Divide by the sum of all counts and the width of the bin, so that the integral is 1. Default: false. */
  density: kinds.boolean.default(false),
});

export interface HistogramOptions extends OptionsOf<typeof charting> {}

/** As many edges, evenly spaced; from both ends towards the middle, so that the last is the upper bound. */
function evenEdges(low: Operand, high: Operand, bins: number, dtype: DType): Tensor {
  const i = arange(0, bins + 1, 1, { dtype });
  const step = typeof low === 'number' && typeof high === 'number' ? (high - low) / bins : div(sub(high, low), bins);
  const edges = where(lt(i, (bins + 1) / 2), add(low, mul(step, i)), sub(high, mul(step, sub(bins, i))));
  return to(edges, dtype);
}

/** How many of the edges are not above an element, in rows of all edges. */
const below = new Formula('histogram', (x, edges: Expr) => e.rowSum(e.ge(x, edges)));

/** In which bin each element is, given the edges; as many as there are bins where it is in none. */
function between(x: Tensor, edges: Tensor): Tensor {
  const bins = edges.numel() - 1;
  const frame = { shape: [x.numel(), bins + 1], axes: [1], keepdim: false };
  const flat = reshape(x.detach(), [-1]);
  const passed = below.call([unsqueeze(flat, 1), edges], 'float64', 'float64', frame);
  const last = narrow(edges, 0, bins, 1);
  const place = where(eq(flat, last), bins - 1, sub(passed, 1));
  return to(where(lt(place, 0), bins, place), 'int32');
}

function edgesOf(x: Tensor, bins: number | Tensor, range: readonly number[] | null): Tensor {
  if (typeof bins === 'number') {
    if (range !== null && range[0]! > range[1]!) {
      throw new ValueError(`histogram: expected a range from low to high, got [${range.join(', ')}]`);
    }
    const [low, high] = range ?? extent('histogram', x, [0, 1]);
    return evenEdges(...apart(low!, high!, 0.5), bins, x.dtype);
  }
  if (range !== null)
    throw new ValueError('histogram: a range goes with a number of bins; leave it out, as edges are given');
  if (bins.ndim !== 1 || bins.numel() < 2) {
    throw new ShapeError(`histogram: edges must be two or more in one dimension, got shape ${show(bins.shape)}`);
  }
  if (bins.dtype !== x.dtype)
    throw new DTypeError(`histogram: edges must be ${x.dtype}, as the input, got ${bins.dtype}`);
  const steps = sub(narrow(bins, 0, 1, bins.numel() - 1), narrow(bins, 0, 0, bins.numel() - 1));
  refuseIf(to(sum(logicalNot(steps.ge(0))), 'float64'), () => new ValueError('histogram: edges must not descend'));
  return bins.detach();
}

/**
 * How many elements are in each bin, and the edges of the bins; those outside count for nothing. Both are of the input's type.
 *
 * @param bins how many equal bins there are, or their edges, ascending; the last bin has its upper edge too
 * @throws ValueError for a range or edges that descend; ShapeError for weights of another shape; DTypeError for integers
 * @example
 * ```ts
 * const { hist, binEdges } = histogram(tensor([1, 2, 1]), 4, { range: [0, 3], weight: tensor([1, 2, 4]) });
 * hist; // tensor([0., 5., 2., 0.])
 * binEdges; // tensor([0.0000, 0.7500, 1.5000, 2.2500, 3.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.histogram.html
 */
export const histogram: FunctionOf<Results<['hist', 'binEdges']>, typeof charting, HistogramOptions> = define(
  'histogram',
  charting,
  (x, given, range, weight, density) => {
    requireFloat('histogram', x);
    if (weight !== null && !sameShape(shapeOf(weight), shapeOf(x))) {
      throw new ShapeError(`histogram: weight must have the shape ${show(x.shape)}, got ${show(weight.shape)}`);
    }
    const edges = edgesOf(x, given, range);
    const bins = edges.numel() - 1;
    const counts = tally(between(x, edges), weight, bins, x.dtype);
    const widths = sub(narrow(edges, 0, 1, bins), narrow(edges, 0, 0, bins));
    const hist = density ? div(counts, mul(sum(counts), widths)) : counts;
    return results('histogram', ['hist', 'binEdges'], [hist, edges]);
  },
);
