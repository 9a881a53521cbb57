import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { isBool, isInteger } from '../backend/dtype.js';
import { recording } from '../backend/recording.js';
import { DTypeError, ShapeError, ValueError } from '../errors.js';
import { gelu } from '../nn/activations/index.js';
import { scaledDotProductAttention } from '../nn/attention/scaled-dot-product.js';
import { ModuleList } from '../nn/containers/module-list.js';
import { normal_, zeros_ } from '../nn/init.js';
import { Dropout } from '../nn/layers/dropout.js';
import { Embedding } from '../nn/layers/embedding.js';
import { Linear } from '../nn/layers/linear.js';
import { LayerNorm } from '../nn/layers/normalization.js';
import { Module } from '../nn/module.js';
import { arange, zerosLike } from '../ops/creation.js';
import { add, ne, tanh } from '../ops/pointwise.js';
import { reshape, select, transpose } from '../ops/views.js';
import * as kinds from '../tensor/kinds.js';
import { show } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';

const options = signature(
  'vocabSize, hiddenSize, numHiddenLayers, numAttentionHeads, intermediateSize, maxPositionEmbeddings, typeVocabSize, dropout',
  {
    /** How many tokens there are. Default: 30522. */
    vocabSize: kinds.integerFrom(1).default(30522),
    /** How many features a token has, a multiple of the heads. Default: 768. */
    hiddenSize: kinds.integerFrom(1).default(768),
    /** Default: 12. */
    numHiddenLayers: kinds.integerFrom(1).default(12),
    /** Default: 12. */
    numAttentionHeads: kinds.integerFrom(1).default(12),
    /** How many features there are within the layers' networks. Default: 3072. */
    intermediateSize: kinds.integerFrom(1).default(3072),
    /** How many tokens a text can have. Default: 512. */
    maxPositionEmbeddings: kinds.integerFrom(1).default(512),
    /** How many kinds of tokens there are, such as those of a question and its answer. Default: 2. */
    typeVocabSize: kinds.integerFrom(1).default(2),
    /** Probability of a zero after embeddings, in attention and after each part. Default: 0.1. */
    dropout: kinds.within(0, 1).default(0.1),
  },
);

export interface BertOptions extends OptionsOf<typeof options> {}

/** What the model gives: features of every token, and of the whole from the first one. */
export interface BertResults {
  readonly lastHiddenState: Tensor;
  readonly poolerOutput: Tensor;
}

interface Sizes {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
  readonly intermediateSize: number;
  readonly maxPositionEmbeddings: number;
  readonly typeVocabSize: number;
  readonly dropout: number;
}

const normed = (width: number) => new LayerNorm(width, { eps: 1e-12 });

class Embeddings extends Module<[ids: Tensor, types: Tensor], Tensor> {
  wordEmbeddings: Embedding;
  positionEmbeddings: Embedding;
  tokenTypeEmbeddings: Embedding;
  LayerNorm: LayerNorm;
  dropout: Dropout;

  constructor({ vocabSize, hiddenSize, maxPositionEmbeddings, typeVocabSize, dropout }: Sizes) {
    super();
    this.wordEmbeddings = new Embedding(vocabSize, hiddenSize, { paddingIdx: 0 });
    this.positionEmbeddings = new Embedding(maxPositionEmbeddings, hiddenSize);
    this.tokenTypeEmbeddings = new Embedding(typeVocabSize, hiddenSize);
    this.LayerNorm = normed(hiddenSize);
    this.dropout = new Dropout(dropout);
  }

  override forward(ids: Tensor, types: Tensor): Tensor {
    const places = this.positionEmbeddings.forward(arange(shapeOf(ids)[1]!, { dtype: 'int32' }));
    const tokens = add(this.wordEmbeddings.forward(ids), this.tokenTypeEmbeddings.forward(types));
    return this.dropout.forward(this.LayerNorm.forward(add(tokens, places)));
  }
}

class SelfAttention extends Module<[x: Tensor, mask: Tensor | null], Tensor> {
  query: Linear;
  key: Linear;
  value: Linear;
  readonly heads: number;
  readonly rate: number;

  constructor({ hiddenSize, numAttentionHeads, dropout }: Sizes) {
    super();
    this.query = new Linear(hiddenSize, hiddenSize);
    this.key = new Linear(hiddenSize, hiddenSize);
    this.value = new Linear(hiddenSize, hiddenSize);
    this.heads = numAttentionHeads;
    this.rate = dropout;
  }

  override forward(x: Tensor, mask: Tensor | null): Tensor {
    recording?.used(this);
    const [batch, count, width] = shapeOf(x) as readonly [number, number, number];
    const inHeads = (layer: Linear) => transpose(reshape(layer.forward(x), [batch, count, this.heads, -1]), 1, 2);
    const attended = scaledDotProductAttention(inHeads(this.query), inHeads(this.key), inHeads(this.value), {
      attnMask: mask,
      dropoutP: this.training ? this.rate : 0,
    });
    return reshape(transpose(attended, 1, 2), [batch, count, width]);
  }
}

/** A linear layer, and the sum with what was there before it. */
class Output extends Module<[x: Tensor, before: Tensor], Tensor> {
  dense: Linear;
  LayerNorm: LayerNorm;
  dropout: Dropout;

  constructor(from: number, { hiddenSize, dropout }: Sizes) {
    super();
    this.dense = new Linear(from, hiddenSize);
    this.LayerNorm = normed(hiddenSize);
    this.dropout = new Dropout(dropout);
  }

  override forward(x: Tensor, before: Tensor): Tensor {
    return this.LayerNorm.forward(add(this.dropout.forward(this.dense.forward(x)), before));
  }
}

class Attention extends Module<[x: Tensor, mask: Tensor | null], Tensor> {
  self: SelfAttention;
  output: Output;

  constructor(sizes: Sizes) {
    super();
    this.self = new SelfAttention(sizes);
    this.output = new Output(sizes.hiddenSize, sizes);
  }

  override forward(x: Tensor, mask: Tensor | null): Tensor {
    return this.output.forward(this.self.forward(x, mask), x);
  }
}

class Intermediate extends Module<[x: Tensor], Tensor> {
  dense: Linear;

  constructor({ hiddenSize, intermediateSize }: Sizes) {
    super();
    this.dense = new Linear(hiddenSize, intermediateSize);
  }

  override forward(x: Tensor): Tensor {
    return gelu(this.dense.forward(x));
  }
}

class Layer extends Module<[x: Tensor, mask: Tensor | null], Tensor> {
  attention: Attention;
  intermediate: Intermediate;
  output: Output;

  constructor(sizes: Sizes) {
    super();
    this.attention = new Attention(sizes);
    this.intermediate = new Intermediate(sizes);
    this.output = new Output(sizes.intermediateSize, sizes);
  }

  override forward(x: Tensor, mask: Tensor | null): Tensor {
    const attended = this.attention.forward(x, mask);
    return this.output.forward(this.intermediate.forward(attended), attended);
  }
}

class Encoder extends Module<[x: Tensor, mask: Tensor | null], Tensor> {
  layer: ModuleList<Layer>;

  constructor(sizes: Sizes) {
    super();
    this.layer = new ModuleList(Array.from({ length: sizes.numHiddenLayers }, () => new Layer(sizes)));
  }

  override forward(x: Tensor, mask: Tensor | null): Tensor {
    return [...this.layer].reduce((y, layer) => layer.forward(y, mask), x);
  }
}

class Pooler extends Module<[x: Tensor], Tensor> {
  dense: Linear;

  constructor({ hiddenSize }: Sizes) {
    super();
    this.dense = new Linear(hiddenSize, hiddenSize);
  }

  override forward(x: Tensor): Tensor {
    return tanh(this.dense.forward(select(x, 1, 0)));
  }
}

function checkOperands(ids: Tensor, others: Readonly<Record<string, Tensor | null>>, longest: number): void {
  if (!isInteger(ids.dtype)) throw new DTypeError(`bert: tokens must be int32, got ${ids.dtype}; convert with .int()`);
  if (ids.ndim !== 2 || ids.numel() === 0 || shapeOf(ids)[1]! > longest) {
    throw new ShapeError(
      `bert: tokens must have shape (batch, tokens), from 1 to ${longest} of them, got ${show(ids.shape)}`,
    );
  }
  for (const [name, given] of Object.entries(others)) {
    if (given === null || show(given.shape) === show(ids.shape)) continue;
    throw new ShapeError(
      `bert: ${name} must have shape ${show(ids.shape)} as the tokens have, got ${show(given.shape)}`,
    );
  }
}

class Bert extends Module<
  [inputIds: Tensor, attentionMask?: Tensor | null, tokenTypeIds?: Tensor | null],
  BertResults
> {
  embeddings: Embeddings;
  encoder: Encoder;
  pooler: Pooler;
  readonly longest: number;

  constructor(sizes: Sizes) {
    const { hiddenSize, numAttentionHeads, maxPositionEmbeddings } = sizes;
    if (hiddenSize % numAttentionHeads !== 0) {
      throw new ValueError(
        `bert: hiddenSize ${hiddenSize} must be a multiple of numAttentionHeads, ${numAttentionHeads}`,
      );
    }
    super();
    this.longest = maxPositionEmbeddings;
    this.embeddings = new Embeddings(sizes);
    this.encoder = new Encoder(sizes);
    this.pooler = new Pooler(sizes);
    for (const module of this.modules()) {
      if (module instanceof Linear || module instanceof Embedding) normal_(module.weight, 0, 0.02);
      if (module instanceof Linear && module.bias !== null) zeros_(module.bias);
    }
    // What stands for no token has no features.
    zeros_(select(this.embeddings.wordEmbeddings.weight.data, 0, 0));
  }

  /**
   * Features of every token.
   *
   * @param inputIds int32, (batch, tokens)
   * @param attentionMask (batch, tokens), 0 or false for what stands after shorter texts. Default: null, all count
   * @param tokenTypeIds int32, (batch, tokens). Default: null, all of the first kind
   */
  override forward(
    inputIds: Tensor,
    attentionMask: Tensor | null = null,
    tokenTypeIds: Tensor | null = null,
  ): BertResults {
    checkOperands(inputIds, { attentionMask, tokenTypeIds }, this.longest);
    const embedded = this.embeddings.forward(inputIds, tokenTypeIds ?? zerosLike(inputIds));
    const [batch, count] = shapeOf(inputIds) as readonly [number, number];
    const counts = attentionMask && (isBool(attentionMask.dtype) ? attentionMask : ne(attentionMask, 0));
    const lastHiddenState = this.encoder.forward(embedded, counts && reshape(counts, [batch, 1, 1, count]));
    return { lastHiddenState, poolerOutput: this.pooler.forward(lastHiddenState) };
  }
}

/**
 * BERT, by default the base one. Names are those of Hugging Face's `BertModel`, whose safetensors it takes.
 *
 * `forward(inputIds, attentionMask, tokenTypeIds)` gives { lastHiddenState, poolerOutput }: (batch, tokens, hiddenSize), and of the first token
 * (batch, hiddenSize).
 *
 * @throws ValueError for features that do not divide into heads
 * @example
 * ```ts
 * import { tensor } from 'nabla';
 * import { bert } from 'nabla/models';
 *
 * const model = bert({ vocabSize: 50, hiddenSize: 16, numHiddenLayers: 2, numAttentionHeads: 4, intermediateSize: 32 }).eval();
 * const text = tensor([[1, 7, 9, 2]], { dtype: 'int32' });
 * model.forward(text).lastHiddenState.shape; // [1, 4, 16]
 * ```
 * @see https://arxiv.org/abs/1810.04805
 */
export const bert: FunctionOf<Bert, typeof options, BertOptions> = define('bert', options, (...values) => {
  const [vocabSize, hiddenSize, numHiddenLayers, numAttentionHeads, intermediateSize] = values;
  const [maxPositionEmbeddings, typeVocabSize, dropout] = values.slice(5) as [number, number, number];
  return new Bert({
    vocabSize,
    hiddenSize,
    numHiddenLayers,
    numAttentionHeads,
    intermediateSize,
    maxPositionEmbeddings,
    typeVocabSize,
    dropout,
  });
});
