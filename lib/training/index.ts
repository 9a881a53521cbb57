export type { PlainData } from '../io/nest.js';
export {
  type Checkpoint,
  type LoadCheckpointOptions,
  loadCheckpoint,
  type SaveCheckpointOptions,
  saveCheckpoint,
} from './checkpoint/checkpoint.js';
export {
  type CheckpointFile,
  CheckpointManager,
  type CheckpointManagerOptions,
  type LoadedCheckpoint,
  type ManagedCheckpointOptions,
} from './checkpoint/manager.js';
export { loadTorchOptimizer } from './checkpoint/torch.js';
export { type FindLearningRateOptions, findLearningRate, type LearningRateCurve } from './learning-rate.js';
export { ConsoleLogger, CsvLogger, JsonLogger, type Logger, type LogRecord } from './loggers.js';
export {
  MeanAbsoluteError,
  MeanMetric,
  MeanSquaredError,
  Perplexity,
  type PerplexityOptions,
  R2Score,
} from './metrics/averages.js';
export {
  Accuracy,
  type AccuracyOptions,
  type ClassScoreOptions,
  ConfusionMatrix,
  type ConfusionMatrixOptions,
  F1Score,
  Precision,
  Recall,
} from './metrics/classification.js';
export { Metric } from './metrics/metric.js';
export { AUROC, AveragePrecision } from './metrics/ranking.js';
export {
  type InstructionProfile,
  type ModuleProfile,
  type ProfileOptions,
  profile,
  type StepProfile,
  type TraceEvent,
} from './profile.js';
export { type Measurements, ProgressBar, type ProgressBarOptions, type ProgressStream } from './progress.js';
export { type LayerSummary, type ModelSummary, type SummaryInput, type SummaryOptions, summary } from './summary.js';
