import { define } from '../../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { type BackwardRule, record } from '../../autograd/node.js';
import { ShapeError } from '../../errors.js';
import { emptyOf } from '../../tensor/empty.js';
import * as kinds from '../../tensor/kinds.js';
import { type Results, results } from '../../tensor/results.js';
import { show } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { add, div, mul, neg, square, sub, where } from '../pointwise.js';
import { matmul } from '../products.js';
import { sum } from '../reductions.js';
import { squeeze, unsqueeze } from '../views.js';
import { alike, columnsOf, requireMatrices, requireSquare, rowsOf, turned } from './factors.js';
import { counting, type Tolerances, tolerances } from './norms.js';
import { eigenDecomposition, singularValueDecomposition } from './svd.js';

/** Golub and Pereyra's derivative of the pseudoinverse, of constant rank. */
const rule: BackwardRule<null> = {
  name: 'LinalgPinv',
  backward: (g, [a, p]) => {
    const [x, y, gt, pt] = [a!, p!, turned(g), turned(p!)];
    if (rowsOf(x) <= columnsOf(x)) {
      const k = matmul(gt, y);
      const kp = matmul(k, pt);
      const rest = matmul(matmul(pt, y), sub(gt, matmul(k, x)));
      return [add(sub(add(neg(turned(matmul(y, k))), kp), matmul(matmul(x, y), kp)), rest)];
    }
    const k = matmul(y, gt);
    const pk = matmul(pt, k);
    const rest = matmul(matmul(sub(gt, matmul(x, k)), y), pt);
    return [sub(add(add(neg(turned(matmul(k, y))), rest), pk), matmul(matmul(pk, y), x))];
  },
};

/** The pseudoinverse, with gradients, in the name of `op`. */
function pseudoinverse(
  op: string,
  a: Tensor,
  given: Tolerances,
  hermitian: boolean,
): [inverse: Tensor, counted: Tensor, s: Tensor] {
  const plain = a.detach();
  if (hermitian) requireSquare(op, a);
  else requireMatrices(op, a);
  const [left, s, right] = hermitian ? symmetricParts(op, plain) : parts(op, plain);
  const counted = counting(plain, s.abs(), given);
  const inverse = where(counted, div(1, where(counted, s, 1)), 0).to(a.dtype);
  const out = matmul(mul(right, unsqueeze(inverse, -2)), turned(left));
  return [record(out, rule, [a], [a, out], null), counted, s];
}

function parts(op: string, a: Tensor): [Tensor, Tensor, Tensor] {
  const { u, s, v } = singularValueDecomposition(op, a);
  return [u, s, v];
}

function symmetricParts(op: string, a: Tensor): [Tensor, Tensor, Tensor] {
  const [values, vectors] = eigenDecomposition(op, a, 'L');
  return [vectors, values, vectors];
}

const inverting = signature('A, /, *, rtol, atol, hermitian', { A: kinds.tensor, ...tolerances });

export interface PinvOptions extends OptionsOf<typeof inverting> {}

/**
 * The Moore-Penrose pseudoinverse: that of the singular values that count, for matrices of any shape and rank.
 *
 * @param A (…, m, n)
 * @returns (…, n, m)
 * @throws ValueError for NaN and infinities; ShapeError for what is no matrix; DTypeError for integers
 * @example
 * ```ts
 * linalg.pinv(tensor([[2, 0], [0, 0]])); // tensor([[0.5000, 0.0000], [0.0000, 0.0000]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.pinv.html
 */
export const pinv: FunctionOf<Tensor, typeof inverting, PinvOptions> = define(
  'pinv',
  inverting,
  (a, rtol, atol, hermitian) => pseudoinverse('pinv', a, { rtol, atol }, hermitian)[0],
);

const plain = signature('input, /, rcond', {
  input: kinds.tensor,
  /** The least singular value that counts, of the largest. Default: 1e-15. */
  rcond: kinds.atLeast(0).default(1e-15),
});

export interface PinverseOptions extends OptionsOf<typeof plain> {}

/** `linalg.pinv` with another tolerance. @example pinverse(tensor([[2], [0]])); // tensor([[0.5000, 0.0000]]) */
export const pinverse: FunctionOf<Tensor, typeof plain, PinverseOptions> = define(
  'pinverse',
  plain,
  (a, rcond) => pseudoinverse('pinverse', a, { rtol: rcond, atol: null }, false)[0],
);

const DRIVERS = ['gels', 'gelsy', 'gelsd', 'gelss'] as const;

const fitting = signature('A, B, /, rcond, *, driver', {
  A: kinds.tensor,
  B: kinds.tensor,
  /** The least singular value that counts, of the largest. Default: null, max(m, n) times the element type's epsilon. */
  rcond: kinds.atLeast(0).optional(),
  /** Which of LAPACK's ways PyTorch takes. All give the same here, that of 'gelsd'. Default: null. */
  driver: kinds.choice(...DRIVERS).optional(),
});

export interface LstsqOptions extends OptionsOf<typeof fitting> {}

type LeastSquares = Results<['solution', 'residuals', 'rank', 'singularValues']>;

/**
 * The X with the least ‖A X - B‖, of several such the shortest, for matrices of any shape and rank. `residuals` are Σ (A X - B)² of each column, if
 * there are more rows than columns, or else empty; `rank` and `singularValues` are those of A.
 *
 * @param A (…, m, n)
 * @param B (…, m, k), or (…, m) beside a batch of as many dimensions
 * @throws ValueError for NaN and infinities; ShapeError if shapes do not fit; DTypeError for integers, or two element types
 * @example
 * ```ts
 * const { solution, residuals } = linalg.lstsq(tensor([[1, 0], [1, 1], [1, 2]]), tensor([[1], [3], [5]]));
 * solution; // tensor([[1.0000], [2.0000]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.lstsq.html
 */
export const lstsq: FunctionOf<LeastSquares, typeof fitting, LstsqOptions> = define('lstsq', fitting, (A, B, rcond) => {
  requireMatrices('lstsq', A);
  const isVector = B.ndim === A.ndim - 1;
  const right = isVector ? unsqueeze(B, -1) : B;
  requireMatrices('lstsq', A, right);
  if (rowsOf(A) !== rowsOf(right)) throw new ShapeError(`lstsq: A ${show(A.shape)} and B ${show(B.shape)} do not fit`);
  const [a, b] = alike('lstsq', A, right);
  const [inverse, counted, s] = pseudoinverse('lstsq', a, { rtol: rcond, atol: null }, false);
  const x = matmul(inverse, b);
  const isTall = rowsOf(a) > columnsOf(a);
  const rest = isTall ? sum(square(sub(matmul(a, x), b)), [-2]) : emptyOf([0], a.dtype);
  return results(
    'lstsq',
    ['solution', 'residuals', 'rank', 'singularValues'],
    [isVector ? squeeze(x, -1) : x, rest, sum(counted, [-1]), s.detach()],
  );
});
