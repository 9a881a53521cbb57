import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { sameShape } from '../backend/view.js';
import { ShapeError } from '../errors.js';
import { requireOneType } from '../tensor/check.js';
import * as kinds from '../tensor/kinds.js';
import { broadcastsTo, show } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { copy_ } from './conversion.js';
import { zeros } from './creation.js';
import { fittedFactor } from './factor.js';
import { add, mul } from './pointwise.js';
import { matmul } from './products.js';
import { permute, reshape, unsqueeze } from './views.js';

// beta · input + alpha · a product.

const factors = {
  /** Multiplies the input. Default: 1. With 0 the input is ignored, NaN and all. */
  beta: kinds.number.default(1),
  /** Multiplies the product. Default: 1. */
  alpha: kinds.number.default(1),
};

const ofMatrices = signature('input, /, mat1, mat2, *, beta, alpha', {
  input: kinds.tensor,
  mat1: kinds.tensor,
  mat2: kinds.tensor,
  ...factors,
});
const ofMatrixAndVector = signature('input, /, mat, vec, *, beta, alpha', {
  input: kinds.tensor,
  mat: kinds.tensor,
  vec: kinds.tensor,
  ...factors,
});
const ofVectors = signature('input, /, vec1, vec2, *, beta, alpha', {
  input: kinds.tensor,
  vec1: kinds.tensor,
  vec2: kinds.tensor,
  ...factors,
});
const ofBatches = signature('input, /, batch1, batch2, *, beta, alpha', {
  input: kinds.tensor,
  batch1: kinds.tensor,
  batch2: kinds.tensor,
  ...factors,
});

export interface AddmmOptions extends OptionsOf<typeof ofMatrices> {}

interface Factors {
  readonly beta: number;
  readonly alpha: number;
}

/** beta · input + alpha · product. */
function combined(op: string, input: Tensor, product: Tensor, { beta, alpha }: Factors): Tensor {
  if (!broadcastsTo(shapeOf(input), shapeOf(product)))
    throw new ShapeError(`${op}: the input ${show(input.shape)} does not broadcast to ${show(product.shape)}`);
  const scaled = alpha === 1 ? product : mul(product, fittedFactor(op, 'alpha', alpha, [product]));
  if (beta === 1) return add(input, scaled);
  const factor = fittedFactor(op, 'beta', beta, [input]);
  return add(beta === 0 ? zeros(input.shape, { dtype: input.dtype }) : mul(input, factor), scaled);
}

function requireDims(op: string, x: Tensor, ndim: number, name: string): void {
  if (x.ndim !== ndim) throw new ShapeError(`${op}: ${name} must have ${ndim} dimensions, got ${show(x.shape)}`);
}

/** Refuses operands whose types differ, or that do not have as many dimensions or do not fit each other. */
function check(
  op: string,
  [input, a, b]: readonly [Tensor, Tensor, Tensor],
  first: readonly [name: string, ndim: number],
  second: readonly [name: string, ndim: number],
): void {
  requireOneType(op, input, a, b);
  requireDims(op, a, first[1], first[0]);
  requireDims(op, b, second[1], second[0]);
  const [left, right] = [shapeOf(a), shapeOf(b)];
  const inner = [left.at(-1), right[Math.max(0, right.length - 2)]];
  const isBatch = left.length === 3;
  if (inner[0] !== inner[1] || (isBatch && left[0] !== right[0])) {
    const what = inner[0] === inner[1] ? 'batch sizes' : 'inner dimensions';
    throw new ShapeError(`${op}: ${what} differ: ${show(left)} x ${show(right)}`);
  }
}

type Body = (input: Tensor, a: Tensor, b: Tensor, beta: number, alpha: number) => Tensor;
type Product = (op: string, input: Tensor, a: Tensor, b: Tensor) => Tensor;

const adding =
  (op: string, product: Product): Body =>
  (input, a, b, beta, alpha) =>
    combined(op, input, product(op, input, a, b), { beta, alpha });

/** The same, written over the input, which has the shape of the result. */
const addingInPlace =
  (op: string, product: Product): Body =>
  (input, a, b, beta, alpha) => {
    const result = combined(op, input, product(op, input, a, b), { beta, alpha });
    if (!sameShape(shapeOf(input), shapeOf(result)))
      throw new ShapeError(
        `${op}: the input ${show(input.shape)} does not hold a result of shape ${show(result.shape)}`,
      );
    return copy_(input, result);
  };

const products: Readonly<Record<'matrices' | 'vector' | 'vectors' | 'batches' | 'sum', Product>> = {
  matrices: (op, input, a, b) => {
    check(op, [input, a, b], ['the first matrix', 2], ['the second matrix', 2]);
    return matmul(a, b);
  },
  vector: (op, input, a, b) => {
    check(op, [input, a, b], ['the matrix', 2], ['the vector', 1]);
    return matmul(a, b);
  },
  vectors: (op, _, a, b) => {
    requireDims(op, a, 1, 'the first vector');
    requireDims(op, b, 1, 'the second vector');
    return mul(unsqueeze(a, 1), b);
  },
  batches: (op, input, a, b) => {
    check(op, [input, a, b], ['the first batch', 3], ['the second batch', 3]);
    return matmul(a, b);
  },
  sum: (op, input, a, b) => {
    check(op, [input, a, b], ['the first batch', 3], ['the second batch', 3]);
    const [count, rows, inner] = shapeOf(a) as [number, number, number];
    return matmul(reshape(permute(a, [1, 0, 2]), [rows, count * inner]), reshape(b, [count * inner, shapeOf(b)[2]!]));
  },
};

/**
 * beta · input + alpha · (a x b).
 *
 * @param input broadcasts to (m, n)
 * @param mat1 (m, k)
 * @param mat2 (k, n)
 * @throws ShapeError if the sizes do not fit; DTypeError if element types differ
 * @example
 * ```ts
 * addmm(tensor([10, 20]), ones([2, 3]), ones([3, 2]), { alpha: 0.5 }); // tensor([[11.5000, 21.5000], [11.5000, 21.5000]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.addmm.html
 */
export const addmm: FunctionOf<Tensor, typeof ofMatrices, AddmmOptions> = define(
  'addmm',
  ofMatrices,
  adding('addmm', products.matrices),
);

/** `addmm` in place: the input has the shape of the result. @example zeros([1, 1]).addmm_(ones([1, 2]), ones([2, 1])); // tensor([[2.]]) */
export const addmm_: FunctionOf<Tensor, typeof ofMatrices, AddmmOptions> = define(
  'addmm_',
  ofMatrices,
  addingInPlace('addmm_', products.matrices),
);

/**
 * beta · input + alpha · (a x v).
 *
 * @param input broadcasts to (m)
 * @param mat (m, k)
 * @param vec (k)
 * @throws ShapeError if the sizes do not fit; DTypeError if element types differ
 * @example
 * ```ts
 * addmv(tensor([10, 20]), tensor([[1, 2], [3, 4]]), tensor([1, 1])); // tensor([13., 27.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.addmv.html
 */
export const addmv: FunctionOf<Tensor, typeof ofMatrixAndVector, AddmmOptions> = define(
  'addmv',
  ofMatrixAndVector,
  adding('addmv', products.vector),
);

/** `addmv` in place: the input has the shape of the result. @example tensor([1]).addmv_(ones([1, 2]), ones([2]), { alpha: 3 }); // tensor([7.]) */
export const addmv_: FunctionOf<Tensor, typeof ofMatrixAndVector, AddmmOptions> = define(
  'addmv_',
  ofMatrixAndVector,
  addingInPlace('addmv_', products.vector),
);

/**
 * beta · input + alpha · (the outer product of two vectors).
 *
 * @param input broadcasts to (m, n)
 * @param vec1 (m)
 * @param vec2 (n)
 * @throws ShapeError if the sizes do not fit
 * @example
 * ```ts
 * addr(tensor(10), tensor([1, 2]), tensor([3, 4])); // tensor([[13., 14.], [16., 18.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.addr.html
 */
export const addr: FunctionOf<Tensor, typeof ofVectors, AddmmOptions> = define(
  'addr',
  ofVectors,
  adding('addr', products.vectors),
);

/** `addr` in place: the input has the shape of the result. @example zeros([1, 2]).addr_(tensor([2]), tensor([3, 4])); // tensor([[6., 8.]]) */
export const addr_: FunctionOf<Tensor, typeof ofVectors, AddmmOptions> = define(
  'addr_',
  ofVectors,
  addingInPlace('addr_', products.vectors),
);

/**
 * beta · input + alpha · Σᵢ (aᵢ x bᵢ), over the matrices of two batches.
 *
 * @param input broadcasts to (m, n)
 * @param batch1 (b, m, k)
 * @param batch2 (b, k, n)
 * @throws ShapeError if the sizes do not fit; DTypeError if element types differ
 * @example
 * ```ts
 * addbmm(tensor(1), ones([5, 2, 3]), ones([5, 3, 2])); // tensor([[16., 16.], [16., 16.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.addbmm.html
 */
export const addbmm: FunctionOf<Tensor, typeof ofBatches, AddmmOptions> = define(
  'addbmm',
  ofBatches,
  adding('addbmm', products.sum),
);

/** `addbmm` in place: the input has the shape of the result. @example zeros([1, 1]).addbmm_(ones([2, 1, 3]), ones([2, 3, 1])); // tensor([[6.]]) */
export const addbmm_: FunctionOf<Tensor, typeof ofBatches, AddmmOptions> = define(
  'addbmm_',
  ofBatches,
  addingInPlace('addbmm_', products.sum),
);

/**
 * beta · input + alpha · (aᵢ x bᵢ), for each of the matrices of two batches.
 *
 * @param input broadcasts to (b, m, n)
 * @param batch1 (b, m, k)
 * @param batch2 (b, k, n)
 * @throws ShapeError if the sizes do not fit; DTypeError if element types differ
 * @example
 * ```ts
 * baddbmm(tensor(1), ones([2, 1, 3]), ones([2, 3, 1])); // tensor([[[4.]], [[4.]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.baddbmm.html
 */
export const baddbmm: FunctionOf<Tensor, typeof ofBatches, AddmmOptions> = define(
  'baddbmm',
  ofBatches,
  adding('baddbmm', products.batches),
);

/** `baddbmm` in place: the input has the shape of the result. @example zeros([1, 1, 1]).baddbmm_(ones([1, 1, 3]), ones([1, 3, 1])); // tensor([[[3.]]]) */
export const baddbmm_: FunctionOf<Tensor, typeof ofBatches, AddmmOptions> = define(
  'baddbmm_',
  ofBatches,
  addingInPlace('baddbmm_', products.batches),
);
