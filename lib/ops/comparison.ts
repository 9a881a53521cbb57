import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { sameShape } from '../backend/view.js';
import type { Expr } from '../expr/index.js';
import * as e from '../expr/index.js';
import { Pointwise, type Unary, unary } from '../tensor/elementwise.js';
import { filledOf } from '../tensor/empty.js';
import * as kinds from '../tensor/kinds.js';
import { type Single, single } from '../tensor/parameters.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { eq } from './pointwise.js';
import { all } from './reductions.js';

/** Whether x is Infinity. @example isposinf(tensor([Infinity, -Infinity])); // tensor([ True, False]) */
export const isposinf: Unary = unary('isposinf', (x) => e.eq(x, Number.POSITIVE_INFINITY), { result: 'bool' });
/** Whether x is -Infinity. @example isneginf(tensor([Infinity, -Infinity])); // tensor([False,  True]) */
export const isneginf: Unary = unary('isneginf', (x) => e.eq(x, Number.NEGATIVE_INFINITY), { result: 'bool' });
/** Whether the sign bit of x is set, as it is of -0; NaN has none. @example signbit(tensor([-2, -0, 0])); // tensor([ True,  True, False]) */
export const signbit: Unary = unary('signbit', e.isNegative, { result: 'bool' });

/** Whether x is real, which every number of nabla is. @example isreal(tensor([1, NaN])); // tensor([True, True]) */
export const isreal: Single = define('isreal', single, (x) => filledOf(shapeOf(x), 1, 'bool'));

const comparing = signature('input, /, other, rtol, atol, equalNan', {
  input: kinds.tensor,
  /** Of the same element type. */
  other: kinds.tensor,
  /** How far apart two may be in proportion to the second. Default: 1e-5. */
  rtol: kinds.atLeast(0).default(1e-5),
  /** How far apart two may be besides. Default: 1e-8. */
  atol: kinds.atLeast(0).default(1e-8),
  /** Whether NaN is close to NaN. Default: false. */
  equalNan: kinds.boolean.default(false),
});

export interface IscloseOptions extends OptionsOf<typeof comparing> {}
type Comparing<R> = FunctionOf<R, typeof comparing, IscloseOptions>;

const closeness = (equalNan: boolean) =>
  new Pointwise(
    'isclose',
    (a, b: Expr, rtol: Expr, atol: Expr) => {
      const distance = e.abs(e.sub(a, b));
      const near = e.le(distance, e.add(atol, e.abs(e.mul(rtol, b))));
      const close = e.or(e.eq(a, b), e.and(e.lt(distance, Number.POSITIVE_INFINITY), near));
      return equalNan ? e.or(close, e.and(e.isNan(a), e.isNan(b))) : close;
    },
    { result: 'bool', sameType: true, factors: 2 },
  );
const close = closeness(false);
const closeOrNan = closeness(true);

/**
 * Whether |a - b| ≤ atol + rtol · |b|, element by element, as a bool tensor. Equal infinities are close.
 *
 * @throws DTypeError if the element types differ
 * @example
 * ```ts
 * isclose(tensor([1, 2]), tensor([1.000001, 2.1])); // tensor([ True, False])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.isclose.html
 */
export const isclose: Comparing<Tensor> = define('isclose', comparing, (a, b, rtol, atol, equalNan) =>
  (equalNan ? closeOrNan : close).apply([a, b, rtol, atol]),
);

/**
 * Whether all elements of `isclose` are true.
 *
 * @throws DTypeError if the element types differ
 * @example
 * ```ts
 * allclose(tensor([1, 2]), tensor([1.000001, 2.000001])); // true
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.allclose.html
 */
export const allclose: Comparing<boolean> = define('allclose', comparing, (...args) =>
  all(isclose(...args)).item<boolean>(),
);

const matching = signature('input, /, other', {
  input: kinds.tensor,
  /** What to compare it with. */
  other: kinds.tensor,
});

/**
 * Whether two tensors have one shape and equal elements; NaN equals nothing.
 *
 * @example
 * ```ts
 * equal(tensor([1, 2]), tensor([1, 2])); // true
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.equal.html
 */
export const equal: FunctionOf<boolean, typeof matching> = define(
  'equal',
  matching,
  (a, b) => sameShape(shapeOf(a), shapeOf(b)) && all(eq(a, b)).item<boolean>(),
);
