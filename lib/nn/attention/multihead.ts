import type { ArgumentsOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { type DType, isBool } from '../../backend/dtype.js';
import { recording } from '../../backend/recording.js';
import { sameShape } from '../../backend/view.js';
import { DTypeError, ShapeError, ValueError } from '../../errors.js';
import { empty, zeros } from '../../ops/creation.js';
import { cat } from '../../ops/joining.js';
import { pad } from '../../ops/padding.js';
import { add, maskedFill, mul } from '../../ops/pointwise.js';
import { linear, matmul } from '../../ops/products.js';
import { mean } from '../../ops/reductions.js';
import { softmax } from '../../ops/softmax.js';
import { chunk, expand, flatten, permute, squeeze, transpose, unflatten, unsqueeze } from '../../ops/views.js';
import * as kinds from '../../tensor/kinds.js';
import { NamedResults } from '../../tensor/results.js';
import { type Shape, show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { constant_, xavierNormal_, xavierUniform_ } from '../init.js';
import { dropout } from '../layers/dropout.js';
import { Linear } from '../layers/linear.js';
import { Module } from '../module.js';
import { Parameter } from '../parameter.js';
import { scaledDotProductAttention } from './scaled-dot-product.js';

const attentionSignature = signature(
  'embedDim, numHeads, dropout, bias, addBiasKv, addZeroAttn, kdim, vdim, batchFirst, dtype',
  {
    embedDim: kinds.integerFrom(1),
    numHeads: kinds.integerFrom(1),
    /** Probability, in training, of a zero among the weights. Default: 0. */
    dropout: kinds.within(0, 1).default(0),
    /** Whether the projections have biases. Default: true. */
    bias: kinds.boolean.default(true),
    /** Whether a learned key and value are added to each sequence. Default: false. */
    addBiasKv: kinds.boolean.default(false),
    /** Whether a key and a value of zeros are added to each sequence. Default: false. */
    addZeroAttn: kinds.boolean.default(false),
    /** Features of keys. Default: null, embedDim. */
    kdim: kinds.integerFrom(1).optional(),
    /** Features of values. Default: null, embedDim. */
    vdim: kinds.integerFrom(1).optional(),
    /** Whether sequences are (batch, time, features) rather than (time, batch, features). Default: false. */
    batchFirst: kinds.boolean.default(false),
    /** Element type of the parameters. Default: float32. */
    dtype: kinds.dtype.default('float32'),
  },
);

const forwarding = signature(
  'query, key, value, /, keyPaddingMask, needWeights, attnMask, averageAttnWeights, isCausal',
  {
    query: kinds.tensor,
    key: kinds.tensor,
    value: kinds.tensor,
    /** Which keys are padding (bool), or what is added to their scores: (batch, S), without the batch where the inputs have none. Default: null. */
    keyPaddingMask: kinds.tensor.optional(),
    /** Whether to give the weights too. Default: true. */
    needWeights: kinds.boolean.default(true),
    /** Which keys a query may not see (bool), or what is added to the scores: (L, S) or (batch · heads, L, S). Default: null. */
    attnMask: kinds.tensor.optional(),
    /** Whether the weights are the means of those of all heads. Default: true. */
    averageAttnWeights: kinds.boolean.default(true),
    /** Says that `attnMask` is the causal mask, which then need not be read. Default: false. */
    isCausal: kinds.boolean.default(false),
  },
);

export interface MultiheadAttentionOptions extends OptionsOf<typeof attentionSignature> {}

/** The output, and the weights if they were asked for. Things of different types by position have a type as tuples only. */
export type MultiheadAttentionResults = {
  readonly attnOutput: Tensor;
  readonly attnOutputWeights: Tensor | null;
} & readonly [attnOutput: Tensor, attnOutputWeights: Tensor | null];

/** PyTorch's name for the last projection, which is printed. */
class NonDynamicallyQuantizableLinear extends Linear<boolean> {}

/**
 * Attention of several heads: query, key and value are projected, each head attends with its share of the features (see
 * `nn.functional.scaledDotProductAttention`), and what they give is projected again.
 *
 * Shapes: query (L, batch, embedDim), key (S, batch, kdim), value (S, batch, vdim), with `batchFirst` the batch before the time, or all without
 * the batch; attnOutput as query; attnOutputWeights (batch, L, S), or (batch, heads, L, S) if they are not averaged. `inProjWeight` is
 * (3 embedDim, embedDim), or where keys or values have other sizes there are `qProjWeight`, `kProjWeight` and `vProjWeight`.
 *
 * @returns `{ attnOutput, attnOutputWeights }`, or `[attnOutput, attnOutputWeights]`
 * @throws ValueError if numHeads does not divide embedDim; when called, ShapeError and DTypeError for what does not fit, ValueError for `isCausal`
 * without the mask
 * @example
 * ```ts
 * const attention = new nn.MultiheadAttention(8, 2, { batchFirst: true });
 * const x = randn([3, 5, 8]);
 * const [output, weights] = attention.forward(x, x, x);
 * output.shape; // [3, 5, 8]
 * weights!.shape; // [3, 5, 5]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html
 * @see https://arxiv.org/abs/1706.03762
 */
export class MultiheadAttention extends Module<ArgumentsOf<typeof forwarding>, MultiheadAttentionResults> {
  readonly embedDim: number;
  readonly numHeads: number;
  readonly dropout: number;
  readonly addZeroAttn: boolean;
  readonly kdim: number;
  readonly vdim: number;
  readonly batchFirst: boolean;
  qProjWeight: Parameter | null = null;
  kProjWeight: Parameter | null = null;
  vProjWeight: Parameter | null = null;
  inProjWeight: Parameter | null = null;
  inProjBias: Parameter | null;
  biasK: Parameter | null;
  biasV: Parameter | null;
  outProj: Linear<boolean>;

  constructor(...args: ArgumentsOf<typeof attentionSignature, MultiheadAttentionOptions>) {
    const options = attentionSignature.named('MultiheadAttention', args);
    const { embedDim, numHeads, bias, addBiasKv, dtype } = options;
    if (embedDim % numHeads !== 0) {
      throw new ValueError(`MultiheadAttention: numHeads must divide embedDim, ${embedDim}, got ${numHeads}`);
    }
    super();
    this.embedDim = embedDim;
    this.numHeads = numHeads;
    this.dropout = options.dropout;
    this.addZeroAttn = options.addZeroAttn;
    this.kdim = options.kdim ?? embedDim;
    this.vdim = options.vdim ?? embedDim;
    this.batchFirst = options.batchFirst;
    const learned = (...shape: number[]): Parameter => new Parameter(empty(shape, { dtype }));
    if (this.kdim === embedDim && this.vdim === embedDim) this.inProjWeight = learned(3 * embedDim, embedDim);
    else {
      this.qProjWeight = learned(embedDim, embedDim);
      this.kProjWeight = learned(embedDim, this.kdim);
      this.vProjWeight = learned(embedDim, this.vdim);
    }
    this.inProjBias = bias ? learned(3 * embedDim) : null;
    this.outProj = new NonDynamicallyQuantizableLinear(embedDim, embedDim, { bias, dtype });
    this.biasK = addBiasKv ? learned(1, 1, embedDim) : null;
    this.biasV = addBiasKv ? learned(1, 1, embedDim) : null;
    this.resetParameters();
  }

  /** Draws the parameters again, but the weight of the last projection. */
  resetParameters(): void {
    for (const weight of [this.inProjWeight, this.qProjWeight, this.kProjWeight, this.vProjWeight]) {
      if (weight !== null) xavierUniform_(weight);
    }
    for (const bias of [this.inProjBias, this.outProj.bias]) if (bias !== null) constant_(bias, 0);
    for (const bias of [this.biasK, this.biasV]) if (bias !== null) xavierNormal_(bias);
  }

  override forward(...args: ArgumentsOf<typeof forwarding>): MultiheadAttentionResults {
    const call = forwarding.named('MultiheadAttention', args);
    recording?.used(this);
    const isSingle = checkInputs(this, call);
    const mask = maskOf(this, call, isSingle);
    const [query, key, value] = headsOf(this, call, isSingle);
    const [heads, weights] = attend(this, query, key, value, mask, call.needWeights);
    // In memory the time comes first, as in PyTorch: dropout of the output draws in that order.
    const sequence = linear(flatten(permute(heads, [2, 0, 1, 3]), 2), this.outProj.weight, this.outProj.bias);
    const output = this.batchFirst || isSingle ? transpose(sequence, 0, 1) : sequence;
    const averaged = weights !== null && call.averageAttnWeights ? mean(weights, 1) : weights;
    const results = isSingle ? [squeeze(output, 0), averaged && squeeze(averaged, 0)] : [output, averaged];
    const names = ['attnOutput', 'attnOutputWeights'];
    return new NamedResults<unknown>('MultiheadAttention', names, results) as object as MultiheadAttentionResults;
  }
}

interface Call {
  readonly query: Tensor;
  readonly key: Tensor;
  readonly value: Tensor;
  readonly keyPaddingMask: Tensor | null;
  readonly attnMask: Tensor | null;
  readonly needWeights: boolean;
  readonly isCausal: boolean;
}

/** Refuses what does not fit. Whether the inputs are single sequences. */
function checkInputs(module: MultiheadAttention, { query, key, value }: Call): boolean {
  const { embedDim, kdim, vdim, batchFirst, outProj } = module;
  const isSingle = query.ndim === 2;
  const lead = (x: Tensor): Shape => shapeOf(x).slice(0, -1);
  for (const [name, x, size] of [
    ['query', query, embedDim],
    ['key', key, kdim],
    ['value', value, vdim],
  ] as const) {
    if (x.dtype !== outProj.weight.dtype) {
      throw new DTypeError(
        `MultiheadAttention: ${name} must be ${outProj.weight.dtype} as the weights are, got ${x.dtype}; convert it with .to()`,
      );
    }
    if (x.ndim !== query.ndim || x.ndim < 2 || x.ndim > 3) {
      throw new ShapeError(
        `MultiheadAttention: query, key and value must all have 3 dimensions, or 2 without a batch, got ${show(query.shape)}, ${show(key.shape)} and ${show(value.shape)}`,
      );
    }
    if (x.shape.at(-1) !== size) {
      throw new ShapeError(`MultiheadAttention: ${name} must have ${size} features, got ${show(x.shape)}`);
    }
  }
  const batch = batchFirst ? 0 : 1;
  if (!sameShape(lead(key), lead(value)) || (!isSingle && query.shape[batch] !== key.shape[batch])) {
    throw new ShapeError(
      `MultiheadAttention: batches, and times of key and value, must agree, got ${show(query.shape)}, ${show(key.shape)} and ${show(value.shape)}`,
    );
  }
  return isSingle;
}

/** What is added to the scores, (batch, heads or 1, L or 1, S): null for nothing, 'causal' for the causal mask. */
function maskOf(module: MultiheadAttention, call: Call, isSingle: boolean): Tensor | null | 'causal' {
  const { query, key, keyPaddingMask, attnMask, needWeights, isCausal } = call;
  const { numHeads, batchFirst } = module;
  if (isCausal && attnMask === null) {
    throw new ValueError(
      'MultiheadAttention: isCausal says that attnMask is the causal mask; expected attnMask too, got null',
    );
  }
  const time = isSingle || !batchFirst ? 0 : 1;
  const [length, keys] = [query.shape[time]!, key.shape[time]!];
  const batch = isSingle ? 1 : query.shape[1 - time]!;
  const scores =
    attnMask &&
    additive(attnMask, 'attnMask', query.dtype, [
      [length, keys],
      [batch * numHeads, length, keys],
    ]);
  const padding =
    keyPaddingMask && additive(keyPaddingMask, 'keyPaddingMask', query.dtype, [isSingle ? [keys] : [batch, keys]]);
  if (isCausal && padding === null && !needWeights) return 'causal';
  const perHead = scores?.ndim === 3 ? unflatten(scores, 0, [batch, numHeads]) : scores;
  const perKey = padding?.reshape([batch, 1, 1, keys]) ?? null;
  const sum = perHead && perKey ? add(perHead, perKey) : (perHead ?? perKey);
  const more = (module.biasK === null ? 0 : 1) + (module.addZeroAttn ? 1 : 0);
  return sum && more > 0 ? pad(sum, [0, more]) : sum;
}

/** A mask as what is added: -∞ where a mask of bools is true. */
function additive(mask: Tensor, name: string, dtype: DType, shapes: readonly Shape[]): Tensor {
  if (!shapes.some((shape) => sameShape(shape, shapeOf(mask)))) {
    throw new ShapeError(
      `MultiheadAttention: ${name} must have shape ${shapes.map(show).join(' or ')}, got ${show(mask.shape)}`,
    );
  }
  if (isBool(mask.dtype)) return maskedFill(zeros(shapeOf(mask), { dtype }), mask, Number.NEGATIVE_INFINITY);
  if (mask.dtype === dtype) return mask;
  throw new DTypeError(`MultiheadAttention: ${name} must be bool or ${dtype} as the query is, got ${mask.dtype}`);
}

/** Query, key and value, projected: (batch, heads, time, features of a head). */
function headsOf(module: MultiheadAttention, call: Call, isSingle: boolean): [Tensor, Tensor, Tensor] {
  const [query, key, value] = projected(module, call).map((x) => (isSingle ? unsqueeze(x, 0) : x));
  const isBatchFirst = module.batchFirst || isSingle;
  const { biasK, biasV, addZeroAttn } = module;
  const longer = (x: Tensor, bias: Tensor | null): Tensor => {
    const time = isBatchFirst ? 1 : 0;
    const one = shapeOf(x).with(time, 1);
    const parts = [x];
    if (bias !== null) parts.push(expand(bias, one));
    if (addZeroAttn) parts.push(zeros(one, { dtype: x.dtype }));
    return parts.length === 1 ? x : cat(parts, time);
  };
  const split = (x: Tensor): Tensor =>
    permute(unflatten(x, 2, [module.numHeads, -1]), isBatchFirst ? [0, 2, 1, 3] : [1, 2, 0, 3]);
  return [split(query!), split(longer(key!, biasK)), split(longer(value!, biasV))];
}

function projected(module: MultiheadAttention, { query, key, value }: Call): Tensor[] {
  const { inProjWeight, inProjBias, qProjWeight, kProjWeight, vProjWeight } = module;
  // One product where all three are one tensor.
  if (inProjWeight !== null && query === key && key === value)
    return chunk(linear(query, inProjWeight, inProjBias), 3, -1);
  const weights = inProjWeight === null ? [qProjWeight, kProjWeight, vProjWeight] : chunk(inProjWeight, 3);
  const biases = inProjBias === null ? [] : chunk(inProjBias, 3);
  return [query, key, value].map((x, i) => {
    const weight = weights[i];
    if (weight) return linear(x, weight, biases[i] ?? null);
    throw new ValueError('MultiheadAttention: the weights of the projections must be there, got null');
  });
}

/** What each head gives, and the weights if they are needed. */
function attend(
  module: MultiheadAttention,
  query: Tensor,
  key: Tensor,
  value: Tensor,
  mask: Tensor | null | 'causal',
  needWeights: boolean,
): [Tensor, Tensor | null] {
  const dropoutP = module.training ? module.dropout : 0;
  if (mask === 'causal') return [scaledDotProductAttention(query, key, value, { dropoutP, isCausal: true }), null];
  if (!needWeights) return [scaledDotProductAttention(query, key, value, mask, dropoutP), null];
  const scores = matmul(mul(query, Math.sqrt(1 / query.shape[3]!)), transpose(key, 2, 3));
  const weights = dropout(softmax(mask === null ? scores : add(scores, mask), 3), dropoutP);
  return [matmul(weights, value), weights];
}
