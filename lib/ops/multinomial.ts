import { ValueError } from '../errors.js';

type Weights = Float32Array | Float64Array;

/** Where random numbers come from, drawn from one stream in the order they are asked for. */
export interface MultinomialDraws {
  /** Uniforms in [0, 1), from 53 bits each. */
  readonly uniform: (count: number) => Float64Array;
  /** Exponentials of rate 1, of the weights' type. */
  readonly exponential: (count: number) => Weights;
}

/**
 * Indices of `samples` categories drawn with probabilities proportional to `weights`, as PyTorch draws them: with replacement by
 * inversion of the cumulative distribution; otherwise, and for a single sample, the largest of weight / exponential noise.
 */
export function multinomial(
  weights: Weights,
  samples: number,
  replacement: boolean,
  draws: MultinomialDraws,
): Int32Array {
  checkWeights(weights);
  if (replacement && samples !== 1) return sampleByInversion(weights, draws.uniform(samples));
  const positive = weights.filter((weight) => weight > 0).length;
  if (samples > positive) {
    throw new ValueError(
      `multinomial: cannot draw ${samples} samples without replacement from ${positive} categories of positive weight`,
    );
  }
  return largestOf(weights, draws.exponential(weights.length), samples);
}

function checkWeights(weights: Weights): void {
  const bad = weights.findIndex((weight) => !(weight >= 0 && weight < Number.POSITIVE_INFINITY));
  if (bad >= 0) throw new ValueError(`multinomial: weights must be finite and not negative, got ${weights[bad]}`);
  if (weights.every((weight) => weight === 0)) throw new ValueError('multinomial: the weights sum to zero');
}

/** For each uniform the first category whose cumulative probability, computed in the weights' type, is not below it. */
function sampleByInversion(weights: Weights, uniforms: Float64Array): Int32Array {
  const cumulative = weights.slice();
  for (let i = 1; i < cumulative.length; i++) cumulative[i]! += cumulative[i - 1]!;
  const sum = cumulative.at(-1)!;
  for (let i = 0; i < cumulative.length; i++) cumulative[i]! /= sum;
  cumulative[cumulative.length - 1] = 1;
  return Int32Array.from(uniforms, (uniform) => firstNotBelow(cumulative, uniform));
}

function firstNotBelow(ascending: Weights, value: number): number {
  let left = 0;
  let right = ascending.length;
  while (left < right) {
    const middle = (left + right) >>> 1;
    if (ascending[middle]! < value) left = middle + 1;
    else right = middle;
  }
  return left;
}

function largestOf(weights: Weights, noise: Weights, samples: number): Int32Array {
  const scores = weights.map((weight, i) => weight / noise[i]!);
  const order = Int32Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]!);
  return order.slice(0, samples);
}
