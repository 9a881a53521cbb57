// Every activation, as a function and as a module.

export type { InplaceOptions } from './activation.js';
export * from './exponential.js';
export * from './gated.js';
export * from './hard.js';
export * from './rectifiers.js';
export * from './smooth.js';
export * from './softmax.js';
