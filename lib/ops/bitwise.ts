import { isBool } from '../backend/dtype.js';
import type { Expr } from '../expr/index.js';
import * as e from '../expr/index.js';
import { type Binary, binary, Pointwise } from '../tensor/elementwise.js';
import { isTensor, type Tensor } from '../tensor/tensor.js';

// Integers are computed in float64, which holds the sums and products here exactly; of bools the bits are 0 and 1.

const bits = (name: string, build: (a: Expr, b: Expr) => Expr): Binary =>
  binary(name, build, { takes: 'integers and bools' });

/** The bits that both have, of integers and bools. @example bitwiseAnd(tensor([6, 3], { dtype: 'int32' }), 5); // tensor([4, 1]) */
export const bitwiseAnd: Binary = bits('bitwiseAnd', e.bitAnd);
/** The bits that either has, of integers and bools. @example bitwiseOr(tensor([6, 3], { dtype: 'int32' }), 5); // tensor([7, 7]) */
export const bitwiseOr: Binary = bits('bitwiseOr', (a, b) => e.sub(e.add(a, b), e.bitAnd(a, b)));
/** The bits that one of both has, of integers and bools. @example bitwiseXor(tensor([6, 3], { dtype: 'int32' }), 5); // tensor([3, 6]) */
export const bitwiseXor: Binary = bits('bitwiseXor', (a, b) => e.sub(e.add(a, b), e.mul(2, e.bitAnd(a, b))));
const integers = (name: string, build: (a: Expr, b: Expr) => Expr): Binary =>
  binary(name, build, { takes: 'integers' });

/** Whether a shift is by as many bits as PyTorch's integers have; by others all bits go. */
const isShift = (b: Expr): Expr => e.and(e.ge(b, 0), e.lt(b, 64));

/** a · 2ᵇ, of integers; 0 for b below 0 or above 63. @example bitwiseLeftShift(tensor([1, 3], { dtype: 'int32' }), 4); // tensor([16, 48]) */
export const bitwiseLeftShift: Binary = integers('bitwiseLeftShift', (a, b) =>
  e.where(isShift(b), e.mul(a, e.exp2(b)), 0),
);
/** ⌊a / 2ᵇ⌋, of integers; only the sign is left, 0 or -1, for b below 0 or above 63. @example bitwiseRightShift(tensor([16, -3], { dtype: 'int32' }), 1); // tensor([ 8, -2]) */
export const bitwiseRightShift: Binary = integers('bitwiseRightShift', (a, b) =>
  e.where(isShift(b), e.floor(e.mul(a, e.exp2(e.neg(b)))), e.neg(e.lt(a, 0))),
);

const turned = new Pointwise('bitwiseNot', (x) => e.sub(-1, x), { takes: 'integers and bools' });
const turnedBools = new Pointwise('bitwiseNot', (x) => e.sub(1, x));

const turning = (x: Tensor): Pointwise<[]> => (isTensor(x) && isBool(x.dtype) ? turnedBools : turned);

/** All bits turned: -1 - x of integers, `logicalNot` of bools. @example bitwiseNot(tensor([5, -1], { dtype: 'int32' })); // tensor([-6,  0]) */
export const bitwiseNot = (x: Tensor): Tensor => turning(x).apply([x]);

/** `bitwiseNot` in place. @example tensor([5, -1], { dtype: 'int32' }).bitwiseNot_(); // tensor([-6,  0]) */
export const bitwiseNot_ = (x: Tensor): Tensor => turning(x).applyInPlace(x, []);
