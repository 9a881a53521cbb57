export * from './clip-grad.js';
export * from './hooked-norms.js';
export type { Parameters } from './parameters.js';
export * as parametrizations from './parametrizations.js';
export * as parametrize from './parametrize.js';
export * as rnn from './rnn.js';
export * from './vectors.js';
