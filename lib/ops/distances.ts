import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { isFloat } from '../backend/dtype.js';
import { DTypeError, ShapeError } from '../errors.js';
import type { Expr } from '../expr/index.js';
import * as e from '../expr/index.js';
import { Formula } from '../tensor/formula.js';
import * as kinds from '../tensor/kinds.js';
import { commonType, floatOf } from '../tensor/promotion.js';
import { allAxes, broadcastShapes, normalizeDim, show } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { indexSelect } from './indexing.js';
import { distanceFormula, pairsFormula } from './p-norm.js';
import { triuIndices } from './triangles.js';
import { unsqueeze } from './views.js';

// How far tensors are apart, and how alike.

function requireFloats(op: string, ...tensors: readonly Tensor[]): void {
  const wrong = tensors.find(({ dtype }) => !isFloat(dtype));
  if (wrong !== undefined) {
    throw new DTypeError(`${op}: expected float tensors, got ${wrong.dtype}; convert with .float()`);
  }
}

/** The p-norm of x - y + eps over some axes of their common shape. */
function distance(
  x: Tensor,
  y: Tensor,
  {
    op,
    p,
    formula = distanceFormula,
    eps = 0,
    axes,
    keepdim = false,
  }: {
    readonly op: string;
    readonly p: number;
    readonly formula?: typeof distanceFormula;
    readonly eps?: number;
    readonly axes: (ndim: number) => readonly number[];
    readonly keepdim?: boolean;
  },
): Tensor {
  const shape = broadcastShapes(op, shapeOf(x), shapeOf(y));
  const frame = { shape, axes: axes(shape.length), keepdim };
  if (!Number.isFinite(p) && frame.axes.some((axis) => shape[axis] === 0)) {
    throw new ShapeError(`${op}: nothing has no norm of order ${p}, got shape ${show(shape)}`);
  }
  return formula(p).call([x, y, eps], floatOf(commonType([x, y])), undefined, frame);
}

const lastAxis = (ndim: number): readonly number[] => (ndim === 0 ? [] : [ndim - 1]);

const comparing = signature('input, other, /, p', {
  input: kinds.tensor,
  other: kinds.tensor,
  /** Which norm. Default: 2. */
  p: kinds.real.default(2),
});

export interface DistOptions extends OptionsOf<typeof comparing> {}

/**
 * The p-norm of input - other, over all elements.
 *
 * @throws DTypeError for integers; ShapeError if the shapes do not broadcast
 * @example
 * ```ts
 * dist(tensor([1, 2]), tensor([4, 6])); // tensor(5.)
 * dist(tensor([1, 2]), tensor([4, 6]), 1); // tensor(7.)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.dist.html
 */
export const dist: FunctionOf<Tensor, typeof comparing, DistOptions> = define('dist', comparing, (x, y, p) => {
  requireFloats('dist', x, y);
  return distance(x, y, { op: 'dist', p, axes: allAxes });
});

/** The parameters that the module has too. */
export const pairwiseSignature = signature('p, eps, keepdim', {
  /** Which norm. Default: 2. */
  p: kinds.real.default(2),
  /** Added to the differences. Default: 1e-6. */
  eps: kinds.number.default(1e-6),
  /** Keep the last dimension with size 1. Default: false. */
  keepdim: kinds.boolean.default(false),
});

const pairing = pairwiseSignature.after('x1, x2', { x1: kinds.tensor, x2: kinds.tensor });

export interface PairwiseDistanceOptions extends OptionsOf<typeof pairwiseSignature> {}

/**
 * The p-norm of x1 - x2 + eps along the last dimension.
 *
 * @throws ShapeError if the shapes do not broadcast
 * @example
 * ```ts
 * pairwiseDistance(tensor([[0, 0], [1, 1]]), tensor([[3, 4], [1, 2]])); // tensor([5.0000, 1.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.pairwise_distance.html
 */
export const pairwiseDistance: FunctionOf<Tensor, typeof pairing, PairwiseDistanceOptions> = define(
  'pairwiseDistance',
  pairing,
  (x, y, p, eps, keepdim) => distance(x, y, { op: 'pairwiseDistance', p, eps, axes: lastAxis, keepdim }),
);

const crossing = signature('x1, x2, /, p, computeMode', {
  x1: kinds.tensor,
  x2: kinds.tensor,
  /** Which norm, at least 0. Default: 2. */
  p: kinds.atLeast(0).default(2),
  /** How PyTorch computes 2-norms. All give the same here: the norms of the differences. Default: 'use_mm_for_euclid_dist_if_necessary'. */
  computeMode: kinds
    .choice('use_mm_for_euclid_dist_if_necessary', 'use_mm_for_euclid_dist', 'donot_use_mm_for_euclid_dist')
    .default('use_mm_for_euclid_dist_if_necessary'),
});

export interface CdistOptions extends OptionsOf<typeof crossing> {}

/**
 * The p-norm of the difference of each row of x1 and each row of x2: (…, P, M) and (…, R, M) give (…, P, R).
 *
 * @throws ShapeError if rows differ in length, or other dimensions do not broadcast; DTypeError for integers, or two element types
 * @example
 * ```ts
 * cdist(tensor([[0, 0], [1, 1]]), tensor([[3, 4]])); // tensor([[5.0000], [3.6056]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.cdist.html
 */
export const cdist: FunctionOf<Tensor, typeof crossing, CdistOptions> = define('cdist', crossing, (x, y, p) => {
  const short = [x, y].find(({ ndim }) => ndim < 2);
  if (short !== undefined) throw new ShapeError(`cdist: expected rows, got shape ${show(short.shape)}`);
  if (shapeOf(x).at(-1) !== shapeOf(y).at(-1)) {
    throw new ShapeError(`cdist: rows of x1 ${show(x.shape)} and of x2 ${show(y.shape)} differ in length`);
  }
  if (x.dtype !== y.dtype) throw new DTypeError(`cdist: expected one element type, got ${x.dtype} and ${y.dtype}`);
  // Between rows without elements there is no distance, of no order.
  const order = shapeOf(x).at(-1) === 0 && !Number.isFinite(p) ? 2 : p;
  return distance(unsqueeze(x, -2), unsqueeze(y, -3), { op: 'cdist', p: order, formula: pairsFormula, axes: lastAxis });
});

const spreading = signature('input, /, p', {
  input: kinds.tensor,
  /** Which norm, at least 0. Default: 2. */
  p: kinds.atLeast(0).default(2),
});

export interface PdistOptions extends OptionsOf<typeof spreading> {}

/**
 * The p-norm of the difference of every two rows of a matrix, the upper triangle of `cdist(x, x)` row by row.
 *
 * @throws ShapeError for what is no matrix; DTypeError for integers
 * @example
 * ```ts
 * pdist(tensor([[0, 0], [3, 4], [0, 1]])); // tensor([5.0000, 1.0000, 4.2426])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.pdist.html
 */
export const pdist: FunctionOf<Tensor, typeof spreading, PdistOptions> = define('pdist', spreading, (x, p) => {
  if (x.ndim !== 2) throw new ShapeError(`pdist: expected a matrix, got shape ${show(x.shape)}`);
  const [rows, columns] = shapeOf(x) as [number, number];
  const order = columns === 0 && !Number.isFinite(p) ? 2 : p;
  const pairs = triuIndices(rows, rows, 1);
  const [first, second] = [0, 1].map((side) => indexSelect(x, 0, pairs.select(0, side)));
  return distance(first!, second!, { op: 'pdist', p: order, formula: pairsFormula, axes: lastAxis });
});

/** The parameters that the module has too. */
export const cosineSignature = signature('dim, eps', {
  /** The dimension of the vectors. Default: 1. */
  dim: kinds.dim.default(1),
  /** The least that a norm counts. Default: 1e-8. */
  eps: kinds.atLeast(0).default(1e-8),
});

const likening = cosineSignature.after('x1, x2', { x1: kinds.tensor, x2: kinds.tensor });

export interface CosineSimilarityOptions extends OptionsOf<typeof cosineSignature> {}

const lengthOf = (x: Expr): Expr => {
  const square = e.rowSum(e.square(x));
  return e.where(e.eq(square, 0), 0, e.sqrt(e.where(e.eq(square, 0), 1, square)));
};

/** The gradient for x. As in PyTorch it does not see that a length counts at least `eps`; that of a length of 0 is 0. */
function likenessSlope(g: Expr, out: Expr, x: Expr, y: Expr, eps: Expr): Expr {
  const [xLength, yLength] = [lengthOf(x), lengthOf(y)];
  const [a, b] = [e.max(xLength, eps), e.max(yLength, eps)];
  const direction = e.where(e.eq(xLength, 0), 0, e.div(x, e.where(e.eq(xLength, 0), 1, xLength)));
  return e.mul(e.div(g, a), e.sub(e.div(y, b), e.mul(out, direction)));
}

const likeness = new Formula(
  'cosineSimilarity',
  (x, y, eps) => e.rowSum(e.mul(e.div(x, e.max(lengthOf(x), eps)), e.div(y, e.max(lengthOf(y), eps)))),
  {
    gradient: (g, out, x, y, eps) => [likenessSlope(g, out, x, y, eps), likenessSlope(g, out, y, x, eps), null],
  },
);

/**
 * x1 · x2 / (max(|x1|, eps) max(|x2|, eps)) along `dim`.
 *
 * @throws DTypeError for integers; ShapeError if the shapes do not broadcast
 * @example
 * ```ts
 * cosineSimilarity(tensor([[1, 0], [1, 1]]), tensor([[2, 0], [-1, 1]])); // tensor([1., 0.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.cosine_similarity.html
 */
export const cosineSimilarity: FunctionOf<Tensor, typeof likening, CosineSimilarityOptions> = define(
  'cosineSimilarity',
  likening,
  (x, y, dim, eps) => {
    const dtype = commonType([x, y]);
    if (!isFloat(dtype)) throw new DTypeError(`cosineSimilarity: expected floats, got ${dtype}; convert with .float()`);
    const shape = broadcastShapes('cosineSimilarity', shapeOf(x), shapeOf(y));
    const axes = shape.length === 0 ? [] : [normalizeDim('cosineSimilarity', dim, shape.length)];
    if (shape.length === 0) normalizeDim('cosineSimilarity', dim, 1);
    return likeness.call([x, y, eps], dtype, undefined, { shape, axes, keepdim: false });
  },
);
