import { twoProduct, twoSum } from './double-double.js';

/** a * b + c of float32 numbers with one rounding, to float32. */
export function fmaf(a: number, b: number, c: number): number {
  const product = a * b;
  const sum = product + c;
  const nearest = Math.fround(sum);
  const distance = sum - nearest;
  const other = sum + distance;
  if (distance === 0 || Math.fround(other) !== other) return nearest;
  // The double sum is a tie between two floats. If it was itself rounded, what that lost decides.
  const error = twoSum(product, c).lo;
  return error !== 0 && error > 0 === distance > 0 ? other : nearest;
}

/**
 * a * b + c with one rounding (Boldo and Melquiond 2008): the exact sum is reduced to two doubles, the lower of which is
 * rounded to odd, so that adding them rounds as the exact sum does.
 */
export function fma(a: number, b: number, c: number): number {
  const product = twoProduct(a, b);
  const low = twoSum(c, product.lo);
  const high = twoSum(product.hi, low.hi);
  const result = high.hi + addToOdd(low.lo, high.lo);
  // Beyond 2^996 twoProduct overflows; there is no precision to gain there.
  return Number.isFinite(result) ? result : a * b + c;
}

const bits = new BigInt64Array(1);
const double = new Float64Array(bits.buffer);

/** a + b; of the two doubles around an inexact sum, the one whose last bit is 1. */
function addToOdd(a: number, b: number): number {
  const { hi: sum, lo: error } = twoSum(a, b);
  double[0] = sum;
  if (error === 0 || (bits[0]! & 1n) === 1n) return sum;
  bits[0]! += sum > 0 === error > 0 ? 1n : -1n;
  return double[0];
}
