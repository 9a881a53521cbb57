import type { Expr } from '../../expr/index.js';
import * as e from '../../expr/index.js';
import { lgammaOfOnePlus, stirlingRest } from './gamma.js';

// The regularized incomplete gamma functions P(a, x) and Q = 1 - P, as expressions in float64: whichever is small is computed as such.

/** From here on, and for x between these parts of it, Temme's expansion. */
const LARGE = 20;
const [BELOW, ABOVE] = [0.6, 1.4];
/** Up to here Q is what is left of its first terms. */
const SMALL = 2;

/** How many terms the series take where they converge slowest. */
const POWERS = 76;
const FRACTIONS = 60;
const SMALL_POWERS = 26;

/** The coefficients of μ in powers of η, where η²/2 = μ - ln(1 + μ): DLMF 8.12.11. */
function muCoefficients(count: number): number[] {
  const alpha = [0, 1];
  for (let n = 2; n <= count; n++) {
    let products = 0;
    for (let i = 2; i < n; i++) products += alpha[i]! * alpha[n + 1 - i]!;
    alpha.push(alpha[n - 1]! / (n + 1) - products / 2);
  }
  return alpha;
}

/** For each power of 1 / a, the coefficients of a series in η: DLMF 8.12.12. */
function temmeCoefficients(rows: number, columns: number): number[][] {
  const alpha = muCoefficients(columns + 2 * rows + 2);
  const first = Array.from({ length: columns + 2 * rows }, (_, n) => (n + 2) * alpha[n + 2]! - Number(n === 0));
  const table = [first];
  let gamma = 1;
  for (let k = 1; k < rows; k++) {
    const before = table[k - 1]!;
    // (-1)ᵏ (2k + 1)!! α₂ₖ₊₁
    gamma *= -(2 * k + 1);
    const scaled = gamma * alpha[2 * k + 1]!;
    table.push(Array.from({ length: before.length - 2 }, (_, n) => scaled * first[n]! + (n + 2) * before[n + 2]!));
  }
  return table.map((row, k) => row.slice(0, columns - k));
}

const TEMME = temmeCoefficients(9, 18);

/** (μ - ln(1 + μ)) / μ² for |μ| < 0.45, where it is smooth. */
function curvature(mu: Expr): Expr {
  // ln(1 + μ) = 2 artanh(μ / (2 + μ)), less the term that μ is made of as well.
  const wide = e.add(mu, 2);
  const s = e.div(mu, wide);
  const series = e.polynomial(
    e.square(s),
    Array.from({ length: 13 }, (_, i) => 1 / (2 * i + 3)),
  );
  return e.div(e.sub(1, e.mul(e.mul(2, e.div(s, wide)), series)), wide);
}

/** Σ xⁿ / ((a + 1) … (a + n)), n ≥ 0. */
function powerSeries(a: Expr, x: Expr): Expr {
  let sum: Expr = e.toExpr(1);
  for (let n = POWERS; n > 0; n--) sum = e.add(e.mul(e.div(x, e.add(a, n)), sum), 1);
  return sum;
}

/** 1 / (x + 1 - a - 1 (1 - a) / (x + 3 - a - 2 (2 - a) / …)). */
function continuedFraction(a: Expr, x: Expr): Expr {
  const apart = e.sub(x, a);
  let rest: Expr = e.add(apart, 2 * FRACTIONS + 1);
  for (let n = FRACTIONS; n > 0; n--) rest = e.sub(e.add(apart, 2 * n - 1), e.div(e.mul(e.sub(n, a), n), rest));
  return e.div(1, rest);
}

/** Σ (-x)ⁿ / (n! (a + n)), n ≥ 1. */
function alternatingSeries(a: Expr, x: Expr): Expr {
  let sum: Expr = e.toExpr(0);
  let power: Expr = e.toExpr(1);
  for (let n = 1; n <= SMALL_POWERS; n++) {
    power = e.mul(power, e.mul(x, -1 / n));
    sum = e.add(sum, e.div(power, e.add(a, n)));
  }
  return sum;
}

/** P, and Q = 1 - P. */
interface Pair {
  readonly lower: Expr;
  readonly upper: Expr;
}

/** What is made of a large a, or of `LARGE` in place of another, and of how far x is from it in proportion: x = a (1 + μ). */
class Large {
  readonly a: Expr;
  readonly ratio: Expr;
  readonly #mu: Expr;
  readonly #isNear: Expr;
  readonly #curvature: Expr;
  /** √(2πa). */
  readonly #width: Expr;

  constructor(a: Expr, x: Expr) {
    this.a = a;
    this.ratio = e.div(x, a);
    const mu = e.div(e.sub(x, a), a);
    this.#isNear = e.lt(e.abs(mu), 0.45);
    this.#mu = e.where(this.#isNear, mu, 0);
    this.#curvature = curvature(this.#mu);
    this.#width = e.sqrt(e.mul(2 * Math.PI, a));
  }

  /** xᵃ e⁻ˣ / Γ(a + 1). */
  weight(): Expr {
    const near = e.mul(this.#curvature, e.square(this.#mu));
    const far = e.sub(e.sub(this.ratio, 1), e.log(e.where(this.#isNear, 1, this.ratio)));
    const excess = e.where(this.#isNear, near, far);
    return e.div(e.exp(e.neg(e.add(e.mul(this.a, excess), stirlingRest(this.a)))), this.#width);
  }

  /** Temme's expansion, for μ near 0. */
  expansion(): Pair {
    const eta = e.mul(this.#mu, e.sqrt(e.mul(2, this.#curvature)));
    const inverse = e.div(1, this.a);
    const series = TEMME.map((row) => e.polynomial(eta, row)).reduceRight((sum, row) =>
      e.add(e.mul(sum, inverse), row),
    );
    const density = e.div(e.exp(e.mul(e.mul(-0.5, this.a), e.square(eta))), this.#width);
    const rest = e.mul(density, series);
    const deviation = e.mul(eta, e.sqrt(e.mul(0.5, this.a)));
    return {
      lower: e.sub(e.mul(0.5, e.erfc(e.neg(deviation))), rest),
      upper: e.add(e.mul(0.5, e.erfc(deviation)), rest),
    };
  }
}

/** P and Q for positive, finite a and x. */
function both(a: Expr, x: Expr): Pair {
  const isLarge = e.ge(a, LARGE);
  const large = new Large(e.where(isLarge, a, LARGE), x);
  const isTemme = e.and(isLarge, e.and(e.gt(large.ratio, BELOW), e.lt(large.ratio, ABOVE)));
  const small = e.where(isLarge, 1, a);
  const logPower = e.sub(e.mul(small, e.log(x)), lgammaOfOnePlus(small));
  const weight = e.where(isLarge, large.weight(), e.exp(e.sub(logPower, x)));

  const isSmall = e.lt(x, SMALL);
  const isLow = e.or(e.lt(x, a), isSmall);
  const series = e.mul(weight, powerSeries(a, e.where(isLow, x, 0)));
  const fraction = e.mul(weight, e.mul(a, continuedFraction(e.where(isLow, 1, a), e.where(isLow, 1, x))));
  // 1 - P of small x and a: what 1 - xᵃ / Γ(a + 1) leaves, and the series without its first term.
  const others = e.mul(e.mul(e.exp(logPower), small), alternatingSeries(small, e.where(isSmall, x, 0)));
  const left = e.sub(e.neg(e.expm1(logPower)), others);
  const lower = e.where(isLow, series, e.sub(1, fraction));
  const upper = e.where(isLow, e.where(e.and(isSmall, e.not(isLarge)), left, e.sub(1, series)), fraction);
  const expansion = large.expansion();
  return {
    lower: e.where(isTemme, expansion.lower, lower),
    upper: e.where(isTemme, expansion.upper, upper),
  };
}

/** One of both, and what it is at the ends: `atZero` for x = 0 and a = ∞, the other value for a = 0 and x = ∞. */
function regularized(which: 'lower' | 'upper', atZero: 0 | 1): (a: Expr, x: Expr) => Expr {
  return (a, x) => {
    const isOrdinary = e.and(
      e.and(e.gt(a, 0), e.lt(a, Number.POSITIVE_INFINITY)),
      e.and(e.gt(x, 0), e.lt(x, Number.POSITIVE_INFINITY)),
    );
    const value = both(e.where(isOrdinary, a, 1), e.where(isOrdinary, x, 1))[which];
    const forInfiniteX = e.where(e.isInfinite(x), 1 - atZero, Number.NaN);
    const forInfiniteA = e.where(e.isInfinite(a), e.where(e.isInfinite(x), Number.NaN, atZero), forInfiniteX);
    const forZeroX = e.where(e.eq(x, 0), atZero, forInfiniteA);
    const forZeroA = e.where(e.eq(a, 0), e.where(e.gt(x, 0), 1 - atZero, Number.NaN), forZeroX);
    return e.where(isOrdinary, value, e.where(e.or(e.lt(a, 0), e.lt(x, 0)), Number.NaN, forZeroA));
  };
}

/** P(a, x) = 1 / Γ(a) ∫₀ˣ tᵃ⁻¹ e⁻ᵗ dt. */
export const igamma = regularized('lower', 0);

/** Q(a, x) = 1 - P(a, x). */
export const igammac = regularized('upper', 1);
