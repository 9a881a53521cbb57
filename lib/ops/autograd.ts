// The namespace `autograd`: what PyTorch has in torch.autograd.

export { detectAnomaly, isAnomalyDetected } from '../autograd/anomaly.js';
export {
  type BackwardOptions,
  backward,
  type GradOptions,
  grad,
  type TensorBackwardOptions,
} from '../autograd/backward.js';
export { CustomFunction as Function, type FunctionContext } from '../autograd/function.js';
export type { HookHandle, LeafHook, TensorHook } from '../autograd/hooks.js';
export { enableGrad, isGradEnabled, noGrad } from '../autograd/mode.js';
export * as functional from './autograd-functional.js';
export * from './gradcheck.js';
