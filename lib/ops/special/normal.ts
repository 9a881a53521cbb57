import { erfcSeries } from '../../backend/scalar-math.js';
import type { Expr } from '../../expr/index.js';
import * as e from '../../expr/index.js';

// Error functions and the normal distribution, as expressions in float64.

/**
 * The normal quantile, by rational functions: in (½ - |p - ½|)-th parts of the middle, and in √(-ln of the tail) near it and far out. Wichura,
 * "Algorithm AS 241: the percentage points of the normal distribution" (1988), PPND16.
 */
const MIDDLE = [
  [
    3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987, 67265.7709270087,
    33430.57558358813, 2509.0809287301227,
  ],
  [
    1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
    28729.085735721943, 5226.495278852854,
  ],
] as const;
const TAIL = [
  [
    1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
    0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
  ],
  [
    1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
    0.0005475938084995345, 1.0507500716444169e-9,
  ],
] as const;
const FAR_TAIL = [
  [
    6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
    0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7,
  ],
  [
    1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133, 1.8463183175100548e-5,
    1.421511758316446e-7, 2.0442631033899397e-15,
  ],
] as const;

const ratio = (x: Expr, [above, below]: readonly [readonly number[], readonly number[]]): Expr =>
  e.div(e.polynomial(x, above), e.polynomial(x, below));

/** The normal quantile of ½ + `centred`; `tail` is ½ - |centred|, which is not exact everywhere if it is made of that. */
function quantile(centred: Expr, tail: Expr): Expr {
  const isMiddle = e.le(e.abs(centred), 0.425);
  const middle = e.where(isMiddle, centred, 0);
  const inMiddle = e.mul(middle, ratio(e.sub(0.425 ** 2, e.square(middle)), MIDDLE));
  const depth = e.sqrt(e.neg(e.log(e.where(isMiddle, 0.05, tail))));
  const isFar = e.gt(depth, 5);
  const inTail = e.where(
    isFar,
    ratio(e.sub(e.where(isFar, e.min(depth, 30), 5), 5), FAR_TAIL),
    ratio(e.sub(e.where(isFar, 5, depth), 1.6), TAIL),
  );
  const size = e.where(e.eq(tail, 0), Number.POSITIVE_INFINITY, inTail);
  return e.where(isMiddle, inMiddle, e.where(e.lt(centred, 0), e.neg(size), size));
}

/** The p-th quantile of the normal distribution. */
export const ndtri = (p: Expr): Expr => quantile(e.sub(p, 0.5), e.min(p, e.sub(1, p)));

/** The inverse of erf. */
export const erfinv = (x: Expr): Expr => e.mul(quantile(e.mul(x, 0.5), e.mul(e.sub(1, e.abs(x)), 0.5)), Math.SQRT1_2);

/** e^(f x²) for a power of 2 as factor, where rounding x² would cost digits. */
function expOfSquare(x: Expr, factor: number): Expr {
  const [high, low] = e.halves(x);
  return e.mul(e.exp(e.mul(factor, e.square(high))), e.exp(e.mul(factor, e.mul(low, e.add(high, x)))));
}

/** e^(x²) erfc(x) for x ≥ 0, by the Chebyshev series that erfc has, summed by Clenshaw's recurrence. */
function erfcxOfPositive(x: Expr): Expr {
  const t = e.sub(2, e.div(15, e.add(x, 3.75)));
  let current: Expr = e.toExpr(0);
  let previous: Expr = e.toExpr(0);
  for (const c of erfcSeries.slice(1).reverse()) {
    [current, previous] = [e.add(e.sub(e.mul(t, current), previous), c), current];
  }
  const series = e.add(e.sub(e.mul(e.mul(t, 0.5), current), previous), erfcSeries[0]!);
  return e.div(series, e.add(e.mul(2, x), 1));
}

/** e^(x²) erfc(x). */
export function erfcx(x: Expr): Expr {
  const value = erfcxOfPositive(e.where(e.lt(x, 0), e.neg(x), x));
  // Beyond 27 the square's exponential overflows; so it does at 30.
  const negative = e.min(e.where(e.lt(x, 0), e.neg(x), 0), 30);
  return e.where(e.lt(x, 0), e.sub(e.mul(2, expOfSquare(negative, 1)), value), value);
}

/** The normal distribution function at -|x|, without the factor e^(-x²/2). */
const tailOf = (x: Expr): Expr => e.mul(erfcxOfPositive(e.mul(e.abs(x), Math.SQRT1_2)), 0.5);

/** The normal distribution function at -|x|. */
const smallTail = (x: Expr): Expr => e.mul(tailOf(x), expOfSquare(e.min(e.abs(x), 40), -0.5));

/** The normal distribution function. */
export const ndtr = (x: Expr): Expr => e.where(e.gt(x, 0), e.sub(1, smallTail(x)), smallTail(x));

/** Its logarithm. */
export const logNdtr = (x: Expr): Expr =>
  e.where(
    e.lt(x, -1),
    e.sub(e.log(tailOf(x)), e.mul(e.square(x), 0.5)),
    e.log1p(e.neg(e.where(e.gt(x, 0), smallTail(x), e.sub(1, smallTail(x))))),
  );
