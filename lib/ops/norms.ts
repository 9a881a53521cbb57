import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { type Kind, kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import { ShapeError, ValueError } from '../errors.js';
import * as kinds from '../tensor/kinds.js';
import { normalizeDim, show } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { copy_ } from './conversion.js';
import { converted, dim, frameOf, keepdim, requireElements, requireFloat } from './frames.js';
import { nuclearNorm } from './nuclear-norm.js';
import { normFormula } from './p-norm.js';
import { add, div, gt, mul, where } from './pointwise.js';

const order: Kind<number | 'fro' | 'nuc'> = kind(
  "a number, 'fro' or 'nuc'",
  (p): p is number | 'fro' | 'nuc' => (typeof p === 'number' && !Number.isNaN(p)) || p === 'fro' || p === 'nuc',
);

const measuringAll = signature('input, /, p, dim, keepdim, dtype', {
  input: kinds.tensor,
  /** Which norm. Default: 2. */
  p: order.default(2),
  ...dim,
  ...keepdim,
  /** Convert to this element type first. Default: the tensor's own. */
  dtype: kinds.dtype.optional(),
});

export interface NormOptions extends OptionsOf<typeof measuringAll> {}

/**
 * (Σ |x|^p)^(1/p) over `dim`, the vector norm; p may be 0 (how many are not 0) and ±Infinity (the largest or smallest |x|).
 *
 * @param p default 2 (`'fro'` is 2 as well); `'nuc'`, the sum of singular values, takes two dims
 * @param dim one dimension, several, or none for all
 * @throws DTypeError for integers
 * @example
 * ```ts
 * norm(tensor([3, -4])); // tensor(5.)
 * norm(tensor([3, -4]), 1); // tensor(7.)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.norm.html
 */
export const norm: FunctionOf<Tensor, typeof measuringAll, NormOptions> = define(
  'norm',
  measuringAll,
  (x, p, dim, keepdim, dtype) => {
    const frame = frameOf('norm', x, dim, keepdim);
    const operand = converted(x, dtype);
    requireFloat('norm', operand.dtype);
    if (p === 'nuc') return nuclearNorm(operand, frame);
    const order = p === 'fro' ? 2 : p;
    if (!Number.isFinite(order)) requireElements('norm', frame);
    return normFormula(order).call([operand], operand.dtype, undefined, frame);
  },
);

const shortening = signature('input, /, p, dim, maxnorm', {
  input: kinds.tensor,
  p: kinds.above(0),
  dim: kinds.dim,
  maxnorm: kinds.atLeast(0),
});

type Shortening = FunctionOf<Tensor, typeof shortening>;

/** Keeps what is scaled just within its bound. */
const EPSILON = 1e-7;

function shortened(op: string, x: Tensor, p: number, dim: number, maxnorm: number): Tensor {
  if (x.ndim < 2) throw new ShapeError(`${op}: expected at least two dimensions, got shape ${show(x.shape)}`);
  const axis = normalizeDim(op, dim, x.ndim);
  const others = shapeOf(x).flatMap((_, i) => (i === axis ? [] : [i]));
  const lengths = norm(x, p, others, true);
  return mul(x, where(gt(lengths, maxnorm), div(maxnorm, add(lengths, EPSILON)), 1));
}

/**
 * x with each of its parts along `dim` scaled down to a p-norm of `maxnorm`, if it has a larger one.
 *
 * @param p which norm, above 0
 * @throws ShapeError for less than two dimensions; DTypeError for integers
 * @example
 * ```ts
 * renorm(tensor([[3, 4], [0.3, 0.4]]), 2, 0, 1); // tensor([[0.6000, 0.8000], [0.3000, 0.4000]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.renorm.html
 */
export const renorm: Shortening = define('renorm', shortening, (x, p, dim, maxnorm) =>
  shortened('renorm', x, p, dim, maxnorm),
);

/** `renorm` in place. @example tensor([[3, 4]]).renorm_(2, 0, 1); // tensor([[0.6000, 0.8000]]) */
export const renorm_: Shortening = define('renorm_', shortening, (x, p, dim, maxnorm) =>
  copy_(x, shortened('renorm_', x, p, dim, maxnorm)),
);

const measuring = signature('x, /, ord, dim, keepdim, *, dtype', {
  x: kinds.tensor,
  /** Which norm. Default: 2. */
  ord: kinds.real.default(2),
  /** Which dimensions to reduce: one, several, or null for all. Default: null. */
  dim: kinds.dims.default(null),
  /** Keep the reduced dimensions with size 1. Default: false. */
  keepdim: kinds.boolean.default(false),
  /** Convert to this element type first. Default: null, the tensor's own. */
  dtype: kinds.dtype.optional(),
});

export interface VectorNormOptions extends OptionsOf<typeof measuring> {}

/**
 * (Σ |x|^ord)^(1/ord) over `dim`; ord may be 0 (how many are not 0), negative, and ±Infinity (the largest or smallest |x|).
 *
 * @param dim one dimension, several, or none for all
 * @throws ValueError for a negative or infinite order of nothing; DTypeError for integers
 * @example
 * ```ts
 * linalg.vectorNorm(tensor([3, -4])); // tensor(5.)
 * linalg.vectorNorm(tensor([3, -4]), Infinity); // tensor(4.)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.vector_norm.html
 */
export const vectorNorm: FunctionOf<Tensor, typeof measuring, VectorNormOptions> = define(
  'vectorNorm',
  measuring,
  (x, ord, dim, keepdim, dtype) => {
    if (x.numel() === 0 && (ord < 0 || ord === Number.POSITIVE_INFINITY)) {
      throw new ValueError(`vectorNorm: nothing has no norm of order ${ord}, got shape ${show(x.shape)}`);
    }
    return norm(x, ord, dim, keepdim, dtype ?? undefined);
  },
);
