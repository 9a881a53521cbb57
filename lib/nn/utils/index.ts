export * from './clip-grad.js';
export type { Parameters } from './parameters.js';
export * as parametrizations from './parametrizations.js';
export * as parametrize from './parametrize.js';
export * from './vectors.js';
