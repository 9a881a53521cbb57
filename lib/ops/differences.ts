import { define } from '../arguments/define.js';
import { allAre } from '../arguments/elements.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { type Kind, kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import { isBool, isFloat } from '../backend/dtype.js';
import { DTypeError, ShapeError, ValueError } from '../errors.js';
import type { Expr } from '../expr/index.js';
import * as e from '../expr/index.js';
import { Pointwise } from '../tensor/elementwise.js';
import type { Dims } from '../tensor/kinds.js';
import * as kinds from '../tensor/kinds.js';
import type { Operand } from '../tensor/promotion.js';
import { LONGEST_LIST, normalizeDim, normalizeDims, show } from '../tensor/shape.js';
import { isTensor, shapeOf, type Tensor } from '../tensor/tensor.js';
import { cat } from './joining.js';
import { add, logicalXor, mul, sub } from './pointwise.js';
import { sum } from './reductions.js';
import { cumsum } from './scans.js';
import { narrow, reshape } from './views.js';

// Differences of neighbours, and sums of what is between them.

/** All along a dimension but the last, and all but the first. */
function neighbours(x: Tensor, axis: number): [Tensor, Tensor] {
  const size = Math.max(0, shapeOf(x)[axis]! - 1);
  return [narrow(x, axis, 0, size), narrow(x, axis, shapeOf(x)[axis]! - size, size)];
}

const along = {
  /** The dimension. Default: -1, the last. */
  dim: kinds.dim.default(-1),
};

const differing = signature('input, /, n, dim, prepend, append', {
  input: kinds.tensor,
  /** How often differences are taken; 0 gives the input alone. Default: 1. */
  n: kinds.integerFrom(0).default(1),
  ...along,
  /** What to put before the input first. Default: null, nothing. */
  prepend: kinds.tensor.optional(),
  /** What to put behind it. Default: null, nothing. */
  append: kinds.tensor.optional(),
});

export interface DiffOptions extends OptionsOf<typeof differing> {}

/**
 * The differences of neighbours along `dim`, n times over; of bools, whether they differ.
 *
 * @param prepend as many dimensions as the input, and its sizes but along `dim`
 * @throws ShapeError for a 0-d tensor, or shapes that do not fit
 * @example
 * ```ts
 * diff(tensor([1, 4, 9, 16])); // tensor([3., 5., 7.])
 * diff(tensor([1, 4, 9, 16]), 2); // tensor([2., 2.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.diff.html
 */
export const diff: FunctionOf<Tensor, typeof differing, DiffOptions> = define(
  'diff',
  differing,
  (x, n, dim, prepend, append) => {
    if (x.ndim === 0) throw new ShapeError('diff: expected at least one dimension, got a 0-d tensor');
    const axis = normalizeDim('diff', dim, x.ndim);
    if (n === 0) return x.clone();
    const parts = [prepend, x, append].filter((part) => part !== null);
    let result = parts.length === 1 ? x : cat(parts, axis);
    // Once nothing is left, it stays so.
    for (let i = Math.min(n, shapeOf(result)[axis]!); i > 0; i--) {
      const [before, after] = neighbours(result, axis);
      result = isBool(result.dtype) ? logicalXor(after, before) : sub(after, before);
    }
    return result;
  },
);

/** A distance for all dimensions, or one for each, or the coordinates along each. */
type Spacing = number | readonly number[] | readonly Tensor[];

const isList = (value: unknown): value is readonly unknown[] =>
  Array.isArray(value) && value.length > 0 && value.length <= LONGEST_LIST;

const spacings: Kind<Spacing> = kind(
  'a number, or an array of numbers or of 1-d tensors',
  (value): value is Spacing =>
    typeof value === 'number' || (isList(value) && (allAre(value, kinds.number.accepts) || allAre(value, isTensor))),
);

const sloping = signature('input, /, spacing, dim, edgeOrder', {
  input: kinds.tensor,
  /** How far neighbours are apart: one distance, one per dimension, or their coordinates as a 1-d tensor per dimension. Default: 1. */
  spacing: spacings.default(1),
  /** Along which dimensions. Default: null, all. */
  dim: kinds.dims.default(null),
  /** How exact the slopes at both ends are: 1 or 2. Default: 1. */
  edgeOrder: kinds.integerFrom(1, 2).default(1),
});

export interface GradientOptions extends OptionsOf<typeof sloping> {}

/** a x + b y + c z, of three neighbours. */
const weighted = new Pointwise(
  'gradient',
  (x, y: Expr, z: Expr, a: Expr, b: Expr, c: Expr) => e.add(e.add(e.mul(a, x), e.mul(b, y)), e.mul(c, z)),
  { result: 'float' },
);

/** What three neighbours are multiplied by to give the slope at one of them. */
type Weights = readonly [Operand, Operand, Operand];

/** How the slopes along a dimension are made: within, at the start and at the end. */
interface Stencil {
  readonly inner: Weights;
  readonly first: Weights;
  readonly last: Weights;
}

/** Neighbours that are all as far apart; at the ends the nearest two, or three. */
function evenStencil(h: number, edgeOrder: number): Stencil {
  const inner: Weights = [-0.5 / h, 0, 0.5 / h];
  if (edgeOrder === 1) return { inner, first: [-1 / h, 1 / h, 0], last: [0, -1 / h, 1 / h] };
  return { inner, first: [-1.5 / h, 2 / h, -0.5 / h], last: [0.5 / h, -2 / h, 1.5 / h] };
}

/** Slopes of the parabola through three points, from the distances of the first two, and of the last two. */
const atMiddle = [
  new Pointwise('gradient', (p, q: Expr) => e.neg(e.div(q, e.mul(p, e.add(p, q))))),
  new Pointwise('gradient', (p, q: Expr) => e.div(e.sub(q, p), e.mul(p, q))),
  new Pointwise('gradient', (p, q: Expr) => e.div(p, e.mul(q, e.add(p, q)))),
] as const;
const atFirst = [
  new Pointwise('gradient', (p, q: Expr) => e.neg(e.div(e.add(e.mul(2, p), q), e.mul(p, e.add(p, q))))),
  new Pointwise('gradient', (p, q: Expr) => e.div(e.add(p, q), e.mul(p, q))),
  new Pointwise('gradient', (p, q: Expr) => e.neg(e.div(p, e.mul(q, e.add(p, q))))),
] as const;

const weightsOf = (at: typeof atMiddle, p: Tensor, q: Tensor): Weights => [
  at[0].apply([p, q]),
  at[1].apply([p, q]),
  at[2].apply([p, q]),
];

/** The same of coordinates; they vary along `axis` of the `ndim` dimensions. */
function unevenStencil(coordinates: Tensor, axis: number, ndim: number, edgeOrder: number): Stencil {
  const [before, after] = neighbours(coordinates, 0);
  const shape = Array.from({ length: ndim }, (_, i) => (i === axis ? -1 : 1));
  const widths = sub(after, before);
  const steps = reshape(isFloat(widths.dtype) ? widths : widths.to('float32'), shape);
  const count = shapeOf(steps)[axis]!;
  const [left, right] = neighbours(steps, axis);
  const inner = weightsOf(atMiddle, left, right);
  const step = (i: number): Tensor => narrow(steps, axis, i, 1);
  if (edgeOrder === 1) {
    const [start, end] = [step(0), step(count - 1)].map((h) => h.reciprocal()) as [Tensor, Tensor];
    return { inner, first: [start.neg(), start, 0], last: [0, end.neg(), end] };
  }
  const [a, b, c] = weightsOf(atFirst, step(count - 1), step(count - 2));
  return { inner, first: weightsOf(atFirst, step(0), step(1)), last: negated([c, b, a]) };
}

const negated = (weights: Weights): Weights =>
  weights.map((w) => (typeof w === 'number' ? -w : w.neg())) as [Operand, Operand, Operand];

/** The slopes along a dimension, three neighbours at a time; of two there are no three, and the third counts for nothing. */
function slopes(x: Tensor, axis: number, { inner, first, last }: Stencil): Tensor {
  const size = shapeOf(x)[axis]!;
  const at = (start: number, length: number): Tensor => narrow(x, axis, start, length);
  const three = (start: number, length: number, [a, b, c]: Weights): Tensor => {
    const third = start + 2 + length > size ? start + 1 : start + 2;
    return weighted.apply([at(start, length), at(start + 1, length), at(third, length), a, b, c]);
  };
  if (size === 2) {
    const [, b, c] = last;
    return cat([three(0, 1, first), weighted.apply([at(0, 1), at(1, 1), at(1, 1), b, c, 0])], axis);
  }
  return cat([three(0, 1, first), three(0, size - 2, inner), three(size - 3, 1, last)], axis);
}

function stencilOf(x: Tensor, axis: number, spacing: number | Tensor, edgeOrder: number): Stencil {
  const size = shapeOf(x)[axis]!;
  if (size < edgeOrder + 1) {
    throw new ShapeError(
      `gradient: dim ${axis} of ${show(x.shape)} must have at least ${edgeOrder + 1} elements for an edgeOrder of ${edgeOrder}`,
    );
  }
  if (typeof spacing === 'number') return evenStencil(spacing, edgeOrder);
  if (spacing.ndim !== 1 || spacing.numel() !== size) {
    throw new ShapeError(
      `gradient: the coordinates along dim ${axis} must have shape [${size}], got ${show(spacing.shape)}`,
    );
  }
  return unevenStencil(spacing, axis, x.ndim, edgeOrder);
}

/** The dimensions in the order they are given in, which is that of the results. */
function axesOf(x: Tensor, dim: Dims): readonly number[] {
  const sorted = normalizeDims('gradient', dim, x.ndim);
  return Array.isArray(dim) && dim.length > 0 ? dim.map((one) => normalizeDim('gradient', one, x.ndim)) : sorted;
}

/**
 * The slopes of a function of which the input has the values on a grid: by central differences within, by one-sided ones at the ends. One
 * tensor per dimension.
 *
 * @throws ShapeError for dimensions with too few elements, or coordinates that do not fit; ValueError for spacings of another number
 * @example
 * ```ts
 * const [slope] = gradient(tensor([1, 4, 9, 16]));
 * slope; // tensor([3., 4., 6., 7.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.gradient.html
 */
export const gradient: FunctionOf<Tensor[], typeof sloping, GradientOptions> = define(
  'gradient',
  sloping,
  (x, spacing, dim, edgeOrder) => {
    const axes = axesOf(x, dim);
    if (typeof spacing !== 'number' && spacing.length !== axes.length) {
      throw new ValueError(`gradient: expected a spacing for each of ${axes.length} dims, got ${spacing.length}`);
    }
    const stencils = axes.map((axis, i) =>
      stencilOf(x, axis, typeof spacing === 'number' ? spacing : spacing[i]!, edgeOrder),
    );
    return axes.map((axis, i) => slopes(x, axis, stencils[i]!));
  },
);

const integrating = signature('y, /, x, *, dx, dim', {
  y: kinds.tensor,
  /** Where the values are: 1-d, or broadcasting with them. Default: null, `dx` apart. */
  x: kinds.tensor.optional(),
  /** How far neighbours are apart. Default: null, 1. */
  dx: kinds.number.optional(),
  ...along,
});

export interface TrapezoidOptions extends OptionsOf<typeof integrating> {}

type Integrating = FunctionOf<Tensor, typeof integrating, TrapezoidOptions>;

/** The area between each two neighbours. */
function areas(op: string, y: Tensor, axis: number, x: Tensor | null, dx: number | null): Tensor {
  if (isBool(y.dtype)) throw new DTypeError(`${op}: not defined for bool tensors; convert with .float()`);
  if (x !== null && dx !== null) throw new ValueError(`${op}: expected x or dx, got both`);
  const [left, right] = neighbours(y, axis);
  const sums = add(left, right);
  return mul(x === null ? mul(sums, dx ?? 1) : mul(sums, widths(op, x, y, axis)), 0.5);
}

function widths(op: string, x: Tensor, y: Tensor, axis: number): Tensor {
  if (x.ndim === 0 || x.ndim > y.ndim) {
    throw new ShapeError(`${op}: x of shape ${show(x.shape)} does not fit the values of shape ${show(y.shape)}`);
  }
  const ones = (count: number): number[] => Array.from({ length: count }, () => 1);
  const shape =
    x.ndim === 1 ? [...ones(axis), x.numel(), ...ones(y.ndim - axis - 1)] : [...ones(y.ndim - x.ndim), ...shapeOf(x)];
  if (shape[axis] !== shapeOf(y)[axis]) {
    throw new ShapeError(
      `${op}: expected x for each of ${shapeOf(y)[axis]} values along dim ${axis}, got ${show(x.shape)}`,
    );
  }
  const [before, after] = neighbours(reshape(x, shape), axis);
  return sub(after, before);
}

function axisOf(op: string, y: Tensor, dim: number): number {
  if (y.ndim === 0) throw new ShapeError(`${op}: expected at least one dimension, got a 0-d tensor`);
  return normalizeDim(op, dim, y.ndim);
}

/**
 * The integral of y along `dim`, by the trapezoidal rule.
 *
 * @param x where the values are, if they are not `dx` apart
 * @throws ValueError for both x and dx; ShapeError if x does not fit; DTypeError for bools
 * @example
 * ```ts
 * trapezoid(tensor([1, 4, 9])); // tensor(9.)
 * trapezoid(tensor([1, 4, 9]), tensor([0, 1, 3])); // tensor(15.5000)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.trapezoid.html
 */
export const trapezoid: Integrating = define('trapezoid', integrating, (y, x, dx, dim) => {
  const axis = axisOf('trapezoid', y, dim);
  return sum(areas('trapezoid', y, axis, x, dx), axis);
});

/** The same as `trapezoid`. @example trapz(tensor([1, 4, 9]), { dx: 2 }); // tensor(18.) */
export const trapz: Integrating = define('trapz', integrating, (y, x, dx, dim) => {
  const axis = axisOf('trapz', y, dim);
  return sum(areas('trapz', y, axis, x, dx), axis);
});

/**
 * The integrals of y from the first value to each other along `dim`, by the trapezoidal rule.
 *
 * @param x where the values are, if they are not `dx` apart
 * @throws ValueError for both x and dx; ShapeError if x does not fit; DTypeError for bools
 * @example
 * ```ts
 * cumulativeTrapezoid(tensor([1, 4, 9])); // tensor([2.5000, 9.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.cumulative_trapezoid.html
 */
export const cumulativeTrapezoid: Integrating = define('cumulativeTrapezoid', integrating, (y, x, dx, dim) => {
  const axis = axisOf('cumulativeTrapezoid', y, dim);
  return cumsum(areas('cumulativeTrapezoid', y, axis, x, dx), axis);
});
