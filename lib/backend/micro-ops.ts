import { bitAnd, erf, erfc, pow, roundHalfEven, sigmoid, sign } from './scalar-math.js';

/**
 * The micro-operations: the vocabulary of micro-programs, in the order both sides of the native seam number them
 * (`native/micro_ops.h` has the same rows with SIMD bodies; the loader compares the names and refuses a mismatch).
 *
 * A body computes in doubles; a float32 program rounds once per operation, when the value is stored. Comparisons
 * give 0 or 1. As PyTorch's do, `min` and `max` propagate NaN, `round` rounds half to even, and the `sign` of NaN is 0.
 * `where` takes `b` where `a` is not 0.
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
  sign: unary(sign),
  floor: unary(Math.floor),
  ceil: unary(Math.ceil),
  round: unary(roundHalfEven),
  trunc: unary(Math.trunc),
  relu: unary((a) => (a <= 0 ? 0 : a)),
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
  sigmoid: unary(sigmoid),
  erf: unary(erf),
  erfc: unary(erfc),

  add: binary((a, b) => a + b),
  sub: binary((a, b) => a - b),
  mul: binary((a, b) => a * b),
  div: binary((a, b) => a / b),
  pow: binary(pow),
  /** What is left of `a` when multiples of `b` are taken away towards 0; exact. */
  fmod: binary((a, b) => a % b),
  /** Of int32; 0 if either is none. */
  bitAnd: binary(bitAnd),
  min: binary((a, b) => Math.min(a, b)),
  max: binary((a, b) => Math.max(a, b)),
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
