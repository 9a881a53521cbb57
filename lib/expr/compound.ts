import {
  type Expr,
  type ExprLike,
  add,
  abs,
  and,
  div,
  eq,
  exp,
  floor,
  gt,
  log1p,
  lt,
  mul,
  ne,
  neg,
  or,
  rowSum,
  sub,
  where,
} from './expr.js';

// Expressions that several operations are made of.

export const isNan = (x: Expr): Expr => ne(x, x);

export const isInfinite = (x: Expr): Expr => eq(abs(x), Number.POSITIVE_INFINITY);

// |x|, max(x, 0) and min(x, 0) for smooth functions that are made of them. At 0 each is what it is above: the kinks of `abs`, `max` and `min`
// cancel in the first derivative alone, as each takes the middle of its slopes there, and a derivative of a slope knows no kink.

/** |x|, with the slope 1 at 0. */
export const magnitude = (x: Expr): Expr => mul(x, where(lt(x, 0), -1, 1));

/** max(x, 0), with the slope 1 at 0. */
export const positivePart = (x: Expr): Expr => where(lt(x, 0), 0, x);

/** min(x, 0), with the slope 0 at 0; 0 of NaN. */
export const negativePart = (x: Expr): Expr => where(lt(x, 0), x, 0);

/** log(1 + e^-|x|): no exponential can overflow. */
export const softplusOfMinusMagnitude = (x: Expr): Expr => log1p(exp(neg(magnitude(x))));

/** The sign bit, of -0 too; NaN counts as positive. */
export const isNegative = (x: Expr): Expr => or(lt(x, 0), and(eq(x, 0), lt(div(1, x), 0)));

/** The gradient of one element that was chosen of a row: shared evenly by all that equal it, and by all NaN if it is one. */
export function sharedByAll(g: Expr, chosen: Expr, x: Expr): Expr {
  const equal = or(eq(x, chosen), and(isNan(x), isNan(chosen)));
  return mul(equal, div(g, rowSum(equal)));
}

/** c[0] + c[1] x + c[2] x² + …, by Horner's rule. */
export function polynomial(x: Expr, coefficients: readonly number[]): Expr {
  const [highest, ...lower] = coefficients.toReversed() as [number, ...number[]];
  return lower.reduce<ExprLike>((sum, c) => add(mul(sum, x), c), highest) as Expr;
}

/** ⌊a / b⌋ in float64, as Python rounds it: where the rounded quotient is beyond the true one, the exact remainder's sign tells. */
export function floorQuotient(a: Expr, b: Expr): Expr {
  const quotient = div(a, b);
  const floored = floor(quotient);
  const product = mul(floored, b);
  // Nothing of a quotient below 1 is taken away: of an infinite divisor neither.
  const remainder = where(eq(floored, 0), a, sub(sub(a, product), productError(floored, b, product)));
  const over = where(lt(b, 0), gt(remainder, 0), lt(remainder, 0));
  const finite = lt(abs(quotient), Number.POSITIVE_INFINITY);
  const infinite = and(eq(abs(a), Number.POSITIVE_INFINITY), ne(b, 0));
  return where(infinite, Number.NaN, where(and(finite, over), sub(floored, 1), floored));
}

/** a · b - fl(a · b) in float64, by Dekker's product; NaN where its parts overflow. */
function productError(a: Expr, b: Expr, product: Expr): Expr {
  const [[aHigh, aLow], [bHigh, bLow]] = [halves(a), halves(b)];
  const high = sub(mul(aHigh, bHigh), product);
  return add(add(add(high, mul(aHigh, bLow)), mul(aLow, bHigh)), mul(aLow, bLow));
}

/** Veltkamp's split of float64 into 26 bits each, whose products are exact. */
export function halves(x: Expr): [high: Expr, low: Expr] {
  const scaled = mul(x, 2 ** 27 + 1);
  const high = sub(scaled, sub(scaled, x));
  return [high, sub(x, high)];
}
