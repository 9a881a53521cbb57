import { isBool } from '../../backend/dtype.js';
import type { Expr } from '../../expr/index.js';
import * as e from '../../expr/index.js';
import { Formula } from '../../tensor/formula.js';
import type { Frame } from '../../tensor/kernel.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';

/** A softmax that is 0 where there is nothing to see: in rows of -∞ alone. */
function weighed(scores: Expr): Expr {
  const most = e.detach(e.rowMax(scores));
  const isBlind = e.eq(most, Number.NEGATIVE_INFINITY);
  const weights = e.exp(e.sub(scores, e.where(isBlind, 0, most)));
  return e.mul(weights, e.div(1, e.where(isBlind, 1, e.rowSum(weights))));
}

const softmaxSlope = (g: Expr, out: Expr): Expr => e.mul(out, e.sub(g, e.rowSum(e.mul(g, out))));

const biased = new Formula(
  'scaledDotProductAttention',
  (scores, scale, bias) => weighed(e.add(e.mul(scores, scale), bias)),
  {
    gradient: (g, out, _, scale) => {
      const slope = softmaxSlope(g, out);
      return [e.mul(slope, scale), null, slope];
    },
  },
);

const masked = new Formula(
  'scaledDotProductAttention',
  (scores, scale, mask: Expr) => weighed(e.where(mask, e.mul(scores, scale), Number.NEGATIVE_INFINITY)),
  { gradient: (g, out, _, scale) => [e.mul(softmaxSlope(g, out), scale), null, null] },
);

const sloped = new Formula<[g: Expr, out: Expr]>('scaledDotProductAttentionBackward', softmaxSlope);

const causal = new Formula('scaledDotProductAttention', (scores, scale, key: Expr, query: Expr) =>
  weighed(e.where(e.le(key, query), e.mul(scores, scale), Number.NEGATIVE_INFINITY)),
);

const alongKeys = (scores: Tensor): Frame => {
  const shape = shapeOf(scores);
  return { shape, axes: [shape.length - 1], keepdim: true };
};

const formulaFor = (mask: Tensor | null) => (mask !== null && isBool(mask.dtype) ? masked : biased);

/** softmax(scores · scale + mask); a mask of bools says what is seen. */
export const weightsOf = (scores: Tensor, scale: number, mask: Tensor | null): Tensor =>
  formulaFor(mask).call([scores, scale, mask ?? 0], scores.dtype, undefined, alongKeys(scores));

/** The gradient of what the softmax was taken of, from that of the weights. */
export const slopeOf = (g: Tensor, weights: Tensor): Tensor =>
  sloped.call([g, weights], g.dtype, undefined, alongKeys(weights));

// The same over what is there, outside the graph.

/** Writes the weights over their scores. */
export const weightsInto = (scores: Tensor, scale: number, mask: Tensor | null): void =>
  formulaFor(mask).write(scores, [scores, scale, mask ?? 0], alongKeys(scores));

/** The same where each query may see the keys up to its own place. */
export const causalWeightsInto = (scores: Tensor, scale: number, key: Tensor, query: Tensor): void =>
  causal.write(scores, [scores, scale, key, query], alongKeys(scores));

/** Writes the slope over the gradient of the weights. */
export const slopeInto = (g: Tensor, weights: Tensor): void => sloped.write(g, [g, weights], alongKeys(weights));
