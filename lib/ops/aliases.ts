import type { Binary, Unary } from '../tensor/elementwise.js';
import { atan2 } from './arithmetic.js';
import {
  abs,
  acos,
  acosh,
  asin,
  asinh,
  atan,
  atanh,
  clamp,
  clamp_,
  div,
  div_,
  ge,
  gt,
  le,
  lt,
  mul,
  ne,
  neg,
  sub,
  sub_,
  trunc,
} from './pointwise.js';

// PyTorch's second names. Messages say the first one.

/** The same as `abs`. @example absolute(tensor([-1, 2])); // tensor([1., 2.]) */
export const absolute: Unary = abs;
/** The same as `acos`. @example arccos(tensor([1, 0])); // tensor([0.0000, 1.5708]) */
export const arccos: Unary = acos;
/** The same as `acosh`. @example arccosh(tensor([1, 2])); // tensor([0.0000, 1.3170]) */
export const arccosh: Unary = acosh;
/** The same as `asin`. @example arcsin(tensor([0, 1])); // tensor([0.0000, 1.5708]) */
export const arcsin: Unary = asin;
/** The same as `asinh`. @example arcsinh(tensor([0, 1])); // tensor([0.0000, 0.8814]) */
export const arcsinh: Unary = asinh;
/** The same as `atan`. @example arctan(tensor([0, 1])); // tensor([0.0000, 0.7854]) */
export const arctan: Unary = atan;
/** The same as `atanh`. @example arctanh(tensor([0, 0.5])); // tensor([0.0000, 0.5493]) */
export const arctanh: Unary = atanh;
/** The same as `atan2`. @example arctan2(tensor([1, 0]), tensor([1, 1])); // tensor([0.7854, 0.0000]) */
export const arctan2: typeof atan2 = atan2;
/** The same as `neg`. @example negative(tensor([1, -2])); // tensor([-1.,  2.]) */
export const negative: Unary = neg;
/** The same as `trunc`. @example fix(tensor([-1.5, 1.5])); // tensor([-1.,  1.]) */
export const fix: Unary = trunc;
/** The same as `mul`. @example multiply(tensor([1, 2]), tensor([3, 4])); // tensor([3., 8.]) */
export const multiply: Binary = mul;
/** The same as `sub`. @example subtract(tensor([1, 2]), 1); // tensor([0., 1.]) */
export const subtract: typeof sub = sub;
/** The same as `sub_`. @example subtract_(ones([2]), tensor([1, 2])); // tensor([ 0., -1.]) */
export const subtract_: typeof sub_ = sub_;
/** The same as `div`. @example divide(tensor([7, -7]), 2); // tensor([ 3.5000, -3.5000]) */
export const divide: typeof div = div;
/** The same as `div_`. @example divide_(ones([2]), 4); // tensor([0.2500, 0.2500]) */
export const divide_: typeof div_ = div_;
/** The same as `clamp`. @example clip(tensor([-2, 0.5, 3]), -1, 1); // tensor([-1.0000,  0.5000,  1.0000]) */
export const clip: typeof clamp = clamp;
/** The same as `clamp_`. @example clip_(tensor([-2, 3]), { min: 0 }); // tensor([0., 3.]) */
export const clip_: typeof clamp_ = clamp_;
/** The same as `gt`. @example greater(tensor([1, 2, 3]), 2); // tensor([False, False,  True]) */
export const greater: Binary = gt;
/** The same as `ge`. @example greaterEqual(tensor([1, 2, 3]), 2); // tensor([False,  True,  True]) */
export const greaterEqual: Binary = ge;
/** The same as `lt`. @example less(tensor([1, 2, 3]), 2); // tensor([ True, False, False]) */
export const less: Binary = lt;
/** The same as `le`. @example lessEqual(tensor([1, 2, 3]), 2); // tensor([ True,  True, False]) */
export const lessEqual: Binary = le;
/** The same as `ne`. @example notEqual(tensor([1, 2]), 2); // tensor([ True, False]) */
export const notEqual: Binary = ne;
