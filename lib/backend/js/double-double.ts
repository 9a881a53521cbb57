/** An unevaluated sum of two doubles with |lo| at most half an ulp of hi: about 106 bits. */
export interface DoubleDouble {
  readonly hi: number;
  readonly lo: number;
}

/** a + b exactly (Knuth). */
export function twoSum(a: number, b: number): DoubleDouble {
  const hi = a + b;
  const t = hi - a;
  return { hi, lo: a - (hi - t) + (b - t) };
}

/** a + b exactly, if |a| >= |b| (Dekker). */
export function fastTwoSum(a: number, b: number): DoubleDouble {
  const hi = a + b;
  return { hi, lo: b - (hi - a) };
}

/** a * b exactly (Dekker). */
export function twoProduct(a: number, b: number): DoubleDouble {
  const hi = a * b;
  const [a1, b1] = [upperHalf(a), upperHalf(b)];
  const [a0, b0] = [a - a1, b - b1];
  return { hi, lo: a1 * b1 - hi + a1 * b0 + a0 * b1 + a0 * b0 };
}

export function add(a: DoubleDouble, b: DoubleDouble): DoubleDouble {
  const s = twoSum(a.hi, b.hi);
  return fastTwoSum(s.hi, s.lo + (a.lo + b.lo));
}

export function mul(a: DoubleDouble, b: DoubleDouble): DoubleDouble {
  const p = twoProduct(a.hi, b.hi);
  return fastTwoSum(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
}

export function div(a: DoubleDouble, b: DoubleDouble): DoubleDouble {
  const q = a.hi / b.hi;
  const p = twoProduct(q, b.hi);
  return fastTwoSum(q, (a.hi - p.hi - p.lo + a.lo - q * b.lo) / b.hi);
}

/** The upper 26 bits of a: products of such halves are exact. */
function upperHalf(a: number): number {
  const t = 134217729 * a;
  return t - (t - a);
}
