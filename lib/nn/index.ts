export * from './activations/index.js';
export {
  MultiheadAttention,
  type MultiheadAttentionOptions,
  type MultiheadAttentionResults,
} from './attention/multihead.js';
export {
  Transformer,
  TransformerDecoder,
  TransformerEncoder,
  type TransformerOptions,
} from './attention/transformer.js';
export {
  type TransformerActivation,
  TransformerDecoderLayer,
  TransformerEncoderLayer,
  type TransformerLayerOptions,
} from './attention/transformer-layers.js';
export { ModuleDict } from './containers/module-dict.js';
export { ModuleList } from './containers/module-list.js';
export { ParameterDict } from './containers/parameter-dict.js';
export { ParameterList } from './containers/parameter-list.js';
export { type Layer, Sequential } from './containers/sequential.js';
export * as functional from './functional.js';
export * as init from './init.js';
export {
  AdaptiveAvgPool1d,
  AdaptiveAvgPool2d,
  AdaptiveAvgPool3d,
  AdaptiveMaxPool1d,
  AdaptiveMaxPool2d,
  AdaptiveMaxPool3d,
} from './layers/adaptive-pooling.js';
export { Bilinear, type BilinearOptions } from './layers/bilinear.js';
export { BatchNorm1d, BatchNorm2d, BatchNorm3d, GroupNorm, type GroupNormOptions } from './layers/channel-norms.js';
export { Conv1d, Conv2d, Conv3d, type ConvOptions } from './layers/convolution.js';
export { CosineSimilarity, PairwiseDistance } from './layers/distances.js';
export { AlphaDropout, Dropout1d, Dropout2d, Dropout3d, FeatureAlphaDropout } from './layers/channel-dropout.js';
export { Dropout } from './layers/dropout.js';
export { EmbeddingBag, type EmbeddingBagOptions } from './layers/embedding-bag.js';
export { Embedding, type EmbeddingOptions } from './layers/embedding.js';
export { Flatten } from './layers/flatten.js';
export { Fold, Unfold } from './layers/fold.js';
export { FractionalMaxPool2d, FractionalMaxPool3d } from './layers/fractional-pooling.js';
export { InstanceNorm1d, InstanceNorm2d, InstanceNorm3d } from './layers/instance-norms.js';
export { Identity, Linear, type LinearOptions } from './layers/linear.js';
export { LocalResponseNorm } from './layers/local-response-norm.js';
export { LayerNorm, type LayerNormOptions, RMSNorm, type RMSNormOptions } from './layers/normalization.js';
export * from './layers/padding.js';
export { Unflatten } from './layers/unflatten.js';
export { ChannelShuffle, PixelShuffle, PixelUnshuffle } from './layers/shuffle.js';
export {
  AvgPool1d,
  AvgPool2d,
  AvgPool3d,
  LPPool1d,
  LPPool2d,
  LPPool3d,
  MaxPool1d,
  MaxPool2d,
  MaxPool3d,
} from './layers/pooling.js';
export {
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  type ConvTransposeOptions,
} from './layers/transposed-convolution.js';
export { MaxUnpool1d, MaxUnpool2d, MaxUnpool3d, type MaxUnpoolOptions } from './layers/unpooling.js';
export { Upsample, type UpsampleOptions, UpsamplingBilinear2d, UpsamplingNearest2d } from './layers/upsampling.js';
export * from './losses/index.js';
export {
  type IncompatibleKeys,
  type ListingOptions,
  type LoadStateDictOptions,
  Module,
  type NamingOptions,
  type RegisterBufferOptions,
  type StateDict,
  type StateDictOptions,
} from './module.js';
export type {
  ForwardHook,
  ForwardHookOptions,
  ForwardPreHook,
  FullBackwardHook,
  FullBackwardPreHook,
  Gradients,
  ModuleHookOptions,
  NewGradients,
} from './module-hooks.js';
export { Parameter } from './parameter.js';
export {
  type GatedCellOptions,
  GRUCell,
  LSTMCell,
  RNNCell,
  type RNNCellOptions,
} from './recurrence/cells.js';
export {
  GRU,
  type GRUOptions,
  LSTM,
  type LSTMOptions,
  type LSTMResults,
  type PackedLSTMResults,
  type PackedRNNResults,
  RNN,
  type RNNOptions,
  type RNNResults,
} from './recurrence/layers.js';
export type { LSTMState, LSTMStateLike } from './recurrence/operands.js';
export * as utils from './utils/index.js';
