import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { dtypes, isBool, isFloat } from '../backend/dtype.js';
import { DTypeError } from '../errors.js';
import * as e from '../expr/index.js';
import { Expr } from '../expr/index.js';
import { type Binary, binary, type Operand, Pointwise, type Unary, unary } from '../tensor/elementwise.js';
import { Formula } from '../tensor/formula.js';
import * as kinds from '../tensor/kinds.js';
import { commonType } from '../tensor/promotion.js';
import { type Results, results } from '../tensor/results.js';
import type { Tensor } from '../tensor/tensor.js';
import { fittedFactor } from './factor.js';

// Arithmetic beyond the four operations, one row each; see pointwise.ts.

/** The same as an expression, for `elementwise`. */
export function positive(x: Expr): Expr;
/**
 * x itself. Not for bool tensors.
 *
 * @example
 * ```ts
 * positive(tensor([1, -2])); // tensor([ 1., -2.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.positive.html
 */
export function positive(x: Tensor): Tensor;
export function positive(x: Tensor | Expr): Tensor | Expr {
  if (x instanceof Expr) return x;
  kinds.tensor.take('positive', 'input', x);
  if (isBool(x.dtype)) throw new DTypeError('positive: not defined for bool tensors; convert with .int()');
  return x;
}

/** The angle of a number in the complex plane: 0, and π for negative ones; the derivative is 0. @example angle(tensor([2, -2])); // tensor([0.0000, 3.1416]) */
export const angle: Unary = unary('angle', (x) => e.where(e.lt(x, 0), Math.PI, e.where(e.eq(x, x), 0, x)), {
  result: 'float',
  gradient: (g) => [nothing(g)],
});
/** -1, 0 or 1; the derivative is 0. The same as `sign`. @example sgn(tensor([-3, 0, 2])); // tensor([-1.,  0.,  1.]) */
export const sgn: Unary = unary('sgn', e.sign);
/** Degrees as radians, x π / 180. @example deg2rad(tensor([90, 180])); // tensor([1.5708, 3.1416]) */
export const deg2rad: Unary = unary('deg2rad', (x) => e.mul(x, Math.PI / 180), { result: 'float' });
/** Radians as degrees, x 180 / π. @example rad2deg(tensor([0, 3])); // tensor([  0.0000, 171.8873]) */
export const rad2deg: Unary = unary('rad2deg', (x) => e.mul(x, 180 / Math.PI), { result: 'float' });
/** What follows the point, x - trunc(x), of floats. @example frac(tensor([1.25, -2.5])); // tensor([ 0.2500, -0.5000]) */
export const frac: Unary = unary('frac', (x) => e.sub(x, e.trunc(x)), { takes: 'floats' });

/** a / b, of integers too; `div` without a rounding mode. @example trueDivide(tensor([7, -7]), 2); // tensor([ 3.5000, -3.5000]) */
export const trueDivide: Binary = binary('trueDivide', e.div, { result: 'float' });
/** ⌊a / b⌋, as Python rounds it. Not for bool tensors. @example floorDivide(tensor([7, -7]), 2); // tensor([ 3., -4.]) */
export const floorDivide: Binary = binary('floorDivide', e.floorQuotient, { wide: true, takes: 'numbers' });
/** What division with a quotient rounded towards 0 leaves; it has the sign of a. @example fmod(tensor([7, -7]), 3); // tensor([ 1., -1.]) */
export const fmod: Binary = binary('fmod', e.fmod, { numbers: 'not first', takes: 'numbers' });
/** What division with a quotient rounded down leaves; it has the sign of b, as Python's %. @example remainder(tensor([7, -7]), 3); // tensor([1., 2.]) */
export const remainder: Binary = binary(
  'remainder',
  (a, b) => {
    const rest = e.fmod(a, b);
    return e.where(isBelow(rest, b), e.add(rest, b), rest);
  },
  {
    takes: 'numbers',
    gradient: (g, _, a, b) => {
      // Of a quotient that is rounded up to a whole number, the exact rest knows better.
      const rest = e.fmod(a, b);
      const quotient = e.sub(e.round(e.div(e.sub(a, rest), b)), isBelow(rest, b));
      return [g, e.neg(e.mul(g, e.where(e.eq(b, 0), e.div(a, b), quotient)))];
    },
  },
);

/** Whether rounding the quotient down takes one more than rounding it towards 0 did, which left `rest`. */
const isBelow = (rest: Expr, b: Expr): Expr => e.and(e.ne(rest, 0), e.ne(e.lt(rest, 0), e.lt(b, 0)));

/** aᵇ in float64, whatever the operands are. @example floatPower(tensor([1, 2, 3]), 2).dtype; // 'float64' */
export const floatPower: Binary = binary('floatPower', e.pow, { result: 'float64' });
/** x · 2ᵉ. @example ldexp(tensor([0.75, 1]), tensor([2, 4])); // tensor([ 3., 16.]) */
export const ldexp: Binary = binary('ldexp', (x, exponent) => e.mul(x, e.exp2(exponent)), {
  result: 'float',
  numbers: 'none',
});

/** √(a² + b²), without overflow on the way. @example hypot(tensor([3, 5]), tensor([4, 12])); // tensor([ 5., 13.]) */
export const hypot: Binary = binary(
  'hypot',
  (a, b) => {
    const large = e.max(e.abs(a), e.abs(b));
    const small = e.min(e.abs(a), e.abs(b));
    const ratio = e.div(small, e.where(e.eq(large, 0), 1, large));
    const length = e.mul(large, e.sqrt(e.add(e.square(ratio), 1)));
    return e.where(e.or(e.isInfinite(a), e.isInfinite(b)), Number.POSITIVE_INFINITY, length);
  },
  {
    takes: 'floats',
    numbers: 'none',
    gradient: (g, out, a, b) => [e.mul(g, e.div(a, out)), e.mul(g, e.div(b, out))],
  },
);

/** The angle of the point (x, y), in [-π, π]: of y / x in the right quadrant. @example atan2(tensor([1, -1]), tensor([-1, 0])); // tensor([ 2.3562, -1.5708]) */
export const atan2: Binary = binary(
  'atan2',
  (y, x) => {
    const [height, width] = [e.abs(y), e.abs(x)];
    // 0 / 0 counts as 0, and ∞ / ∞ as 1.
    const both = e.or(e.and(e.eq(y, 0), e.eq(x, 0)), e.and(e.isInfinite(y), e.isInfinite(x)));
    const acute = e.atan(e.where(both, e.ne(y, 0), e.div(height, width)));
    const angle = e.where(e.isNegative(x), e.sub(Math.PI, acute), acute);
    return e.where(e.isNegative(y), e.neg(angle), angle);
  },
  {
    result: 'float',
    numbers: 'none',
    wide: true,
    gradient: (g, _, y, x) => {
      const square = e.add(e.square(y), e.square(x));
      const scaled = e.where(e.eq(square, 0), 0, e.div(g, square));
      return [e.mul(scaled, x), e.mul(scaled, e.neg(y))];
    },
  },
);

/** |a| with the sign of b, that of 0 or -0 too; the derivative at a = 0 is 0. @example copysign(tensor([1, -2]), -1); // tensor([-1., -2.]) */
export const copysign: Binary = binary('copysign', (a, b) => e.where(e.isNegative(b), e.neg(e.abs(a)), e.abs(a)), {
  result: 'float',
  numbers: 'not first',
  gradient: (g, out, a) => [e.where(e.eq(a, 0), 0, e.mul(g, e.div(out, a))), nothing(g)],
});

/** Zeros in the shape of a gradient, whatever is in it. */
const nothing = (g: Expr): Expr => e.lt(e.abs(g), 0);

/** 0 where x < 0, 1 where x > 0, and `values` where x is 0; all of one type. @example heaviside(tensor([-1, 0, 2]), tensor([0.5])); // tensor([0.0000, 0.5000, 1.0000]) */
export const heaviside: Binary = binary('heaviside', (x, values) => e.where(e.eq(x, 0), values, e.gt(x, 0)), {
  sameType: true,
  numbers: 'none',
});

/** The larger of two; a number rather than NaN. @example fmax(tensor([1, NaN]), tensor([2, 3])); // tensor([2., 3.]) */
export const fmax: Binary = binary('fmax', (a, b) => e.where(e.isNan(a), b, e.where(e.isNan(b), a, e.max(a, b))), {
  numbers: 'none',
  gradient: (g, _, a, b) => toOne(g, e.or(e.ge(a, b), e.isNan(b))),
});
/** The smaller of two; a number rather than NaN. @example fmin(tensor([1, NaN]), tensor([2, 3])); // tensor([1., 3.]) */
export const fmin: Binary = binary('fmin', (a, b) => e.where(e.isNan(a), b, e.where(e.isNan(b), a, e.min(a, b))), {
  numbers: 'none',
  gradient: (g, _, a, b) => toOne(g, e.or(e.le(a, b), e.isNan(b))),
});

/** A gradient that flows to the first operand where it was taken, to the second elsewhere. */
const toOne = (g: Expr, first: Expr): [Expr, Expr] => [e.where(first, g, 0), e.where(first, 0, g)];

/** log(eᵃ + eᵇ), without overflow. @example logaddexp(tensor([0, 1000]), tensor([0, 1000])); // tensor([6.9315e-01, 1.0007e+03]) */
export const logaddexp: Binary = binary(
  'logaddexp',
  (a, b) => e.add(e.max(a, b), e.log1p(e.exp(minusDistance(a, b)))),
  {
    takes: 'floats',
    numbers: 'none',
    gradient: (g, _, a, b) => [e.div(g, e.add(e.exp(e.sub(b, a)), 1)), e.div(g, e.add(e.exp(e.sub(a, b)), 1))],
  },
);
/** log₂(2ᵃ + 2ᵇ), without overflow. @example logaddexp2(tensor([0, 5]), tensor([0, 5])); // tensor([1., 6.]) */
export const logaddexp2: Binary = binary(
  'logaddexp2',
  (a, b) => e.add(e.max(a, b), e.mul(e.log1p(e.exp2(minusDistance(a, b))), Math.LOG2E)),
  {
    takes: 'floats',
    numbers: 'none',
    gradient: (g, _, a, b) => [e.div(g, e.add(e.exp2(e.sub(b, a)), 1)), e.div(g, e.add(e.exp2(e.sub(a, b)), 1))],
  },
);

/** -|a - b|; 0 for equal infinities. */
const minusDistance = (a: Expr, b: Expr): Expr => e.where(e.eq(a, b), 0, e.neg(e.abs(e.sub(a, b))));

/** With the nearest quotient Euclid's worst case grows by 1 + √2 a step: no int32 takes more steps. */
const GCD_STEPS = 26;

/** The greatest common divisor, of integers; 0 of 0 and 0. @example gcd(tensor([12, 7], { dtype: 'int32' }), tensor([18, 0], { dtype: 'int32' })); // tensor([6, 7]) */
export const gcd: Binary = binary('gcd', greatestDivisor, { takes: 'integers', numbers: 'none' });
/** The least common multiple, of integers. @example lcm(tensor([4, 3], { dtype: 'int32' }), tensor([6, 0], { dtype: 'int32' })); // tensor([12,  0]) */
export const lcm: Binary = binary('lcm', (a, b) => e.abs(e.mul(e.div(a, e.max(greatestDivisor(a, b), 1)), b)), {
  takes: 'integers',
  numbers: 'none',
});

function greatestDivisor(a: Expr, b: Expr): Expr {
  let [larger, smaller] = [e.abs(a), e.abs(b)];
  for (let step = 0; step < GCD_STEPS; step++) {
    const divisor = e.max(smaller, 1);
    const rest = e.abs(e.sub(larger, e.mul(divisor, e.round(e.div(larger, divisor)))));
    [larger, smaller] = [e.where(smaller, smaller, larger), e.where(smaller, rest, 0)];
  }
  return larger;
}

const scaling = signature('input, /, tensor1, tensor2, *, value', {
  input: kinds.tensor,
  tensor1: kinds.operand,
  tensor2: kinds.operand,
  /** Multiplies the product or quotient; an integer for integers. Default: 1. */
  value: kinds.number.default(1),
});

export interface AddcmulOptions extends OptionsOf<typeof scaling> {}
type Scaling = FunctionOf<Tensor, typeof scaling, AddcmulOptions>;

const addingProduct = new Pointwise(
  'addcmul',
  (x, a: Expr, b: Expr, value: Expr) => e.add(x, e.mul(e.mul(value, a), b)),
  { takes: 'numbers', factors: 1 },
);
const addingQuotient = new Pointwise(
  'addcdiv',
  (x, a: Expr, b: Expr, value: Expr) => e.add(x, e.div(e.mul(value, a), b)),
  { factors: 1 },
);

/** A quotient of integers would not be one. */
function requireFloatQuotient(op: string, a: Operand, b: Operand): void {
  if (isFloat(commonType([a, b]))) return;
  throw new DTypeError(`${op}: the quotient of integers is none; convert one of them with .float()`);
}

const fittedValue = (op: string, value: number, operands: readonly Operand[]): number =>
  fittedFactor(op, 'value', value, operands);

/**
 * x + value · a · b.
 *
 * @throws DTypeError for bools, and for a value with a fraction where the operands are integers
 * @example
 * ```ts
 * addcmul(tensor([1, 2]), tensor([3, 4]), tensor([5, 6]), { value: 0.5 }); // tensor([ 8.5000, 14.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.addcmul.html
 */
export const addcmul: Scaling = define('addcmul', scaling, (x, a, b, value) =>
  addingProduct.apply([x, a, b, fittedValue('addcmul', value, [x, a, b])]),
);

/** `addcmul` in place. @example ones([2]).addcmul_(tensor([3, 4]), tensor([5, 6])); // tensor([16., 25.]) */
export const addcmul_: Scaling = define('addcmul_', scaling, (x, a, b, value) =>
  addingProduct.applyInPlace(x, [a, b, fittedValue('addcmul_', value, [x, a, b])]),
);

/**
 * x + value · a / b.
 *
 * @throws DTypeError if a and b are both integers or bools
 * @example
 * ```ts
 * addcdiv(tensor([1, 2]), tensor([3, 4]), tensor([2, 8]), { value: 2 }); // tensor([4., 3.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.addcdiv.html
 */
export const addcdiv: Scaling = define('addcdiv', scaling, (x, a, b, value) => {
  requireFloatQuotient('addcdiv', a, b);
  return addingQuotient.apply([x, a, b, fittedValue('addcdiv', value, [x, a, b])]);
});

/** `addcdiv` in place. @example ones([2]).addcdiv_(tensor([3, 4]), tensor([2, 8])); // tensor([2.5000, 1.5000]) */
export const addcdiv_: Scaling = define('addcdiv_', scaling, (x, a, b, value) => {
  requireFloatQuotient('addcdiv_', a, b);
  return addingQuotient.applyInPlace(x, [a, b, fittedValue('addcdiv_', value, [x, a, b])]);
});

const interpolating = signature('input, /, end, weight', {
  input: kinds.tensor,
  /** What a weight of 1 gives; of the element type of the start. */
  end: kinds.tensor,
  /** A number, or a tensor of that type. */
  weight: kinds.operand,
});

type Interpolating = FunctionOf<Tensor, typeof interpolating>;

const interpolation = new Pointwise(
  'lerp',
  (start, end: Expr, weight: Expr) => {
    const way = e.sub(end, start);
    // From the nearer end, so that a weight of 1 gives `end` to the bit.
    const fromEnd = e.sub(end, e.mul(way, e.sub(1, weight)));
    return e.where(e.lt(e.abs(weight), 0.5), e.add(start, e.mul(weight, way)), fromEnd);
  },
  {
    takes: 'floats',
    sameType: true,
    factors: 1,
    gradient: (g, _, start, end, weight) => [e.mul(g, e.sub(1, weight)), e.mul(g, weight), e.mul(g, e.sub(end, start))],
  },
);

/**
 * start + weight · (end - start): `start` for weight 0, `end` for 1.
 *
 * @param end of the element type of `start`
 * @param weight a number, or a tensor of that type
 * @throws DTypeError if element types differ, or are no floats
 * @example
 * ```ts
 * lerp(tensor([0, 10]), tensor([4, 20]), 0.25); // tensor([ 1.0000, 12.5000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.lerp.html
 */
export const lerp: Interpolating = define('lerp', interpolating, (start, end, weight) =>
  interpolation.apply([start, end, weight]),
);

/** `lerp` in place. @example zeros([2]).lerp_(tensor([4, 8]), 0.25); // tensor([1., 2.]) */
export const lerp_: Interpolating = define('lerp_', interpolating, (start, end, weight) =>
  interpolation.applyInPlace(start, [end, weight]),
);

/** More than half the step from x to the next float32, and less than one and a half: what is stored is then that next one. */
const stepFloat32 = (x: Expr): Expr => e.max(e.mul(e.abs(x), 2 ** -24 * (1 + 2 ** -26)), 2 ** -150 * (1 + 2 ** -26));

const nextFloat32 = (x: Expr, up: Expr): Expr => e.where(up, e.add(x, stepFloat32(x)), e.sub(x, stepFloat32(x)));

/** The same for float64, whose sums are rounded themselves. Small numbers are scaled, so that the step is no subnormal. */
function nextFloat64(x: Expr, up: Expr): Expr {
  const scale = e.where(e.lt(e.abs(x), 2 ** -900), 2 ** 100, 1);
  const scaled = e.mul(x, scale);
  const step = e.mul(e.abs(scaled), 2 ** -53 * (1 + 2 ** -26));
  const next = e.div(e.where(up, e.add(scaled, step), e.sub(scaled, step)), scale);
  const least = e.where(up, e.add(x, 2 ** -1074), e.sub(x, 2 ** -1074));
  const small = e.where(e.eq(least, 0), e.mul(x, 0), least);
  return e.where(e.lt(e.abs(x), 2 ** -1021), e.where(e.eq(x, 0), least, small), next);
}

function stepping(next: (x: Expr, up: Expr) => Expr, largest: number): Pointwise<[goal: Expr]> {
  const build = (x: Expr, goal: Expr): Expr => {
    const moved = e.where(e.isInfinite(x), e.where(e.gt(x, 0), largest, -largest), next(x, e.lt(x, goal)));
    return e.where(e.or(e.eq(x, goal), e.isNan(goal)), goal, e.where(e.isNan(x), x, moved));
  };
  return new Pointwise('nextafter', build, {
    takes: 'floats',
    wide: true,
    gradient: (g, _, x, goal) => [e.where(e.eq(x, goal), 0, g), nothing(g)],
  });
}

const stepTo = {
  float32: stepping(nextFloat32, dtypes.float32.largest),
  float64: stepping(nextFloat64, dtypes.float64.largest),
} as const;

function steppingOf(x: Tensor, goal: Tensor): Pointwise<[goal: Expr]> {
  const dtype = commonType([x, goal]);
  return stepTo[isFloat(dtype) ? dtype : 'float32'];
}

const neighbouring = signature('input, /, other', {
  input: kinds.tensor,
  /** What to go towards. */
  other: kinds.tensor,
});

type Neighbouring = FunctionOf<Tensor, typeof neighbouring>;

/**
 * The next number that the element type holds, from x towards `other`; x where they are equal.
 *
 * @throws DTypeError for integers
 * @example
 * ```ts
 * nextafter(tensor([1, 0]), tensor([2, -1])).sub(tensor([1, 0])); // tensor([ 1.1921e-07, -1.4013e-45])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nextafter.html
 */
export const nextafter: Neighbouring = define('nextafter', neighbouring, (x, goal) =>
  steppingOf(x, goal).apply([x, goal]),
);

/** `nextafter` in place. @example ones([1]).nextafter_(tensor([0])).sub(1); // tensor([-5.9605e-08]) */
export const nextafter_: Neighbouring = define('nextafter_', neighbouring, (x, goal) =>
  steppingOf(x, goal).applyInPlace(x, [goal]),
);

const replacing = signature('input, /, nan, posinf, neginf', {
  input: kinds.tensor,
  /** In place of NaN. Default: 0. */
  nan: kinds.number.default(0),
  /** In place of Infinity. Default: null, the largest number of the element type. */
  posinf: kinds.number.optional(),
  /** In place of -Infinity. Default: null, the lowest number of the element type. */
  neginf: kinds.number.optional(),
});

export interface NanToNumOptions extends OptionsOf<typeof replacing> {}
type Replacing = FunctionOf<Tensor, typeof replacing, NanToNumOptions>;

const replacement = new Pointwise(
  'nanToNum',
  (x, nan: Expr, posinf: Expr, neginf: Expr) => {
    const infinity = e.where(e.gt(x, 0), posinf, neginf);
    return e.where(e.isNan(x), nan, e.where(e.isInfinite(x), infinity, x));
  },
  { factors: 3 },
);

/** The numbers, with those of the element type where none are given. */
const forType = (x: Tensor, nan: number, posinf: number | null, neginf: number | null): [number, number, number] => [
  nan,
  posinf ?? dtypes[x.dtype].largest,
  neginf ?? -dtypes[x.dtype].largest,
];

/**
 * x with numbers in place of NaN and the infinities; there the gradient is 0. Integers and bools are as they are.
 *
 * @example
 * ```ts
 * nanToNum(tensor([NaN, Infinity, 2]), { nan: -1, posinf: 100 }); // tensor([ -1., 100.,   2.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nan_to_num.html
 */
export const nanToNum: Replacing = define('nanToNum', replacing, (x, ...numbers) =>
  replacement.apply([x, ...forType(x, ...numbers)]),
);

/** `nanToNum` in place. @example tensor([NaN, 1]).nanToNum_(); // tensor([0., 1.]) */
export const nanToNum_: Replacing = define('nanToNum_', replacing, (x, ...numbers) =>
  replacement.applyInPlace(x, forType(x, ...numbers)),
);

/** x as m · 2ⁿ, in float64; of 0, infinities and NaN n is 0. */
function partsOf(x: Expr): { mantissa: Expr; exponent: Expr } {
  const ordinary = e.and(e.ne(x, 0), e.lt(e.abs(x), Number.POSITIVE_INFINITY));
  const isSubnormal = e.lt(e.abs(x), 2 ** -1022);
  const normal = e.where(ordinary, e.where(isSubnormal, e.mul(x, 2 ** 54), x), 1);
  // The logarithm may be off by one beside a power of two.
  const power = e.floor(e.log2(e.abs(normal)));
  const near = e.div(e.mul(normal, e.exp2(e.neg(power))), 2);
  const [isLarge, isSmall] = [e.ge(e.abs(near), 1), e.lt(e.abs(near), 0.5)];
  const mantissa = e.mul(near, e.where(isLarge, 0.5, e.where(isSmall, 2, 1)));
  const exponent = e.add(e.add(power, 1), e.sub(isLarge, isSmall));
  return {
    mantissa: e.where(ordinary, mantissa, x),
    exponent: e.where(ordinary, e.sub(exponent, e.where(isSubnormal, 54, 0)), 0),
  };
}

const mantissaOf = new Formula('frexp', (x) => partsOf(x).mantissa, {
  gradient: (g, _, x) => [e.mul(g, e.exp2(e.neg(partsOf(x).exponent)))],
});
const exponentOf = new Formula('frexp', (x) => partsOf(x).exponent);

const splitting = signature('input, /', { input: kinds.tensor });

/**
 * x as mantissa · 2^exponent, with a mantissa in [0.5, 1) and an exponent in int32. 0, infinities and NaN are their own mantissa, with exponent 0.
 *
 * @throws DTypeError for integers
 * @example
 * ```ts
 * const { mantissa, exponent } = frexp(tensor([6, 0.1]));
 * mantissa; // tensor([0.7500, 0.8000])
 * exponent; // tensor([ 3, -3])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.frexp.html
 */
export const frexp: FunctionOf<Results<['mantissa', 'exponent']>, typeof splitting> = define(
  'frexp',
  splitting,
  (x) => {
    if (!isFloat(x.dtype)) throw new DTypeError(`frexp: expected floats, got ${x.dtype}; convert with .float()`);
    return results(
      'frexp',
      ['mantissa', 'exponent'],
      [mantissaOf.call([x], x.dtype, 'float64'), exponentOf.call([x.detach()], 'int32', 'float64')],
    );
  },
);
