/** The functions behind the modules: `nn.functional.crossEntropy(…)`. */

export { type HardshrinkOptions, hardshrink, prelu } from '../ops/activations.js';
export { cosineSimilarity, pairwiseDistance, pdist } from '../ops/distances.js';
export { type PaddingMode, type PadOptions, pad } from '../ops/padding.js';
export { type OneHotOptions, oneHot } from '../ops/picks.js';
export { sigmoid, tanh } from '../ops/pointwise.js';
export { linear } from '../ops/products.js';
export { logSoftmax, softmax } from '../ops/softmax.js';
export * from './activations/index.js';
export { type AttentionOptions, scaledDotProductAttention } from './attention/scaled-dot-product.js';
export {
  type AdaptiveMaxPoolOptions,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  type OutputSize,
} from './layers/adaptive-pooling.js';
export {
  type BatchNormFunctionOptions,
  batchNorm,
  type GroupNormFunctionOptions,
  groupNorm,
} from './layers/channel-norms.js';
export { type ConvFunctionOptions, conv1d, conv2d, conv3d } from './layers/convolution.js';
export { type NormalizeOptions, normalize } from './layers/distances.js';
export { type BilinearFunctionOptions, bilinear } from './layers/bilinear.js';
export {
  type AlphaDropoutOptions,
  alphaDropout,
  type ChannelDropoutOptions,
  dropout1d,
  dropout2d,
  dropout3d,
  featureAlphaDropout,
} from './layers/channel-dropout.js';
export { type DropoutOptions, dropout } from './layers/dropout.js';
export {
  type FractionalMaxPoolOptions,
  fractionalMaxPool2d,
  fractionalMaxPool3d,
} from './layers/fractional-pooling.js';
export { type AffineGridOptions, affineGrid, type GridSampleOptions, gridSample } from './layers/grid-sampling.js';
export { type FoldOptions, fold, type UnfoldOptions, unfold } from './layers/fold.js';
export { type EmbeddingBagFunctionOptions, embeddingBag } from './layers/embedding-bag.js';
export { type EmbeddingFunctionOptions, embedding } from './layers/embedding.js';
export { type InstanceNormFunctionOptions, instanceNorm } from './layers/instance-norms.js';
export { type LocalResponseNormFunctionOptions, localResponseNorm } from './layers/local-response-norm.js';
export {
  type LayerNormFunctionOptions,
  layerNorm,
  type RMSNormFunctionOptions,
  rmsNorm,
} from './layers/normalization.js';
export {
  type AvgPool1dOptions,
  type AvgPoolOptions,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  type LPPoolOptions,
  lpPool1d,
  lpPool2d,
  lpPool3d,
  type MaxPoolOptions,
  maxPool1d,
  maxPool2d,
  maxPool3d,
} from './layers/pooling.js';
export {
  type ConvTransposeFunctionOptions,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
} from './layers/transposed-convolution.js';
export { channelShuffle, pixelShuffle, pixelUnshuffle } from './layers/shuffle.js';
export { type MaxUnpoolFunctionOptions, maxUnpool1d, maxUnpool2d, maxUnpool3d } from './layers/unpooling.js';
export {
  type InterpolateOptions,
  type InterpolationMode,
  interpolate,
  type UpsampleFunctionOptions,
  type UpsamplingOptions,
  upsample,
  upsampleBilinear,
  upsampleNearest,
} from './layers/upsampling.js';
export * from './losses/index.js';
