// Every loss, as a function and as a module.

export * from './adaptive-softmax.js';
export * from './binary.js';
export * from './class-margins.js';
export * from './classification.js';
export * from './counts.js';
export * from './ctc.js';
export * from './divergence.js';
export * from './embeddings.js';
export * from './gaussian.js';
export * from './linear-cross-entropy.js';
export * from './margins.js';
export type { Reduction, ReductionOptions } from './reduction.js';
export * from './regression.js';
