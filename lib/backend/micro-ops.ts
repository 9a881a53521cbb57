/**
 * The micro-operations: the vocabulary of micro-programs, in the order both sides of the native seam number them
 * (`native/micro_ops.h` has the same rows with SIMD bodies; the loader compares the names and refuses a mismatch).
 *
 * A body computes in doubles; a float32 program rounds once per operation, when the value is stored. Comparisons
 * give 0 or 1. `min` and `max` propagate NaN, as PyTorch's do; `round` rounds half to even; `where` takes `b` where `a` is not 0.
 */
interface MicroOpInfo {
  readonly arity: 0 | 1 | 2 | 3;
  readonly apply: (a: number, b: number, c: number) => number;
}

const unary = (apply: (a: number) => number): MicroOpInfo => ({ arity: 1, apply });
const binary = (apply: (a: number, b: number) => number): MicroOpInfo => ({ arity: 2, apply });

export const microOps = {
  /** The element's position along the folded axes, counted in row-major order. */
  position: { arity: 0, apply: () => Number.NaN },
  copy: unary((a) => a),
  /** A row value where an element is wanted: repeated over its row. */
  expand: unary((a) => a),

  neg: unary((a) => -a),
  abs: unary(Math.abs),
  sign: unary(Math.sign),
  floor: unary(Math.floor),
  ceil: unary(Math.ceil),
  round: unary(roundHalfEven),
  trunc: unary(Math.trunc),
  sqrt: unary(Math.sqrt),
  rsqrt: unary((a) => 1 / Math.sqrt(a)),
  exp: unary(Math.exp),
  exp2: unary((a) => 2 ** a),
  expm1: unary(Math.expm1),
  log: unary(Math.log),
  log2: unary(Math.log2),
  log1p: unary(Math.log1p),
  sin: unary(Math.sin),
  cos: unary(Math.cos),
  tan: unary(Math.tan),
  asin: unary(Math.asin),
  acos: unary(Math.acos),
  atan: unary(Math.atan),
  sinh: unary(Math.sinh),
  cosh: unary(Math.cosh),
  tanh: unary(Math.tanh),
  asinh: unary(Math.asinh),
  acosh: unary(Math.acosh),
  atanh: unary(Math.atanh),
  sigmoid: unary((a) => 1 / (1 + Math.exp(-a))),
  erf: unary(erf),
  erfc: unary(erfc),

  add: binary((a, b) => a + b),
  sub: binary((a, b) => a - b),
  mul: binary((a, b) => a * b),
  div: binary((a, b) => a / b),
  pow: binary(pow),
  min: binary(Math.min),
  max: binary(Math.max),
  eq: binary((a, b) => Number(a === b)),
  ne: binary((a, b) => Number(a !== b)),
  lt: binary((a, b) => Number(a < b)),
  le: binary((a, b) => Number(a <= b)),
  gt: binary((a, b) => Number(a > b)),
  ge: binary((a, b) => Number(a >= b)),

  where: { arity: 3, apply: (a, b, c) => (a !== 0 ? b : c) },
} as const satisfies Record<string, MicroOpInfo>;

export type MicroOp = keyof typeof microOps;

export const microOpNames = Object.keys(microOps) as MicroOp[];
export const microOpCode = Object.fromEntries(microOpNames.map((name, code) => [name, code])) as Record<
  MicroOp,
  number
>;

/**
 * Folds: how a stage of a row program turns the elements of a row into one value. NaN wins in `min`, `max` and in
 * both arg folds; the first of equal elements wins. Over no elements: 0, 1, +Infinity, -Infinity, 0, 0.
 */
export const foldNames = ['sum', 'prod', 'min', 'max', 'argmin', 'argmax'] as const;
export type Fold = (typeof foldNames)[number];

function roundHalfEven(a: number): number {
  const rounded = Math.round(a);
  const tie = Math.abs(a - Math.trunc(a)) === 0.5;
  const even = tie && rounded % 2 !== 0 ? rounded - 1 : rounded;
  return even === 0 ? 0 * Math.sign(a) || a * 0 : even;
}

/** C's pow: unlike JavaScript's, 1 to any power and (-1) to an infinite power are 1. */
function pow(a: number, b: number): number {
  if (a === 1 || (a === -1 && Math.abs(b) === Number.POSITIVE_INFINITY)) return 1;
  return a ** b;
}

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

/** erf(x) = 2/sqrt(pi) * integral of exp(-t^2) from 0 to x; the Kummer series below 2, 1 - erfc above. */
function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 2) return Math.sign(x) * (1 - erfcTail(a));
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return TWO_OVER_SQRT_PI * Math.exp(-x * x) * sum;
}

/** erfc(x) = 1 - erf(x), without cancellation for large x. */
function erfc(x: number): number {
  return x > 2 ? erfcTail(x) : 1 - erf(x);
}

/** erfc for x > 2 as exp(-x^2)/sqrt(pi) times a continued fraction, evaluated from its tail. */
function erfcTail(x: number): number {
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}
