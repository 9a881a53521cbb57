import type { FunctionOf, NamedOf, OptionsOf } from '../arguments/forms.js';
import { kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import { repeating, source } from '../capture/run.js';
import { ValueError } from '../errors.js';
import { isModule, type Module } from '../nn/module.js';
import { ReduceLROnPlateau } from '../optim/lr-scheduler/plateau.js';
import { type AnyOptimizer, Scheduler } from '../optim/lr-scheduler/scheduler.js';
import { isOptimizer, type Optimizer } from '../optim/optimizer.js';
import { isPath, type Path } from '../path.js';
import * as kinds from '../tensor/kinds.js';
import type { Tensor } from '../tensor/tensor.js';
import { CheckpointManager } from './checkpoint/manager.js';
import type { Logger } from './loggers.js';
import { Metric } from './metrics/metric.js';
import { requireOwn } from './modes.js';
import { Training } from './training.js';

/** A model of one input and one output. */
export type Trainable = Module & { forward(x: Tensor): Tensor };

/** What an epoch of `train` came to. */
export interface EpochResult {
  /** From 1. */
  readonly epoch: number;
  /** The mean loss of its steps. */
  readonly loss: number;
  /** The mean loss of the validation examples, if there are such: each batch counts by its size. */
  readonly validationLoss?: number;
  /** What the metrics of the validation examples came to, by the names that they were given. */
  readonly metrics?: Readonly<Record<string, unknown>>;
}

type Loss = (output: Tensor, target: Tensor) => Tensor;

/** A metric of predictions and targets. */
export type PairMetric = Metric<[pred: Tensor, target: Tensor], unknown>;

const isMetric = (value: unknown): value is PairMetric => value instanceof Metric;
const isLogger = (value: unknown): value is Logger =>
  typeof value === 'object' && value !== null && typeof Reflect.get(value, 'log') === 'function';
const isPlace = (value: unknown): value is CheckpointManager | Path =>
  value instanceof CheckpointManager || isPath(value);

const schedulers = kinds.oneOrList(
  'a scheduler, or an array of them',
  kind('a scheduler', (value): value is Scheduler => value instanceof Scheduler),
);

export const training = signature(
  'model, data, /, *, loss, optimizer, schedulers, epochSchedulers, clipNorm, clipValue, accumulate, validation, metrics, monitor, mode, patience, checkpoints, checkpointEvery, resume, loggers, progress, onEpoch, epochs, batchSize, shuffle, dropLast, generator, signal, onProgress, progressInterval',
  {
    model: kind('a Module', (value): value is Trainable => isModule(value)),
    data: source,
    /** The loss of a batch, a mean over its examples: of the model's output and the target. Required. */
    loss: kinds.callback<Loss>(),
    /** What changes the model. Required. */
    optimizer: kind(
      "an Optimizer over the model's parameters",
      (value): value is Pick<Optimizer<object, object>, 'zeroGrad' | 'step'> => isOptimizer(value),
    ),
    /** Schedulers that are stepped after each step of the optimizer. Default: [], none. */
    schedulers: schedulers.default([]),
    /** Schedulers that are stepped after each epoch; a ReduceLROnPlateau goes by what is monitored, or by the mean loss if there are no validation data. Default: [], none. */
    epochSchedulers: schedulers.default([]),
    /** Scales the gradients of each step so that their norm is at most this. Default: null, not. */
    clipNorm: kinds.above(0).optional(),
    /** Limits each gradient's elements to this, up and down. Default: null, not. */
    clipValue: kinds.above(0).optional(),
    /** Parts that a batch is computed in, one after the other, with less memory; their gradients are added up. Default: 1. */
    accumulate: kinds.integerFrom(1).default(1),
    /** Batches to measure the loss on after each epoch, in evaluation mode. Default: null, none. */
    validation: source.optional(),
    /** What to measure on them beside the loss, by name. Default: {}, nothing. */
    metrics: kinds.recordOf('metrics by name', kind('a Metric', isMetric)).default({}),
    /** What says which epoch is best: 'loss', the loss on the validation data, or the name of a metric. Default: 'loss'. */
    monitor: kinds.text.default('loss'),
    /** Whether the best is the lowest or the highest. Default: 'min'. */
    mode: kinds.choice('min', 'max').default('min'),
    /** Epochs without a new best one after which to stop. Default: null, all epochs are run. */
    patience: kinds.integerFrom(1).optional(),
    /** Where to save after each epoch, and when the signal stops it: a CheckpointManager, or a folder. Default: null, nowhere. */
    checkpoints: kind('a CheckpointManager, or the path of a folder', isPlace).optional(),
    /** Steps after which to save as well, in the middle of an epoch. Default: null, not. */
    checkpointEvery: kinds.integerFrom(1).optional(),
    /** Whether to go on from the newest checkpoint, if there is one. Default: false. */
    resume: kinds.boolean.default(false),
    /** What is told of each epoch, such as a CsvLogger. Default: [], nothing. */
    loggers: kinds.oneOrList('a Logger, or an array of them', kind('a Logger', isLogger)).default([]),
    /** Whether to show a progress bar for each epoch. Default: false. */
    progress: kinds.boolean.default(false),
    /** Called after each epoch; if it returns false (or a promise of it), that was the last one. Default: null. */
    onEpoch: kinds.callback<(result: EpochResult) => unknown>().optional(),
    ...repeating,
  },
);

export interface TrainOptions extends OptionsOf<typeof training> {}

/** What `train` was called with. */
export type TrainSettings = NamedOf<typeof training>;

/**
 * Trains a model in the background on batches of inputs and targets: `capture` and `run`, with what most programs put around them. With
 * `validation` the model ends with the weights of the best epoch. Gives what all epochs came to, those before a resumption included.
 *
 * A model in evaluation mode is put into training mode for the steps of each epoch, and back at the end. Where the model itself is in training mode, parts
 * of it that are in evaluation mode stay so.
 *
 * A training with `checkpoints` and `resume: true` can be killed at any moment and started again: it ends with the same bits, if all that it is made of is
 * made as the first time. `checkpointEvery` saves within epochs too. One that the signal stops is saved as it is, in the middle of an epoch too (of an iterable that makes its own batches, whole epochs are saved).
 *
 * @throws ValueError for options that make no sense, and for an optimizer of other parameters than the model's; whatever a step throws; the signal's reason if it was aborted
 * @example
 * ```ts
 * const model = new nn.Linear(2, 1);
 * const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
 * const data = [randn([64, 2]), randn([64, 1])];
 * const history = await train(model, data, { loss: nn.functional.mseLoss, optimizer, batchSize: 16, epochs: 3 });
 * history.length; // 3
 * ```
 */
export const train: FunctionOf<Promise<EpochResult[]>, typeof training, TrainOptions> = async (...args) => {
  const settings = training.named('train', args);
  check(settings);
  requireOwn('train', settings.model, settings.optimizer as AnyOptimizer);
  return new Training(settings).run();
};

/** Refuses options that each by itself could be used. */
function check(settings: TrainSettings): void {
  const { validation, patience, metrics, monitor, checkpoints, checkpointEvery, resume, mode, schedulers } = settings;
  const refuse = (message: string): never => {
    throw new ValueError(`train: ${message}`);
  };
  if ([schedulers].flat().some((one) => one instanceof ReduceLROnPlateau)) {
    refuse('a ReduceLROnPlateau goes by what an epoch came to; give it among epochSchedulers');
  }
  if (patience !== null && validation === null) refuse('patience needs validation data to measure');
  if (Object.keys(metrics).length > 0 && validation === null) refuse('metrics need validation data to measure');
  if (Object.hasOwn(metrics, 'loss'))
    refuse("a metric cannot be called 'loss', which is the loss on the validation data");
  if (monitor !== 'loss' && !Object.hasOwn(metrics, monitor)) {
    refuse(
      `monitor must be 'loss' or the name of a metric (${Object.keys(metrics).join(', ') || 'there is none'}), got '${monitor}'`,
    );
  }
  if (checkpointEvery !== null && checkpoints === null) refuse('checkpointEvery needs checkpoints, a place to save to');
  if (resume && checkpoints === null) refuse('resume needs checkpoints to go on from');
  if (checkpoints instanceof CheckpointManager && validation !== null && checkpoints.mode !== mode) {
    refuse(`the best has mode '${mode}', but the CheckpointManager keeps the '${checkpoints.mode}'`);
  }
}
