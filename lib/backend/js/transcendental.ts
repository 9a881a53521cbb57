import { add, type DoubleDouble, div, fastTwoSum, mul, twoSum } from './double-double.js';

/*
 * Logarithm, sine and cosine for the Box-Muller transform, to about 70 bits before the one last rounding. Any platform thus gives
 * the same double, and but for one case in 2^17 the correctly rounded one; `Math.log` and its like differ in the last bit between
 * engines and C libraries. The native core does the same operations in the same order (`native/kernels/random/random_math.h`).
 */

const exact = (hi: number): DoubleDouble => ({ hi, lo: 0 });
const ONE = exact(1);

const bits = new Uint32Array(2);
const double = new Float64Array(bits.buffer);

/** x = m 2^e with m from just below sqrt(1/2) to just below sqrt(2); x is positive and normal. */
function splitExponent(x: number): { m: number; e: number } {
  double[0] = x;
  const e = (bits[1]! >>> 20) - 1022;
  const mantissa = bits[1]! & 0xfffff;
  const small = mantissa < 0x6a09e;
  bits[1] = mantissa | (small ? 0x3ff00000 : 0x3fe00000);
  return { m: double[0], e: small ? e - 1 : e };
}

/** ln 2, the first part short enough that its products with exponents are exact. */
const LN2 = [0.693147180559933, 1.23466660414777e-14] as const;

/** The series of artanh(s) / s in z = s^2: 1, 1/3, 1/5, ... */
const ARTANH = Array.from({ length: 14 }, (_, k) => div(ONE, exact(2 * k + 1)));

/** ln x for x in (0, 1], normal: with x = 2^e m, e ln 2 + 2 artanh((m - 1) / (m + 1)). */
export function log(x: number): number {
  const { m, e } = splitExponent(x);
  const s = div(exact(m - 1), twoSum(m, 1));
  const logM = mul({ hi: 2 * s.hi, lo: 2 * s.lo }, series(ARTANH, mul(s, s)));
  return add(fastTwoSum(e * LN2[0], e * LN2[1]), logM).hi;
}

/** pi / 2 in three parts, the first two short enough that their products with quadrants are exact. */
const HALF_PI = [1.5707963267948966, 6.123233995736757e-17, 8.4784276603689e-32] as const;

/** The series of sin(r) / r and of cos(r) in z = r^2: (-1)^k / (2k + 1)! and (-1)^k / (2k)!. */
const SINE = alternatingFactorials(1);
const COSINE = alternatingFactorials(0);

/** Sine and cosine of x in [0, 8): x less a multiple of pi / 2 leaves r in [-pi/4, pi/4], to 110 bits. */
export function sinCos(x: number): { sin: number; cos: number } {
  const quadrant = Math.floor(x / HALF_PI[0] + 0.5);
  const first = twoSum(x, -quadrant * HALF_PI[0]);
  const second = twoSum(first.hi, -quadrant * HALF_PI[1]);
  const r = fastTwoSum(second.hi, second.lo + (first.lo - quadrant * HALF_PI[2]));
  const z = mul(r, r);
  const sin = mul(r, series(SINE, z)).hi;
  const cos = series(COSINE, z).hi;
  switch (quadrant % 4) {
    case 0:
      return { sin, cos };
    case 1:
      return { sin: cos, cos: -sin };
    case 2:
      return { sin: -sin, cos: -cos };
    default:
      return { sin: -cos, cos: sin };
  }
}

function alternatingFactorials(first: number): DoubleDouble[] {
  const coefficients = [ONE];
  for (let n = first; n < 22; n += 2) coefficients.push(div(coefficients.at(-1)!, exact(-(n + 1) * (n + 2))));
  return coefficients;
}

/** The sum of coefficients[k] z^k by Horner's rule; from the fifth power on the terms are so small that doubles carry enough of them. */
function series(coefficients: readonly DoubleDouble[], z: DoubleDouble): DoubleDouble {
  let tail = 0;
  for (let k = coefficients.length - 1; k > 4; k--) tail = tail * z.hi + coefficients[k]!.hi;
  let sum = exact(tail);
  for (let k = 4; k >= 0; k--) sum = add(coefficients[k]!, mul(z, sum));
  return sum;
}

/** fdlibm's ln 2: the first part is exact in products with exponents. */
const FDLIBM_LN2 = [0.6931471803691238, 1.9082149292705877e-10] as const;

/**
 * ln(1 + x) within an ulp, for x in (-1, 0] a multiple of 2^-53, so that 1 + x is exact. PyTorch's recorded streams show the C library's
 * last bits, so the method, constants and order of operations are those that C libraries share: fdlibm's s_log1p.c
 * (Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved. Developed at SunPro. Permission to use, copy, modify, and
 * distribute this software is freely granted, provided that this notice is preserved.)
 */
export function log1p(x: number): number {
  if (x > -(2 ** -29)) return x - x * x * 0.5;
  if (x > -0.2928934097290039) {
    const half = 0.5 * x * x;
    return x - (half - log1pSeries(x, half));
  }
  const { m, e } = splitExponent(1 + x);
  const f = m - 1;
  const scale = e * FDLIBM_LN2[0];
  const scaleLow = e * FDLIBM_LN2[1];
  const half = 0.5 * f * f;
  if (f === 0) return scale + scaleLow;
  if (f >= -1.5 * 2 ** -20 && f < 2 ** -20) return scale - (half * (1 - 0.6666666666666666 * f) - scaleLow - f);
  return scale - (half - (log1pSeries(f, half) + scaleLow) - f);
}

/** ln(1 + f) - f + half, where half = f^2 / 2. */
function log1pSeries(f: number, half: number): number {
  const s = f / (2 + f);
  const z = s * s;
  const z2 = z * z;
  const z4 = z2 * z2;
  const r1 = z * 0.6666666666666735;
  const r2 = 0.3999999999940942 + z * 0.2857142874366239;
  const r3 = 0.22222198432149784 + z * 0.1818357216161805;
  const r4 = 0.15313837699209373 + z * 0.14798198605116586;
  return s * (half + (r1 + z2 * r2 + z4 * r3 + z4 * z2 * r4));
}
