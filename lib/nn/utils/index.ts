export * from './clip-grad.js';
export type { Parameters } from './parameters.js';
export * from './vectors.js';
