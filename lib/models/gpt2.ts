import { define } from '../arguments/define.js';
import type { ArgumentsOf, FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { noGrad } from '../autograd/mode.js';
import { isInteger } from '../backend/dtype.js';
import { recording } from '../backend/recording.js';
import { sameShape } from '../backend/view.js';
import { DTypeError, ShapeError, ValueError } from '../errors.js';
import { gelu } from '../nn/activations/index.js';
import { scaledDotProductAttention } from '../nn/attention/scaled-dot-product.js';
import { ModuleList } from '../nn/containers/module-list.js';
import { normal_, zeros_ } from '../nn/init.js';
import { dropout } from '../nn/layers/dropout.js';
import { Embedding } from '../nn/layers/embedding.js';
import { LayerNorm } from '../nn/layers/normalization.js';
import { type IncompatibleKeys, Module, type StateDict } from '../nn/module.js';
import { Parameter } from '../nn/parameter.js';
import { arange, empty, ones } from '../ops/creation.js';
import { cat } from '../ops/joining.js';
import { add, div, ge, where } from '../ops/pointwise.js';
import { linear } from '../ops/products.js';
import { multinomial } from '../ops/random.js';
import { argmax } from '../ops/reductions.js';
import { softmax } from '../ops/softmax.js';
import { topk } from '../ops/sorting.js';
import { tril } from '../ops/triangles.js';
import { chunk, narrow, reshape, select, transpose } from '../ops/views.js';
import * as kinds from '../tensor/kinds.js';
import { drawing } from '../tensor/parameters.js';
import { show } from '../tensor/shape.js';
import { isTensor, shapeOf, type Tensor } from '../tensor/tensor.js';

const options = signature('vocabSize, nPositions, nEmbd, nLayer, nHead, dropout', {
  /** How many tokens there are. Default: 50257. */
  vocabSize: kinds.integerFrom(1).default(50257),
  /** How many tokens a text can have. Default: 1024. */
  nPositions: kinds.integerFrom(1).default(1024),
  /** How many features a token has, a multiple of the heads. Default: 768. */
  nEmbd: kinds.integerFrom(1).default(768),
  /** Default: 12. */
  nLayer: kinds.integerFrom(1).default(12),
  /** Default: 12. */
  nHead: kinds.integerFrom(1).default(12),
  /** Probability of a zero after embeddings, in attention and after each part. Default: 0.1. */
  dropout: kinds.within(0, 1).default(0.1),
});

const generating = signature('inputIds, /, maxNewTokens, temperature, topK, *, useCache, generator', {
  inputIds: kinds.tensor,
  /** How many tokens to add. Default: 20. */
  maxNewTokens: kinds.integerFrom(0).default(20),
  /** What scores are divided by; with 0 the likeliest token is taken, and nothing drawn. Default: 0. */
  temperature: kinds.atLeast(0).default(0),
  /** From how many of the likeliest tokens to draw. Default: null, all. */
  topK: kinds.integerFrom(1).optional(),
  /** Whether keys and values of earlier tokens are kept rather than computed again; results are the same but for rounding. Default: true. */
  useCache: kinds.boolean.default(true),
  ...drawing,
});

export interface GPT2Options extends OptionsOf<typeof options> {}
export interface GenerateOptions extends OptionsOf<typeof generating> {}

/** Keys and values of all tokens so far, for each layer. */
type Cache = readonly (readonly [keys: Tensor, values: Tensor])[];

/** What the model gives: scores of the next token at every place, and the keys and values of all layers. */
export interface GPT2Results {
  readonly logits: Tensor;
  readonly pastKeyValues: Cache;
}

interface Sizes {
  readonly vocabSize: number;
  readonly nPositions: number;
  readonly nEmbd: number;
  readonly nLayer: number;
  readonly nHead: number;
  readonly dropout: number;
}

/** A linear layer whose weight is the other way round: (from, to). */
class Conv1D extends Module<[x: Tensor], Tensor> {
  weight: Parameter;
  bias: Parameter;

  constructor(to: number, from: number, std = 0.02) {
    super();
    this.weight = new Parameter(normal_(empty([from, to]), 0, std));
    this.bias = new Parameter(zeros_(empty([to])));
  }

  override forward(x: Tensor): Tensor {
    return linear(x, transpose(this.weight, 0, 1), this.bias);
  }
}

/** What comes back to the sum of all layers starts smaller, the more there are. */
const lastStd = ({ nLayer }: Sizes): number => 0.02 / Math.sqrt(2 * nLayer);

/** Which of all tokens each of the new ones may see: those before it, and itself. */
const seen = (count: number, all: number): Tensor => tril(ones([count, all], { dtype: 'bool' }), all - count);

class Attention extends Module<[x: Tensor, past: Cache[number] | null], readonly [Tensor, Cache[number]]> {
  c_attn: Conv1D;
  c_proj: Conv1D;
  readonly heads: number;
  readonly rate: number;

  constructor(sizes: Sizes) {
    super();
    this.c_attn = new Conv1D(3 * sizes.nEmbd, sizes.nEmbd);
    this.c_proj = new Conv1D(sizes.nEmbd, sizes.nEmbd, lastStd(sizes));
    this.heads = sizes.nHead;
    this.rate = sizes.dropout;
  }

  override forward(x: Tensor, past: Cache[number] | null): readonly [Tensor, Cache[number]] {
    recording?.used(this);
    const [batch, count, width] = shapeOf(x) as readonly [number, number, number];
    const inHeads = (part: Tensor) => transpose(reshape(part, [batch, count, this.heads, -1]), 1, 2);
    const [query, key, value] = chunk(this.c_attn.forward(x), 3, 2).map(inHeads) as [Tensor, Tensor, Tensor];
    const [keys, values] = past === null ? [key, value] : [cat([past[0], key], 2), cat([past[1], value], 2)];
    const isAlone = count === 1;
    const attended = scaledDotProductAttention(query, keys, values, {
      attnMask: past === null || isAlone ? null : seen(count, shapeOf(keys)[2]!),
      isCausal: past === null && !isAlone,
      dropoutP: this.training ? this.rate : 0,
    });
    const merged = this.c_proj.forward(reshape(transpose(attended, 1, 2), [batch, count, width]));
    return [dropout(merged, this.rate, this.training), [keys, values]];
  }
}

class MLP extends Module<[x: Tensor], Tensor> {
  c_fc: Conv1D;
  c_proj: Conv1D;
  readonly rate: number;

  constructor(sizes: Sizes) {
    super();
    this.c_fc = new Conv1D(4 * sizes.nEmbd, sizes.nEmbd);
    this.c_proj = new Conv1D(sizes.nEmbd, 4 * sizes.nEmbd, lastStd(sizes));
    this.rate = sizes.dropout;
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    const inner = gelu(this.c_fc.forward(x), { approximate: 'tanh' });
    return dropout(this.c_proj.forward(inner), this.rate, this.training);
  }
}

class Block extends Module<[x: Tensor, past: Cache[number] | null], readonly [Tensor, Cache[number]]> {
  ln_1: LayerNorm;
  attn: Attention;
  ln_2: LayerNorm;
  mlp: MLP;

  constructor(sizes: Sizes) {
    super();
    this.ln_1 = new LayerNorm(sizes.nEmbd);
    this.attn = new Attention(sizes);
    this.ln_2 = new LayerNorm(sizes.nEmbd);
    this.mlp = new MLP(sizes);
  }

  override forward(x: Tensor, past: Cache[number] | null): readonly [Tensor, Cache[number]] {
    const [attended, kept] = this.attn.forward(this.ln_1.forward(x), past);
    const y = add(x, attended);
    return [add(y, this.mlp.forward(this.ln_2.forward(y))), kept];
  }
}

class Body extends Module<[ids: Tensor, past: Cache | null], readonly [Tensor, Cache]> {
  wte: Embedding;
  wpe: Embedding;
  h: ModuleList<Block>;
  ln_f: LayerNorm;
  readonly rate: number;

  constructor(sizes: Sizes) {
    super();
    const embedding = (count: number) => {
      const made = new Embedding(count, sizes.nEmbd);
      normal_(made.weight, 0, 0.02);
      return made;
    };
    this.wte = embedding(sizes.vocabSize);
    this.wpe = embedding(sizes.nPositions);
    this.h = new ModuleList(Array.from({ length: sizes.nLayer }, () => new Block(sizes)));
    this.ln_f = new LayerNorm(sizes.nEmbd);
    this.rate = sizes.dropout;
  }

  override forward(ids: Tensor, past: Cache | null): readonly [Tensor, Cache] {
    recording?.used(this);
    const before = past === null ? 0 : shapeOf(past[0]![0])[2]!;
    const count = shapeOf(ids)[1]!;
    const places = this.wpe.forward(arange(before, before + count, { dtype: 'int32' }));
    let x = dropout(add(this.wte.forward(ids), places), this.rate, this.training);
    const kept: Cache[number][] = [];
    for (const [i, block] of [...this.h].entries()) {
      const [next, own] = block.forward(x, past?.[i] ?? null);
      x = next;
      kept.push(own);
    }
    return [this.ln_f.forward(x), kept];
  }
}

function checkTokens(ids: Tensor, before: number, nPositions: number): void {
  if (!isInteger(ids.dtype)) throw new DTypeError(`gpt2: tokens must be int32, got ${ids.dtype}; convert with .int()`);
  if (ids.ndim !== 2 || ids.numel() === 0) {
    throw new ShapeError(`gpt2: tokens must have shape (batch, tokens), at least one, got ${show(ids.shape)}`);
  }
  const all = before + shapeOf(ids)[1]!;
  if (all <= nPositions) return;
  throw new ShapeError(`gpt2: a text has at most ${nPositions} tokens, got ${all}`);
}

class GPT2 extends Module<[inputIds: Tensor, pastKeyValues?: Cache | null], GPT2Results> {
  transformer: Body;
  readonly nPositions: number;

  constructor(sizes: Sizes) {
    if (sizes.nEmbd % sizes.nHead !== 0) {
      throw new ValueError(`gpt2: nEmbd ${sizes.nEmbd} must be a multiple of nHead, ${sizes.nHead}`);
    }
    super();
    this.nPositions = sizes.nPositions;
    this.transformer = new Body(sizes);
  }

  /**
   * As `Module.loadStateDict`, for every form in which Hugging Face writes GPT-2: with `transformer.` before the names or without, with the causal
   * masks that older files hold (`h.0.attn.bias`), which are constants, and with `lm_head.weight`, which must be the embeddings of tokens.
   *
   * @throws ValueError for another `lm_head.weight`, and as `Module.loadStateDict`
   */
  override loadStateDict(...args: Parameters<Module['loadStateDict']>): IncompatibleKeys {
    const [state, ...rest] = args;
    return super.loadStateDict(isPlain(state) ? ownNames(state) : state, ...rest);
  }

  /**
   * Scores of the next token at every place.
   *
   * @param inputIds int32, (batch, tokens): all tokens, or those after the ones that `pastKeyValues` is of
   * @param pastKeyValues what an earlier call gave
   */
  override forward(inputIds: Tensor, pastKeyValues: Cache | null = null): GPT2Results {
    const before = pastKeyValues === null ? 0 : (pastKeyValues[0]?.[0].shape[2] ?? 0);
    checkTokens(inputIds, before, this.nPositions);
    const [x, kept] = this.transformer.forward(inputIds, pastKeyValues);
    return { logits: linear(x, this.transformer.wte.weight), pastKeyValues: kept };
  }

  /**
   * Texts with more tokens after them. What came before is computed once: its keys and values are kept. Call `eval()` first.
   *
   * @param inputIds int32, (batch, tokens)
   * @returns int32, (batch, tokens + maxNewTokens)
   * @throws ShapeError if that is more than `nPositions`; DTypeError unless tokens are int32
   */
  generate(...args: ArgumentsOf<typeof generating, GenerateOptions>): Tensor {
    const [inputIds, maxNewTokens, temperature, topK, useCache, generator] = generating.read('gpt2.generate', args);
    checkTokens(inputIds, maxNewTokens, this.nPositions);
    return noGrad(() => {
      let [all, fresh] = [inputIds, inputIds];
      let past: Cache | null = null;
      for (let i = 0; i < maxNewTokens; i++) {
        const { logits, pastKeyValues }: GPT2Results = this.forward(useCache ? fresh : all, past);
        const scores = select(logits, 1, -1);
        fresh =
          temperature === 0
            ? argmax(scores, -1, true)
            : multinomial(softmax(likeliest(div(scores, temperature), topK), -1), 1, { generator });
        all = cat([all, fresh], 1);
        if (useCache) past = pastKeyValues;
      }
      return all;
    });
  }
}

const isPlain = (state: unknown): state is Readonly<StateDict> => typeof state === 'object' && state !== null;

/** A causal mask, or what was once put in place of scores. */
const MASK = /^(transformer\.)?h\.\d+\.attn\.(masked_)?bias$/;

/** A state in the names that the model has. */
function ownNames(state: Readonly<StateDict>): StateDict {
  const entries = Object.entries(state).filter(([name]) => !MASK.test(name));
  const isBody = entries.some(([name]) => name === 'wte.weight');
  const named = new Map(entries.map(([name, value]) => [isBody ? `transformer.${name}` : name, value]));
  const head = isBody ? 'transformer.lm_head.weight' : 'lm_head.weight';
  const [own, embeddings] = [named.get(head), named.get('transformer.wte.weight')];
  if (isTensor(own) && isTensor(embeddings)) {
    const isTied = own === embeddings || (sameShape(shapeOf(own), shapeOf(embeddings)) && own.equal(embeddings));
    if (!isTied) {
      throw new ValueError(
        'gpt2: lm_head.weight must be the embeddings of tokens, transformer.wte.weight, got others; take it out of the state if the model is to go without it',
      );
    }
    named.delete(head);
  }
  return Object.fromEntries(named);
}

/** Scores of the k likeliest tokens; the others can never be drawn. */
function likeliest(scores: Tensor, k: number | null): Tensor {
  if (k === null || k >= shapeOf(scores).at(-1)!) return scores;
  const least = narrow(topk(scores, k).values, -1, k - 1, 1);
  return where(ge(scores, least), scores, Number.NEGATIVE_INFINITY);
}

/**
 * GPT-2, by default the small one. Names are those of Hugging Face's `GPT2LMHeadModel`, whose safetensors it takes; scores are products with the
 * embeddings of tokens, so that there is no head among them.
 *
 * `forward(inputIds, pastKeyValues)` gives { logits, pastKeyValues }: scores (batch, tokens, vocabSize), and keys and values of all tokens for the
 * next call, which then takes only what comes after. `generate(inputIds, { maxNewTokens, temperature, topK })` adds tokens so.
 *
 * @throws ValueError for features that do not divide into heads
 * @example
 * ```ts
 * import { tensor } from 'nabla';
 * import { gpt2 } from 'nabla/models';
 *
 * const model = gpt2({ vocabSize: 50, nPositions: 32, nEmbd: 16, nLayer: 2, nHead: 4 }).eval();
 * const text = tensor([[3, 1, 4]], { dtype: 'int32' });
 * model.forward(text).logits.shape; // [1, 3, 50]
 * model.generate(text, { maxNewTokens: 5 }).shape; // [1, 8]
 * ```
 * @see https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf
 */
export const gpt2: FunctionOf<GPT2, typeof options, GPT2Options> = define(
  'gpt2',
  options,
  (vocabSize, nPositions, nEmbd, nLayer, nHead, rate) =>
    new GPT2({ vocabSize, nPositions, nEmbd, nLayer, nHead, dropout: rate }),
);
