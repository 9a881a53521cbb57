import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { type BackwardRule, record } from '../autograd/node.js';
import { computeType, isFloat } from '../backend/dtype.js';
import { DTypeError, ShapeError, ValueError } from '../errors.js';
import type { Expr } from '../expr/index.js';
import * as e from '../expr/index.js';
import { refuseIf } from '../tensor/check.js';
import { Formula } from '../tensor/formula.js';
import * as kinds from '../tensor/kinds.js';
import { expandTo, owned } from '../tensor/layout.js';
import type { Operand } from '../tensor/promotion.js';
import { allAxes, normalizeDim, show } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { lerp } from './arithmetic.js';
import { movedim } from './axes.js';
import { clone, to } from './conversion.js';
import { arange, full, ones } from './creation.js';
import { gather } from './indexing.js';
import { cat } from './joining.js';
import { lengthAlong, requireLength, sortAlong } from './order.js';
import { type Picks, pickAlong, picks } from './picking.js';
import { ceil, eq, floor, isnan, mul, ne, round, sub, where } from './pointwise.js';
import { any, argmax, sum } from './reductions.js';
import { cummax } from './scans.js';
import { takeSlice } from './slices.js';
import { reshape, select, unsqueeze } from './views.js';

const along = {
  /** The dimension to look along. Default: -1, the last. */
  dim: kinds.dim.default(-1),
  /** Keep that dimension with size 1. Default: false. */
  keepdim: kinds.boolean.default(false),
};

const ranking = signature('input, /, k, dim, keepdim', { input: kinds.tensor, k: kinds.integer, ...along });
const locating = signature('input, /, dim, keepdim', { input: kinds.tensor, ...along });

export interface KthvalueOptions extends OptionsOf<typeof ranking> {}

/** One place of each line of `indices`. */
const placeOf = (indices: Tensor, axis: number, place: number): Tensor =>
  indices.ndim === 0 ? indices : clone(takeSlice(indices, axis, place, 1, 1));

/**
 * The `k`-th smallest element along a dimension, counted from 1, and where it is (int32). NaN is above all others.
 *
 * @throws ValueError if there are not that many
 * @example
 * ```ts
 * kthvalue(tensor([4, 1, 3, 2]), 2).values; // tensor(2.)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.kthvalue.html
 */
export const kthvalue: FunctionOf<Picks, typeof ranking, KthvalueOptions> = define(
  'kthvalue',
  ranking,
  (x, k, dim, keepdim) => {
    const axis = normalizeDim('kthvalue', dim, x.ndim);
    requireLength('kthvalue', x, axis);
    const size = lengthAlong(x, axis);
    if (k < 1 || k > size)
      throw new ValueError(`kthvalue: k must be between 1 and the ${size} elements of dim ${axis}, got ${k}`);
    const [, indices] = sortAlong(x.detach(), axis, false, k);
    return pickAlong('kthvalue', x, axis, placeOf(indices, axis, k - 1), keepdim);
  },
);

const halving = signature('input, /, dim, keepdim', {
  input: kinds.tensor,
  dim: kinds.dim.optional(),
  keepdim: kinds.boolean.optional(),
});

/** What keeps the dimension that is looked along. */
export interface MedianOptions {
  /** The dimension to look along. Default: all. */
  readonly dim?: number;
  /** Keep that dimension with size 1. Default: false. */
  readonly keepdim?: boolean;
}

/** A function of all elements, or along a dimension. */
interface Halving {
  (input: Tensor): Tensor;
  (input: Tensor, dim: number, keepdim?: boolean | MedianOptions): Picks;
  (input: Tensor, options: MedianOptions & { readonly dim: number }): Picks;
}

/** Where the middle of a sorted line is, given how many of its elements are no NaN: if there is one, the first of them. */
const middle = new Formula<[count: Expr, size: Expr]>('median', (count, size) =>
  e.where(e.eq(count, size), e.floor(e.div(e.sub(size, 1), 2)), count),
);

/** The same of those that are no NaN. */
const middleOfNumbers = new Formula<[count: Expr, size: Expr]>('nanmedian', (count) =>
  e.floor(e.div(e.max(e.sub(count, 1), 0), 2)),
);

/** How many elements of each line are no NaN. */
const countNumbers = (x: Tensor, axis: number): Tensor => sum(eq(x, x), axis, true);

type Middle = typeof middle;

/** Where the median of each line is, with size 1 along the axis. */
function medianPlace(x: Tensor, axis: number, place: Middle): Tensor {
  const [values, indices] = sortAlong(x, axis);
  const size = lengthAlong(x, axis);
  if (!isFloat(x.dtype)) return placeOf(indices, axis, (size - 1) >> 1);
  return gather(indices, axis, place.call([countNumbers(values, axis), size], 'int32'));
}

const sharing = new Formula<[g: Expr, x: Expr, chosen: Expr]>('medianBackward', (g, x, m) => e.sharedByAll(g, m, x), {
  kinds: ['row', 'element', 'row'],
});

/** Of a median of all elements: shared by all that equal it. */
const medianRule = (name: string): BackwardRule<null> => ({
  name,
  backward: (g, [x, chosen]) => {
    const frame = { shape: shapeOf(x!), axes: allAxes(x!.ndim), keepdim: false };
    return [sharing.call([g, x!, chosen!], g.dtype, undefined, frame)];
  },
});

function medianOfAll(op: string, rule: BackwardRule<null>, place: Middle): (x: Tensor) => Tensor {
  return (x) => {
    const line = reshape(x.detach(), [-1]);
    const isEmpty = line.numel() === 0;
    if (isEmpty && !isFloat(x.dtype))
      throw new ShapeError(`${op}: expected at least one element, got shape ${show(x.shape)}`);
    const out = isEmpty
      ? full([], Number.NaN, { dtype: x.dtype })
      : reshape(gather(line, 0, medianPlace(line, 0, place)), []);
    return record(owned(out), rule, [x], [x, out], null);
  };
}

function halved(op: string, title: string, place: Middle): Halving {
  const ofAll = medianOfAll(op, medianRule(title), place);
  return define(op, halving, (x, dim, keepdim): Tensor | Picks => {
    if (dim === null) {
      if (keepdim !== null) throw new ValueError(`${op}: keepdim goes with a dim; leave it out`);
      return ofAll(x);
    }
    const axis = normalizeDim(op, dim, x.ndim);
    requireLength(op, x, axis);
    return pickAlong(op, x, axis, medianPlace(x.detach(), axis, place), keepdim ?? false);
  }) as Halving;
}

/**
 * The middle element of all, the lower of two; with a dim, that of each line, and where it is (int32). NaN if there is any.
 *
 * Gradients: all that equal it share that of `median(x)`; that of `median(x, dim)` goes to one.
 *
 * @throws ShapeError for nothing along a dim; of no floats at all it is NaN
 * @example
 * ```ts
 * median(tensor([4, 1, 3, 2])); // tensor(2.)
 * const { values, indices } = tensor([[4, 1, 3], [5, 6, 7]]).median(1);
 * values; // tensor([3., 6.])
 * indices; // tensor([2, 1])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.median.html
 */
export const median: Halving = halved('median', 'Median', middle);

/**
 * `median` of what is no NaN; NaN if there is nothing else.
 *
 * @throws ShapeError for nothing along a dim; of no floats at all it is NaN
 * @example
 * ```ts
 * nanmedian(tensor([4, NaN, 3, 2])); // tensor(3.)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nanmedian.html
 */
export const nanmedian: Halving = halved('nanmedian', 'Nanmedian', middleOfNumbers);

/** How many elements before each of a sorted line equal it. */
function equalBefore(sorted: Tensor, axis: number): Tensor {
  const size = lengthAlong(sorted, axis);
  const shape = shapeOf(sorted);
  const position = expandTo(
    reshape(
      arange(size),
      shape.map((_, i) => (i === axis ? size : 1)),
    ),
    shape,
  );
  const differs = ne(takeSlice(sorted, axis, 1, size - 1, 1), takeSlice(sorted, axis, 0, size - 1, 1));
  const begins = cat([ones(shape.with(axis, 1), { dtype: 'bool' }), differs], axis);
  return sub(position, cummax(where(begins, position, 0), axis).values);
}

/**
 * The most frequent element along a dimension, the smallest of several, and where it is (int32), the last of equal ones. No NaN
 * equals another.
 *
 * @example
 * ```ts
 * const { values, indices } = mode(tensor([1, 3, 2, 3, 2]));
 * values; // tensor(2.)
 * indices; // tensor(4)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.mode.html
 */
export const mode: FunctionOf<Picks, typeof locating> = define('mode', locating, (x, dim, keepdim) => {
  const axis = normalizeDim('mode', dim, x.ndim);
  requireLength('mode', x, axis);
  if (x.ndim === 0) return picks('mode', clone(x), full([], 0, { dtype: 'int32' }));
  const [sorted, indices] = sortAlong(x.detach(), axis);
  const place = argmax(equalBefore(sorted, axis), axis, true);
  return pickAlong('mode', x, axis, gather(indices, axis, place), keepdim);
});

const dividing = signature('input, /, q, dim, keepdim, *, interpolation', {
  input: kinds.tensor,
  q: kinds.operand,
  /** The dimension to look along, or null to look at all elements. Default: null. */
  dim: kinds.dim.optional(),
  /** Keep that dimension (or all) with size 1. Default: false. */
  keepdim: kinds.boolean.default(false),
  /** What to take between two elements: something in between, the lower, the higher, the nearer, or their middle. Default: 'linear'. */
  interpolation: kinds.choice('linear', 'lower', 'higher', 'nearest', 'midpoint').default('linear'),
});

export interface QuantileOptions extends OptionsOf<typeof dividing> {}

type Dividing = FunctionOf<Tensor, typeof dividing, QuantileOptions>;
type Interpolation = NonNullable<QuantileOptions['interpolation']>;

const outside = new Formula<[q: Expr]>('quantile', (q) => e.not(e.and(e.ge(q, 0), e.le(q, 1))));

function checkedFractions(op: string, x: Tensor, q: Operand): Tensor {
  const error = () => new ValueError(`${op}: q must be in [0, 1]`);
  if (typeof q === 'number') {
    if (!(q >= 0 && q <= 1)) throw new ValueError(`${op}: q must be in [0, 1], got ${q}`);
    return full([1], q, { dtype: x.dtype });
  }
  if (q.ndim > 1) throw new ShapeError(`${op}: q must be a number or 1-d, got shape ${show(q.shape)}`);
  if (q.dtype !== x.dtype) throw new DTypeError(`${op}: q is ${q.dtype}, but the tensor ${x.dtype}`);
  refuseIf(to(any(outside.call([q.detach()], 'bool', computeType(x.dtype))), 'float64'), error);
  return reshape(q, [-1]);
}

/** Where the fractions are in sorted lines, by position and what is between: at the last, a NaN, if there is one. */
function rankAll(sorted: Tensor, q: Tensor): Tensor {
  const axis = sorted.ndim - 1;
  const last = lengthAlong(sorted, axis) - 1;
  return where(isnan(takeSlice(sorted.detach(), axis, last, 1, 1)), last, mul(q, last));
}

/** The same among those that are no NaN; at the first, a NaN, if there are none. */
function rankNumbers(sorted: Tensor, q: Tensor): Tensor {
  const axis = sorted.ndim - 1;
  const last = sub(countNumbers(sorted.detach(), axis), 1);
  return mul(q, where(last.lt(0), 0, last));
}

function between(sorted: Tensor, ranks: Tensor, how: Interpolation): Tensor {
  const at = (rank: Tensor) => gather(sorted, sorted.ndim - 1, to(rank.detach(), 'int32'));
  switch (how) {
    case 'lower':
      return at(floor(ranks));
    case 'higher':
      return at(ceil(ranks));
    case 'nearest':
      return at(round(ranks));
    case 'linear':
      return lerp(at(floor(ranks)), at(ceil(ranks)), sub(ranks, floor(ranks)));
    case 'midpoint':
      return lerp(at(floor(ranks)), at(ceil(ranks)), 0.5);
    default:
      return how satisfies never;
  }
}

const divided = (op: string, rank: (sorted: Tensor, q: Tensor) => Tensor): Dividing =>
  define(op, dividing, (x, q, dim, keepdim, interpolation) => {
    if (!isFloat(x.dtype)) throw new DTypeError(`${op}: expected a float tensor, got ${x.dtype}; use .float()`);
    if (x.numel() === 0) throw new ShapeError(`${op}: expected at least one element, got shape ${show(x.shape)}`);
    const axis = dim === null ? null : normalizeDim(op, dim, x.ndim);
    const fractions = checkedFractions(op, x, q);
    const isFlat = axis === null || x.ndim === 0;
    const lines = isFlat ? reshape(x, [-1]) : movedim(x, axis, -1);
    const [sorted] = sortAlong(lines, lines.ndim - 1);
    const found = between(sorted, rank(sorted, fractions), interpolation);
    const single = typeof q === 'number' || q.ndim === 0;
    const result = single ? select(found, -1, 0) : movedim(found, -1, 0);
    if (!keepdim || x.ndim === 0) return owned(result);
    const lead = single ? 0 : 1;
    if (!isFlat) return owned(unsqueeze(result, axis + lead));
    return owned(reshape(result, [...shapeOf(result), ...shapeOf(x).map(() => 1)]));
  });

/**
 * The element at a fraction `q` of the way through the sorted ones: at `q · (n - 1)`, and between two of them a value in between. Several
 * fractions, in a 1-d tensor, make a first dimension. NaN if there is any.
 *
 * @param q in [0, 1], a number or a tensor of the same element type
 * @throws ValueError for other fractions; ShapeError if there is nothing; DTypeError for integers
 * @example
 * ```ts
 * quantile(tensor([1, 2, 4, 8]), 0.5); // tensor(3.)
 * quantile(tensor([1, 2, 4, 8]), tensor([0, 0.5, 1])); // tensor([1., 3., 8.])
 * quantile(tensor([1, 2, 4, 8]), 0.5, { interpolation: 'lower' }); // tensor(2.)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.quantile.html
 */
export const quantile: Dividing = divided('quantile', rankAll);

/**
 * `quantile` of what is no NaN; NaN if there is nothing else.
 *
 * @param q in [0, 1], a number or a tensor of the same element type
 * @throws ValueError for other fractions; ShapeError if there is nothing; DTypeError for integers
 * @example
 * ```ts
 * nanquantile(tensor([1, NaN, 3]), 0.5); // tensor(2.)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nanquantile.html
 */
export const nanquantile: Dividing = divided('nanquantile', rankNumbers);
