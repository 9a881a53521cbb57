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
