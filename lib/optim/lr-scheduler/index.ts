export { ExponentialLR } from './exponential.js';
export { LambdaLR, type LrLambda } from './lambda.js';
export { type AnyOptimizer, LRScheduler, type SchedulerState } from './scheduler.js';
export { StepLR } from './step.js';
