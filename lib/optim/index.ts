export * from './adam.js';
export * from './adam-variants.js';
export * from './adaptive.js';
export type { Group, ParamGroup, Params } from './groups.js';
export * as lrScheduler from './lr-scheduler/index.js';
export { Optimizer } from './optimizer.js';
export type { OptimizerState } from './saved.js';
export * from './sgd.js';
