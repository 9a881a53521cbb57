import { fmaf } from './fused.js';

/*
 * Logarithm, sine and cosine in float32 as PyTorch's vector kernels compute them for normals (polynomials after Cephes).
 * Every operation is rounded, and a multiply-add that is fused there is fused here.
 */

const f = Math.fround;
const constants = (...values: number[]): readonly number[] => values.map(f);

const LOG = constants(
  7.0376836292e-2,
  -1.151461031e-1,
  1.167699874e-1,
  -1.2420140846e-1,
  1.4249322787e-1,
  -1.6668057665e-1,
  2.0000714765e-1,
  -2.4999993993e-1,
  3.3333331174e-1,
);
const SQRT_HALF = f(Math.SQRT1_2);
const LN2_HI = f(0.693359375);
const LN2_LO = f(-2.1219444e-4);

const bits = new Int32Array(1);
const float = new Float32Array(bits.buffer);

/** ln x for positive, normal x. */
export function logFloat(x: number): number {
  float[0] = x;
  let e = (bits[0]! >> 23) - 126;
  bits[0] = (bits[0]! & 0x7fffff) | 0x3f000000;
  let m = float[0] - 1;
  if (float[0] < SQRT_HALF) {
    m = f(m + float[0]);
    e -= 1;
  }
  const z = f(m * m);
  let y = f(horner(LOG, m) * m);
  y = fmaf(z, y, f(e * LN2_LO));
  y = fmaf(z, -0.5, y);
  return fmaf(e, LN2_HI, f(m + y));
}

const FOUR_OVER_PI = f(1.27323954473516);
const QUARTER_PI = constants(-0.78515625, -0.00024187564849853516, -3.774894977445941e-8);
const SINE = constants(-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1);
const COSINE = constants(2.443315711809948e-5, -0.001388731625493765, 0.04166664568298827);

/** Sine and cosine of x >= 0, of moderate size. */
export function sinCosFloat(x: number): { sin: number; cos: number } {
  const octant = (Math.trunc(f(x * FOUR_OVER_PI)) + 1) & ~1;
  let r = x;
  for (const part of QUARTER_PI) r = fmaf(octant, part, r);
  const z = f(r * r);
  const t = f(z * horner(COSINE, z));
  const c = f(fmaf(z, t, f(-0.5 * z)) + 1);
  const s = fmaf(r, f(horner(SINE, z) * z), r);
  const swapped = (octant & 2) !== 0;
  const sin = swapped ? c : s;
  const cos = swapped ? s : c;
  return { sin: (octant & 4) !== 0 ? -sin : sin, cos: ((octant - 2) & 4) === 0 ? -cos : cos };
}

function horner(coefficients: readonly number[], x: number): number {
  let sum = coefficients[0]!;
  for (let k = 1; k < coefficients.length; k++) sum = fmaf(sum, x, coefficients[k]!);
  return sum;
}
