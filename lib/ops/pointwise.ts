import { define } from '../arguments/define.js';
import type { ArgumentsOf, FunctionOf, OptionsOf } from '../arguments/forms.js';
import { type Kind, kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import { isBool, isFloat, isInteger } from '../backend/dtype.js';
import { DTypeError, ShapeError, ValueError } from '../errors.js';
import * as e from '../expr/index.js';
import { adjoints, Expr, type ExprLike } from '../expr/index.js';
import { requireInt32 } from '../tensor/check.js';
import {
  type AnyPointwise,
  type Binary,
  binary,
  type Operand,
  Pointwise,
  type Unary,
  unary,
  writeInPlace,
} from '../tensor/elementwise.js';
import * as kinds from '../tensor/kinds.js';
import { commonType } from '../tensor/promotion.js';
import { show } from '../tensor/shape.js';
import { isTensor, isTensorOperand, type Tensor } from '../tensor/tensor.js';
import { fittedFactor } from './factor.js';

// One row per operation: its expression. Gradients, SIMD and JS loops, in-place forms (`relu_`) and methods follow from it.
// Every unary function takes a Tensor (or, inside `elementwise`, an expression) and keeps its shape; PyTorch's page of the same name has the plots.

const noBool = (hint = 'convert with .int()') => ({ refuse: { dtype: 'bool' as const, hint } });

/** -x. Not for bool tensors: use `logicalNot`. @example neg(tensor([1, -2])); // tensor([-1.,  2.]) */
export const neg: Unary = unary('neg', e.neg, noBool('use logicalNot'));
/** |x|; the derivative at 0 is 0. @example abs(tensor([-1, 2])); // tensor([1., 2.]) */
export const abs: Unary = unary('abs', e.abs, noBool());
/** -1, 0 or 1; the derivative is 0. @example sign(tensor([-3, 0, 2])); // tensor([-1.,  0.,  1.]) */
export const sign: Unary = unary('sign', e.sign);
/** The largest integer not above x; the derivative is 0. @example floor(tensor([-0.5, 1.5])); // tensor([-1.,  1.]) */
export const floor: Unary = unary('floor', e.floor, noBool());
/** The smallest integer not below x; the derivative is 0. @example ceil(tensor([-1.5, 1.5])); // tensor([-1.,  2.]) */
export const ceil: Unary = unary('ceil', e.ceil, noBool());
/** The integer part of x; the derivative is 0. @example trunc(tensor([-1.5, 1.5])); // tensor([-1.,  1.]) */
export const trunc: Unary = unary('trunc', e.trunc, noBool());
/** x². @example square(tensor([-2, 3])); // tensor([4., 9.]) */
export const square: Unary = unary('square', e.square, { result: 'number' });
/** √x; NaN below 0. @example sqrt(tensor([4, 9])); // tensor([2., 3.]) */
export const sqrt: Unary = unary('sqrt', e.sqrt, { result: 'float' });
/** 1 / √x. @example rsqrt(tensor([4, 0.25])); // tensor([0.5000, 2.0000]) */
export const rsqrt: Unary = unary('rsqrt', e.rsqrt, { result: 'float' });
/** 1 / x. @example reciprocal(tensor([2, -4])); // tensor([ 0.5000, -0.2500]) */
export const reciprocal: Unary = unary('reciprocal', (x) => e.div(1, x), { result: 'float' });
/** eˣ. @example exp(tensor([0, 1])); // tensor([1.0000, 2.7183]) */
export const exp: Unary = unary('exp', e.exp, { result: 'float' });
/** 2ˣ. @example exp2(tensor([0, 3])); // tensor([1., 8.]) */
export const exp2: Unary = unary('exp2', e.exp2, { result: 'float' });
/** eˣ - 1, accurate near 0. @example expm1(tensor(1e-10, { dtype: 'float64' })).item(); // 1e-10 */
export const expm1: Unary = unary('expm1', e.expm1, { result: 'float' });
/** The natural logarithm; NaN below 0. @example log(tensor([1, 2])); // tensor([0.0000, 0.6931]) */
export const log: Unary = unary('log', e.log, { result: 'float' });
/** The logarithm to base 2. @example log2(tensor([1, 3])); // tensor([0.0000, 1.5850]) */
export const log2: Unary = unary('log2', e.log2, { result: 'float' });
/** The logarithm to base 10. @example log10(tensor([1, 2])); // tensor([0.0000, 0.3010]) */
export const log10: Unary = unary('log10', (x) => e.mul(e.log(x), Math.LOG10E), { result: 'float' });
/** log(1 + x), accurate near 0. @example log1p(tensor(1e-10, { dtype: 'float64' })).item(); // 1e-10 */
export const log1p: Unary = unary('log1p', e.log1p, { result: 'float' });
/** The sine of x radians. @example sin(tensor([0, 1])); // tensor([0.0000, 0.8415]) */
export const sin: Unary = unary('sin', e.sin, { result: 'float' });
/** The cosine of x radians. @example cos(tensor([0, 1])); // tensor([1.0000, 0.5403]) */
export const cos: Unary = unary('cos', e.cos, { result: 'float' });
/** The tangent of x radians. @example tan(tensor([0, 1])); // tensor([0.0000, 1.5574]) */
export const tan: Unary = unary('tan', e.tan, { result: 'float' });
/** The angle in [-π/2, π/2] whose sine is x. @example asin(tensor([0, 1])); // tensor([0.0000, 1.5708]) */
export const asin: Unary = unary('asin', e.asin, { result: 'float' });
/** The angle in [0, π] whose cosine is x. @example acos(tensor([1, 0])); // tensor([0.0000, 1.5708]) */
export const acos: Unary = unary('acos', e.acos, { result: 'float' });
/** The angle in [-π/2, π/2] whose tangent is x. @example atan(tensor([0, 1])); // tensor([0.0000, 0.7854]) */
export const atan: Unary = unary('atan', e.atan, { result: 'float' });
/** (eˣ - e⁻ˣ) / 2. @example sinh(tensor([0, 1])); // tensor([0.0000, 1.1752]) */
export const sinh: Unary = unary('sinh', e.sinh, { result: 'float' });
/** (eˣ + e⁻ˣ) / 2. @example cosh(tensor([0, 1])); // tensor([1.0000, 1.5431]) */
export const cosh: Unary = unary('cosh', e.cosh, { result: 'float' });
/** (eˣ - e⁻ˣ) / (eˣ + e⁻ˣ). @example tanh(tensor([0, 1])); // tensor([0.0000, 0.7616]) */
export const tanh: Unary = unary('tanh', e.tanh, { result: 'float' });
/** The inverse of sinh. @example asinh(tensor([0, 1])); // tensor([0.0000, 0.8814]) */
export const asinh: Unary = unary('asinh', e.asinh, { result: 'float' });
/** The inverse of cosh, for x of at least 1. @example acosh(tensor([1, 2])); // tensor([0.0000, 1.3170]) */
export const acosh: Unary = unary('acosh', e.acosh, { result: 'float' });
/** The inverse of tanh, for x in [-1, 1]. @example atanh(tensor([0, 0.5])); // tensor([0.0000, 0.5493]) */
export const atanh: Unary = unary('atanh', e.atanh, { result: 'float' });
/** 1 / (1 + e⁻ˣ). @example sigmoid(tensor([0, 2])); // tensor([0.5000, 0.8808]) */
export const sigmoid: Unary = unary('sigmoid', e.sigmoid, { result: 'float' });
/** (2/√π) ∫₀ˣ e^(-t²) dt. @example erf(tensor([0, 1])); // tensor([0.0000, 0.8427]) */
export const erf: Unary = unary('erf', e.erf, { result: 'float' });
/** 1 - erf(x), without cancellation where it is small. @example erfc(tensor([0, 1])); // tensor([1.0000, 0.1573]) */
export const erfc: Unary = unary('erfc', e.erfc, { result: 'float' });
/** max(x, 0); the derivative at 0 is 0, and NaN stays NaN. @example relu(tensor([-1, 2])); // tensor([0., 2.]) */
export const relu: Unary = unary('relu', e.relu, noBool());
/** Whether x is NaN. @example isnan(tensor([0, Number.NaN])); // tensor([False,  True]) */
export const isnan: Unary = unary('isnan', (x) => e.ne(x, x), { result: 'bool' });
/** Whether x is infinite. @example isinf(tensor([0, -Infinity])); // tensor([False,  True]) */
export const isinf: Unary = unary('isinf', (x) => e.eq(e.abs(x), Number.POSITIVE_INFINITY), { result: 'bool' });
/** Whether x is neither infinite nor NaN. @example isfinite(tensor([0, Infinity])); // tensor([ True, False]) */
export const isfinite: Unary = unary('isfinite', (x) => e.lt(e.abs(x), Number.POSITIVE_INFINITY), { result: 'bool' });
/** Whether x is 0. @example logicalNot(tensor([0, 2])); // tensor([ True, False]) */
export const logicalNot: Unary = unary('logicalNot', e.not, { result: 'bool' });

const plus = new Pointwise<[Expr]>('add', e.add);
const minus = new Pointwise<[Expr]>('sub', e.sub, noBool('use logicalXor'));
const scaledAdd = new Pointwise('add', (a, b, alpha) => e.add(a, e.mul(b, alpha)), { factors: 1 });
const scaledSub = new Pointwise('sub', (a, b, alpha) => e.sub(a, e.mul(b, alpha)), {
  ...noBool('use logicalXor'),
  factors: 1,
});

/** What builds an expression takes parts of one too. That expressions give an expression, the overloads say. */
const tensorOrPart: Kind<Tensor> = kind(
  'a Tensor',
  (value): value is Tensor => isTensorOperand(value) || value instanceof Expr,
);
const operandOrPart: Kind<Operand> = kind(
  'a Tensor or a number',
  (value): value is Operand => kinds.operand.accepts(value) || value instanceof Expr,
);

const alpha = {
  /** Multiplies the second operand. Default: 1. */
  alpha: kinds.number.default(1),
};

const scaling = signature('input, other, /, *, alpha', { input: operandOrPart, other: operandOrPart, ...alpha });
const scalingInPlace = signature('input, other, /, *, alpha', {
  input: kinds.tensor,
  other: kinds.operand,
  ...alpha,
});
const writing = signature('input, other, /', { input: kinds.tensor, other: kinds.operand });

export interface AlphaOptions extends OptionsOf<typeof scaling> {}

type ScalingInPlace = FunctionOf<Tensor, typeof scalingInPlace, AlphaOptions>;

/** The same as an expression, for `elementwise`. */
export function add(a: Expr, b: ExprLike): Expr;
export function add(a: ExprLike, b: Expr): Expr;
/**
 * a + alpha · b.
 *
 * @example
 * ```ts
 * add(tensor([1, 2]), tensor([[10], [20]])); // tensor([[11., 12.], [21., 22.]])
 * tensor([1, 2]).add(10, { alpha: 0.5 }); // tensor([6., 7.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.add.html
 */
export function add(...args: ArgumentsOf<typeof scaling, AlphaOptions>): Tensor;
export function add(a: Operand | Expr, b: Operand | Expr, ...rest: readonly unknown[]): Tensor | Expr {
  if (rest.length === 0) return plus.call([a, b]);
  const [x, other, alpha] = scaling.read('add', [a, b, ...rest]);
  return alpha === 1
    ? plus.call([x, other])
    : scaledAdd.call([x, other, fittedFactor('add', 'alpha', alpha, [x, other])]);
}

/** The same as an expression, for `elementwise`. */
export function sub(a: Expr, b: ExprLike): Expr;
export function sub(a: ExprLike, b: Expr): Expr;
/**
 * a - alpha · b. Not for bool tensors: use `logicalXor`.
 *
 * @example
 * ```ts
 * sub(tensor([1, 2]), 1); // tensor([0., 1.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.sub.html
 */
export function sub(...args: ArgumentsOf<typeof scaling, AlphaOptions>): Tensor;
export function sub(a: Operand | Expr, b: Operand | Expr, ...rest: readonly unknown[]): Tensor | Expr {
  if (rest.length === 0) return minus.call([a, b]);
  const [x, other, alpha] = scaling.read('sub', [a, b, ...rest]);
  return alpha === 1
    ? minus.call([x, other])
    : scaledSub.call([x, other, fittedFactor('sub', 'alpha', alpha, [x, other])]);
}

/** x + alpha · other, in place. @example ones([2]).add_(tensor([1, 2]), { alpha: 10 }); // tensor([11., 21.]) */
export const add_: ScalingInPlace = define('add_', scalingInPlace, (x, other, alpha) =>
  scaledAdd.applyInPlace(x, [other, fittedFactor('add_', 'alpha', alpha, [x, other])]),
);

/** x - alpha · other, in place. @example ones([2]).sub_(tensor([1, 2])); // tensor([ 0., -1.]) */
export const sub_: ScalingInPlace = define('sub_', scalingInPlace, (x, other, alpha) =>
  scaledSub.applyInPlace(x, [other, fittedFactor('sub_', 'alpha', alpha, [x, other])]),
);

const reversing = signature('input, other, /, alpha', {
  input: kinds.operand,
  other: kinds.operand,
  ...alpha,
});

/** b - alpha · a. @example tensor([1, 2]).rsub(10); // tensor([9., 8.]) */
export const rsub: FunctionOf<Tensor, typeof reversing, AlphaOptions> = define('rsub', reversing, (a, b, alpha) =>
  alpha === 1 ? minus.apply([b, a]) : scaledSub.apply([b, a, fittedFactor('rsub', 'alpha', alpha, [b, a])]),
);

/** a · b. @example mul(tensor([1, 2]), tensor([3, 4])); // tensor([3., 8.]) */
export const mul: Binary = binary('mul', e.mul);

const quotient = new Pointwise<[b: Expr]>('div', e.div, { result: 'float' });
const roundedQuotients = {
  trunc: new Pointwise<[b: Expr]>('div', (a, b) => e.trunc(e.div(a, b))),
  floor: new Pointwise<[b: Expr]>('div', e.floorQuotient, { wide: true }),
};

const dividing = signature('input, other, /, *, roundingMode', {
  input: operandOrPart,
  other: operandOrPart,
  /** `'trunc'` rounds the quotient towards 0, `'floor'` down; integers then stay integers. Default: null, the true quotient. */
  roundingMode: kinds.choice('trunc', 'floor').optional(),
});

export interface DivOptions extends OptionsOf<typeof dividing> {}

/** The same as an expression, for `elementwise`. */
export function div(a: Expr, b: ExprLike): Expr;
export function div(a: ExprLike, b: Expr): Expr;
/**
 * a / b; of integers too, unless a rounding mode is given.
 *
 * @throws ValueError for a rounding mode that does not exist
 * @example
 * ```ts
 * div(tensor([7, -7]), 2); // tensor([ 3.5000, -3.5000])
 * tensor([7, -7], { dtype: 'int32' }).div(2, { roundingMode: 'floor' }); // tensor([ 3, -4])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.div.html
 */
export function div(...args: ArgumentsOf<typeof dividing, DivOptions>): Tensor;
export function div(a: Operand | Expr, b: Operand | Expr, ...rest: readonly unknown[]): Tensor | Expr {
  if (rest.length === 0) return quotient.call([a, b]);
  const [x, other, roundingMode] = dividing.read('div', [a, b, ...rest]);
  if (roundingMode === null) return quotient.call([x, other]);
  if (!(x instanceof Expr || other instanceof Expr)) checkRounded('div', x, other);
  return roundedQuotients[roundingMode].call([x, other]);
}

function checkRounded(op: string, a: Operand, b: Operand): void {
  if (!isBool(commonType([a, b]))) return;
  throw new DTypeError(`${op}: not defined for bool tensors with a rounding mode; convert with .int()`);
}

const dividingInPlace = signature('input, other, /, *, roundingMode', {
  ...writing.kinds,
  roundingMode: dividing.kinds.roundingMode,
});

/** x / other, in place. @example ones([2]).div_(4); // tensor([0.2500, 0.2500]) */
export const div_: FunctionOf<Tensor, typeof dividingInPlace, DivOptions> = define(
  'div_',
  dividingInPlace,
  (x, other, roundingMode) => {
    if (roundingMode === null) return quotient.applyInPlace(x, [other]);
    checkRounded('div_', x, other);
    return roundedQuotients[roundingMode].applyInPlace(x, [other]);
  },
);

const power = new Pointwise<[b: Expr]>('pow', e.pow, { result: 'number' });
/** Of integers: as in PyTorch, 0 to a negative power is 0, and so are all others but 1 and -1. */
const integerPower = new Pointwise('pow', (a, b) => e.where(e.and(e.eq(a, 0), e.lt(b, 0)), 0, e.pow(a, b)), {
  result: 'number',
});
const powers = new Map<number, Unary>();

/** The derivative; that of a quotient is NaN where x is 0 or infinite, and PyTorch's is a power there too. */
function powerSlope(g: Expr, x: Expr, exponent: number): Expr {
  if (exponent !== -2 && exponent !== -0.5) return quotientSlope(g, x, exponent);
  const atEnds = e.or(e.eq(x, 0), e.isInfinite(x));
  // Each branch has a 1 where it is not taken: it would be infinite there, and so would its derivative be, times 0.
  const [end, between] = [e.where(atEnds, x, 1), e.where(atEnds, 1, x)];
  const endSlope = e.mul(g, e.mul(exponent, e.pow(end, exponent - 1)));
  return e.where(atEnds, endSlope, quotientSlope(g, between, exponent));
}

const quotientSlope = (g: Expr, x: Expr, exponent: number): Expr => adjoints(e.pow(x, exponent), g, [x])[0]!;

/** The exponents that need no pow, each an operation of its own. */
function fixedPower(exponent: number): Unary {
  let operation = powers.get(exponent);
  if (operation === undefined) {
    operation = unary('pow', (x) => e.pow(x, exponent), {
      result: Number.isInteger(exponent) ? 'number' : 'float',
      gradient: (g, _, x) => [powerSlope(g, x, exponent)],
    });
    powers.set(exponent, operation);
  }
  return operation;
}

function refuseNegativePower(op: string, x: Tensor, exponent: Operand): void {
  if (isFloat(x.dtype) || typeof exponent !== 'number' || !Number.isInteger(exponent) || exponent >= 0) return;
  throw new ValueError(
    `${op}: integers to a negative power are not integers, got exponent ${exponent}; convert with .float() first`,
  );
}

const CHEAP_EXPONENTS = [1, 2, 3, 0.5, -0.5, -1, -2];

const raising = signature('input, exponent, /', { input: operandOrPart, exponent: operandOrPart });

interface Power {
  /** The same as an expression, for `elementwise`. */
  (input: Expr, exponent: ExprLike): Expr;
  (input: ExprLike, exponent: Expr): Expr;
  (input: Operand, exponent: Operand): Tensor;
}

/**
 * aᵇ.
 *
 * @throws ValueError for integers to a negative integer power
 * @example
 * ```ts
 * pow(tensor([1, 2, 3]), 2); // tensor([1., 4., 9.])
 * pow(2, tensor([1, 2, 3])); // tensor([2., 4., 8.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.pow.html
 */
export const pow = define('pow', raising, (a: Operand | Expr, b: Operand | Expr): Tensor | Expr => {
  if (typeof a === 'number' && typeof b === 'number') throw new ValueError('pow: expected a Tensor, got two numbers');
  if (isTensor(a) && typeof b === 'number') {
    refuseNegativePower('pow', a, b);
    if (CHEAP_EXPONENTS.includes(b)) return fixedPower(b)(a);
  }
  const isInteger = !(a instanceof Expr || b instanceof Expr) && !isFloat(commonType([a, b]));
  return (isInteger ? integerPower : power).call([a, b]);
}) as Power;

const raisingInPlace = signature('input, exponent, /', { input: kinds.tensor, exponent: kinds.operand });

/** x to the power of `exponent`, in place. @example tensor([1, 2, 3]).pow_(3); // tensor([ 1.,  8., 27.]) */
export const pow_: FunctionOf<Tensor, typeof raisingInPlace> = define('pow_', raisingInPlace, (x, exponent) => {
  refuseNegativePower('pow_', x, exponent);
  return (isFloat(x.dtype) ? power : integerPower).applyInPlace(x, [exponent]);
});

/** The larger of two tensors; NaN wins, and equal ones share the gradient. @example maximum(tensor([1, 5]), tensor([2, 3])); // tensor([2., 5.]) */
export const maximum: Binary = binary('maximum', e.max, { numbers: 'none' });
/** The smaller of two tensors; NaN wins, and equal ones share the gradient. @example minimum(tensor([1, 5]), tensor([2, 3])); // tensor([1., 3.]) */
export const minimum: Binary = binary('minimum', e.min, { numbers: 'none' });

const comparison = (name: string, build: (a: Expr, b: Expr) => Expr): Binary =>
  binary(name, build, { result: 'bool', numbers: 'not first' });
const connective = (name: string, build: (a: Expr, b: Expr) => Expr): Binary =>
  binary(name, build, { result: 'bool', numbers: 'none' });

/** Whether a = b, element by element, as a bool tensor. @example eq(tensor([1, 2]), 2); // tensor([False,  True]) */
export const eq: Binary = comparison('eq', e.eq);
/** Whether a ≠ b; NaN differs from itself. @example ne(tensor([1, 2]), 2); // tensor([ True, False]) */
export const ne: Binary = comparison('ne', e.ne);
/** Whether a < b. @example lt(tensor([1, 2, 3]), 2); // tensor([ True, False, False]) */
export const lt: Binary = comparison('lt', e.lt);
/** Whether a ≤ b. @example le(tensor([1, 2, 3]), 2); // tensor([ True,  True, False]) */
export const le: Binary = comparison('le', e.le);
/** Whether a > b. @example gt(tensor([1, 2, 3]), 2); // tensor([False, False,  True]) */
export const gt: Binary = comparison('gt', e.gt);
/** Whether a ≥ b. @example ge(tensor([1, 2, 3]), 2); // tensor([False,  True,  True]) */
export const ge: Binary = comparison('ge', e.ge);
/** Whether both are not 0. @example logicalAnd(tensor([true, true]), tensor([true, false])); // tensor([ True, False]) */
export const logicalAnd: Binary = connective('logicalAnd', e.and);
/** Whether either is not 0. @example logicalOr(tensor([true, false]), tensor([false, false])); // tensor([ True, False]) */
export const logicalOr: Binary = connective('logicalOr', e.or);
/** Whether one, and only one, is not 0. @example logicalXor(tensor([true, true]), tensor([true, false])); // tensor([False,  True]) */
export const logicalXor: Binary = connective('logicalXor', (a, b) => e.ne(e.ne(a, 0), e.ne(b, 0)));

const softplusFormula = new Pointwise(
  'softplus',
  (x, beta, threshold) => {
    const scaled = e.mul(x, beta);
    const linear = e.gt(scaled, threshold);
    // Guarded twice, so that the exponential of the linear side cannot overflow into the derivative.
    return e.where(linear, x, e.div(e.log1p(e.exp(e.where(linear, 0, scaled))), beta));
  },
  { result: 'float' },
);

const bending = signature('input, /, beta, threshold', {
  input: tensorOrPart,
  /** Default: 1. */
  beta: kinds.number.default(1),
  /** Where beta x is above this the function is x. Default: 20. */
  threshold: kinds.number.default(20),
});

interface SoftplusOptions extends OptionsOf<typeof bending> {}

interface Softplus {
  /** The same as an expression, for `elementwise`. */
  (input: Expr, beta?: number, threshold?: number): Expr;
  (...args: ArgumentsOf<typeof bending, SoftplusOptions>): Tensor;
}

/**
 * log(1 + e^(beta x)) / beta, and x itself where beta x is above the threshold.
 *
 * @param beta default 1
 * @param threshold default 20
 * @example
 * ```ts
 * softplus(tensor([-1, 0, 30])); // tensor([ 0.3133,  0.6931, 30.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.softplus.html
 */
export const softplus = define('softplus', bending, (x, beta, threshold) =>
  softplusFormula.call([x, beta, threshold]),
) as Softplus;

const selection = new Pointwise<[a: Expr, b: Expr]>('where', e.where, { conditions: 1 });

const choosing = signature('condition, input, other, /', {
  condition: tensorOrPart,
  input: operandOrPart,
  other: operandOrPart,
});

interface Where {
  /** The same as an expression, for `elementwise`. */
  (condition: Expr, input: ExprLike, other: ExprLike): Expr;
  (condition: Tensor, input: Operand, other: Operand): Tensor;
}

/**
 * Elements of `input` where the condition is true (not 0), of `other` elsewhere; all three broadcast.
 *
 * @example
 * ```ts
 * const x = tensor([-2, 3]);
 * where(x.gt(0), x, 0); // tensor([0., 3.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.where.html
 */
export const where = define('where', choosing, (condition, a, b) => selection.call([condition, a, b])) as Where;

const clampBoth = new Pointwise('clamp', (x, low, high) => e.min(e.max(x, low), high), { gradient: clampGradient });
const clampLow = new Pointwise<[low: Expr]>('clamp', e.max, { gradient: clampLowGradient });
const clampHigh = new Pointwise<[high: Expr]>('clamp', e.min, { gradient: clampHighGradient });

/** At a bound itself the gradient goes to x. */
function clampGradient(g: Expr, _: Expr, x: Expr, low: Expr, high: Expr): [Expr, Expr, Expr] {
  const inside = e.and(e.ge(x, low), e.le(x, high));
  const below = e.and(e.lt(x, low), e.lt(low, high));
  const above = e.or(e.gt(x, high), e.lt(high, low));
  return [e.where(inside, g, 0), e.where(below, g, 0), e.where(above, g, 0)];
}

function clampLowGradient(g: Expr, _: Expr, x: Expr, low: Expr): [Expr, Expr] {
  return [e.where(e.ge(x, low), g, 0), e.where(e.lt(x, low), g, 0)];
}

function clampHighGradient(g: Expr, _: Expr, x: Expr, high: Expr): [Expr, Expr] {
  return [e.where(e.le(x, high), g, 0), e.where(e.gt(x, high), g, 0)];
}

const bounds = {
  /** The lower bound. Default: null, none. */
  min: operandOrPart.optional(),
  /** The upper bound. Default: null, none. */
  max: operandOrPart.optional(),
};

const clamping = signature('input, /, min, max', { input: tensorOrPart, ...bounds });
const clampingInPlace = signature('input, /, min, max', { input: kinds.tensor, ...bounds });
const clampingMin = signature('input, /, min', { input: kinds.tensor, min: kinds.operand });
const clampingMax = signature('input, /, max', { input: kinds.tensor, max: kinds.operand });

interface ClampOptions extends OptionsOf<typeof clamping> {}

interface Clamp {
  /** The same as an expression, for `elementwise`. */
  (input: Expr, min: ExprLike | null | undefined, max?: ExprLike | null): Expr;
  (...args: ArgumentsOf<typeof clamping, ClampOptions>): Tensor;
}

/**
 * min(max(x, min), max); either bound may be left out, and both may be tensors. NaN stays NaN; at a bound the gradient is that of x.
 *
 * @throws ValueError if both bounds are missing
 * @example
 * ```ts
 * clamp(tensor([-2, 0.5, 3]), -1, 1); // tensor([-1.0000,  0.5000,  1.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.clamp.html
 */
export const clamp = define('clamp', clamping, (x, min, max) => {
  const [operation, operands] = clampOperation(min, max);
  return operation.call([x, ...operands]);
}) as Clamp;

function clampOperation<T>(low: T | null, high: T | null): [AnyPointwise, T[]] {
  if (low !== null && high !== null) return [clampBoth, [low, high]];
  if (low !== null) return [clampLow, [low]];
  if (high !== null) return [clampHigh, [high]];
  throw new ValueError('clamp: expected a lower or an upper bound, got neither');
}

/** `clamp` in place. @example tensor([-2, 0.5, 3]).clamp_(0); // tensor([0.0000, 0.5000, 3.0000]) */
export const clamp_: FunctionOf<Tensor, typeof clampingInPlace, ClampOptions> = define(
  'clamp_',
  clampingInPlace,
  (x, min, max) => {
    const [operation, operands] = clampOperation(min, max);
    return operation.applyInPlace(x, operands);
  },
);

/** max(x, min). @example clampMin(tensor([-2, 3]), 0); // tensor([0., 3.]) */
export const clampMin: FunctionOf<Tensor, typeof clampingMin> = define('clampMin', clampingMin, (x, min) =>
  clampLow.apply([x, min]),
);
/** `clampMin` in place. @example tensor([-2, 3]).clampMin_(0); // tensor([0., 3.]) */
export const clampMin_: FunctionOf<Tensor, typeof clampingMin> = define('clampMin_', clampingMin, (x, min) =>
  clampLow.applyInPlace(x, [min]),
);
/** min(x, max). @example clampMax(tensor([-2, 3]), 0); // tensor([-2.,  0.]) */
export const clampMax: FunctionOf<Tensor, typeof clampingMax> = define('clampMax', clampingMax, (x, max) =>
  clampHigh.apply([x, max]),
);
/** `clampMax` in place. @example tensor([-2, 3]).clampMax_(0); // tensor([-2.,  0.]) */
export const clampMax_: FunctionOf<Tensor, typeof clampingMax> = define('clampMax_', clampingMax, (x, max) =>
  clampHigh.applyInPlace(x, [max]),
);

const tenTo = (decimals: number): number => 10 ** Math.abs(decimals);
const roundWhole = new Pointwise<[]>('round', e.round, noBool());
const roundFine = new Pointwise('round', (x, scale) => e.div(e.round(e.mul(x, scale)), scale));
const roundCoarse = new Pointwise('round', (x, scale) => e.mul(e.round(e.div(x, scale)), scale));

const rounding = signature('input, /, *, decimals', {
  input: tensorOrPart,
  /** Decimal places to keep; negative ones round to tens, hundreds, … Default: 0. */
  decimals: kinds.integer.default(0),
});

export interface RoundOptions extends OptionsOf<typeof rounding> {}

interface Round {
  /** The same as an expression, for `elementwise`. */
  (input: Expr): Expr;
  (...args: ArgumentsOf<typeof rounding, RoundOptions>): Tensor;
}

/**
 * The nearest integer, halves to the even one; or as many decimal places.
 *
 * @example
 * ```ts
 * round(tensor([0.5, 1.5, 2.5])); // tensor([0., 2., 2.])
 * round(tensor([1.2345]), { decimals: 2 }); // tensor([1.2300])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.round.html
 */
export const round = define('round', rounding, (x, decimals) =>
  decimals === 0 ? roundWhole.call([x]) : (decimals > 0 ? roundFine : roundCoarse).call([x, tenTo(decimals)]),
) as Round;

const roundingInPlace = signature('input, /, *, decimals', { input: kinds.tensor, decimals: rounding.kinds.decimals });

/** `round` in place. @example tensor([1.2345]).round_({ decimals: 2 }); // tensor([1.2300]) */
export const round_: FunctionOf<Tensor, typeof roundingInPlace, RoundOptions> = define(
  'round_',
  roundingInPlace,
  (x, decimals) =>
    decimals === 0
      ? roundWhole.applyInPlace(x, [])
      : (decimals > 0 ? roundFine : roundCoarse).applyInPlace(x, [tenTo(decimals)]),
);

const masking = new Pointwise('maskedFill', (x, mask, value) => e.where(mask, value, x), { keepsOrder: false });

const mask: Kind<Tensor> = kind('a bool Tensor', (value): value is Tensor => isTensor(value) && isBool(value.dtype), {
  error: DTypeError,
  explain: (op, name, value) => {
    if (isTensor(value)) throw new DTypeError(`${op}: ${name} must be a bool tensor, got ${value.dtype}`);
  },
});

const filling = signature('input, /, mask, value', { input: kinds.tensor, mask, value: kinds.operand });

type Filling = FunctionOf<Tensor, typeof filling>;

function checkFilling(op: string, x: Tensor, value: Operand): void {
  if (isTensor(value) && value.ndim > 0) {
    throw new ShapeError(`${op}: the value must be a number or a 0-d tensor, got shape ${show(value.shape)}`);
  }
  const fraction = typeof value === 'number' ? !Number.isInteger(value) : isFloat(value.dtype);
  if (fraction && !isFloat(x.dtype)) throw new DTypeError(`${op}: cannot fill a ${x.dtype} tensor with a float`);
}

/**
 * `value` where the mask is true, `x` elsewhere; the mask broadcasts.
 *
 * @param mask bool
 * @param value a number, or a 0-d tensor
 * @throws DTypeError if the mask is not bool, or a fraction would go into integers
 * @example
 * ```ts
 * maskedFill(tensor([1, 2, 3]), tensor([true, false, true]), 0); // tensor([0., 2., 0.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.masked_fill.html
 */
export const maskedFill: Filling = define('maskedFill', filling, (x, mask, value) => {
  checkFilling('maskedFill', x, value);
  return masking.applyAs(x.dtype, [x, mask, value]);
});

/** `maskedFill` in place. @example tensor([1, 2]).maskedFill_(tensor([true, false]), -1); // tensor([-1.,  2.]) */
export const maskedFill_: Filling = define('maskedFill_', filling, (x, mask, value) => {
  checkFilling('maskedFill_', x, value);
  if (isInteger(x.dtype) && typeof value === 'number') requireInt32('maskedFill_', value);
  return writeInPlace('maskedFill_', masking.formula, x, [x, mask, value]);
});
