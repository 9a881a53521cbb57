import { dtypes } from '../backend/dtype.js';
import { microOps } from '../backend/micro-ops.js';
import { emptyLike } from '../ops/creation.js';
import { gt, logicalAnd, logicalOr, lt, where } from '../ops/pointwise.js';
import { any } from '../ops/reductions.js';
import type { Generator } from '../tensor/generator.js';
import type { Tensor } from '../tensor/tensor.js';

/** A normal distribution of which only [a, b] is kept. */
export interface TruncatedNormal {
  readonly mean: number;
  readonly std: number;
  readonly a: number;
  readonly b: number;
}

/** Fills `x`, with the draws PyTorch makes: which of the two ways is cheaper depends on how much of the distribution is kept. */
export function fillTruncatedNormal(x: Tensor, distribution: TruncatedNormal, generator: Generator | null): void {
  const { mean, std, a, b } = distribution;
  const kept = normalCdf((b - mean) / std) - normalCdf((a - mean) / std);
  const values = (kept > 0.3 ? redrawNormals : rejectUniforms)(x, distribution, generator);
  if (values !== x) x.copy_(values);
}

const normalCdf = (x: number): number => (1 + microOps.erf.apply(x / Math.SQRT2, 0, 0)) / 2;

/** Normal values, those outside the bounds drawn again until there are none. */
function redrawNormals(x: Tensor, { mean, std, a, b }: TruncatedNormal, generator: Generator | null): Tensor {
  // Bounds as the tensor's type holds them, as its values are.
  const [low, high] = [a, b].map(dtypes[x.dtype].round) as [number, number];
  let values = x.normal_(mean, std, { generator });
  for (;;) {
    const outside = logicalOr(lt(values, low), gt(values, high));
    if (!any(outside).item()) return values;
    values = where(outside, emptyLike(x).normal_(mean, std, { generator }), values);
  }
}

/** Uniform values within the bounds, each accepted with a probability proportional to the density there. */
function rejectUniforms(x: Tensor, { mean, std, a, b }: TruncatedNormal, generator: Generator | null): Tensor {
  const mode = Math.max(a, Math.min(mean, b));
  const logPeak = -0.5 * ((mode - mean) / std) ** 2;
  const rejected = (candidates: Tensor): Tensor => {
    const logDensity = candidates.sub(mean).div(std).pow(2).mul(-0.5).sub(logPeak);
    return gt(emptyLike(x).uniform_(0, 1, { generator }).log(), logDensity);
  };
  let values = x.uniform_(a, b, { generator });
  let pending = rejected(values);
  while (any(pending).item()) {
    const candidates = emptyLike(x).uniform_(a, b, { generator });
    values = where(pending, candidates, values);
    pending = logicalAnd(pending, rejected(candidates));
  }
  return values;
}
