import type { Expr } from '../expr/index.js';
import * as e from '../expr/index.js';
import { Formula } from '../tensor/formula.js';

// The p-norm of a row, as an expression that norms and distances are made of.

/** (Σ |x|^p)^(1/p) of a row; each p has its own expression, and its own kinks. */
export function rowNorm(p: number, x: Expr): Expr {
  if (p === 0) return e.rowSum(e.ne(x, 0));
  if (p === 1) return e.rowSum(e.abs(x));
  if (p === 2) return e.sqrt(e.rowSum(e.square(x)));
  if (p === Number.POSITIVE_INFINITY) return e.rowMax(e.abs(x));
  if (p === Number.NEGATIVE_INFINITY) return e.rowMin(e.abs(x));
  return e.pow(e.rowSum(e.pow(e.abs(x), p)), 1 / p);
}

/** What flows back to x when `g` flows into its norm `out`. Where that is 0 the subgradient is 0, as PyTorch takes it. */
export function rowNormSlope(p: number, g: Expr, out: Expr, x: Expr): Expr {
  if (p === 0) return e.expand(nothing(g));
  if (p === 1) return e.mul(g, e.sign(x));
  if (p === 2) return e.mul(x, e.where(e.eq(out, 0), 0, e.div(g, out)));
  if (!Number.isFinite(p)) return e.mul(e.sharedByAll(g, out, e.abs(x)), e.sign(x));
  const scaled = e.where(e.eq(out, 0), 0, e.div(g, e.pow(out, p - 1)));
  const magnitude = p < 2 ? e.where(e.eq(x, 0), 0, e.pow(e.abs(x), p - 1)) : e.pow(e.abs(x), p - 1);
  return e.mul(e.mul(e.sign(x), magnitude), scaled);
}

/** Zeros in the shape of a gradient, whatever is in it. */
const nothing = (g: Expr): Expr => e.lt(e.abs(g), 0);

/** A formula for each p that comes, made once. */
function byOrder<A extends Expr[]>(make: (p: number) => Formula<A>): (p: number) => Formula<A> {
  const known = new Map<number, Formula<A>>();
  return (p) => {
    const formula = known.get(p) ?? make(p);
    known.set(p, formula);
    return formula;
  };
}

/** The norm of x. */
export const normFormula = byOrder<[x: Expr]>(
  (p) => new Formula('norm', (x) => rowNorm(p, x), { gradient: (g, out, x) => [rowNormSlope(p, g, out, x)] }),
);

type Slope = typeof rowNormSlope;

/** The norm of x - y + eps, with a slope. */
const distanceBy = (slopeOf: Slope) =>
  byOrder<[x: Expr, y: Expr, eps: Expr]>(
    (p) =>
      new Formula('distance', (x, y, eps) => rowNorm(p, e.add(e.sub(x, y), eps)), {
        gradient: (g, out, x, y, eps) => {
          const slope = slopeOf(p, g, out, e.add(e.sub(x, y), eps));
          return [slope, e.neg(slope), null];
        },
      }),
  );

/** As PyTorch's: equal largest differences do not share the gradient, each has all of it. */
const unsharedSlope: Slope = (p, g, out, x) => {
  if (p !== Number.POSITIVE_INFINITY) return rowNormSlope(p, g, out, x);
  const ofLargest = e.where(e.eq(e.abs(x), out), e.mul(g, e.sign(x)), 0);
  return e.where(e.isNan(x), x, ofLargest);
};

/** The norm of x - y + eps. */
export const distanceFormula = distanceBy(rowNormSlope);

/** The same of every two rows: its subgradient is another. */
export const pairsFormula = distanceBy(unsharedSlope);
