import type { ArgumentsOf, OptionsOf } from '../../arguments/forms.js';
import { type Kind, kind } from '../../arguments/kind.js';
import { signature } from '../../arguments/signature.js';
import { recording } from '../../backend/recording.js';
import { ShapeError } from '../../errors.js';
import { full } from '../../ops/creation.js';
import { triu } from '../../ops/triangles.js';
import * as kinds from '../../tensor/kinds.js';
import { show } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { ModuleList } from '../containers/module-list.js';
import { xavierUniform_ } from '../init.js';
import { LayerNorm } from '../layers/normalization.js';
import { isModule, Module } from '../module.js';
import { layerCount } from '../operands.js';
import {
  type DecodingArguments,
  decoding,
  type EncodingArguments,
  layerParameters,
  TransformerDecoderLayer,
  TransformerEncoderLayer,
} from './transformer-layers.js';

// Stacks of layers, and the whole of encoder and decoder.

type EncoderLayer = Module<EncodingArguments, Tensor>;
type DecoderLayer = Module<DecodingArguments, Tensor>;
type Norm = Module<[x: Tensor], Tensor>;

const moduleOf = <M extends Module>(): Kind<M> => kind('a Module', (value): value is M => isModule(value));

const stacked = {
  /** How many copies of the layer. */
  numLayers: layerCount,
  /** What normalises the output of the last. Default: null, nothing. */
  norm: moduleOf<Norm>().optional(),
};

const encoderSignature = signature('encoderLayer, numLayers, norm, enableNestedTensor, maskCheck', {
  encoderLayer: moduleOf<EncoderLayer>(),
  ...stacked,
  /** Whether PyTorch may leave out what is padded where it only evaluates; here it never is. Default: true. */
  enableNestedTensor: kinds.boolean.default(true),
  /** Whether PyTorch looks at masks for that. Default: true. */
  maskCheck: kinds.boolean.default(true),
});
const decoderSignature = signature('decoderLayer, numLayers, norm', {
  decoderLayer: moduleOf<DecoderLayer>(),
  ...stacked,
});

const mask = kinds.tensor.optional();
const causal = kinds.boolean.default(false);

const encoding = signature('src, /, mask, srcKeyPaddingMask, isCausal', {
  src: kinds.tensor,
  /** As `attnMask` of `nn.MultiheadAttention`. Default: null. */
  mask,
  /** As `keyPaddingMask` of `nn.MultiheadAttention`. Default: null. */
  srcKeyPaddingMask: mask,
  /** Says that `mask` is the causal mask. Default: false. */
  isCausal: causal,
});

type StackEncodingArguments = ArgumentsOf<typeof encoding>;

const copies = <M extends Module>(layer: M, count: number): ModuleList<M> =>
  new ModuleList(Array.from({ length: count }, () => layer.clone()));

/**
 * Copies of an encoder layer, one after the other. They all start with the values of the one that is given.
 *
 * @throws what `nn.MultiheadAttention` throws when called
 * @example
 * ```ts
 * const layer = new nn.TransformerEncoderLayer(16, 4, 32, { batchFirst: true });
 * const encoder = new nn.TransformerEncoder(layer, 2, new nn.LayerNorm(16));
 * const srcKeyPaddingMask = tensor([[false, false, true]]);
 * encoder.forward(randn([1, 3, 16]), { srcKeyPaddingMask }).shape; // [1, 3, 16]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.TransformerEncoder.html
 */
export class TransformerEncoder extends Module<StackEncodingArguments, Tensor> {
  layers: ModuleList<EncoderLayer>;
  readonly numLayers: number;
  norm: Norm | null;

  constructor(...args: ArgumentsOf<typeof encoderSignature>) {
    const [encoderLayer, numLayers, norm] = encoderSignature.read('TransformerEncoder', args);
    super();
    this.layers = copies(encoderLayer, numLayers);
    this.numLayers = numLayers;
    this.norm = norm;
  }

  override forward(...args: StackEncodingArguments): Tensor {
    const [src, srcMask, srcKeyPaddingMask, isCausal] = encoding.read('TransformerEncoder', args);
    recording?.used(this);
    let x = src;
    for (const layer of this.layers) x = layer.forward(x, { srcMask, srcKeyPaddingMask, isCausal });
    return this.norm === null ? x : this.norm.forward(x);
  }
}

/**
 * Copies of a decoder layer, one after the other. They all start with the values of the one that is given.
 *
 * @throws what `nn.MultiheadAttention` throws when called
 * @example
 * ```ts
 * const decoder = new nn.TransformerDecoder(new nn.TransformerDecoderLayer(16, 4, 32), 2);
 * const tgtMask = nn.Transformer.generateSquareSubsequentMask(5);
 * decoder.forward(randn([5, 3, 16]), randn([7, 3, 16]), { tgtMask, tgtIsCausal: true }).shape; // [5, 3, 16]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.TransformerDecoder.html
 */
export class TransformerDecoder extends Module<DecodingArguments, Tensor> {
  layers: ModuleList<DecoderLayer>;
  readonly numLayers: number;
  norm: Norm | null;

  constructor(...args: ArgumentsOf<typeof decoderSignature>) {
    const [decoderLayer, numLayers, norm] = decoderSignature.read('TransformerDecoder', args);
    super();
    this.layers = copies(decoderLayer, numLayers);
    this.numLayers = numLayers;
    this.norm = norm;
  }

  override forward(...args: DecodingArguments): Tensor {
    const { tgt, memory, ...masks } = decoding.named('TransformerDecoder', args);
    recording?.used(this);
    let x = tgt;
    for (const layer of this.layers) x = layer.forward(x, memory, masks);
    return this.norm === null ? x : this.norm.forward(x);
  }
}

const transformerSignature = signature(
  'dModel, nhead, numEncoderLayers, numDecoderLayers, dimFeedforward, dropout, activation, customEncoder, customDecoder, layerNormEps, batchFirst, normFirst, bias, dtype',
  {
    /** Features. Default: 512. */
    dModel: kinds.integerFrom(1).default(512),
    /** Heads of attention. Default: 8. */
    nhead: kinds.integerFrom(1).default(8),
    /** Default: 6. */
    numEncoderLayers: layerCount.default(6),
    /** Default: 6. */
    numDecoderLayers: layerCount.default(6),
    ...layerParameters,
    /** In place of the encoder. Default: null. */
    customEncoder: moduleOf<Module<StackEncodingArguments, Tensor>>().optional(),
    /** In place of the decoder. Default: null. */
    customDecoder: moduleOf<DecoderLayer>().optional(),
  },
);

export interface TransformerOptions extends OptionsOf<typeof transformerSignature> {}

const transforming = signature(
  'src, tgt, /, srcMask, tgtMask, memoryMask, srcKeyPaddingMask, tgtKeyPaddingMask, memoryKeyPaddingMask, srcIsCausal, tgtIsCausal, memoryIsCausal',
  {
    src: kinds.tensor,
    tgt: kinds.tensor,
    /** What source positions may see of the source, as `attnMask` of `nn.MultiheadAttention`. Default: null. */
    srcMask: mask,
    /** What target positions may see of the target. Default: null. */
    tgtMask: mask,
    /** What target positions may see of the encoder's output. Default: null. */
    memoryMask: mask,
    /** What of the source is padding, as `keyPaddingMask` of `nn.MultiheadAttention`. Default: null. */
    srcKeyPaddingMask: mask,
    /** What of the target is padding. Default: null. */
    tgtKeyPaddingMask: mask,
    /** What of the encoder's output is padding. Default: null. */
    memoryKeyPaddingMask: mask,
    /** Says that `srcMask` is the causal mask. Default: false. */
    srcIsCausal: causal,
    /** Says that `tgtMask` is the causal mask. Default: false. */
    tgtIsCausal: causal,
    /** Says that `memoryMask` is the causal mask. Default: false. */
    memoryIsCausal: causal,
  },
);

type TransformingArguments = ArgumentsOf<typeof transforming>;

const causalMask = signature('sz, /, *, dtype', {
  sz: kinds.size,
  /** Default: float32. */
  dtype: kinds.dtype.default('float32'),
});

/**
 * Encoder and decoder: `nn.TransformerEncoder` and `nn.TransformerDecoder` with a layer normalisation at the end of each. Matrices start as
 * `nn.init.xavierUniform_` draws them.
 *
 * Shapes: src (S, batch, dModel), tgt (T, batch, dModel), with `batchFirst` the batch first, or both without it; the result as tgt.
 *
 * @throws ValueError if nhead does not divide dModel; ShapeError for other features than dModel or different batches, and what
 * `nn.MultiheadAttention` throws when called
 * @example
 * ```ts
 * const model = new nn.Transformer({ dModel: 16, nhead: 4, numEncoderLayers: 1, numDecoderLayers: 1, dimFeedforward: 32 });
 * model.forward(randn([7, 3, 16]), randn([5, 3, 16])).shape; // [5, 3, 16]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Transformer.html
 * @see https://arxiv.org/abs/1706.03762
 */
export class Transformer extends Module<TransformingArguments, Tensor> {
  encoder: Module<StackEncodingArguments, Tensor>;
  decoder: DecoderLayer;
  readonly dModel: number;
  readonly nhead: number;
  readonly batchFirst: boolean;

  constructor(...args: ArgumentsOf<typeof transformerSignature, TransformerOptions>) {
    const options = transformerSignature.named('Transformer', args);
    const { dModel, nhead, numEncoderLayers, numDecoderLayers, customEncoder, customDecoder, ...layer } = options;
    const norm = () =>
      new LayerNorm<true, boolean>(dModel, { eps: layer.layerNormEps, bias: layer.bias, dtype: layer.dtype });
    super();
    this.encoder =
      customEncoder ??
      new TransformerEncoder(new TransformerEncoderLayer(dModel, nhead, layer), numEncoderLayers, norm());
    this.decoder =
      customDecoder ??
      new TransformerDecoder(new TransformerDecoderLayer(dModel, nhead, layer), numDecoderLayers, norm());
    this.dModel = dModel;
    this.nhead = nhead;
    this.batchFirst = layer.batchFirst;
    this.resetParameters();
  }

  /**
   * The causal mask: 0 where position i may see position j, which is where j ≤ i, and -∞ elsewhere.
   *
   * @example
   * ```ts
   * nn.Transformer.generateSquareSubsequentMask(2); // tensor([[0., -inf], [0., 0.]])
   * ```
   * @see https://pytorch.org/docs/stable/generated/torch.nn.Transformer.html#torch.nn.Transformer.generate_square_subsequent_mask
   */
  static generateSquareSubsequentMask(...args: ArgumentsOf<typeof causalMask>): Tensor {
    const [size, dtype] = causalMask.read('generateSquareSubsequentMask', args);
    return triu(full([size, size], Number.NEGATIVE_INFINITY, { dtype }), 1);
  }

  /** Draws all matrices again. */
  resetParameters(): void {
    for (const parameter of this.parameters()) if (parameter.ndim > 1) xavierUniform_(parameter);
  }

  override forward(...args: TransformingArguments): Tensor {
    const { src, tgt, srcMask, srcKeyPaddingMask, srcIsCausal, ...masks } = transforming.named('Transformer', args);
    recording?.used(this);
    checkPair(this, src, tgt);
    const memory = this.encoder.forward(src, { mask: srcMask, srcKeyPaddingMask, isCausal: srcIsCausal });
    return this.decoder.forward(tgt, memory, masks);
  }
}

function checkPair({ dModel, batchFirst }: Transformer, src: Tensor, tgt: Tensor): void {
  const got = `got src ${show(src.shape)} and tgt ${show(tgt.shape)}`;
  if (src.shape.at(-1) !== dModel || tgt.shape.at(-1) !== dModel) {
    throw new ShapeError(`Transformer: src and tgt must have ${dModel} features (dModel), ${got}`);
  }
  const batch = batchFirst ? 0 : 1;
  if (src.ndim === 3 && src.shape[batch] !== tgt.shape[batch]) {
    throw new ShapeError(`Transformer: src and tgt must have batches of one size, ${got}`);
  }
}
