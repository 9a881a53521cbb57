/** Scalar functions that `Math` lacks, or that it rounds or defines differently from C and PyTorch. */

/** -1, 0 or 1; 0 for NaN. */
export const sign = (a: number): number => Number(a > 0) - Number(a < 0);

/** Rounds half to even; -0.4 gives -0. */
export function roundHalfEven(a: number): number {
  const rounded = Math.round(a);
  return rounded - a === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** C's pow: unlike JavaScript's, 1 to any power and (-1) to an infinite power are 1. */
export function pow(a: number, b: number): number {
  if (a === 1 || (a === -1 && Math.abs(b) === Number.POSITIVE_INFINITY)) return 1;
  return a ** b;
}

/** The bits that both integers have, in two's complement; 0 if either is no int32. */
export const bitAnd = (a: number, b: number): number => (a === (a | 0) && b === (b | 0) ? a & b : 0);

/** 1 / (1 + exp(-a)), without overflow where a is very negative. */
export function sigmoid(a: number): number {
  if (a >= 0) return 1 / (1 + Math.exp(-a));
  const e = Math.exp(a);
  return e / (1 + e);
}

/** erf(x) = 2/sqrt(pi) * integral of exp(-t^2) from 0 to x: its Taylor series up to 1, 1 - erfc beyond. */
export function erf(x: number): number {
  if (x > 1) return 1 - erfcTail(x);
  if (x < -1) return erfcTail(-x) - 1;
  const square = x * x;
  let sum = 0;
  for (let n = erfSeries.length - 1; n >= 0; n--) sum = sum * square + erfSeries[n]!;
  return sum * x;
}

/** erfc(x) = 1 - erf(x), without cancellation where it is small. */
export function erfc(x: number): number {
  return x > 0.5 ? erfcTail(x) : 1 - erf(x);
}

/** (-1)^n * 2/sqrt(pi) / (n! * (2n + 1)), until they no longer count at x = 1. */
const erfSeries = Float64Array.from({ length: 20 }, (_, n) => {
  let factorial = 1;
  for (let i = 2; i <= n; i++) factorial *= -i;
  return (n === 0 ? 2 : -2) / Math.sqrt(Math.PI) / (factorial * (2 * n + 1));
});

/**
 * erfc for x > 0 as exp(-x^2) / (1 + 2x) times a Chebyshev series in (x - 3.75) / (x + 3.75), after Shepherd and Laframboise,
 * "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x in 0 <= x < infinity" (1981); summed by Clenshaw's recurrence.
 */
function erfcTail(x: number): number {
  if (x > 28) return 0;
  const t = (2 * (x - 3.75)) / (x + 3.75);
  let current = 0;
  let previous = 0;
  for (let n = erfcSeries.length - 1; n > 0; n--) {
    const next = t * current - previous + erfcSeries[n]!;
    previous = current;
    current = next;
  }
  const series = (t / 2) * current - previous + erfcSeries[0]!;
  return (expOfMinusSquare(x) * series) / (1 + 2 * x);
}

/** exp(-x^2) where rounding x^2 would cost digits: the square of a float32 is exact, and the rest of it is small. */
function expOfMinusSquare(x: number): number {
  const head = Math.fround(x);
  return Math.exp(-head * head) * Math.exp((head - x) * (head + x));
}

/** Coefficients of the series that `erfcTail` sums. */
export const erfcSeries = Float64Array.of(
  1.1775789345674017,
  -0.004590054580646478,
  -0.08424913336651792,
  0.05920993999819189,
  -0.026658668435305753,
  0.009074997670705265,
  -0.002413163540417608,
  0.0004907758365258086,
  -6.916973302501207e-5,
  4.13902798607301e-6,
  7.74038306619849e-7,
  -2.1886401049234397e-7,
  1.076499946567091e-8,
  4.521959811218287e-9,
  -7.754400208831351e-10,
  -6.318088340886684e-11,
  2.86879501093067e-11,
  1.9455868545777347e-13,
  -9.65469674843344e-13,
  3.25254814814874e-14,
  3.3478119482868056e-14,
  -1.864562880419313e-15,
  -1.2507950530688648e-15,
  7.418235256624044e-17,
  5.068148904796111e-17,
);
