import * as e from '../expr/index.js';
import { type Binary, binary, type Unary, unary } from '../tensor/elementwise.js';
import { besselI, scaledBesselI } from './special/bessel.js';
import { productSlope, productWith } from './special/log-products.js';
import * as normal from './special/normal.js';

// torch.special: the functions that are there only, and others under its names.

export { erf, erfc, exp2, expm1, log1p, round, sigmoid as expit } from './pointwise.js';
export { logsumexp } from './reductions.js';
export { logSoftmax, softmax } from './softmax.js';
export {
  digamma,
  digamma as psi,
  erfinv,
  i0,
  igamma as gammainc,
  igammac as gammaincc,
  lgamma as gammaln,
  logit,
  mvlgamma as multigammaln,
  polygamma,
  sinc,
  xlogy,
} from './special-functions.js';

const wide = { result: 'float', wide: true } as const;

/** e⁻|x| · `i0`(x), which does not overflow. @example special.i0e(tensor([0, 1000])); // tensor([1.0000, 0.0126]) */
export const i0e: Unary = unary('i0e', (x) => scaledBesselI(0, x), wide);
/** The modified Bessel function of the first kind, of order 1. @example special.i1(tensor([0, 2])); // tensor([0.0000, 1.5906]) */
export const i1: Unary = unary('i1', (x) => besselI(1, x), wide);
/** e⁻|x| · `i1`(x), which does not overflow. @example special.i1e(tensor([0, 1000])); // tensor([0.0000, 0.0126]) */
export const i1e: Unary = unary('i1e', (x) => scaledBesselI(1, x), wide);

/** The normal distribution function, (1 + erf(x / √2)) / 2. @example special.ndtr(tensor([-3, 0, 1])); // tensor([0.0013, 0.5000, 0.8413]) */
export const ndtr: Unary = unary('ndtr', normal.ndtr, {
  ...wide,
  gradient: (g, _, x) => [e.mul(g, e.mul(1 / Math.sqrt(2 * Math.PI), e.exp(e.mul(-0.5, e.square(x)))))],
});
/** The number below which a normal variable is with probability x: the inverse of `ndtr`. @example special.ndtri(tensor([0.025, 0.5, 1])); // tensor([-1.9600,  0.0000,     inf]) */
export const ndtri: Unary = unary('ndtri', normal.ndtri, {
  ...wide,
  gradient: (g, out) => [e.mul(g, e.mul(Math.sqrt(2 * Math.PI), e.exp(e.mul(0.5, e.square(out)))))],
});
/** ln of `ndtr`, also where that is too small. @example special.logNdtr(tensor([-10, 0])); // tensor([-53.2313,  -0.6931]) */
export const logNdtr: Unary = unary('logNdtr', normal.logNdtr, {
  ...wide,
  gradient: (g, _, x) => [e.mul(e.div(g, normal.erfcx(e.mul(x, -Math.SQRT1_2))), Math.sqrt(2 / Math.PI))],
});
/** e^(x²) · `erfc`(x), also where the one overflows and the other vanishes. @example special.erfcx(tensor([0, 100])); // tensor([1.0000, 0.0056]) */
export const erfcx: Unary = unary('erfcx', normal.erfcx, {
  ...wide,
  // At the infinities what PyTorch's formula, 2 x erfcx(x) - 2 / √π, gives.
  gradient: (g, _, x) => {
    const slope = e.adjoints(normal.erfcx(x), e.toExpr(1), [x])[0] ?? 0;
    const far = e.where(e.lt(x, 0), Number.NEGATIVE_INFINITY, Number.NaN);
    return [e.mul(g, e.where(e.isInfinite(x), far, slope))];
  },
});
/** The entropy -x · ln x; 0 at 0, -∞ below. @example special.entr(tensor([0, 0.5, -1])); // tensor([0.0000, 0.3466,   -inf]) */
export const entr: Unary = unary(
  'entr',
  (x) => {
    const value = e.neg(e.mul(x, e.log(e.where(e.gt(x, 0), x, 1))));
    return e.where(e.gt(x, 0), value, e.where(e.eq(x, 0), 0, e.where(e.lt(x, 0), Number.NEGATIVE_INFINITY, x)));
  },
  { result: 'float', gradient: (g, _, x) => [e.mul(g, e.neg(e.add(e.log(x), 1)))] },
);
/** x · ln(1 + y); 0 where x is 0, but NaN where y is. @example special.xlog1py(tensor([0, 2]), tensor([-1, 3])); // tensor([0.0000, 2.7726]) */
export const xlog1py: Binary = binary('xlog1py', productWith(e.log1p, -1), {
  result: 'float',
  gradient: (g, _, x, y) => [productSlope(e.log1p, -1)(g, x, y), e.div(e.mul(g, x), e.add(y, 1))],
});
