export { type Group, Optimizer, type OptimizerState, type ParamGroup, type Params } from './optimizer.js';
export { SGD, type SGDOptions, type SGDState } from './sgd.js';
