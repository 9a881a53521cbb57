/** The functions behind the modules: `nn.functional.crossEntropy(…)`. */
export { linear } from '../tensor/matmul.js';
export { sigmoid, tanh } from '../tensor/pointwise.js';
export { logSoftmax, softmax } from '../tensor/softmax.js';
export {
  type ELUOptions,
  elu,
  type GELUOptions,
  gelu,
  type InplaceOptions,
  type LeakyReLUOptions,
  leakyRelu,
  relu,
  type SoftplusOptions,
  silu,
  softplus,
} from './activations.js';
export * from './class-losses.js';
export { type DropoutOptions, dropout } from './dropout.js';
export { type LayerNormFunctionOptions, layerNorm, type RMSNormFunctionOptions, rmsNorm } from './normalization.js';
export {
  type BCEOptions,
  type BCEWithLogitsOptions,
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  type HuberOptions,
  huberLoss,
  type KLDivOptions,
  klDiv,
  l1Loss,
  mseLoss,
  type Reduction,
  type ReductionOptions,
  type SmoothL1Options,
  smoothL1Loss,
} from './pointwise-losses.js';
