import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { ShapeError, ValueError } from '../errors.js';
import { GELU } from '../nn/activations/index.js';
import { MultiheadAttention } from '../nn/attention/multihead.js';
import { ModuleDict } from '../nn/containers/module-dict.js';
import { Sequential } from '../nn/containers/sequential.js';
import { normal_, truncNormal_, xavierUniform_, zeros_ } from '../nn/init.js';
import { Conv2d } from '../nn/layers/convolution.js';
import { Dropout } from '../nn/layers/dropout.js';
import { Linear } from '../nn/layers/linear.js';
import { LayerNorm } from '../nn/layers/normalization.js';
import { Module } from '../nn/module.js';
import { Parameter } from '../nn/parameter.js';
import { empty, zeros } from '../ops/creation.js';
import { cat } from '../ops/joining.js';
import { add } from '../ops/pointwise.js';
import { expand, flatten, select, transpose } from '../ops/views.js';
import * as kinds from '../tensor/kinds.js';
import { show } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { channels, classes } from './sizes.js';

const options = signature(
  'imageSize, patchSize, numLayers, numHeads, hiddenDim, mlpDim, numClasses, inChannels, dropout, attentionDropout',
  {
    /** Height and width of images, a multiple of the patches'. Default: 224. */
    imageSize: kinds.integerFrom(1).default(224),
    /** Height and width of a patch. Default: 16. */
    patchSize: kinds.integerFrom(1).default(16),
    /** Default: 12. */
    numLayers: kinds.integerFrom(1).default(12),
    /** Default: 12. */
    numHeads: kinds.integerFrom(1).default(12),
    /** How many features a patch has, a multiple of the heads. Default: 768. */
    hiddenDim: kinds.integerFrom(1).default(768),
    /** How many features there are within the layers' networks. Default: 3072. */
    mlpDim: kinds.integerFrom(1).default(3072),
    ...classes,
    ...channels,
    /** Probability of a zero after each part. Default: 0. */
    dropout: kinds.within(0, 1).default(0),
    /** Probability of a zero among the weights of attention. Default: 0. */
    attentionDropout: kinds.within(0, 1).default(0),
  },
);

export interface ViTOptions extends OptionsOf<typeof options> {}

interface Sizes {
  readonly imageSize: number;
  readonly patchSize: number;
  readonly numLayers: number;
  readonly numHeads: number;
  readonly hiddenDim: number;
  readonly mlpDim: number;
  readonly numClasses: number;
  readonly inChannels: number;
  readonly dropout: number;
  readonly attentionDropout: number;
}

const normed = (width: number) => new LayerNorm(width, { eps: 1e-6 });

class EncoderBlock extends Module<[x: Tensor], Tensor> {
  ln_1: LayerNorm;
  selfAttention: MultiheadAttention;
  dropout: Dropout;
  ln_2: LayerNorm;
  mlp: Sequential<[Linear, GELU, Dropout, Linear, Dropout]>;

  constructor({ hiddenDim, numHeads, mlpDim, dropout, attentionDropout }: Sizes) {
    super();
    this.ln_1 = normed(hiddenDim);
    this.selfAttention = new MultiheadAttention(hiddenDim, numHeads, { dropout: attentionDropout, batchFirst: true });
    this.dropout = new Dropout(dropout);
    this.ln_2 = normed(hiddenDim);
    const [first, second] = [new Linear(hiddenDim, mlpDim), new Linear(mlpDim, hiddenDim)];
    this.mlp = new Sequential(first, new GELU(), new Dropout(dropout), second, new Dropout(dropout));
    for (const layer of [first, second]) {
      xavierUniform_(layer.weight);
      normal_(layer.bias, 0, 1e-6);
    }
  }

  override forward(x: Tensor): Tensor {
    const seen = this.ln_1.forward(x);
    const [attended] = this.selfAttention.forward(seen, seen, seen, { needWeights: false });
    const y = add(x, this.dropout.forward(attended));
    return add(y, this.mlp.forward(this.ln_2.forward(y)));
  }
}

class Encoder extends Module<[x: Tensor], Tensor> {
  posEmbedding: Parameter;
  dropout: Dropout;
  layers: ModuleDict<Readonly<Record<string, EncoderBlock>>>;
  ln: LayerNorm;

  constructor(length: number, sizes: Sizes) {
    super();
    this.posEmbedding = new Parameter(normal_(empty([1, length, sizes.hiddenDim]), 0, 0.02));
    this.dropout = new Dropout(sizes.dropout);
    this.layers = new ModuleDict(
      Array.from({ length: sizes.numLayers }, (_, i): [string, EncoderBlock] => [
        `encoder_layer_${i}`,
        new EncoderBlock(sizes),
      ]),
    );
    this.ln = normed(sizes.hiddenDim);
  }

  override forward(x: Tensor): Tensor {
    const first = this.dropout.forward(add(x, this.posEmbedding));
    const names = this.layers.keys();
    return this.ln.forward(names.reduce((y, name) => this.layers.get(name).forward(y), first));
  }
}

class ViT extends Module<[x: Tensor], Tensor> {
  classToken: Parameter;
  convProj: Conv2d;
  encoder: Encoder;
  heads: ModuleDict<{ readonly head: Linear }>;
  readonly imageSize: number;

  constructor(sizes: Sizes) {
    const { imageSize, patchSize, hiddenDim, numClasses, inChannels } = sizes;
    if (imageSize % patchSize !== 0) {
      throw new ValueError(`vit: imageSize ${imageSize} must be a multiple of patchSize, ${patchSize}`);
    }
    super();
    this.imageSize = imageSize;
    this.convProj = new Conv2d(inChannels, hiddenDim, patchSize, patchSize);
    this.classToken = new Parameter(zeros([1, 1, hiddenDim]));
    this.encoder = new Encoder((imageSize / patchSize) ** 2 + 1, sizes);
    this.heads = new ModuleDict({ head: new Linear(hiddenDim, numClasses) });
    truncNormal_(this.convProj.weight, { std: Math.sqrt(1 / (inChannels * patchSize * patchSize)) });
    zeros_(this.convProj.bias);
    zeros_(this.heads.head.weight);
    zeros_(this.heads.head.bias);
  }

  override forward(x: Tensor): Tensor {
    const { imageSize } = this;
    if (x.ndim !== 4 || x.shape[2] !== imageSize || x.shape[3] !== imageSize) {
      throw new ShapeError(
        `vit: expected images of ${imageSize} x ${imageSize}, (N, C, height, width), got ${show(x.shape)}`,
      );
    }
    const patches = transpose(flatten(this.convProj.forward(x), 2), 1, 2);
    const token = expand(this.classToken, [shapeOf(x)[0]!, 1, -1]);
    return this.heads.head.forward(select(this.encoder.forward(cat([token, patches], 1)), 1, 0));
  }
}

/**
 * A vision transformer, by default ViT-B/16; as in torchvision, whose weights it takes. Its head starts with zeros.
 *
 * Shapes: (batch, inChannels, imageSize, imageSize) to (batch, numClasses).
 *
 * @throws ValueError for images that patches do not fill, or features that do not divide into heads
 * @example
 * ```ts
 * import { zeros } from 'nabla';
 * import { vit } from 'nabla/models';
 *
 * const model = vit({ imageSize: 32, patchSize: 8, numLayers: 2, numHeads: 4, hiddenDim: 32, mlpDim: 64, numClasses: 10 });
 * model.forward(zeros([2, 3, 32, 32])).shape; // [2, 10]
 * ```
 * @see https://arxiv.org/abs/2010.11929
 */
export const vit: FunctionOf<ViT, typeof options, ViTOptions> = define(
  'vit',
  options,
  (imageSize, patchSize, numLayers, numHeads, hiddenDim, mlpDim, numClasses, inChannels, dropout, attentionDropout) =>
    new ViT({
      imageSize,
      patchSize,
      numLayers,
      numHeads,
      hiddenDim,
      mlpDim,
      numClasses,
      inChannels,
      dropout,
      attentionDropout,
    }),
);
