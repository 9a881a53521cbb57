/** The functions behind the modules: `nn.functional.crossEntropy(…)`. */

export { type HardshrinkOptions, hardshrink, prelu } from '../ops/activations.js';
export { type PaddingMode, type PadOptions, pad } from '../ops/padding.js';
export { sigmoid, tanh } from '../ops/pointwise.js';
export { linear } from '../ops/products.js';
export { logSoftmax, softmax } from '../ops/softmax.js';
export * from './activations/index.js';
export { type DropoutOptions, dropout } from './layers/dropout.js';
export {
  type LayerNormFunctionOptions,
  layerNorm,
  type RMSNormFunctionOptions,
  rmsNorm,
} from './layers/normalization.js';
export { type CrossEntropyOptions, crossEntropy, type NLLOptions, nllLoss } from './losses/classification.js';
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
  type ReductionOptions,
  type SmoothL1Options,
  smoothL1Loss,
} from './losses/pointwise.js';
export type { Reduction } from './losses/reduction.js';
