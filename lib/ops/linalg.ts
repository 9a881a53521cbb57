// torch.linalg.

export { type VectorNormOptions, vectorNorm } from './norms.js';
