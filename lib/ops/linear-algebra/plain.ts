// What torch, and tensors as methods, have of linear algebra under names of their own.

export { choleskyInverse, choleskySolve } from './cholesky.js';
export { matrixExp } from './functions.js';
export { type PinverseOptions, pinverse } from './least-squares.js';
export { det, inverse, logdet, matrixPower, slogdet } from './solving.js';
