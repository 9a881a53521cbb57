import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { DEFAULT_FLOAT, isFloat } from '../backend/dtype.js';
import type { Expr } from '../expr/index.js';
import * as e from '../expr/index.js';
import { adjoints } from '../expr/index.js';
import { type Binary, binary, Pointwise, type Unary, unary } from '../tensor/elementwise.js';
import * as kinds from '../tensor/kinds.js';
import type { Tensor } from '../tensor/tensor.js';
import { copy_ } from './conversion.js';
import { arange } from './creation.js';
import { add, sub } from './pointwise.js';
import { sum } from './reductions.js';
import { besselI } from './special/bessel.js';
import * as gamma from './special/gamma.js';
import * as incomplete from './special/incomplete-gamma.js';
import { productSlope, productWith } from './special/log-products.js';
import * as normal from './special/normal.js';
import { unsqueeze } from './views.js';

// Special functions, one row each; their expressions are in special/. In float32 they are computed in float64, and rounded.

const special = { result: 'float', wide: true } as const;

/** ln |Γ(x)|, the logarithm of the gamma function; of whole numbers, Γ(n) = (n - 1)!. @example lgamma(tensor([0.5, 5])); // tensor([0.5724, 3.1781]) */
export const lgamma: Unary = unary('lgamma', gamma.lgamma, {
  ...special,
  gradient: (g, _, x) => [e.mul(g, gamma.digamma(x))],
});
/** The derivative of `lgamma`. @example digamma(tensor([1, 4])); // tensor([-0.5772,  1.2561]) */
export const digamma: Unary = unary('digamma', gamma.digamma, {
  ...special,
  gradient: (g, _, x) => [e.mul(g, gamma.polygamma(1)(x))],
});
/** The number whose erf is x. @example erfinv(tensor([0, 0.5, -1])); // tensor([0.0000, 0.4769,   -inf]) */
export const erfinv: Unary = unary('erfinv', normal.erfinv, {
  ...special,
  gradient: (g, out) => [e.mul(e.mul(Math.sqrt(Math.PI) / 2, e.exp(e.square(out))), g)],
});
/** The modified Bessel function of the first kind, of order 0. @example i0(tensor([0, 2])); // tensor([1.0000, 2.2796]) */
export const i0: Unary = unary('i0', (x) => besselI(0, x), {
  ...special,
  gradient: (g, _, x) => [e.mul(g, besselI(1, x))],
});
/** sin(πx) / πx, and 1 at 0. @example sinc(tensor([0, 0.5])); // tensor([1.0000, 0.6366]) */
export const sinc: Unary = unary('sinc', sineQuotient, {
  ...special,
  gradient: (g, _, x) => [e.mul(g, e.mul(Math.PI, sineQuotientSlope(e.mul(x, Math.PI))))],
});

function sineQuotient(x: Expr): Expr {
  const angle = e.mul(e.where(e.eq(x, 0), 1, x), Math.PI);
  return e.where(e.eq(x, 0), 1, e.div(e.sin(angle), angle));
}

/** (sin y / y)', by its series where the quotients would cancel. */
function sineQuotientSlope(y: Expr): Expr {
  const isSmall = e.lt(e.abs(y), 0.5);
  const small = e.where(isSmall, y, 0);
  let factorial = 1;
  const terms = Array.from({ length: 8 }, (_, k) => {
    factorial *= -(2 * k + 2) * (2 * k + 3);
    return (2 * k + 2) / factorial;
  });
  const large = e.where(isSmall, 1, y);
  const quotient = e.div(e.sub(e.cos(large), e.div(e.sin(large), large)), large);
  return e.where(isSmall, e.mul(small, e.polynomial(e.square(small), terms)), quotient);
}

/** x · ln y; 0 where x is 0, but NaN where y is. @example xlogy(tensor([0, 2]), tensor([0, 3])); // tensor([0.0000, 2.1972]) */
export const xlogy: Binary = binary('xlogy', productWith(e.log, 0), {
  result: 'float',
  gradient: (g, _, x, y) => [productSlope(e.log, 0)(g, x, y), e.div(e.mul(g, x), y)],
});

const ratios = signature('input, /, eps', {
  input: kinds.tensor,
  /** Move x into [eps, 1 - eps] first. Default: null, leave it as it is. */
  eps: kinds.number.optional(),
});

export interface LogitOptions extends OptionsOf<typeof ratios> {}
type Ratios = FunctionOf<Tensor, typeof ratios, LogitOptions>;

/** ln(x / (1 - x)), near 1/2 in terms of what it is away from there. */
function logOdds(x: Expr): Expr {
  const isMiddle = e.lt(e.abs(e.sub(x, 0.5)), 0.25);
  const middle = e.where(isMiddle, x, 0.5);
  const ofMiddle = e.log1p(e.div(e.sub(e.mul(2, middle), 1), e.sub(1, middle)));
  return e.where(isMiddle, ofMiddle, e.log(e.div(x, e.sub(1, x))));
}

const logitSlope = (g: Expr, x: Expr, inside: Expr, outside: number): Expr =>
  e.where(inside, e.div(g, e.mul(x, e.sub(1, x))), outside);

const bareLogit = new Pointwise('logit', logOdds, {
  result: 'float',
  gradient: (g, _, x) => [logitSlope(g, x, e.and(e.ge(x, 0), e.le(x, 1)), Number.NaN)],
});
const clampedLogit = new Pointwise('logit', (x, eps: Expr) => logOdds(e.min(e.max(x, eps), e.sub(1, eps))), {
  result: 'float',
  factors: 1,
  // NaN is not outside.
  gradient: (g, _, x, eps) => [logitSlope(g, x, e.not(e.or(e.lt(x, eps), e.gt(x, e.sub(1, eps)))), 0), null],
});

/**
 * ln(x / (1 - x)), the inverse of `sigmoid`; NaN outside of [0, 1] unless `eps` is given.
 *
 * @example
 * ```ts
 * logit(tensor([0.5, 0.9, 1])); // tensor([0.0000, 2.1972,    inf])
 * logit(tensor([0, 1]), 0.1); // tensor([-2.1972,  2.1972])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.logit.html
 */
export const logit: Ratios = define('logit', ratios, (x, eps) =>
  eps === null ? bareLogit.apply([x]) : clampedLogit.apply([x, eps]),
);

/** `logit` in place. @example tensor([0.5, 0.9]).logit_(); // tensor([0.0000, 2.1972]) */
export const logit_: Ratios = define('logit_', ratios, (x, eps) =>
  eps === null ? bareLogit.applyInPlace(x, []) : clampedLogit.applyInPlace(x, [eps]),
);

const polygammas = new Map<number, Pointwise<[]>>();

/** Each order has its own, because their expressions differ. */
function polygammaOf(n: number): Pointwise<[]> {
  let operation = polygammas.get(n);
  if (operation === undefined) {
    const build = n === 0 ? gamma.digamma : gamma.polygamma(n);
    operation = new Pointwise('polygamma', (x) => build(x), {
      ...special,
      gradient: (g, _, x) => [e.mul(g, gamma.polygamma(n + 1)(x))],
    });
    polygammas.set(n, operation);
  }
  return operation;
}

/** Beyond this the expression has thousands of operations, and the values leave float64. */
const HIGHEST_ORDER = 30;

const ordered = signature('n, input, /', { n: kinds.integerFrom(0, HIGHEST_ORDER), input: kinds.tensor });

/**
 * The n-th derivative of `digamma`.
 *
 * @param n the order, from 0 to 30
 * @example
 * ```ts
 * polygamma(1, tensor([1, 0.5])); // tensor([1.6449, 4.9348])
 * ```
 * @see https://pytorch.org/docs/stable/special.html#torch.special.polygamma
 */
export const polygamma: FunctionOf<Tensor, typeof ordered> = define('polygamma', ordered, (n, x) =>
  polygammaOf(n).apply([x]),
);

const orderedInPlace = signature('input, n, /', { input: kinds.tensor, n: kinds.integerFrom(0, HIGHEST_ORDER) });

/** `polygamma` in place. @example tensor([1, 0.5]).polygamma_(1); // tensor([1.6449, 4.9348]) */
export const polygamma_: FunctionOf<Tensor, typeof orderedInPlace> = define('polygamma_', orderedInPlace, (x, n) =>
  polygammaOf(n).applyInPlace(x, []),
);

const multivariate = signature('input, /, p', {
  input: kinds.tensor,
  /** The dimension, from 1 on. */
  p: kinds.integerFrom(1),
});

/**
 * ln of the multivariate gamma function of dimension p: p (p - 1) / 4 · ln π + Σ ln |Γ(x - i / 2)| for i from 0 to p - 1.
 *
 * @example
 * ```ts
 * mvlgamma(tensor([2, 3]), 2); // tensor([0.4516, 1.5502])
 * ```
 * @see https://pytorch.org/docs/stable/special.html#torch.special.multigammaln
 */
export const mvlgamma: FunctionOf<Tensor, typeof multivariate> = define('mvlgamma', multivariate, (x, p) => {
  const halves = arange(0, p, 1, { dtype: isFloat(x.dtype) ? x.dtype : DEFAULT_FLOAT }).mul(0.5);
  return add(sum(lgamma(sub(unsqueeze(x, -1), halves)), -1), ((p * (p - 1)) / 4) * Math.log(Math.PI));
});

/** `mvlgamma` in place. @example tensor([2, 3]).mvlgamma_(2); // tensor([0.4516, 1.5502]) */
export const mvlgamma_: FunctionOf<Tensor, typeof multivariate> = define('mvlgamma_', multivariate, (x, p) =>
  copy_(x, mvlgamma(x, p)),
);

/** xᵃ⁻¹ e⁻ˣ / Γ(a). */
const gammaDensity = (a: Expr, x: Expr): Expr => e.exp(e.sub(e.sub(e.mul(e.sub(a, 1), e.log(x)), x), gamma.lgamma(a)));

const incompleteGamma = (name: string, build: (a: Expr, x: Expr) => Expr, sign: 1 | -1): Binary =>
  binary(name, build, {
    takes: 'floats',
    numbers: 'none',
    wide: true,
    gradient: (g, _, a, x) => [adjoints(build(a, x), g, [a])[0]!, e.mul(g, e.mul(sign, gammaDensity(a, x)))],
  });

/** The regularized lower incomplete gamma function, 1 / Γ(a) ∫₀ˣ tᵃ⁻¹ e⁻ᵗ dt: how likely a gamma variable of shape a is below x. @example igamma(tensor([4]), tensor([3, 5])); // tensor([0.3528, 0.7350]) */
export const igamma: Binary = incompleteGamma('igamma', incomplete.igamma, 1);
/** The regularized upper incomplete gamma function, 1 - `igamma`(a, x), exact where it is small. @example igammac(tensor([4]), tensor([3, 5])); // tensor([0.6472, 0.2650]) */
export const igammac: Binary = incompleteGamma('igammac', incomplete.igammac, -1);
