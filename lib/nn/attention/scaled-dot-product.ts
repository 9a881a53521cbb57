import { define } from '../../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { type DType, isBool, isFloat } from '../../backend/dtype.js';
import { DTypeError, ShapeError, ValueError } from '../../errors.js';
import { ones } from '../../ops/creation.js';
import { matmul } from '../../ops/products.js';
import { repeatInterleave } from '../../ops/rearranging.js';
import { tril } from '../../ops/triangles.js';
import { transpose } from '../../ops/views.js';
import * as kinds from '../../tensor/kinds.js';
import { expandTo, viewAs } from '../../tensor/layout.js';
import { drawing } from '../../tensor/parameters.js';
import { broadcastShapes, broadcastsTo, type Shape, show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { dropout } from '../layers/dropout.js';
import { attendInBlocks, rowsOfBlocks } from './blocks.js';
import { weightsOf } from './weights.js';

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

/**
 * softmax(query keyᵀ · scale + mask) value, over (…, L, E), (…, S, E) and (…, S, V). A query that may see no key gets zeros.
 *
 * From 2²⁰ scores of a head on (L · S) queries attend some at a time, forward and backward, so that the scores of all are never in memory together. A
 * gradient that is recorded itself (`createGraph`) takes the whole matrix again.
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
    const lead = leadOf(query, keys, values);
    const [length, count] = [shapeOf(query).at(-2)!, shapeOf(keys).at(-2)!];
    const scores = [...broadcastShapes('scaledDotProductAttention', ...[query, keys].map(leading)), length, count];
    if (attnMask !== null) checkMask(attnMask, scores, query.dtype);
    const factor = scale ?? 1 / Math.sqrt(shapeOf(query).at(-1)!);
    const rows = rowsOfBlocks(length, count);
    if (rows !== null) {
      const [q, k, v] = [query, keys, values].map((x) => expandTo(x, [...lead, ...shapeOf(x).slice(-2)]));
      const attending = { rows, scale: factor, isCausal, dropoutP };
      return attendInBlocks(q!, k!, v!, attnMask && asMatrix(attnMask), attending, generator);
    }
    const mask = isCausal ? tril(ones([length, count], { dtype: 'bool' })) : attnMask;
    const weights = weightsOf(matmul(query, transpose(keys, -2, -1)), factor, mask);
    return matmul(dropout(weights, dropoutP, { generator }), values);
  },
);

const leading = (x: Tensor): Shape => shapeOf(x).slice(0, -2);

const asMatrix = (mask: Tensor): Tensor =>
  viewAs(mask, [...Array(Math.max(0, 2 - mask.ndim)).fill(1), ...shapeOf(mask)]);

function checkMask(mask: Tensor, scores: Shape, dtype: DType): void {
  if (!isBool(mask.dtype) && mask.dtype !== dtype) {
    throw new DTypeError(
      `scaledDotProductAttention: attnMask must be bool or ${dtype} as the query is, got ${mask.dtype}`,
    );
  }
  if (broadcastsTo(shapeOf(mask), scores)) return;
  throw new ShapeError(
    `scaledDotProductAttention: attnMask must broadcast to the scores ${show(scores)}, got ${show(mask.shape)}`,
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

/** The batches and heads of the result. */
function leadOf(query: Tensor, key: Tensor, value: Tensor): Shape {
  const [first, ...others] = [query, key, value].map(leading);
  let lead = first!;
  for (const other of others) lead = broadcastShapes('scaledDotProductAttention', lead, other);
  return lead;
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
