export { Adam, type AdamOptions, type AdamState, AdamW, type AdamWOptions } from './adam.js';
export type { Group, ParamGroup, Params } from './groups.js';
export * as lrScheduler from './lr-scheduler/index.js';
export { Optimizer } from './optimizer.js';
export type { OptimizerState } from './saved.js';
export { SGD, type SGDOptions, type SGDState } from './sgd.js';
