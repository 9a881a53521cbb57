import { isFloat } from '../backend/dtype.js';
import { DTypeError, ShapeError, ValueError } from '../errors.js';
import type { Expr, ExprLike } from '../expr/index.js';
import * as e from '../expr/index.js';
import { checkOptions } from '../options.js';
import { type Binary, binary, type Operand, Pointwise, type Unary, unary, writeInPlace } from './elementwise.js';
import { checkInteger, describe, show } from './shape.js';
import { Tensor } from './tensor.js';

// One row per operation: its expression. Gradients, SIMD and JS loops, in-place forms (`relu_`) and methods follow from it.
// Every unary function takes a Tensor (or, inside `elementwise`, an expression) and keeps its shape; PyTorch's page of the same name has the plots.

const noBool = (hint: string) => ({ refuse: { dtype: 'bool' as const, hint } });

/** -x. Not for bool tensors: use `logicalNot`. */
export const neg: Unary = unary('neg', e.neg, noBool('use logicalNot'));
/** |x|; the derivative at 0 is 0. */
export const abs: Unary = unary('abs', e.abs);
/** -1, 0 or 1. */
export const sign: Unary = unary('sign', e.sign);
/** The largest integer not above x. */
export const floor: Unary = unary('floor', e.floor);
/** The smallest integer not below x. */
export const ceil: Unary = unary('ceil', e.ceil);
/** The integer part of x. */
export const trunc: Unary = unary('trunc', e.trunc);
/** x². */
export const square: Unary = unary('square', e.square);
/** √x. */
export const sqrt: Unary = unary('sqrt', e.sqrt, { result: 'float' });
/** 1 / √x. */
export const rsqrt: Unary = unary('rsqrt', e.rsqrt, { result: 'float' });
/** 1 / x. */
export const reciprocal: Unary = unary('reciprocal', (x) => e.div(1, x), { result: 'float' });
/** eˣ. */
export const exp: Unary = unary('exp', e.exp, { result: 'float' });
/** 2ˣ. */
export const exp2: Unary = unary('exp2', e.exp2, { result: 'float' });
/** eˣ - 1, accurate near 0. */
export const expm1: Unary = unary('expm1', e.expm1, { result: 'float' });
/** Natural logarithm. */
export const log: Unary = unary('log', e.log, { result: 'float' });
/** Logarithm to base 2. */
export const log2: Unary = unary('log2', e.log2, { result: 'float' });
/** Logarithm to base 10. */
export const log10: Unary = unary('log10', (x) => e.mul(e.log(x), Math.LOG10E), { result: 'float' });
/** log(1 + x), accurate near 0. */
export const log1p: Unary = unary('log1p', e.log1p, { result: 'float' });
export const sin: Unary = unary('sin', e.sin, { result: 'float' });
export const cos: Unary = unary('cos', e.cos, { result: 'float' });
export const tan: Unary = unary('tan', e.tan, { result: 'float' });
export const asin: Unary = unary('asin', e.asin, { result: 'float' });
export const acos: Unary = unary('acos', e.acos, { result: 'float' });
export const atan: Unary = unary('atan', e.atan, { result: 'float' });
export const sinh: Unary = unary('sinh', e.sinh, { result: 'float' });
export const cosh: Unary = unary('cosh', e.cosh, { result: 'float' });
export const tanh: Unary = unary('tanh', e.tanh, { result: 'float' });
export const asinh: Unary = unary('asinh', e.asinh, { result: 'float' });
export const acosh: Unary = unary('acosh', e.acosh, { result: 'float' });
export const atanh: Unary = unary('atanh', e.atanh, { result: 'float' });
/** 1 / (1 + e⁻ˣ). */
export const sigmoid: Unary = unary('sigmoid', e.sigmoid, { result: 'float' });
/** (2/√π) ∫₀ˣ e^(-t²) dt. */
export const erf: Unary = unary('erf', e.erf, { result: 'float' });
/** 1 - erf(x), without cancellation. */
export const erfc: Unary = unary('erfc', e.erfc, { result: 'float' });
/** max(x, 0); the derivative at 0 is 0, and NaN stays NaN. */
export const relu: Unary = unary('relu', (x) => e.where(e.le(x, 0), 0, x));
export const isnan: Unary = unary('isnan', (x) => e.ne(x, x), { result: 'bool' });
export const isinf: Unary = unary('isinf', (x) => e.eq(e.abs(x), Number.POSITIVE_INFINITY), { result: 'bool' });
export const isfinite: Unary = unary('isfinite', (x) => e.lt(e.abs(x), Number.POSITIVE_INFINITY), { result: 'bool' });
export const logicalNot: Unary = unary('logicalNot', e.not, { result: 'bool' });

const plus: Binary = binary('add', e.add);
const minus: Binary = binary('sub', e.sub, noBool('use logicalXor'));
const scaledAdd = new Pointwise('add', (a, b, alpha) => e.add(a, e.mul(b!, alpha!)), {}, 3);
const scaledSub = new Pointwise('sub', (a, b, alpha) => e.sub(a!, e.mul(b!, alpha!)), noBool('use logicalXor'), 3);

export interface AlphaOptions {
  /** Multiplies the second operand. Default: 1. */
  alpha?: number;
}

function alphaOf(op: string, options: AlphaOptions): number {
  checkOptions(op, options, ['alpha']);
  return options.alpha ?? 1;
}

/** a + alpha · b. */
export function add(a: Expr, b: ExprLike): Expr;
export function add(a: ExprLike, b: Expr): Expr;
export function add(a: Operand, b: Operand, options?: AlphaOptions): Tensor;
export function add(a: Operand | Expr, b: Operand | Expr, options?: AlphaOptions): Tensor | Expr {
  const alpha = options === undefined ? 1 : alphaOf('add', options);
  return alpha === 1 ? plus(a as Tensor, b as Tensor) : scaledAdd.call([a, b, alpha]);
}

/** a - alpha · b. */
export function sub(a: Expr, b: ExprLike): Expr;
export function sub(a: ExprLike, b: Expr): Expr;
export function sub(a: Operand, b: Operand, options?: AlphaOptions): Tensor;
export function sub(a: Operand | Expr, b: Operand | Expr, options?: AlphaOptions): Tensor | Expr {
  const alpha = options === undefined ? 1 : alphaOf('sub', options);
  return alpha === 1 ? minus(a as Tensor, b as Tensor) : scaledSub.call([a, b, alpha]);
}

/** x + alpha · other, in place. */
export const add_ = (x: Tensor, other: Operand, options: AlphaOptions = {}): Tensor =>
  scaledAdd.applyInPlace(x, [other, alphaOf('add_', options)]);

/** x - alpha · other, in place. */
export const sub_ = (x: Tensor, other: Operand, options: AlphaOptions = {}): Tensor =>
  scaledSub.applyInPlace(x, [other, alphaOf('sub_', options)]);

/** b - alpha · a. */
export const rsub = (a: Operand, b: Operand, options?: AlphaOptions): Tensor => sub(b, a, options);

/** a · b. */
export const mul: Binary = binary('mul', e.mul);

const quotient = new Pointwise('div', e.div as (...args: Expr[]) => Expr, { result: 'float' }, 2);
const divideTrunc: Binary = binary('div', (a, b) => e.trunc(e.div(a, b)));
const divideFloor: Binary = binary('div', floorDivide);

/** Python's floor division, exact where the rounded quotient would not be: by way of the remainder's sign. */
function floorDivide(a: Expr, b: Expr): Expr {
  const quotient = e.div(a, b);
  const floored = e.floor(quotient);
  const remainder = e.sub(a, e.mul(floored, b));
  const over = e.where(e.lt(b, 0), e.gt(remainder, 0), e.lt(remainder, 0));
  const finite = e.lt(e.abs(quotient), Number.POSITIVE_INFINITY);
  return e.where(e.and(finite, over), e.sub(floored, 1), floored);
}

export interface DivOptions {
  /** `'trunc'` rounds the quotient towards 0, `'floor'` down; integers then stay integers. Default: null, the true quotient. */
  roundingMode?: 'trunc' | 'floor' | null;
}

/** a / b; of integers too, unless a rounding mode is given. */
export function div(a: Expr, b: ExprLike): Expr;
export function div(a: ExprLike, b: Expr): Expr;
export function div(a: Operand, b: Operand, options?: DivOptions): Tensor;
export function div(a: Operand | Expr, b: Operand | Expr, options: DivOptions = {}): Tensor | Expr {
  checkOptions('div', options, ['roundingMode']);
  const { roundingMode = null } = options;
  if (roundingMode === null) return quotient.call([a, b]);
  if (roundingMode === 'trunc') return divideTrunc(a as Tensor, b as Tensor);
  if (roundingMode === 'floor') return divideFloor(a as Tensor, b as Tensor);
  throw new ValueError(`div: roundingMode must be 'trunc', 'floor' or null, got ${describe(roundingMode)}`);
}

/** x / other, in place. */
export const div_ = (x: Tensor, other: Operand): Tensor => quotient.applyInPlace(x, [other]);

const power = new Pointwise('pow', e.pow as (...args: Expr[]) => Expr, {}, 2);
const powers = new Map<number, Unary>();

/** The exponents that need no pow, each an operation of its own. */
function fixedPower(exponent: number): Unary {
  let operation = powers.get(exponent);
  if (operation === undefined) {
    operation = unary('pow', (x) => e.pow(x, exponent), { result: Number.isInteger(exponent) ? 'promote' : 'float' });
    powers.set(exponent, operation);
  }
  return operation;
}

const CHEAP_EXPONENTS = [1, 2, 3, 0.5, -0.5, -1, -2];

/**
 * aᵇ.
 *
 * @throws ValueError for integers to a negative integer power
 */
export function pow(a: Expr, b: ExprLike): Expr;
export function pow(a: ExprLike, b: Expr): Expr;
export function pow(a: Operand, b: Operand): Tensor;
export function pow(a: Operand | Expr, b: Operand | Expr): Tensor | Expr {
  if (typeof a === 'number' && typeof b === 'number') throw new ValueError('pow: expected a Tensor, got two numbers');
  if (a instanceof Tensor && typeof b === 'number') {
    if (!(a.dtype === 'float32' || a.dtype === 'float64') && Number.isInteger(b) && b < 0) {
      throw new ValueError(
        `pow: integers to a negative power are not integers, got exponent ${b}; convert with .float() first`,
      );
    }
    if (CHEAP_EXPONENTS.includes(b)) return fixedPower(b)(a);
  }
  return power.call([a, b]);
}

/** x to the power of `exponent`, in place. */
export const pow_ = (x: Tensor, exponent: Operand): Tensor => power.applyInPlace(x, [exponent]);

/** The larger of two tensors; NaN wins, and equal ones share the gradient. */
export const maximum: Binary = binary('maximum', e.max, { numbers: 'none' });
/** The smaller of two tensors; NaN wins, and equal ones share the gradient. */
export const minimum: Binary = binary('minimum', e.min, { numbers: 'none' });

const comparison = (name: string, build: (a: Expr, b: Expr) => Expr): Binary =>
  binary(name, build, { result: 'bool', numbers: 'not first' });

export const eq: Binary = comparison('eq', e.eq);
export const ne: Binary = comparison('ne', e.ne);
export const lt: Binary = comparison('lt', e.lt);
export const le: Binary = comparison('le', e.le);
export const gt: Binary = comparison('gt', e.gt);
export const ge: Binary = comparison('ge', e.ge);
export const logicalAnd: Binary = comparison('logicalAnd', e.and);
export const logicalOr: Binary = comparison('logicalOr', e.or);
export const logicalXor: Binary = comparison('logicalXor', (a, b) => e.ne(e.ne(a, 0), e.ne(b, 0)));

const softplusFormula = new Pointwise(
  'softplus',
  (x, beta, threshold) => {
    const scaled = e.mul(x!, beta!);
    const linear = e.gt(scaled, threshold!);
    // Guarded twice, so that the exponential of the linear side cannot overflow into the derivative.
    return e.where(linear, x!, e.div(e.log1p(e.exp(e.where(linear, 0, scaled))), beta!));
  },
  { result: 'float' },
  3,
);

/** log(1 + e^(beta x)) / beta, and x itself where beta x is above the threshold. */
export function softplus(x: Expr, beta?: number, threshold?: number): Expr;
export function softplus(x: Tensor, beta?: number, threshold?: number): Tensor;
export function softplus(x: Expr | Tensor, beta = 1, threshold = 20): Expr | Tensor {
  return softplusFormula.call([x, beta, threshold]);
}

const selection = new Pointwise('where', e.where as (...args: Expr[]) => Expr, { conditions: 1 }, 3);

/**
 * Elements of `a` where the condition is true (not 0), of `b` elsewhere; all three broadcast.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.where.html
 */
export function where(condition: Expr, a: ExprLike, b: ExprLike): Expr;
export function where(condition: Tensor, a: Operand, b: Operand): Tensor;
export function where(condition: Tensor | Expr, a: Operand | Expr, b: Operand | Expr): Tensor | Expr {
  return selection.call([condition, a, b]);
}

const clampBoth = new Pointwise(
  'clamp',
  (x, low, high) => e.min(e.max(x!, low!), high!),
  { gradient: clampGradient },
  3,
);
const clampLow = new Pointwise('clamp', (x, low) => e.max(x!, low!), { gradient: clampLowGradient }, 2);
const clampHigh = new Pointwise('clamp', (x, high) => e.min(x!, high!), { gradient: clampHighGradient }, 2);

/** At a bound itself the gradient goes to x. */
function clampGradient(g: Expr, _: Expr, x: Expr, low: Expr, high: Expr): Expr[] {
  const inside = e.and(e.ge(x, low), e.le(x, high));
  const below = e.and(e.lt(x, low), e.lt(low, high));
  const above = e.or(e.gt(x, high), e.lt(high, low));
  return [e.where(inside, g, 0), e.where(below, g, 0), e.where(above, g, 0)];
}

function clampLowGradient(g: Expr, _: Expr, x: Expr, low: Expr): Expr[] {
  return [e.where(e.ge(x, low), g, 0), e.where(e.lt(x, low), g, 0)];
}

function clampHighGradient(g: Expr, _: Expr, x: Expr, high: Expr): Expr[] {
  return [e.where(e.le(x, high), g, 0), e.where(e.gt(x, high), g, 0)];
}

/**
 * min(max(x, low), high); either bound may be left out, and both may be tensors. NaN stays NaN.
 *
 * @throws ValueError if both bounds are missing
 * @see https://pytorch.org/docs/stable/generated/torch.clamp.html
 */
export function clamp(x: Expr, low: ExprLike | null | undefined, high?: ExprLike | null): Expr;
export function clamp(x: Tensor, low: Operand | null | undefined, high?: Operand | null): Tensor;
export function clamp(x: Tensor | Expr, low?: Operand | Expr | null, high?: Operand | Expr | null): Tensor | Expr {
  const [operation, operands] = clampOperation(low ?? null, high ?? null);
  return operation.call([x, ...operands]);
}

function clampOperation<T>(low: T | null, high: T | null): [Pointwise, T[]] {
  if (low !== null && high !== null) return [clampBoth, [low, high]];
  if (low !== null) return [clampLow, [low]];
  if (high !== null) return [clampHigh, [high]];
  throw new ValueError('clamp: expected a lower or an upper bound, got neither');
}

/** `clamp` in place. */
export function clamp_(x: Tensor, low?: Operand | null, high?: Operand | null): Tensor {
  const [operation, operands] = clampOperation(low ?? null, high ?? null);
  return operation.applyInPlace(x, operands);
}

/** max(x, low). */
export const clampMin = (x: Tensor, low: Operand): Tensor => clamp(bounded('clampMin', x), low);
/** min(x, high). */
export const clampMax = (x: Tensor, high: Operand): Tensor => clamp(bounded('clampMax', x), null, high);

function bounded(op: string, x: Tensor): Tensor {
  if (x instanceof Tensor) return x;
  throw new ValueError(`${op}: expected a Tensor, got ${describe(x)}`);
}

const tenTo = (decimals: number): number => 10 ** Math.abs(decimals);
const roundWhole: Unary = unary('round', e.round);
const roundFine = new Pointwise('round', (x, scale) => e.div(e.round(e.mul(x!, scale!)), scale!), {}, 2);
const roundCoarse = new Pointwise('round', (x, scale) => e.mul(e.round(e.div(x!, scale!)), scale!), {}, 2);

export interface RoundOptions {
  /** Decimal places to keep; negative ones round to tens, hundreds, … Default: 0. */
  decimals?: number;
}

/** The nearest integer, halves to the even one. */
export function round(x: Expr): Expr;
export function round(x: Tensor, options?: RoundOptions): Tensor;
export function round(x: Tensor | Expr, options: RoundOptions = {}): Tensor | Expr {
  checkOptions('round', options, ['decimals']);
  const { decimals = 0 } = options;
  checkInteger('round', 'decimals', decimals, Number.MIN_SAFE_INTEGER);
  if (decimals === 0) return roundWhole(x as Tensor);
  return (decimals > 0 ? roundFine : roundCoarse).call([x, tenTo(decimals)]);
}

const masking = new Pointwise('maskedFill', (x, mask, value) => e.where(mask!, value!, x!), {}, 3);

function checkMasking(x: Tensor, mask: Tensor, value: Operand): void {
  if (!(mask instanceof Tensor) || mask.dtype !== 'bool') {
    throw new DTypeError(
      `maskedFill: the mask must be a bool tensor, got ${mask instanceof Tensor ? mask.dtype : describe(mask)}`,
    );
  }
  if (value instanceof Tensor && value.ndim > 0) {
    throw new ShapeError(`maskedFill: the value must be a number or a 0-d tensor, got shape ${show(value.shape)}`);
  }
  const fraction = typeof value === 'number' ? !Number.isInteger(value) : isFloat(value.dtype);
  if (fraction && !isFloat(x.dtype)) throw new DTypeError(`maskedFill: cannot fill a ${x.dtype} tensor with a float`);
}

/**
 * `value` where the mask is true, `x` elsewhere; the mask broadcasts.
 *
 * @param mask bool
 * @param value a number, or a 0-d tensor
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.masked_fill.html
 */
export function maskedFill(x: Tensor, mask: Tensor, value: Operand): Tensor {
  checkMasking(x, mask, value);
  return masking.applyAs(x.dtype, [x, mask, value]);
}

/** `maskedFill` in place. */
export function maskedFill_(x: Tensor, mask: Tensor, value: Operand): Tensor {
  checkMasking(x, mask, value);
  return writeInPlace(masking.formula, x, [x, mask, value]);
}
