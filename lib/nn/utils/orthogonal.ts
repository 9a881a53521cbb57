import { define } from '../../arguments/define.js';
import type { OptionsOf, RestOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { noGrad } from '../../autograd/mode.js';
import { dtypes, isFloat } from '../../backend/dtype.js';
import { sameShape } from '../../backend/view.js';
import { DTypeError, ShapeError } from '../../errors.js';
import { eye } from '../../ops/creation.js';
import { cat } from '../../ops/joining.js';
import { columnsOf, reflectionsOf, rowsOf, turned } from '../../ops/linear-algebra/factors.js';
import { matrixExp } from '../../ops/linear-algebra/functions.js';
import { householderProduct, orthogonalized } from '../../ops/linear-algebra/qr.js';
import { solve } from '../../ops/linear-algebra/solving.js';
import { where } from '../../ops/pointwise.js';
import { matmul } from '../../ops/products.js';
import { randn } from '../../ops/random.js';
import * as kinds from '../../tensor/kinds.js';
import { type Shape, show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';
import { type Parametrization, registerParametrization } from './parametrize.js';
import { target, weightOf } from './parametrized.js';

const MAPS = ['matrix_exp', 'cayley', 'householder'] as const;
type OrthogonalMap = (typeof MAPS)[number];

const orthonormalizing = signature('module, /, name, orthogonalMap, *, useTrivialization', {
  ...target,
  /** How: 'matrix_exp', 'cayley' or 'householder'. Default: null, 'matrix_exp' for square matrices, 'householder' for others. */
  orthogonalMap: kinds.choice(...MAPS).optional(),
  /** Whether what is learned is how far the matrix is from where it started, `base`, a buffer. Default: true. */
  useTrivialization: kinds.boolean.default(true),
});

export interface OrthogonalOptions extends OptionsOf<typeof orthonormalizing> {}

/** A square matrix whose first columns are those of a tall one, and whose others are 0. */
function squared(x: Tensor): Tensor {
  const missing = rowsOf(x) - columnsOf(x);
  return missing === 0 ? x : cat([x, x.newZeros([...shapeOf(x).slice(0, -1), missing])], -1);
}

/** The skew-symmetric matrix whose lower half is that of `x`. */
function skewed(x: Tensor): Tensor {
  const lower = squared(x.tril());
  return lower.sub(turned(lower));
}

const maps: Readonly<Record<OrthogonalMap, (x: Tensor) => Tensor>> = {
  matrix_exp: (x) => matrixExp(skewed(x)).narrow(-1, 0, columnsOf(x)),
  cayley: (x) => {
    const half = skewed(x).mul(0.5);
    const identity = eye(rowsOf(x), { dtype: x.dtype });
    return solve(identity.sub(half), identity.add(half)).narrow(-1, 0, columnsOf(x));
  },
  householder: (x) => {
    const vectors = x.tril(-1);
    const signs = x.detach().diagonal(0, -2, -1).trunc();
    const factors = vectors.square().sum(-2).add(1).reciprocal().mul(2);
    return householderProduct(vectors, factors).mul(signs.unsqueeze(-2));
  },
};

/** What `householder` makes the orthogonal part of `q` of: the vectors of its reflections, and signs on the diagonal. */
function reflectionsThatMake(q: Tensor): Tensor {
  const [packed, factors] = reflectionsOf(q);
  // The map always reflects; where a decomposition does not, the sign takes that back.
  const signs = packed
    .diagonal(0, -2, -1)
    .sign()
    .mul(where(factors.eq(0), -1, 1));
  return packed.diagonalScatter(signs, 0, -2, -1);
}

/** Whether columns are orthonormal, as far as their dtype can tell. */
function isOrthogonal(q: Tensor): boolean {
  const { epsilon } = dtypes[q.dtype];
  const identity = eye(columnsOf(q), { dtype: q.dtype });
  return matmul(turned(q), q).allclose(identity.expand(shapeOf(q)), { atol: 10 * rowsOf(q) * epsilon });
}

/** A square orthogonal matrix whose first columns are those of a tall one, or what is orthogonal of them. */
function completed(q: Tensor): Tensor {
  const [n, k] = [rowsOf(q), columnsOf(q)];
  if (n === k) return isOrthogonal(q) ? q.clone() : orthogonalized(q);
  const others = randn([...shapeOf(q).slice(0, -1), n - k], { dtype: q.dtype });
  return orthogonalized(cat([q, others], -1));
}

class _Orthogonal extends Module<[x: Tensor], Tensor> {
  declare base: Tensor | undefined;
  readonly shape: Shape;
  readonly orthogonalMap: OrthogonalMap;
  readonly useTrivialization: boolean;

  constructor(shape: Shape, orthogonalMap: OrthogonalMap, useTrivialization: boolean) {
    super();
    this.shape = shape;
    this.orthogonalMap = orthogonalMap;
    this.useTrivialization = useTrivialization;
  }

  override forward(x: Tensor): Tensor {
    const isWide = rowsOf(x) < columnsOf(x);
    const made = maps[this.orthogonalMap](isWide ? turned(x) : x);
    const q = this.base === undefined ? made : matmul(this.base, made);
    return isWide ? turned(q) : q;
  }

  /** Not there where the map has no inverse that is known. */
  get rightInverse(): ((q: Tensor) => Tensor) | undefined {
    if (this.useTrivialization) return (q) => noGrad(() => this.#startFrom(this.#tall(q)));
    if (this.orthogonalMap !== 'householder') return undefined;
    return (q) => noGrad(() => this.#likeWeight(reflectionsThatMake(this.#tall(q))));
  }

  #tall(q: Tensor): Tensor {
    if (!sameShape(shapeOf(q), this.shape)) {
      throw new ShapeError(`orthogonal: expected shape ${show(this.shape)}, got ${show(shapeOf(q))}`);
    }
    return this.#likeWeight(q);
  }

  /** Tall matrices as they are where weights are, and back. */
  #likeWeight(q: Tensor): Tensor {
    return this.shape.at(-2)! < this.shape.at(-1)! ? turned(q) : q;
  }

  /** What makes the matrix where it starts from: signs of -1 are how the reflections of no vectors come to nothing. */
  #startFrom(q: Tensor): Tensor {
    const base = completed(q);
    if (this.base === undefined) this.registerBuffer('base', base);
    else this.base.copy_(base);
    const nothing = q.newZeros(shapeOf(q));
    const signs = nothing.diagonal(0, -2, -1).sub(1);
    return this.#likeWeight(nothing.diagonalScatter(signs, 0, -2, -1));
  }
}

/**
 * An orthogonal weight: its columns are orthonormal, or its rows if these are fewer. What is learned, X, is free:
 *
 * - `'matrix_exp'`: Q = e^A, of the skew-symmetric A that has the lower half of X
 * - `'cayley'`: Q = (I - A/2)⁻¹ (I + A/2), of the same A
 * - `'householder'`: Q is a product of reflections, whose vectors are the columns of X below the diagonal
 *
 * The weight starts from what is orthogonal of its value, but for the first two maps without `useTrivialization`, where it starts from what these make
 * of the value, and cannot be assigned. Weights of more than two dimensions are batches of matrices (…, m, n). Works in captured functions.
 *
 * @returns the module
 * @throws ValueError if the module has no such parameter, or for a map that there is not; ShapeError for a vector; DTypeError for integers
 * @example
 * ```ts
 * const layer = nn.utils.parametrizations.orthogonal(new nn.Linear(20, 40));
 * layer.weight.t().matmul(layer.weight).sub(eye(20)).abs().max().lt(1e-5); // tensor(True)
 * Object.keys(layer.stateDict()); // ['bias', 'parametrizations.weight.original', 'parametrizations.weight.0.base']
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.parametrizations.orthogonal.html
 * @see https://arxiv.org/abs/1909.09501
 */
export const orthogonal = define('orthogonal', orthonormalizing, (module, name, orthogonalMap, useTrivialization) => {
  const weight = weightOf('orthogonal', module, name);
  if (weight.ndim < 2) {
    throw new ShapeError(`orthogonal: expected ${name} to be matrices, (…, m, n), got shape ${show(weight.shape)}`);
  }
  if (!isFloat(weight.dtype)) {
    throw new DTypeError(`orthogonal: expected ${name} to be a float tensor, got ${weight.dtype}`);
  }
  const map = orthogonalMap ?? (rowsOf(weight) === columnsOf(weight) ? 'matrix_exp' : 'householder');
  const added = new _Orthogonal(Object.freeze([...shapeOf(weight)]), map, useTrivialization);
  return registerParametrization(module, name as never, added as Parametrization, { unsafe: true });
}) as <M extends Module>(module: M, ...rest: RestOf<typeof orthonormalizing, OrthogonalOptions>) => M;
