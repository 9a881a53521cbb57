import type { ArgumentsOf, OptionsOf } from '../arguments/forms.js';
import { takeNoMore } from '../arguments/no-more.js';
import { signature } from '../arguments/signature.js';
import { DEFAULT_FLOAT, type DType, isFloat } from '../backend/dtype.js';
import { ShapeError, ValueError } from '../errors.js';
import { eye } from '../ops/creation.js';
import { cholesky, choleskyInverse } from '../ops/linear-algebra/cholesky.js';
import { batchOf, columnsOf, requireSquare, turned } from '../ops/linear-algebra/factors.js';
import { solveTriangular } from '../ops/linear-algebra/triangular.js';
import { matmul } from '../ops/products.js';
import { randn } from '../ops/random.js';
import type { Generator } from '../tensor/generator.js';
import * as kinds from '../tensor/kinds.js';
import { wider } from '../tensor/promotion.js';
import { broadcastShapes, type Shape, show } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { type Constraint, lowerCholesky, positiveDefinite, realVector, require } from './constraints.js';
import { checking, Distribution } from './distribution.js';

const jointly = signature('loc, covarianceMatrix, precisionMatrix, scaleTril, *, validateArgs', {
  loc: kinds.tensor,
  /** Σ, symmetric and positive definite. Default: null, another of the three is given. */
  covarianceMatrix: kinds.tensor.optional(),
  /** Σ⁻¹, symmetric and positive definite. Default: null, another of the three is given. */
  precisionMatrix: kinds.tensor.optional(),
  /** L with Σ = L Lᵀ, lower triangular, with a diagonal above 0. Default: null, another of the three is given. */
  scaleTril: kinds.tensor.optional(),
  ...checking,
});

export interface MultivariateNormalOptions extends OptionsOf<typeof jointly> {}

/** What may be known of the spread: what it must be, and its lower factor. */
const spreads: Readonly<Record<string, { must: Constraint; factor: (matrix: Tensor) => Tensor }>> = {
  covarianceMatrix: { must: positiveDefinite, factor: (matrix) => cholesky(matrix) },
  precisionMatrix: { must: positiveDefinite, factor: factorOfInverse },
  scaleTril: { must: lowerCholesky, factor: (matrix) => matrix },
};

/** L with L Lᵀ = P⁻¹: the inverse of the upper factor of P, which is the lower one of P turned round. */
function factorOfInverse(precision: Tensor): Tensor {
  const upper = cholesky(precision.flip([-2, -1])).flip([-2, -1]);
  const identity = eye(columnsOf(precision), { dtype: precision.dtype });
  return solveTriangular(turned(upper), identity, false);
}

/** L x, for vectors x. */
const times = (l: Tensor, x: Tensor): Tensor =>
  l.ndim === 2 ? matmul(x, l.t()) : matmul(l, x.unsqueeze(-1)).squeeze(-1);

/** xᵀ Σ⁻¹ x, for vectors x. */
function distance(l: Tensor, x: Tensor): Tensor {
  if (l.ndim > 2) return solveTriangular(l, x.unsqueeze(-1), false).square().sum([-2, -1]);
  const columns = x.reshape([-1, columnsOf(l)]).t();
  return solveTriangular(l, columns, false).square().sum(0).reshape(shapeOf(x).slice(0, -1));
}

/** Half of ln |Σ|. */
const halfLogDet = (l: Tensor): Tensor => l.diagonal(0, -2, -1).log().sum(-1);

/**
 * The normal distribution of vectors, with density exp(-(x - loc)ᵀ Σ⁻¹ (x - loc) / 2) / √|2π Σ|, of which Σ, Σ⁻¹ or the lower triangular L with
 * Σ = L Lᵀ is given. It is computed with L.
 *
 * Shapes: loc (…, n), matrices (…, n, n); what stands before is the batch, and is broadcast.
 *
 * @throws ValueError unless one of the three is given, and for one that is not as it must be; ShapeError for shapes that do not fit
 * @example
 * ```ts
 * const pair = new distributions.MultivariateNormal(zeros([2]), tensor([[2, 1], [1, 2]]));
 * [pair.batchShape, pair.eventShape, pair.sample([3]).shape]; // [[], [2], [3, 2]]
 * pair.logProb(tensor([[0, 0], [1, 1]])); // tensor([-2.3872, -2.7205])
 * pair.scaleTril; // tensor([[1.4142, 0.0000], [0.7071, 1.2247]])
 * ```
 * @see https://pytorch.org/docs/stable/distributions.html#multivariatenormal
 */
export class MultivariateNormal extends Distribution {
  readonly loc: Tensor;
  readonly hasRsample = true;
  /** L, of a batch of its own that may be smaller than that of the distribution. */
  readonly #factor: Tensor;
  readonly #given: Readonly<Record<string, Tensor>>;

  constructor(...args: ArgumentsOf<typeof jointly, MultivariateNormalOptions>) {
    const op = 'MultivariateNormal';
    const { loc: center, validateArgs, ...matrices } = jointly.named(op, args);
    const [[name, given] = ['', center], ...others] = Object.entries(matrices).filter(
      (entry): entry is [string, Tensor] => entry[1] !== null,
    );
    if (name === '' || others.length > 0) {
      const got = name === '' ? 'none' : [name, ...others.map(([other]) => other)].join(' and ');
      throw new ValueError(`${op}: expected one of covarianceMatrix, precisionMatrix and scaleTril, got ${got}`);
    }
    const dtype = [center.dtype, given.dtype].filter(isFloat).reduce(wider, DEFAULT_FLOAT);
    const [loc, matrix] = [center.to(dtype), given.to(dtype)];
    requireSquare(`${op}: ${name}`, matrix);
    const size = loc.shape.at(-1);
    if (size !== columnsOf(matrix)) {
      throw new ShapeError(
        `${op}: expected loc of shape [..., ${columnsOf(matrix)}], for ${name} ${show(matrix.shape)}, got ${show(loc.shape)}`,
      );
    }
    const batch = broadcastShapes(op, shapeOf(loc).slice(0, -1), batchOf(matrix));
    super(batch, [size], validateArgs);
    const { must, factor } = spreads[name]!;
    if (validateArgs) require(op, 'loc', loc, realVector);
    if (validateArgs) require(op, name, matrix, must);
    this.loc = loc.expand([...batch, size]);
    this.#factor = factor(matrix);
    this.#given = { [name]: matrix, scaleTril: this.#factor };
  }

  /** Matrices for the whole batch. */
  #wide(matrix: Tensor): Tensor {
    return matrix.expand([...this.batchShape, ...this.eventShape, ...this.eventShape]);
  }

  /** L, the lower triangular factor of the covariance. */
  get scaleTril(): Tensor {
    return this.#wide(this.#factor);
  }

  /** Σ. */
  get covarianceMatrix(): Tensor {
    return this.#wide(this.#given.covarianceMatrix ?? matmul(this.#factor, turned(this.#factor)));
  }

  /** Σ⁻¹. */
  get precisionMatrix(): Tensor {
    return this.#wide(this.#given.precisionMatrix ?? choleskyInverse(this.#factor));
  }

  override get mean(): Tensor {
    return this.loc;
  }

  override get mode(): Tensor {
    return this.loc;
  }

  /** The diagonal of Σ. */
  override get variance(): Tensor {
    return this.#factor
      .square()
      .sum(-1)
      .expand([...this.batchShape, ...this.eventShape]);
  }

  /** @internal */
  override get support(): Constraint {
    return realVector;
  }

  /** @internal */
  override get dtype(): DType {
    return this.loc.dtype;
  }

  /** @internal */
  override draw(shape: Shape, generator: Generator | null): Tensor {
    return times(this.#factor, randn(shape, { generator, dtype: this.dtype })).add(this.loc);
  }

  /** @internal */
  override density(value: Tensor): Tensor {
    return distance(this.#factor, value.sub(this.loc))
      .add(this.eventShape[0]! * Math.log(2 * Math.PI))
      .mul(-0.5)
      .sub(halfLogDet(this.#factor));
  }

  override entropy(): Tensor {
    const constant = (this.eventShape[0]! / 2) * (1 + Math.log(2 * Math.PI));
    return halfLogDet(this.#factor).add(constant).expand(this.batchShape);
  }

  /** @internal */
  divergenceFrom(other: MultivariateNormal): Tensor {
    const [l, m] = [this.#factor, other.#factor];
    const n = this.eventShape[0]!;
    if (n !== other.eventShape[0]) {
      throw new ShapeError(`klDivergence: both must be of vectors of one size, got ${n} and ${other.eventShape[0]}`);
    }
    const trace = solveTriangular(m, l, false).square().sum([-2, -1]);
    return trace
      .add(distance(m, other.loc.sub(this.loc)))
      .sub(n)
      .mul(0.5)
      .add(halfLogDet(m).sub(halfLogDet(l)));
  }
}

takeNoMore(MultivariateNormal, 'entropy');
