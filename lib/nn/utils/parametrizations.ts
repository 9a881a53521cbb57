import { define } from '../../arguments/define.js';
import type { OptionsOf, RestOf } from '../../arguments/forms.js';
import { noGrad } from '../../autograd/mode.js';
import { ShapeError } from '../../errors.js';
import { empty } from '../../ops/creation.js';
import { normalizeDim } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { normalize } from '../layers/distances.js';
import { ADAPT, Module } from '../module.js';
import { registerParametrization } from './parametrize.js';
import { weightOf } from './parametrized.js';
import { isTransposed, matrixOf, normExceptDim, spectralNorming, weightNorming } from './weights.js';

export { type OrthogonalOptions, orthogonal } from './orthogonal.js';

// Their names are those that PyTorch prints.

export interface WeightNormOptions extends OptionsOf<typeof weightNorming> {}
export interface SpectralNormOptions extends OptionsOf<typeof spectralNorming> {}

class _WeightNorm extends Module<[g: Tensor, v: Tensor], Tensor> {
  readonly dim: number | null;

  constructor(dim: number | null) {
    super();
    this.dim = dim;
  }

  override forward(g: Tensor, v: Tensor): Tensor {
    return v.mul(g.div(normExceptDim(v, this.dim)));
  }

  rightInverse(weight: Tensor): [Tensor, Tensor] {
    return [normExceptDim(weight, this.dim), weight];
  }

  /** @internal Files of the older form have length and direction beside the weight, as `weight_g` and `weight_v`. */
  override [ADAPT](state: Record<string, unknown>, prefix: string): void {
    const [, outer, name] = /^(.*?)parametrizations\.([^.]+)\.0\.$/.exec(prefix) ?? [];
    const [g, v] = [`${outer}${name}_g`, `${outer}${name}_v`];
    if (name === undefined || !Object.hasOwn(state, g) || !Object.hasOwn(state, v)) return;
    state[`${outer}parametrizations.${name}.original0`] = state[g];
    state[`${outer}parametrizations.${name}.original1`] = state[v];
    delete state[g];
    delete state[v];
  }
}

class _SpectralNorm extends Module<[weight: Tensor], Tensor> {
  declare _u: Tensor;
  declare _v: Tensor;
  readonly dim: number;
  readonly nPowerIterations: number;
  readonly eps: number;

  constructor(weight: Tensor, nPowerIterations: number, eps: number, dim: number) {
    super();
    this.dim = dim;
    this.nPowerIterations = nPowerIterations;
    this.eps = eps;
    if (weight.ndim < 2) return;
    const matrix = matrixOf(weight.detach(), dim);
    const [u, v] = shapeOf(matrix).map((size) => noGrad(() => empty([size], { dtype: weight.dtype }).normal_()));
    this.registerBuffer('_u', normalize(u!, { dim: 0, eps }));
    this.registerBuffer('_v', normalize(v!, { dim: 0, eps }));
    powerMethod(this, matrix, 15);
  }

  override forward(weight: Tensor): Tensor {
    if (weight.ndim < 2) return normalize(weight, { dim: 0, eps: this.eps });
    const matrix = matrixOf(weight, this.dim);
    if (this.training) powerMethod(this, matrix.detach(), this.nPowerIterations);
    // Copies: the next time that the weight is read writes over the vectors, which a backward pass of this time still needs.
    const [u, v] = [this._u.clone(), this._v.clone()];
    return weight.div(u.dot(matrix.mv(v)));
  }

  rightInverse(weight: Tensor): Tensor {
    return weight;
  }
}

function powerMethod({ _u, _v, eps }: _SpectralNorm, matrix: Tensor, times: number): void {
  noGrad(() => {
    for (let i = 0; i < times; i++) {
      _u.copy_(normalize(matrix.mv(_v), { dim: 0, eps }));
      _v.copy_(normalize(matrix.t().mv(_u), { dim: 0, eps }));
    }
  });
}

/**
 * Weight normalisation: the weight is w = g v / ‖v‖, of which length g and direction v are learned apart. They are `original0` and `original1` of
 * `module.parametrizations.get(name)`, new parameters, to be given to an optimizer.
 *
 * Shapes: v that of the weight, g its size along `dim` and 1 elsewhere, or () for a norm of the whole.
 *
 * @returns the module
 * @throws ValueError if the module has no such parameter; ShapeError for a dim that it has not
 * @example
 * ```ts
 * const layer = nn.utils.parametrizations.weightNorm(new nn.Linear(20, 40));
 * Object.entries(layer.stateDict()).map(([name, { shape }]) => [name, shape]);
 * // [['bias', [40]], ['parametrizations.weight.original0', [40, 1]], ['parametrizations.weight.original1', [40, 20]]]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.parametrizations.weight_norm.html
 */
export const weightNorm = define('weightNorm', weightNorming, (module, name, dim) => {
  const { ndim } = weightOf('weightNorm', module, name);
  if (dim !== null && dim >= ndim) {
    throw new ShapeError(`weightNorm: dim must be less than ${ndim}, the number of dimensions of ${name}, got ${dim}`);
  }
  return registerParametrization(module, name as never, new _WeightNorm(dim), { unsafe: true });
}) as <M extends Module>(module: M, ...rest: RestOf<typeof weightNorming, WeightNormOptions>) => M;

/**
 * Spectral normalisation: the weight is divided by its largest singular value σ = uᵀ W v, as far as the power method knows it: each time that the
 * weight is read in training, u and v, which are buffers, come nearer. Weights of more than two dimensions are taken as matrices of outputs by all
 * else; a vector is divided by its norm. Works in captured functions and in `run` as well.
 *
 * @returns the module
 * @throws ValueError if the module has no such parameter; ShapeError for a dim that it has not
 * @example
 * ```ts
 * const layer = nn.utils.parametrizations.spectralNorm(new nn.Linear(20, 40));
 * Object.keys(layer.stateDict());
 * // ['bias', 'parametrizations.weight.original', 'parametrizations.weight.0._u', 'parametrizations.weight.0._v']
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.parametrizations.spectral_norm.html
 */
export const spectralNorm = define('spectralNorm', spectralNorming, (module, name, nPowerIterations, eps, dim) => {
  const weight = weightOf('spectralNorm', module, name);
  const outputs = normalizeDim('spectralNorm', dim ?? Number(isTransposed(module)), weight.ndim);
  const added = noGrad(() => new _SpectralNorm(weight, nPowerIterations, eps, outputs));
  return registerParametrization(module, name as never, added);
}) as <M extends Module>(module: M, ...rest: RestOf<typeof spectralNorming, SpectralNormOptions>) => M;
