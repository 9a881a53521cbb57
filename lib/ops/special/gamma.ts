import type { Expr } from '../../expr/index.js';
import * as e from '../../expr/index.js';

// The gamma function's logarithm and the derivatives of that, as expressions in float64.

/** ln Γ(2 + t) / t for |t| ≤ 1/2: a Chebyshev fit, to 2e-17. */
const NEAR_TWO = [
  0.42278433509846713, 0.3224670334241132, -0.06735230105319563, 0.02058080842778338, -0.007385551028935545,
  0.002890510330865901, -0.0011927539009983087, 0.0005096695196526673, -0.00022315497746292723, 9.945761692157133e-5,
  -4.4923727564247656e-5, 2.050601970174762e-5, -9.45628851510172e-6, 4.3828545383846665e-6, -1.9743106888421067e-6,
  9.242852225162277e-7, -5.811277768921246e-7, 2.7475390051909663e-7,
];

/** The Bernoulli numbers B₂, B₄, …, of which asymptotic series are made. */
const BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798];

/** From here on they have all the digits of float64. */
const FAR = 9;

const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);

/** x less the nearest integer: sines and tangents of π x are as exact as those of π times this. */
const offInteger = (x: Expr): Expr => e.sub(x, e.round(x));

/** ln Γ(x) - (x - 1/2) ln x + x - ½ ln 2π for x of at least `FAR`: Stirling's series. */
export function stirlingRest(x: Expr): Expr {
  const terms = BERNOULLI.map((b, i) => b / ((2 * i + 2) * (2 * i + 1)));
  return e.div(e.polynomial(e.div(1, e.square(x)), terms), x);
}

/** ln Γ(x) for x ≥ 0. */
function lgammaOfPositive(x: Expr): Expr {
  // Steps of 1 lead into [1.5, 2.5), and a logarithm makes up for them: one or two up, or as many down as it takes.
  const below = e.lt(x, 1.5);
  const up = e.add(below, e.lt(x, 0.5));
  const down = e.max(0, e.min(FAR - 1, e.floor(e.sub(x, 1.5))));
  let product: Expr = e.mul(e.where(below, x, 1), e.where(e.lt(x, 0.5), e.add(x, 1), 1));
  for (let k = 1; k < FAR; k++) product = e.mul(product, e.where(e.le(k, down), e.sub(x, k), 1));
  const far = e.ge(x, FAR);
  const t = e.where(far, 0, e.sub(e.sub(x, down), e.sub(2, up)));
  const log = e.log(e.where(far, x, product));
  const near = e.add(e.mul(t, e.polynomial(t, NEAR_TWO)), e.where(below, e.neg(log), log));
  const large = e.where(far, x, FAR);
  const stirling = e.add(e.mul(e.sub(large, 0.5), e.sub(log, 1)), e.add(HALF_LOG_TWO_PI - 0.5, stirlingRest(large)));
  return e.where(far, stirling, near);
}

/** ln Γ(1 + x) for x ≥ 0, also where 1 + x loses digits of x. */
export function lgammaOfOnePlus(x: Expr): Expr {
  const isSmall = e.le(x, 0.5);
  const small = e.where(isSmall, x, 0);
  const ofSmall = e.sub(e.mul(small, e.polynomial(small, NEAR_TWO)), e.log1p(small));
  return e.where(isSmall, ofSmall, lgammaOfPositive(e.add(x, 1)));
}

/** ln |Γ(x)|; of what is negative by the reflection Γ(x) Γ(1 - x) = π / sin πx. */
export function lgamma(x: Expr): Expr {
  const isNegative = e.lt(x, 0);
  const sine = e.abs(e.sin(e.mul(Math.PI, e.where(isNegative, offInteger(x), 0.25))));
  const value = lgammaOfPositive(e.where(isNegative, e.sub(1, x), x));
  const reflected = e.sub(e.neg(e.log(e.div(sine, Math.PI))), value);
  return e.where(e.isInfinite(x), Number.POSITIVE_INFINITY, e.where(isNegative, reflected, value));
}

/** (ln Γ)'(x). */
export function digamma(x: Expr): Expr {
  const isNegative = e.lt(x, 0);
  const off = e.where(isNegative, offInteger(x), 0.25);
  const value = digammaOfPositive(e.where(isNegative, e.sub(1, x), x));
  const reflected = e.sub(value, e.div(Math.PI, e.tan(e.mul(Math.PI, off))));
  const pole = e.and(e.eq(x, 0), e.isNegative(x));
  return e.where(
    pole,
    Number.POSITIVE_INFINITY,
    e.where(e.eq(off, 0), Number.NaN, e.where(isNegative, reflected, value)),
  );
}

/** For x ≥ 0, by ψ(x) = ψ(x + 1) - 1 / x and an asymptotic series. */
function digammaOfPositive(x: Expr): Expr {
  const { sum, shifted } = climb(x, FAR, (at) => e.div(1, at));
  const inverse = e.div(1, shifted);
  const terms = BERNOULLI.map((b, i) => b / (2 * i + 2));
  const series = e.mul(e.square(inverse), e.polynomial(e.square(inverse), terms));
  return e.sub(e.sub(e.log(shifted), e.add(e.mul(0.5, inverse), series)), sum);
}

/** Σ term(x + k) as far as x + k is below `far`, and the first x + k that is not. */
function climb(x: Expr, far: number, term: (at: Expr) => Expr): { sum: Expr; shifted: Expr } {
  let sum: Expr = e.toExpr(0);
  let count: Expr = e.toExpr(0);
  for (let k = far - 1; k >= 0; k--) {
    const at = e.add(x, k);
    const isNear = e.lt(at, far);
    sum = e.add(sum, e.where(isNear, term(e.where(isNear, at, 1)), 0));
    count = e.add(count, isNear);
  }
  return { sum, shifted: e.add(x, count) };
}

/** xⁿ by squaring, for n ≥ 1. */
function power(x: Expr, n: number): Expr {
  if (n === 1) return x;
  const half = power(e.square(x), Math.floor(n / 2));
  return n % 2 === 1 ? e.mul(half, x) : half;
}

/** The n-th derivative of digamma, n ≥ 1. */
export function polygamma(n: number): (x: Expr) => Expr {
  return (x) => {
    const isNegative = e.lt(x, 0);
    const value = polygammaOfPositive(n, e.where(isNegative, e.sub(1, x), x));
    const off = offInteger(x);
    const angle = e.mul(Math.PI, e.where(e.eq(off, 0), 0.25, off));
    const cotangents = e.polynomial(e.div(e.cos(angle), e.sin(angle)), cotangentDerivative(n));
    const reflected = e.sub(n % 2 === 0 ? value : e.neg(value), cotangents);
    const pole = n % 2 === 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    return e.where(e.and(e.eq(off, 0), e.le(x, 0)), pole, e.where(isNegative, reflected, value));
  };
}

/** For x ≥ 0: (-1)ⁿ⁺¹ n! Σ 1 / (x + k)ⁿ⁺¹, the first terms as they are, the others by Euler's and Maclaurin's formula. */
function polygammaOfPositive(n: number, x: Expr): Expr {
  const { sum, shifted } = climb(x, FAR + n, (at) => power(e.div(1, at), n + 1));
  const inverse = e.div(1, shifted);
  let rising = 1;
  const terms = BERNOULLI.map((b, i) => {
    // (n + 1) (n + 2) … (n + 2i + 1) / (2i + 2)!
    rising *= i === 0 ? (n + 1) / 2 : ((n + 2 * i) * (n + 2 * i + 1)) / ((2 * i + 1) * (2 * i + 2));
    return b * rising;
  });
  const square = e.square(inverse);
  const series = e.add(e.add(1 / n, e.mul(0.5, inverse)), e.mul(square, e.polynomial(square, terms)));
  const value = e.add(sum, e.mul(power(inverse, n), series));
  let factorial = n % 2 === 0 ? -1 : 1;
  for (let k = 2; k <= n; k++) factorial *= k;
  return e.mul(value, factorial);
}

/** The n-th derivative of π cot πx as a polynomial in cot πx: each step of the chain rule is -π (1 + c²) d/dc. */
function cotangentDerivative(n: number): number[] {
  let polynomial = [0, Math.PI];
  for (let step = 0; step < n; step++) {
    const next = new Array<number>(polynomial.length + 1).fill(0);
    for (let k = 1; k < polynomial.length; k++) {
      next[k - 1]! -= Math.PI * k * polynomial[k]!;
      next[k + 1]! -= Math.PI * k * polynomial[k]!;
    }
    polynomial = next;
  }
  return polynomial;
}
