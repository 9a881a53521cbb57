export {
  type AllReduceOptions,
  allGather,
  allReduce,
  type BroadcastOptions,
  barrier,
  broadcast,
  type ReduceOp,
} from './collectives.js';
export { DataParallel, type DataParallelOptions, type DataParallelState } from './data-parallel.js';
export { reduceMetrics } from './metrics.js';
export { DistributedSampler, type DistributedSamplerOptions } from './sampler.js';
export { SyncBatchNorm } from './sync-batch-norm.js';
export type { ExchangeTimes } from '../backend/backend.js';
export { exchangeTimes, finalize, type InitOptions, init, rank, size, type World } from './world.js';
