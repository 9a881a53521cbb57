export {
  ELU,
  GELU,
  LeakyReLU,
  LogSoftmax,
  ReLU,
  Sigmoid,
  SiLU,
  Softmax,
  Softplus,
  Tanh,
} from './activation-modules.js';
export * as functional from './functional.js';
export * as init from './init.js';
export { Dropout, Flatten, Identity, Linear, type LinearOptions } from './layers.js';
export * from './losses.js';
export { type IncompatibleKeys, type LoadStateDictOptions, Module, type StateDict } from './module.js';
export { LayerNorm, type LayerNormOptions, RMSNorm, type RMSNormOptions } from './normalization.js';
export { Parameter } from './parameter.js';
export { type Layer, Sequential } from './sequential.js';
