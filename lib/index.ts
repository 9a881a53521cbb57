import './ops/methods.js';

export {
  type BackwardOptions,
  backward,
  type GradOptions,
  grad,
  type TensorBackwardOptions,
} from './autograd/backward.js';
export type { FunctionContext } from './autograd/function.js';
export type { HookHandle, LeafHook, TensorHook } from './autograd/hooks.js';
export { enableGrad, isGradEnabled, noGrad } from './autograd/mode.js';
export type { DType } from './backend/dtype.js';
export { backendName, getNumThreads, setNumThreads } from './backend/index.js';
export { type Captured, type CaptureOptions, capture } from './capture/capture.js';
export type { ProgramStats } from './capture/program.js';
export type { EpochEnd, Progress, RunOptions, Source } from './capture/run.js';
export * as distributions from './distributions/index.js';
export * from './errors.js';
export { Expr } from './expr/expr.js';
export * as func from './nn/func.js';
export * as nn from './nn/index.js';
export { type HardshrinkOptions, hardshrink, prelu } from './ops/activations.js';
export * from './ops/added-products.js';
export * from './ops/aliases.js';
export * from './ops/arithmetic.js';
export * as autograd from './ops/autograd.js';
export * from './ops/axes.js';
export * from './ops/bitwise.js';
export { chainMatmul } from './ops/chains.js';
export * from './ops/comparison.js';
export { cross, ger, inner, kron, outer, tensordot, vdot } from './ops/contractions.js';
export * from './ops/conversion.js';
export * from './ops/counting.js';
export * from './ops/creation.js';
export * from './ops/derived-draws.js';
export * from './ops/diagonals.js';
export * from './ops/differences.js';
export {
  type CdistOptions,
  type CosineSimilarityOptions,
  cdist,
  cosineSimilarity,
  type DistOptions,
  dist,
  type PairwiseDistanceOptions,
  type PdistOptions,
  pairwiseDistance,
  pdist,
} from './ops/distances.js';
export { einsum } from './ops/einsum.js';
export * from './ops/gradcheck.js';
export * from './ops/grids.js';
export * from './ops/in-place-views.js';
export * from './ops/index-writes.js';
export * from './ops/indexing.js';
export * from './ops/inquiries.js';
export * from './ops/joining.js';
export { plainVander as vander, type VanderOptions } from './ops/linear-algebra/functions.js';
export * as linalg from './ops/linear-algebra/index.js';
export * from './ops/linear-algebra/plain.js';
export * from './ops/nan-reductions.js';
export { type NormOptions, norm, renorm, renorm_ } from './ops/norms.js';
export * from './ops/order-statistics.js';
export { constantPadNd } from './ops/padding.js';
export {
  argwhere,
  maskedScatter,
  maskedScatter_,
  maskedSelect,
  type NonzeroOptions,
  nonzero,
  type PutOptions,
  put,
  put_,
  type TakeAlongDimOptions,
  take,
  takeAlongDim,
} from './ops/picks.js';
export * from './ops/pointwise.js';
export { type PoissonOptions, poisson } from './ops/poisson.js';
export * from './ops/products.js';
export * from './ops/random.js';
export * from './ops/rearranging.js';
export * from './ops/reductions.js';
export * from './ops/scans.js';
export * from './ops/searching.js';
export * from './ops/sizes.js';
export * from './ops/softmax.js';
export * from './ops/sorting.js';
export * as special from './ops/special.js';
export * from './ops/special-functions.js';
export * from './ops/splitting.js';
export * from './ops/statistics.js';
export { asStrided, diagonal, unfold } from './ops/strided.js';
export * from './ops/subscripts.js';
export * from './ops/tapers.js';
export * from './ops/triangles.js';
export * from './ops/uniqueness.js';
export * from './ops/view-scatter.js';
export * from './ops/views.js';
export { where } from './ops/where.js';
export * as optim from './optim/index.js';
export { type Binary, type Elementwise, elementwise, type Operand, type Unary } from './tensor/elementwise.js';
export { promoteTypes, resultType } from './tensor/promotion.js';
export type { Results } from './tensor/results.js';
export { type NestedArray, Tensor } from './tensor/tensor.js';
export { type Batched, type BatchedOptions, batched } from './training/batched.js';
export { type EpochResult, type Trainable, type TrainOptions, train } from './training/train.js';
