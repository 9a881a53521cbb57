import { define } from '../../arguments/define.js';
import type { ArgumentsOf, FunctionOf, NamedOf, OptionsOf } from '../../arguments/forms.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { signature } from '../../arguments/signature.js';
import { recording } from '../../backend/recording.js';
import {
  type CosineSimilarityOptions,
  cosineSignature,
  cosineSimilarity,
  type PairwiseDistanceOptions,
  pairwiseDistance,
  pairwiseSignature,
} from '../../ops/distances.js';
import { norm } from '../../ops/norms.js';
import { clampMin, div } from '../../ops/pointwise.js';
import * as kinds from '../../tensor/kinds.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';

const normalizing = signature('input, /, p, dim, eps', {
  input: kinds.tensor,
  /** Which norm. Default: 2. */
  p: kinds.real.default(2),
  /** The dimension, or dimensions, of the vectors. Default: 1. */
  dim: kinds.dims.default(1),
  /** The least that a norm counts. Default: 1e-12. */
  eps: kinds.number.default(1e-12),
});

export interface NormalizeOptions extends OptionsOf<typeof normalizing> {}

/**
 * x / max(|x|, eps), in the p-norm along `dim`.
 *
 * @throws DTypeError for integers
 * @example
 * ```ts
 * nn.functional.normalize(tensor([[3, 4], [0, 2]])); // tensor([[0.6000, 0.8000], [0.0000, 1.0000]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.normalize.html
 */
export const normalize: FunctionOf<Tensor, typeof normalizing, NormalizeOptions> = define(
  'normalize',
  normalizing,
  (x, p, dim, eps) => div(x, clampMin(norm(x, p, dim, true), eps)),
);

/**
 * The p-norm of x1 - x2 + eps along the last dimension: see `pairwiseDistance`.
 *
 * @example
 * ```ts
 * new nn.PairwiseDistance().forward(tensor([[0, 0], [1, 1]]), tensor([[3, 4], [1, 2]])); // tensor([5.0000, 1.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.PairwiseDistance.html
 */
export class PairwiseDistance extends Module<[x1: Tensor, x2: Tensor], Tensor> {
  readonly options: NamedOf<typeof pairwiseSignature>;

  constructor(...args: ArgumentsOf<typeof pairwiseSignature, PairwiseDistanceOptions>) {
    const options = pairwiseSignature.named('PairwiseDistance', args);
    super();
    this.options = options;
  }

  override forward(x1: Tensor, x2: Tensor): Tensor {
    recording?.used(this);
    return pairwiseDistance(x1, x2, this.options);
  }
}

/**
 * x1 · x2 / (max(|x1|, eps) max(|x2|, eps)) along a dimension: see `cosineSimilarity`.
 *
 * @example
 * ```ts
 * new nn.CosineSimilarity().forward(tensor([[1, 0], [1, 1]]), tensor([[2, 0], [-1, 1]])); // tensor([1., 0.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CosineSimilarity.html
 */
export class CosineSimilarity extends Module<[x1: Tensor, x2: Tensor], Tensor> {
  readonly options: NamedOf<typeof cosineSignature>;

  constructor(...args: ArgumentsOf<typeof cosineSignature, CosineSimilarityOptions>) {
    const options = cosineSignature.named('CosineSimilarity', args);
    super();
    this.options = options;
  }

  override forward(x1: Tensor, x2: Tensor): Tensor {
    recording?.used(this);
    return cosineSimilarity(x1, x2, this.options);
  }
}

takeNoMore(PairwiseDistance, 'forward');
takeNoMore(CosineSimilarity, 'forward');
