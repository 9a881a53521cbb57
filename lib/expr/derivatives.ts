import type { Fold, MicroOp } from '../backend/micro-ops.js';
import type { Expr, ExprLike } from './expr.js';
import * as e from './expr.js';

type Contribution = ExprLike | null;

/**
 * What flows back to each operand of `out = op(a, b, c)` when `g` flows into `out`; null where nothing does.
 * The choices at kinks are PyTorch's (derivatives.yaml): |x|' is 0 at 0, a tie in min or max splits g in halves.
 */
type Rule = (g: Expr, out: Expr, a: Expr, b: Expr, c: Expr) => readonly Contribution[];

const {
  add,
  sub,
  mul,
  div,
  neg,
  where,
  eq,
  lt,
  le,
  ge,
  and,
  exp,
  log,
  pow,
  sin,
  cos,
  sinh,
  cosh,
  rsqrt,
  square,
  sign,
  trunc,
} = e;

const flat: Rule = () => [null, null, null];
const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

export const derivatives: Readonly<Record<MicroOp, Rule>> = {
  position: flat,
  copy: (g) => [g],
  expand: (g) => [g],
  neg: (g) => [neg(g)],
  abs: (g, _, a) => [mul(g, sign(a))],
  sign: flat,
  floor: flat,
  ceil: flat,
  round: flat,
  trunc: flat,
  sqrt: (g, out) => [div(g, mul(2, out))],
  rsqrt: (g, out) => [mul(mul(-0.5, g), mul(out, square(out)))],
  exp: (g, out) => [mul(g, out)],
  exp2: (g, out) => [mul(g, mul(out, Math.LN2))],
  expm1: (g, out) => [mul(g, add(out, 1))],
  log: (g, _, a) => [div(g, a)],
  log2: (g, _, a) => [div(g, mul(a, Math.LN2))],
  log1p: (g, _, a) => [div(g, add(a, 1))],
  sin: (g, _, a) => [mul(g, cos(a))],
  cos: (g, _, a) => [neg(mul(g, sin(a)))],
  tan: (g, out) => [mul(g, add(square(out), 1))],
  asin: (g, _, a) => [mul(g, rsqrt(sub(1, square(a))))],
  acos: (g, _, a) => [neg(mul(g, rsqrt(sub(1, square(a)))))],
  atan: (g, _, a) => [div(g, add(square(a), 1))],
  sinh: (g, _, a) => [mul(g, cosh(a))],
  cosh: (g, _, a) => [mul(g, sinh(a))],
  tanh: (g, out) => [mul(g, sub(1, square(out)))],
  asinh: (g, _, a) => [mul(g, rsqrt(add(square(a), 1)))],
  acosh: (g, _, a) => [mul(g, rsqrt(sub(square(a), 1)))],
  atanh: (g, _, a) => [div(g, sub(1, square(a)))],
  sigmoid: (g, out) => [mul(g, mul(sub(1, out), out))],
  relu: (g, out) => [where(le(out, 0), 0, g)],
  erf: (g, _, a) => [mul(mul(TWO_OVER_SQRT_PI, exp(neg(square(a)))), g)],
  erfc: (g, _, a) => [mul(mul(-TWO_OVER_SQRT_PI, exp(neg(square(a)))), g)],

  add: (g) => [g, g],
  sub: (g) => [g, neg(g)],
  mul: (g, _, a, b) => [mul(g, b), mul(g, a)],
  div: (g, out, _, b) => [div(g, b), neg(div(mul(g, out), b))],
  pow: (g, out, a, b) => {
    const ofZero = and(eq(a, 0), ge(b, 0));
    // Where a branch is not taken its logarithm is not infinite, as the derivative would be 0 · ∞.
    const logarithm = log(where(ofZero, 1, a));
    return [mul(g, where(eq(b, 0), 0, mul(b, pow(a, powerBelow(b))))), mul(g, where(ofZero, 0, mul(out, logarithm)))];
  },
  fmod: (g, _, a, b) => [g, neg(mul(g, trunc(div(a, b))))],
  bitAnd: flat,
  min: (g, _, a, b) => [side(g, lt(b, a), eq(a, b)), side(g, lt(a, b), eq(a, b))],
  max: (g, _, a, b) => [side(g, lt(a, b), eq(a, b)), side(g, lt(b, a), eq(a, b))],
  eq: flat,
  ne: flat,
  lt: flat,
  le: flat,
  gt: flat,
  ge: flat,
  where: (g, _, condition) => [null, where(condition, g, 0), where(condition, 0, g)],
};

/** b - 1; but 0 for 0, in a branch that is not taken: a^-1 is infinite at 0, and its derivative would be 0 · ∞. */
const powerBelow = (b: Expr): Expr => sub(where(eq(b, 0), 1, b), 1);

function side(g: Expr, lost: Expr, tied: Expr): Expr {
  return where(lost, 0, where(tied, mul(g, 0.5), g));
}

const isOrdinary = (x: Expr): Expr => lt(e.abs(x), Number.POSITIVE_INFINITY);
/** 0 where x is infinite or NaN, so that 0 · x is 0. */
const finite = (x: Expr): Expr => where(isOrdinary(x), x, 0);

/** What flows back to the elements `a` of a row when `g` flows into their fold `out`. */
export const foldDerivatives: Readonly<Record<Fold, (g: Expr, out: Expr, a: Expr) => Contribution>> = {
  sum: (g) => g,
  prod: (g, _, a) => mul(g, productOfOthers(a)),
  min: shareAmongEqual,
  max: shareAmongEqual,
  argmin: () => null,
  argmax: () => null,
};

/** The extreme elements of a row share its gradient evenly, as `amax` does. */
function shareAmongEqual(g: Expr, out: Expr, a: Expr): Expr {
  const extreme = eq(a, out);
  return mul(extreme, div(g, e.rowSum(extreme)));
}

/**
 * product / a, and right where some a are 0: a lone zero gets the product of the others. Where one or two zeros too many leave nothing, their
 * product (0) stands as a factor, so that second and third derivatives are right as well. Beside a lone zero an element that alone is infinite
 * or NaN gets 0 all the same: the others are finite.
 */
function productOfOthers(a: Expr): Expr {
  const zero = eq(a, 0);
  const zeros = e.rowSum(zero);
  const ownZero = where(zero, a, 0);
  const zeroSum = e.rowSum(ownZero);
  const zeroSquares = e.rowSum(square(ownZero));
  const product = e.rowProd(where(zero, 1, a));
  const wild = e.not(isOrdinary(a));
  const aloneWild = and(wild, eq(e.rowSum(wild), 1));
  const otherZero = sub(zeroSum, ownZero);
  const twoOthers = productOfTwo(otherZero, sub(zeroSquares, square(ownZero)));
  const ofZero = byCount(zeros, [0, product, mul(otherZero, finite(product)), zeroTimes(twoOthers, product)]);
  const quotient = div(product, where(zero, 1, a));
  const besideZero = where(aloneWild, 0, mul(zeroSum, quotient));
  const besideTwo = zeroTimes(productOfTwo(zeroSum, zeroSquares), quotient);
  return where(zero, ofZero, byCount(zeros, [quotient, besideZero, besideTwo]));
}

/** What is 0 times what may be negative or infinite: 0 all the same, and not -0. */
const zeroTimes = (zero: Expr, x: Expr): Expr => add(mul(zero, finite(x)), 0);

/** The product of two numbers by their sum and that of their squares. */
const productOfTwo = (total: Expr, squares: Expr): Expr => mul(0.5, sub(square(total), squares));

/** The one of `cases` whose place the count is; 0 beyond. */
const byCount = (count: Expr, cases: readonly ExprLike[]): Expr =>
  cases.reduceRight<ExprLike>((rest, value, i) => where(eq(count, i), value, rest), 0) as Expr;
