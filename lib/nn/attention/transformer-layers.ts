import type { ArgumentsOf, NamedOf, OptionsOf } from '../../arguments/forms.js';
import { type Kind, kind } from '../../arguments/kind.js';
import { signature } from '../../arguments/signature.js';
import { recording } from '../../backend/recording.js';
import { add } from '../../ops/pointwise.js';
import * as kinds from '../../tensor/kinds.js';
import type { Tensor } from '../../tensor/tensor.js';
import { gelu, relu } from '../activations/index.js';
import { Dropout } from '../layers/dropout.js';
import { Linear } from '../layers/linear.js';
import { LayerNorm } from '../layers/normalization.js';
import { isModule, Module } from '../module.js';
import { MultiheadAttention } from './multihead.js';

// The two kinds of layers that transformers are made of.

/** An activation by name, or a function or module of one tensor. */
export type TransformerActivation = 'relu' | 'gelu' | ((x: Tensor) => Tensor) | Module<[x: Tensor], Tensor>;

const activationKind: Kind<TransformerActivation> = kind(
  "'relu', 'gelu', a function or a Module",
  (value): value is TransformerActivation =>
    value === 'relu' || value === 'gelu' || typeof value === 'function' || isModule(value),
);

export const layerParameters = {
  /** Features between the two linear layers. Default: 2048. */
  dimFeedforward: kinds.integerFrom(1).default(2048),
  /** Probability, in training, of a zero. Default: 0.1. */
  dropout: kinds.within(0, 1).default(0.1),
  /** What comes between the two linear layers: 'relu', 'gelu', a function or a module. Default: 'relu'. */
  activation: activationKind.default('relu'),
  /** What layer normalisations add to the variance. Default: 1e-5. */
  layerNormEps: kinds.number.default(1e-5),
  /** Whether sequences are (batch, time, features) rather than (time, batch, features). Default: false. */
  batchFirst: kinds.boolean.default(false),
  /** Whether each part normalises its input, rather than the sum of input and output. Default: false. */
  normFirst: kinds.boolean.default(false),
  /** Whether linear layers and normalisations have biases. Default: true. */
  bias: kinds.boolean.default(true),
  /** Element type of the parameters. Default: float32. */
  dtype: kinds.dtype.default('float32'),
};

const layerSignature = signature(
  'dModel, nhead, dimFeedforward, dropout, activation, layerNormEps, batchFirst, normFirst, bias, dtype',
  { dModel: kinds.integerFrom(1), nhead: kinds.integerFrom(1), ...layerParameters },
);

export interface TransformerLayerOptions extends OptionsOf<typeof layerSignature> {}

const mask = kinds.tensor.optional();

const encoding = signature('src, /, srcMask, srcKeyPaddingMask, isCausal', {
  src: kinds.tensor,
  /** As `attnMask` of `nn.MultiheadAttention`. Default: null. */
  srcMask: mask,
  /** As `keyPaddingMask` of `nn.MultiheadAttention`. Default: null. */
  srcKeyPaddingMask: mask,
  /** Says that `srcMask` is the causal mask. Default: false. */
  isCausal: kinds.boolean.default(false),
});

export const decoding = signature(
  'tgt, memory, /, tgtMask, memoryMask, tgtKeyPaddingMask, memoryKeyPaddingMask, tgtIsCausal, memoryIsCausal',
  {
    tgt: kinds.tensor,
    memory: kinds.tensor,
    /** What target positions may see of the target, as `attnMask` of `nn.MultiheadAttention`. Default: null. */
    tgtMask: mask,
    /** What target positions may see of the memory. Default: null. */
    memoryMask: mask,
    /** What of the target is padding, as `keyPaddingMask` of `nn.MultiheadAttention`. Default: null. */
    tgtKeyPaddingMask: mask,
    /** What of the memory is padding. Default: null. */
    memoryKeyPaddingMask: mask,
    /** Says that `tgtMask` is the causal mask. Default: false. */
    tgtIsCausal: kinds.boolean.default(false),
    /** Says that `memoryMask` is the causal mask. Default: false. */
    memoryIsCausal: kinds.boolean.default(false),
  },
);

export type EncodingArguments = ArgumentsOf<typeof encoding>;
export type DecodingArguments = ArgumentsOf<typeof decoding>;

type LayerOptions = NamedOf<typeof layerSignature>;
type LayerArguments = ArgumentsOf<typeof layerSignature, TransformerLayerOptions>;

const attentionOf = ({ dModel, nhead, dropout, bias, batchFirst, dtype }: LayerOptions): MultiheadAttention =>
  new MultiheadAttention(dModel, nhead, { dropout, bias, batchFirst, dtype });

const normOf = ({ dModel, layerNormEps, bias, dtype }: LayerOptions): LayerNorm<true, boolean> =>
  new LayerNorm<true, boolean>(dModel, { eps: layerNormEps, bias, dtype });

const activationOf = (given: TransformerActivation): Exclude<TransformerActivation, string> => {
  if (given === 'relu') return (x) => relu(x);
  return given === 'gelu' ? (x) => gelu(x) : given;
};

const applied = (activation: Exclude<TransformerActivation, string>, x: Tensor): Tensor =>
  typeof activation === 'function' ? activation(x) : activation.forward(x);

/** x + part(norm(x)), or norm(x + part(x)). */
const residual = (
  x: Tensor,
  norm: LayerNorm<true, boolean>,
  normFirst: boolean,
  part: (x: Tensor) => Tensor,
): Tensor => (normFirst ? add(x, part(norm.forward(x))) : norm.forward(add(x, part(x))));

/**
 * A layer of a transformer's encoder: attention to itself, then two linear layers, each added to its input and normalised.
 *
 * Shapes: as query of `nn.MultiheadAttention`, in and out.
 *
 * @throws ValueError if nhead does not divide dModel; what `nn.MultiheadAttention` throws when called
 * @example
 * ```ts
 * const layer = new nn.TransformerEncoderLayer(16, 4, { dimFeedforward: 32, batchFirst: true });
 * const srcMask = nn.Transformer.generateSquareSubsequentMask(5);
 * layer.forward(randn([3, 5, 16]), { srcMask }).shape; // [3, 5, 16]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.TransformerEncoderLayer.html
 */
export class TransformerEncoderLayer extends Module<EncodingArguments, Tensor> {
  selfAttn: MultiheadAttention;
  linear1: Linear<boolean>;
  dropout: Dropout;
  linear2: Linear<boolean>;
  readonly normFirst: boolean;
  norm1: LayerNorm<true, boolean>;
  norm2: LayerNorm<true, boolean>;
  dropout1: Dropout;
  dropout2: Dropout;
  activation: Exclude<TransformerActivation, string>;

  constructor(...args: LayerArguments) {
    const options = layerSignature.named('TransformerEncoderLayer', args);
    const { dModel, dimFeedforward, dropout, bias, dtype } = options;
    super();
    this.selfAttn = attentionOf(options);
    this.linear1 = new Linear<boolean>(dModel, dimFeedforward, { bias, dtype });
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear<boolean>(dimFeedforward, dModel, { bias, dtype });
    this.normFirst = options.normFirst;
    this.norm1 = normOf(options);
    this.norm2 = normOf(options);
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
    this.activation = activationOf(options.activation);
  }

  override forward(...args: EncodingArguments): Tensor {
    const [src, attnMask, keyPaddingMask, isCausal] = encoding.read('TransformerEncoderLayer', args);
    recording?.used(this);
    const attended = residual(src, this.norm1, this.normFirst, (x) => {
      const options = { attnMask, keyPaddingMask, isCausal, needWeights: false };
      return this.dropout1.forward(this.selfAttn.forward(x, x, x, options).attnOutput);
    });
    return residual(attended, this.norm2, this.normFirst, (x) => this.dropout2.forward(forwardOf(this, x)));
  }
}

/** The two linear layers. */
const forwardOf = (layer: TransformerEncoderLayer | TransformerDecoderLayer, x: Tensor): Tensor =>
  layer.linear2.forward(layer.dropout.forward(applied(layer.activation, layer.linear1.forward(x))));

/**
 * A layer of a transformer's decoder: attention to itself, attention to what the encoder gave, then two linear layers, each added to its input
 * and normalised.
 *
 * Shapes: tgt as query, memory as key of `nn.MultiheadAttention`; the result as tgt.
 *
 * @throws ValueError if nhead does not divide dModel; what `nn.MultiheadAttention` throws when called
 * @example
 * ```ts
 * const layer = new nn.TransformerDecoderLayer(16, 4, 32);
 * layer.forward(randn([5, 3, 16]), randn([7, 3, 16])).shape; // [5, 3, 16]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.TransformerDecoderLayer.html
 */
export class TransformerDecoderLayer extends Module<DecodingArguments, Tensor> {
  selfAttn: MultiheadAttention;
  multiheadAttn: MultiheadAttention;
  linear1: Linear<boolean>;
  dropout: Dropout;
  linear2: Linear<boolean>;
  readonly normFirst: boolean;
  norm1: LayerNorm<true, boolean>;
  norm2: LayerNorm<true, boolean>;
  norm3: LayerNorm<true, boolean>;
  dropout1: Dropout;
  dropout2: Dropout;
  dropout3: Dropout;
  activation: Exclude<TransformerActivation, string>;

  constructor(...args: LayerArguments) {
    const options = layerSignature.named('TransformerDecoderLayer', args);
    const { dModel, dimFeedforward, dropout, bias, dtype } = options;
    super();
    this.selfAttn = attentionOf(options);
    this.multiheadAttn = attentionOf(options);
    this.linear1 = new Linear<boolean>(dModel, dimFeedforward, { bias, dtype });
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear<boolean>(dimFeedforward, dModel, { bias, dtype });
    this.normFirst = options.normFirst;
    this.norm1 = normOf(options);
    this.norm2 = normOf(options);
    this.norm3 = normOf(options);
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
    this.dropout3 = new Dropout(dropout);
    this.activation = activationOf(options.activation);
  }

  override forward(...args: DecodingArguments): Tensor {
    const call = decoding.named('TransformerDecoderLayer', args);
    recording?.used(this);
    const own = residual(call.tgt, this.norm1, this.normFirst, (x) => {
      const { tgtMask: attnMask, tgtKeyPaddingMask: keyPaddingMask, tgtIsCausal: isCausal } = call;
      const options = { attnMask, keyPaddingMask, isCausal, needWeights: false };
      return this.dropout1.forward(this.selfAttn.forward(x, x, x, options).attnOutput);
    });
    const crossed = residual(own, this.norm2, this.normFirst, (x) => {
      const { memory, memoryMask: attnMask, memoryKeyPaddingMask: keyPaddingMask, memoryIsCausal: isCausal } = call;
      const options = { attnMask, keyPaddingMask, isCausal, needWeights: false };
      return this.dropout2.forward(this.multiheadAttn.forward(x, memory, memory, options).attnOutput);
    });
    return residual(crossed, this.norm3, this.normFirst, (x) => this.dropout3.forward(forwardOf(this, x)));
  }
}
