import type { Expr } from '../../expr/index.js';
import * as e from '../../expr/index.js';

// The modified Bessel functions of the first kind, of orders 0 and 1, as expressions in float64.

/** Up to here the power series, whose terms are all positive, beyond it the asymptotic one. */
const FAR = 20;
const POWERS = 40;
const INVERSE_POWERS = 26;

/** Iₙ(x) = (x/2)ⁿ Σ (x²/4)ᵏ / (k! (n + k)!). */
function powerCoefficients(order: number): number[] {
  const coefficients = [1];
  for (let k = 1; k < POWERS; k++) coefficients.push(coefficients[k - 1]! / (k * (k + order)));
  return coefficients;
}

/** √(2πx) e⁻ˣ Iₙ(x) ~ Σ aₖ / xᵏ, aₖ = -aₖ₋₁ (4n² - (2k - 1)²) / 8k. */
function inverseCoefficients(order: number): number[] {
  const coefficients = [1];
  for (let k = 1; k < INVERSE_POWERS; k++) {
    coefficients.push((-coefficients[k - 1]! * (4 * order ** 2 - (2 * k - 1) ** 2)) / (8 * k));
  }
  return coefficients;
}

/** e⁻|x| Iₙ(x) in two parts: what the power series gives without the exponential, and what is left of the asymptotic one. */
function parts(order: number, x: Expr): { isFar: Expr; near: Expr; far: Expr } {
  const size = e.abs(x);
  const isFar = e.gt(size, FAR);
  const small = e.where(isFar, 0, x);
  const large = e.where(isFar, size, FAR);
  const quarter = e.mul(e.square(small), 0.25);
  const series = e.polynomial(quarter, powerCoefficients(order));
  const near = order === 0 ? series : e.mul(e.mul(small, 0.5), series);
  const inverse = e.div(1, large);
  const asymptotic = e.div(e.polynomial(inverse, inverseCoefficients(order)), e.sqrt(e.mul(2 * Math.PI, large)));
  return { isFar, near, far: order === 1 ? e.where(e.lt(x, 0), e.neg(asymptotic), asymptotic) : asymptotic };
}

/** Iₙ(x), n 0 or 1. */
export function besselI(order: 0 | 1, x: Expr): Expr {
  const { isFar, near, far } = parts(order, x);
  return e.where(isFar, e.mul(e.exp(e.where(isFar, e.abs(x), 0)), far), near);
}

/** e⁻|x| Iₙ(x), n 0 or 1. */
export function scaledBesselI(order: 0 | 1, x: Expr): Expr {
  const { isFar, near, far } = parts(order, x);
  return e.where(isFar, far, e.mul(e.exp(e.neg(e.where(isFar, 0, e.abs(x)))), near));
}
