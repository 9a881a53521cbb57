import '../ops/methods.js';

export { type Collated, defaultCollate } from './collate.js';
export { ChainDataset, ConcatDataset, type IterableDataset, StackDataset } from './combined.js';
export { type Dataset, type RandomSplitOptions, randomSplit, Subset, TensorDataset } from './dataset.js';
export { type IdxArray, loadIdx, parseIdx, readIdx } from './idx.js';
export { type BatchesOfIndices, DataLoader, type DataLoaderOptions, type LoaderState } from './loader.js';
export { type LabelledImages, loadMnist, type Mnist, type MnistOptions } from './mnist.js';
export { getWorkerInfo, type WorkerInfo } from './workers/info.js';
export { type ImportDataset, type ImportDatasetOptions, importDataset } from './workers/origin.js';
export {
  BatchSampler,
  RandomSampler,
  type RandomSamplerOptions,
  type Sampler,
  SequentialSampler,
  SubsetRandomSampler,
  type SubsetRandomSamplerOptions,
  WeightedRandomSampler,
  type WeightedRandomSamplerOptions,
} from './sampler.js';
