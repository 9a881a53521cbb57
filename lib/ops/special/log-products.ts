import type { Expr } from '../../expr/index.js';
import * as e from '../../expr/index.js';

/** x · log(y), where that is 0 for x = 0 although log(y) may be infinite, or below `zero` NaN. */
export function productWith(log: (y: Expr) => Expr, zero: number): (x: Expr, y: Expr) => Expr {
  return (x, y) => {
    const isNothing = e.eq(x, 0);
    const safe = e.where(e.and(isNothing, e.le(y, zero)), zero + 1, y);
    return e.where(e.isNan(y), Number.NaN, e.where(isNothing, 0, e.mul(x, log(safe))));
  };
}

/** What flows into x: nothing where log(y) was of no matter, and 0 where g is. */
export function productSlope(log: (y: Expr) => Expr, zero: number): (g: Expr, x: Expr, y: Expr) => Expr {
  return (g, x, y) => e.where(e.and(e.eq(x, 0), e.le(y, zero)), 0, productWith(log, zero)(g, y));
}
