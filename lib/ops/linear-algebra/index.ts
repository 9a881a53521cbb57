// torch.linalg.

export { type VectorNormOptions, vectorNorm } from '../norms.js';
export { matmul } from '../products.js';
export { type CholeskyExOptions, type CholeskyOptions, cholesky, choleskyEx } from './cholesky.js';
export {
  cross,
  diagonal,
  type LinalgCrossOptions,
  type LinalgDiagonalOptions,
  type LinalgVanderOptions,
  matrixExp,
  multiDot,
  type VecdotOptions,
  vander,
  vecdot,
} from './functions.js';
export { type LstsqOptions, lstsq, type PinvOptions, pinv } from './least-squares.js';
export {
  type LuFactorExOptions,
  type LuOptions,
  type LuSolveOptions,
  lu,
  luFactor,
  luFactorEx,
  luSolve,
} from './lu.js';
export {
  type CondOptions,
  cond,
  type LinalgNormOptions,
  type MatrixNormOptions,
  type MatrixRankOptions,
  matrixNorm,
  matrixRank,
  norm,
} from './norms.js';
export { householderProduct, type QrOptions, qr } from './qr.js';
export {
  det,
  type InvExOptions,
  inv,
  invEx,
  matrixPower,
  type SolveExOptions,
  type SolveOptions,
  slogdet,
  solve,
  solveEx,
  type TensorsolveOptions,
  tensorinv,
  tensorsolve,
} from './solving.js';
export { type EighOptions, eigh, eigvalsh, type SvdOptions, svd, svdvals } from './svd.js';
export { type SolveTriangularOptions, solveTriangular } from './triangular.js';
