import { define } from '../../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { recordsGradients } from '../../autograd/mode.js';
import { type BackwardRule, record } from '../../autograd/node.js';
import { sizeOf } from '../../backend/view.js';
import { ShapeError } from '../../errors.js';
import * as kinds from '../../tensor/kinds.js';
import { expandTo } from '../../tensor/layout.js';
import { type Single, single } from '../../tensor/parameters.js';
import { type Results, results } from '../../tensor/results.js';
import { normalizeDim, show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { arange, eye } from '../creation.js';
import { abs, log, mul, ne, neg, sign, where } from '../pointwise.js';
import { matmul } from '../products.js';
import { prod, sum } from '../reductions.js';
import { diagonalOf } from '../strided.js';
import { expand, permute, reshape, squeeze, unsqueeze } from '../views.js';
import {
  alike,
  batchOf,
  checking,
  columnsOf,
  luOf,
  placed,
  productOf,
  reflectionsOf,
  requireDone,
  requireMatrices,
  requireSquare,
  rowsOf,
  SINGULAR,
  singularOf,
  substituted,
  turned,
} from './factors.js';

const solvingRule: BackwardRule<null> = {
  name: 'LinalgSolve',
  backward: (g, [a, x], _, [aNeeds]) => {
    const gb = solved('solve', turned(a!), g);
    return [aNeeds ? neg(matmul(gb, turned(x!))) : null, gb];
  },
};

/** X of A X = B, and 0 or the number of the pivot of A that is 0. Batches are broadcast. */
function solution(op: string, A: Tensor, B: Tensor): [x: Tensor, info: Tensor] {
  const [packed, pivots, info] = luOf(A.detach());
  const [a, b] = alike(op, A, B);
  const batch = batchOf(b);
  const factors = expandTo(packed, [...batch, ...shapeOf(packed).slice(-2)]);
  const order = expandTo(pivots, [...batch, rowsOf(a)]);
  const middle = substituted(factors, placed(order, b.detach()), { upper: false, unitriangular: true });
  const x = substituted(factors, middle, { upper: true });
  return [record(x, solvingRule, [a, b], [a, x], null), info];
}

function solved(op: string, a: Tensor, b: Tensor): Tensor {
  const [x, info] = solution(op, a, b);
  requireDone(op, info, SINGULAR);
  return x;
}

const sided = {
  A: kinds.tensor,
  B: kinds.tensor,
  /** Whether A stands on the left: A X = B, or else X A = B. Default: true. */
  left: kinds.boolean.default(true),
};
const solving = signature('A, B, /, *, left', sided);
const solvingEx = signature('A, B, /, *, left, checkErrors', { ...sided, ...checking });

export interface SolveOptions extends OptionsOf<typeof solving> {}
export interface SolveExOptions extends OptionsOf<typeof solvingEx> {}

/** Whether B is a batch of vectors, as PyTorch tells: a vector, or of the shape of A without its last dimension. */
const isVectors = (a: Tensor, b: Tensor): boolean =>
  b.ndim === 1 || (a.ndim - 1 === b.ndim && show(shapeOf(a).slice(0, -1)) === show(b.shape));

/**
 * X of A X = B. B has matrices, or vectors: if it is a vector, or has the shape of A without the last dimension. Batches are broadcast.
 *
 * @param A (…, n, n)
 * @param B (…, n, k), or (…, n)
 * @throws ValueError for a singular matrix; ShapeError if shapes do not fit; DTypeError for integers, or two element types
 * @example
 * ```ts
 * linalg.solve(tensor([[2, 0], [1, 1]]), tensor([2, 3])); // tensor([1., 2.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.solve.html
 */
export const solve: FunctionOf<Tensor, typeof solving, SolveOptions> = define('solve', solving, (A, B, left) => {
  const [x, info] = solvedOn('solve', A, B, left);
  requireDone('solve', info, SINGULAR);
  return x;
});

/**
 * `linalg.solve` that says by `info` where A is singular, instead of throwing: 0, or the number (from 1 on) of the pivot that is 0. What it
 * gives there is of no use.
 *
 * @throws ValueError for a singular matrix, if `checkErrors` is set; ShapeError and DTypeError as `linalg.solve`
 * @example
 * ```ts
 * linalg.solveEx(tensor([[2, 0], [1, 1]]), tensor([2, 3])).result; // tensor([1., 2.])
 * linalg.solveEx(tensor([[1, 2], [2, 4]]), tensor([2, 3])).info; // tensor(2)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.solve_ex.html
 */
export const solveEx: FunctionOf<Results<['result', 'info']>, typeof solvingEx, SolveExOptions> = define(
  'solveEx',
  solvingEx,
  (A, B, left, checkErrors) => {
    const [x, info] = solvedOn('solveEx', A, B, left);
    if (checkErrors) requireDone('solveEx', info, SINGULAR);
    return results('solveEx', ['result', 'info'], [x, info]);
  },
);

/** X of A X = B, or of X A = B, and `info`; B has matrices, or vectors. */
function solvedOn(op: string, A: Tensor, B: Tensor, left: boolean): [x: Tensor, info: Tensor] {
  requireSquare(op, A);
  const isVector = isVectors(A, B);
  const right = isVector ? unsqueeze(B, -1) : B;
  requireMatrices(op, A, right);
  if (columnsOf(A) !== (left || isVector ? rowsOf(right) : columnsOf(right)))
    throw new ShapeError(`${op}: A ${show(A.shape)} and B ${show(B.shape)} do not fit`);
  const isLeft = left || isVector;
  const [x, info] = solution(op, left ? A : turned(A), isLeft ? right : turned(right));
  return [isVector ? squeeze(x, -1) : isLeft ? x : turned(x), info];
}

const inverseRule: BackwardRule<null> = {
  name: 'LinalgInv',
  backward: (g, [x]) => [neg(matmul(turned(x!), matmul(g, turned(x!))))],
};

/** The inverse, in the name of `op`, and `info`. */
function inverseOf(op: string, a: Tensor): [x: Tensor, info: Tensor] {
  requireSquare(op, a);
  const n = columnsOf(a);
  const unit = expand(eye(n, { dtype: a.dtype }), [...batchOf(a), n, n]);
  const [x, info] = solution(op, a.detach(), unit);
  return [record(x, inverseRule, [a], [x], null), info];
}

/** The inverse, in the name of `op`. */
export function inverted(op: string, a: Tensor): Tensor {
  const [x, info] = inverseOf(op, a);
  requireDone(op, info, SINGULAR);
  return x;
}

/**
 * The inverse of square matrices.
 *
 * @param A (…, n, n)
 * @throws ValueError for a singular matrix; ShapeError if matrices are not square; DTypeError for integers
 * @example
 * ```ts
 * linalg.inv(tensor([[2, 0], [0, 4]])); // tensor([[0.5000, 0.0000], [0.0000, 0.2500]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.inv.html
 */
export const inv: Single = define('inv', single, (a) => inverted('inv', a));
/** The same as `linalg.inv`. @example inverse(tensor([[2]])); // tensor([[0.5000]]) */
export const inverse: Single = define('inverse', single, (a) => inverted('inverse', a));

const invertingEx = signature('A, /, *, checkErrors', { A: kinds.tensor, ...checking });

export interface InvExOptions extends OptionsOf<typeof invertingEx> {}

/**
 * `linalg.inv` that says by `info` where it failed, instead of throwing: 0, or the number (from 1 on) of the pivot that is 0. What it gives
 * there is of no use.
 *
 * @throws ValueError for a singular matrix, if `checkErrors` is set; ShapeError and DTypeError as `linalg.inv`
 * @example
 * ```ts
 * linalg.invEx(tensor([[2]])).inverse; // tensor([[0.5000]])
 * linalg.invEx(tensor([[1, 2], [2, 4]])).info; // tensor(2)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.inv_ex.html
 */
export const invEx: FunctionOf<Results<['inverse', 'info']>, typeof invertingEx, InvExOptions> = define(
  'invEx',
  invertingEx,
  (a, checkErrors) => {
    const [inverse, info] = inverseOf('invEx', a);
    if (checkErrors) requireDone('invEx', info, SINGULAR);
    return results('invEx', ['inverse', 'info'], [inverse, info]);
  },
);

const column = (x: Tensor): Tensor => unsqueeze(unsqueeze(x, -1), -1);

/** Signs of permutations, by the rows that were exchanged. */
const signOf = (pivots: Tensor, dtype: Tensor['dtype']): Tensor => {
  const moved = ne(pivots, arange(1, shapeOf(pivots).at(-1)! + 1, { dtype: 'int32' }));
  return prod(where(moved, -1, 1).to(dtype), -1);
};

/** The products of all elements but each. */
function productsOfOthers(values: Tensor): Tensor {
  const n = shapeOf(values).at(-1)!;
  const isOwn = eye(n, { dtype: 'bool' });
  return prod(where(isOwn, 1, unsqueeze(values, -2)).to(values.dtype), -1);
}

/** The transposed adjugate det(A) A⁻ᵀ, by singular values, so that there is one for singular matrices too. */
function cofactors(a: Tensor): Tensor {
  const [zeroed, s, v] = singularOf(a);
  const [packed, taus] = reflectionsOf(zeroed);
  const q = productOf(packed, taus, columnsOf(a));
  const diagonal = diagonalOf('det', packed, 0, -2, -1);
  const u = mul(q, unsqueeze(where(diagonal.lt(0), -1, 1).to(a.dtype), -2));
  return mul(column(mul(detOf(u), detOf(v))), matmul(mul(u, unsqueeze(productsOfOthers(s), -2)), turned(v)));
}

function detOf(a: Tensor): Tensor {
  const [packed, pivots] = luOf(a);
  return mul(signOf(pivots, a.dtype), prod(diagonalOf('det', packed, 0, -2, -1), -1));
}

const detRule: BackwardRule<null> = {
  name: 'LinalgDet',
  backward: (g, [a, out]) => {
    // A gradient that is itself differentiated needs an inverse.
    if (recordsGradients()) return [mul(column(mul(g, out!)), turned(inverted('det', a!)))];
    return [mul(column(g), cofactors(a!.detach()))];
  },
};

const determinant = (op: string, a: Tensor): Tensor => {
  requireSquare(op, a);
  const out = detOf(a.detach());
  return record(out, detRule, [a], [a, out], null);
};

/**
 * The determinants of square matrices. There is a gradient at singular ones; one of the gradient there is not.
 *
 * @param A (…, n, n)
 * @throws ShapeError if matrices are not square; DTypeError for integers
 * @example
 * ```ts
 * linalg.det(tensor([[1, 2], [3, 4]])); // tensor(-2.)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.det.html
 */
export const det: Single = define('det', single, (a) => determinant('det', a));

const logRule: BackwardRule<null> = {
  name: 'LinalgSlogdet',
  backward: (g, [a]) => [mul(column(g), turned(inverted('slogdet', a!)))],
};

function signAndLog(op: string, a: Tensor): [sign: Tensor, logabsdet: Tensor] {
  requireSquare(op, a);
  const [packed, pivots] = luOf(a.detach());
  const diagonal = diagonalOf(op, packed, 0, -2, -1);
  const signs = mul(signOf(pivots, a.dtype), prod(sign(diagonal), -1));
  const out = sum(log(abs(diagonal)), [-1]);
  return [signs, record(out, logRule, [a], [a], null)];
}

/**
 * The signs of determinants and the logarithms of their absolute values, which do not overflow: 0 and -Infinity for singular matrices.
 *
 * @param A (…, n, n)
 * @throws ShapeError if matrices are not square; DTypeError for integers; ValueError by the gradient of a singular matrix
 * @example
 * ```ts
 * const { sign, logabsdet } = linalg.slogdet(tensor([[1, 2], [3, 4]]));
 * sign; // tensor(-1.)
 * logabsdet; // tensor(0.6931)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.slogdet.html
 */
export const slogdet: Single<Results<['sign', 'logabsdet']>> = define('slogdet', single, (a) =>
  results('slogdet', ['sign', 'logabsdet'], signAndLog('slogdet', a)),
);

/**
 * The logarithms of determinants: NaN where one is negative, -Infinity where it is 0.
 *
 * @param A (…, n, n)
 * @throws ShapeError if matrices are not square; DTypeError for integers
 * @example
 * ```ts
 * logdet(tensor([[2, 0], [0, 2]])); // tensor(1.3863)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.logdet.html
 */
export const logdet: Single = define('logdet', single, (a) => {
  const [signs, out] = signAndLog('logdet', a);
  return where(signs.eq(-1), Number.NaN, out);
});

const inverting = signature('A, /, ind', {
  A: kinds.tensor,
  /** How many of the first dimensions are rows of the matrix. Default: 2. */
  ind: kinds.integerFrom(1).default(2),
});

/**
 * The inverse of a tensor as a map of tensors: its first `ind` dimensions against the others.
 *
 * @throws ShapeError if there are not as many elements of both; ValueError for a singular one
 * @example
 * ```ts
 * linalg.tensorinv(eye(6).reshape([2, 3, 6])).shape; // [6, 2, 3]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.tensorinv.html
 */
export const tensorinv: FunctionOf<Tensor, typeof inverting> = define('tensorinv', inverting, (a, ind) => {
  const [first, others] = [shapeOf(a).slice(0, ind), shapeOf(a).slice(ind)];
  if (sizeOf(first) !== sizeOf(others))
    throw new ShapeError(`tensorinv: expected as many elements of ${show(first)} and ${show(others)}`);
  return reshape(inverted('tensorinv', reshape(a, [sizeOf(first), sizeOf(first)])), [...others, ...first]);
});

const tensorSolving = signature('A, B, /, dims', {
  A: kinds.tensor,
  B: kinds.tensor,
  /** Dimensions of A that are moved to its end first. Default: null, none. */
  dims: kinds.dimList.optional(),
});

export interface TensorsolveOptions extends OptionsOf<typeof tensorSolving> {}

/**
 * X of `tensordot(A, X, X.ndim)` = B.
 *
 * @throws ShapeError if shapes do not fit; ValueError for a singular A
 * @example
 * ```ts
 * linalg.tensorsolve(eye(6).reshape([2, 3, 6]), ones([2, 3])); // tensor([1., 1., 1., 1., 1., 1.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.tensorsolve.html
 */
export const tensorsolve: FunctionOf<Tensor, typeof tensorSolving, TensorsolveOptions> = define(
  'tensorsolve',
  tensorSolving,
  (A, B, dims) => {
    const last = (dims ?? []).map((dim) => normalizeDim('tensorsolve', dim, A.ndim));
    const order = [...A.shape.keys()].filter((axis) => !last.includes(axis)).concat(last);
    const a = permute(A, order);
    const shape = shapeOf(a).slice(B.ndim);
    const n = B.numel();
    if (sizeOf(shape) !== n || A.numel() !== n * n)
      throw new ShapeError(`tensorsolve: A ${show(A.shape)} and B ${show(B.shape)} do not fit`);
    return reshape(solve(reshape(a, [n, n]), reshape(B, [n])), shape);
  },
);

const power = signature('A, n, /', { A: kinds.tensor, n: kinds.integer });

function raised(op: string, a: Tensor, n: number): Tensor {
  if (a.ndim < 2 || rowsOf(a) !== columnsOf(a))
    throw new ShapeError(`${op}: expected square matrices, got shape ${show(a.shape)}`);
  if (n === 0) return mul(expand(eye(columnsOf(a), { dtype: a.dtype }), shapeOf(a)), 1);
  let square = n < 0 ? inverted(op, a) : a;
  let result: Tensor | null = null;
  for (let left = Math.abs(n); left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = result === null ? square : matmul(result, square);
    if (left > 1) square = matmul(square, square);
  }
  return result === a ? mul(a, 1) : result!;
}

/**
 * The n-th power of square matrices; of the inverse if n is negative.
 *
 * @throws ShapeError if matrices are not square; ValueError for a negative power of a singular one
 * @example
 * ```ts
 * matrixPower(tensor([[1, 1], [0, 1]]), 3); // tensor([[1., 3.], [0., 1.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.matrix_power.html
 */
export const matrixPower: FunctionOf<Tensor, typeof power> = define('matrixPower', power, (a, n) =>
  raised('matrixPower', a, n),
);
