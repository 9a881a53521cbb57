import { define } from '../../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { isBool, isFloat } from '../../backend/dtype.js';
import { DTypeError, ShapeError, ValueError } from '../../errors.js';
import type { Expr } from '../../expr/index.js';
import * as e from '../../expr/index.js';
import { ones } from '../../ops/creation.js';
import { matmul } from '../../ops/products.js';
import { repeatInterleave } from '../../ops/rearranging.js';
import { tril } from '../../ops/triangles.js';
import { transpose } from '../../ops/views.js';
import { Formula } from '../../tensor/formula.js';
import * as kinds from '../../tensor/kinds.js';
import { drawing } from '../../tensor/parameters.js';
import { broadcastShapes, broadcastsTo, type Shape, show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { dropout } from '../layers/dropout.js';

const attending = signature('query, key, value, /, attnMask, dropoutP, isCausal, *, scale, enableGqa, generator', {
  query: kinds.tensor,
  key: kinds.tensor,
  value: kinds.tensor,
  /** What is added to the scores, or (bool) which keys each query may see; broadcasts to (…, L, S). Default: null, all. */
  attnMask: kinds.tensor.optional(),
  /** Probability of a zero among the weights. Default: 0. */
  dropoutP: kinds.within(0, 1).default(0),
  /** Whether query i may see the keys 0 to i only. Default: false. */
  isCausal: kinds.boolean.default(false),
  /** What the scores are multiplied by. Default: null, 1/√E. */
  scale: kinds.number.optional(),
  /** Whether several heads of queries, which are dim -3, share one head of keys and values. Default: false. */
  enableGqa: kinds.boolean.default(false),
  ...drawing,
});

export interface AttentionOptions extends OptionsOf<typeof attending> {}

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

/**
 * softmax(query keyᵀ · scale + mask) value, over (…, L, E), (…, S, E) and (…, S, V). A query that may see no key gets zeros.
 *
 * @returns (…, L, V)
 * @throws ShapeError if sizes do not fit; DTypeError for tensors that are no floats, or not of one type; ValueError for a mask beside `isCausal`
 * @example
 * ```ts
 * const [query, key, value] = [randn([2, 8, 5, 16]), randn([2, 8, 7, 16]), randn([2, 8, 7, 4])];
 * nn.functional.scaledDotProductAttention(query, key, value).shape; // [2, 8, 5, 4]
 * const seen = nn.functional.scaledDotProductAttention(eye(2), eye(2), tensor([[1], [3]]), { isCausal: true });
 * seen; // tensor([[1.0000], [2.3395]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html
 * @see https://arxiv.org/abs/1706.03762
 */
export const scaledDotProductAttention: FunctionOf<Tensor, typeof attending, AttentionOptions> = define(
  'scaledDotProductAttention',
  attending,
  (query, key, value, attnMask, dropoutP, isCausal, scale, enableGqa, generator) => {
    if (isCausal && attnMask !== null) {
      throw new ValueError(
        'scaledDotProductAttention: expected attnMask or isCausal, got both; put both into the mask',
      );
    }
    checkOperands(query, key, value);
    const [keys, values] = enableGqa ? [shared(query, key, 'key'), shared(query, value, 'value')] : [key, value];
    checkHeads(query, keys, values);
    const scores = matmul(query, transpose(keys, -2, -1));
    const mask = isCausal ? tril(ones(shapeOf(scores).slice(-2), { dtype: 'bool' })) : attnMask;
    const weights = weightsOf(scores, scale ?? 1 / Math.sqrt(shapeOf(query).at(-1)!), mask);
    return matmul(dropout(weights, dropoutP, { generator }), values);
  },
);

function weightsOf(scores: Tensor, scale: number, mask: Tensor | null): Tensor {
  const shape = shapeOf(scores);
  const { dtype } = scores;
  if (mask !== null) checkMask(mask, scores);
  const frame = { shape, axes: [shape.length - 1], keepdim: true };
  const formula = mask !== null && isBool(mask.dtype) ? masked : biased;
  return formula.call([scores, scale, mask ?? 0], dtype, undefined, frame);
}

function checkMask(mask: Tensor, scores: Tensor): void {
  if (!isBool(mask.dtype) && mask.dtype !== scores.dtype) {
    throw new DTypeError(
      `scaledDotProductAttention: attnMask must be bool or ${scores.dtype} as the query is, got ${mask.dtype}`,
    );
  }
  if (broadcastsTo(shapeOf(mask), shapeOf(scores))) return;
  throw new ShapeError(
    `scaledDotProductAttention: attnMask must broadcast to the scores ${show(scores.shape)}, got ${show(mask.shape)}`,
  );
}

function checkOperands(query: Tensor, key: Tensor, value: Tensor): void {
  const all = Object.entries({ query, key, value });
  for (const [name, { shape, dtype }] of all) {
    if (shape.length < 2) {
      throw new ShapeError(`scaledDotProductAttention: ${name} must have 2 or more dimensions, got ${show(shape)}`);
    }
    if (!isFloat(dtype))
      throw new DTypeError(`scaledDotProductAttention: ${name} must be a float tensor, got ${dtype}`);
    if (dtype !== query.dtype) {
      throw new DTypeError(`scaledDotProductAttention: ${name} must be ${query.dtype} as query is, got ${dtype}`);
    }
  }
  const shapes = all.map(([name, { shape }]) => `${name} ${show(shape)}`).join(', ');
  if (query.shape.at(-1) !== key.shape.at(-1)) {
    throw new ShapeError(`scaledDotProductAttention: query and key must have as many features, got ${shapes}`);
  }
  if (key.shape.at(-2) !== value.shape.at(-2)) {
    throw new ShapeError(`scaledDotProductAttention: there must be as many values as keys, got ${shapes}`);
  }
}

function checkHeads(query: Tensor, key: Tensor, value: Tensor): void {
  const [first, ...others] = [query, key, value].map((x): Shape => shapeOf(x).slice(0, -2));
  for (const other of others) broadcastShapes('scaledDotProductAttention', first!, other);
}

/** Each head of keys or values as often as there are heads of queries for it. */
function shared(query: Tensor, x: Tensor, name: string): Tensor {
  const [heads, own] = [query.shape.at(-3), x.shape.at(-3)];
  if (heads === undefined || own === undefined || own === 0 || heads % own !== 0) {
    throw new ShapeError(
      `scaledDotProductAttention: the heads of query must be a multiple of those of ${name}, got ${show(query.shape)} and ${show(x.shape)}`,
    );
  }
  return own === heads ? x : repeatInterleave(x, heads / own, -3);
}
