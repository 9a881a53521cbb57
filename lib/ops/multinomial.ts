import { dtypes, type TypedArray } from '../backend/dtype.js';
import { recording } from '../backend/recording.js';
import { sizeOf } from '../backend/view.js';
import { ValueError } from '../errors.js';
import { refuseIf } from '../tensor/check.js';
import { emptyOf } from '../tensor/empty.js';
import type { Generator } from '../tensor/generator.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { valuesOf } from '../tensor/values.js';
import { to } from './conversion.js';
import { arange, tensor } from './creation.js';
import { draw, uniforms } from './draws.js';
import { div, eq, ge, gt, logicalAnd, logicalNot, lt, where } from './pointwise.js';
import { amin, any, argmax, sum } from './reductions.js';
import { cumsum } from './scans.js';
import { searchsorted } from './searching.js';
import { topk } from './sorting.js';
import { narrow, reshape, unsqueeze } from './views.js';

const OP = 'multinomial';
const RULE = `${OP}: weights must be finite and not negative`;

/**
 * Indices of `samples` categories of each row, drawn with probabilities proportional to `weights`, as PyTorch draws them: with replacement by
 * inversion of the cumulative distribution; otherwise, and for a single sample, the largest of weight / exponential noise.
 */
export function sampleCategories(
  weights: Tensor,
  samples: number,
  replacement: boolean,
  generator: Generator | null,
): Tensor {
  const rows = sizeOf(shapeOf(weights).slice(0, -1));
  if (rows === 0) return emptyOf(shapeOf(weights).with(-1, samples), 'int32');
  const isInverted = replacement && samples > 1;
  checkWeights(weights, isInverted ? 1 : samples);
  if (isInverted) return sampleByInversion(weights, rows, samples, generator);
  const scores = div(weights, draw('exponential', emptyOf(shapeOf(weights), weights.dtype), generator, 1, 0));
  return samples === 1 ? unsqueeze(argmax(scores, -1), -1) : topk(scores, samples, -1).indices;
}

/** Refuses weights that are none, and rows of fewer categories than are drawn. */
function checkWeights(weights: Tensor, samples: number): void {
  if (recording === null) checkValues(valuesOf(weights, OP), shapeOf(weights).at(-1)!, samples);
  else checkInReplays(weights, samples);
}

function checkValues(values: TypedArray, categories: number, samples: number): void {
  const bad = values.find((weight) => !(weight >= 0 && weight < Number.POSITIVE_INFINITY));
  if (bad !== undefined) throw new ValueError(`${RULE}, got ${bad}`);
  for (let start = 0; start === 0 || start < values.length; start += categories) {
    const positive = values.subarray(start, start + categories).filter((weight) => weight > 0).length;
    if (positive < samples) throw tooFew(samples, positive);
  }
}

function checkInReplays(weights: Tensor, samples: number): void {
  const isGood = logicalAnd(ge(weights, 0), lt(weights, Number.POSITIVE_INFINITY));
  refuseIf(to(any(logicalNot(isGood)), 'float64'), () => new ValueError(RULE));
  const positive = amin(sum(gt(weights, 0), -1));
  refuseIf(to(lt(positive, samples), 'float64'), () => tooFew(samples, null));
}

/** The error of a row with so few positive weights; null for a number that is not known. */
function tooFew(samples: number, positive: number | null): ValueError {
  if (samples === 1 || positive === 0) return new ValueError(`${OP}: the weights sum to zero`);
  return new ValueError(
    `${OP}: cannot draw ${samples} samples without replacement from ${positive ?? 'fewer'} categories of positive weight`,
  );
}

/** For each uniform the first category whose cumulative probability, computed in the weights' type, is not below it. */
function sampleByInversion(weights: Tensor, rows: number, samples: number, generator: Generator | null): Tensor {
  const categories = shapeOf(weights).at(-1)!;
  const sums = cumulative(weights);
  const shares = div(sums, narrow(sums, -1, categories - 1, 1));
  // The last is 1, whatever was rounded: no uniform is above it.
  const ends = to(where(eq(arange(categories), categories - 1), 1, shares), 'float64');
  const drawn = reshape(uniforms(rows * samples, generator), shapeOf(weights).with(-1, samples));
  return searchsorted(ends, drawn);
}

/** Sums of the weights so far, each rounded to their type, as PyTorch has them here. A scan goes on with what is not rounded: the same in float64 only. */
function cumulative(weights: Tensor): Tensor {
  if (dtypes[weights.dtype].epsilon === Number.EPSILON) return cumsum(weights, -1);
  const values = valuesOf(
    weights,
    OP,
    'several samples with replacement can be drawn from float64 weights, one at a time, or before the call',
  );
  const categories = shapeOf(weights).at(-1)!;
  for (let i = 0; i < values.length; i++) if (i % categories > 0) values[i]! += values[i - 1]!;
  return reshape(tensor(values as Float32Array), shapeOf(weights));
}
