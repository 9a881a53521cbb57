import { checkOptions } from '../arguments/check-options.js';
import { noGrad } from '../autograd/mode.js';
import { CapturedFunction, capture } from '../capture/capture.js';
import { datasetOf, type RunOptions, run as runCaptured, type Source } from '../capture/run.js';
import { describe } from '../describe.js';
import { ValueError } from '../errors.js';
import type { Module, StateDict } from '../nn/module.js';
import { Optimizer } from '../optim/optimizer.js';
import { checkInteger } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';

/** A model of one input and one output. */
export type Trainable = Module & { forward(x: Tensor): Tensor };

export interface TrainOptions extends Omit<RunOptions, 'onEpoch'> {
  /** The loss of a batch: of the model's output and the target. Required. */
  loss: (output: Tensor, target: Tensor) => Tensor;
  /** What changes the model. Required. */
  optimizer: Pick<Optimizer<object, object>, 'zeroGrad' | 'step'>;
  /** Batches to measure the loss on after each epoch, in evaluation mode. Default: none. */
  validation?: Source;
  /** Epochs without a new lowest validation loss after which to stop. Default: none, all epochs are run. */
  patience?: number;
  /** Called after each epoch; what it returns counts for nothing. Default: none. */
  onEpoch?: (result: EpochResult) => unknown;
}

/** What an epoch of `train` came to. */
export interface EpochResult {
  /** From 1. */
  readonly epoch: number;
  /** The mean loss of its steps. */
  readonly loss: number;
  /** The mean loss of the validation examples, if there are such: each batch counts by its size. */
  readonly validationLoss?: number;
}

/**
 * Trains a model in the background on batches of inputs and targets: `capture` and `run` with validation, early stopping and callbacks. With
 * `validation` the model ends with the weights of the lowest validation loss.
 *
 * @throws ValueError for options that make no sense; whatever a step throws; the signal's reason if it was aborted
 * @example
 * ```ts
 * const model = new nn.Linear(2, 1);
 * const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
 * const data = [randn([64, 2]), randn([64, 1])];
 * const history = await train(model, data, { loss: nn.functional.mseLoss, optimizer, batchSize: 16, epochs: 3 });
 * history.length; // 3
 * ```
 */
export async function train(model: Trainable, data: Source, options: TrainOptions): Promise<EpochResult[]> {
  if (typeof options !== 'object' || options === null) {
    throw new ValueError(`train: options must be { loss, optimizer, … }, got ${describe(options)}`);
  }
  const { loss, optimizer, validation, patience, onEpoch, ...run } = options;
  checkTraining(options);
  const step = capture((x: Tensor, y: Tensor) => {
    optimizer.zeroGrad();
    const value = loss(model.forward(x), y);
    value.backward();
    optimizer.step();
    return value;
  });
  const measure = measuring(model, loss, run.batchSize);
  const history: EpochResult[] = [];
  const best: { epoch: number; loss: number; weights?: StateDict } = { epoch: 0, loss: Number.POSITIVE_INFINITY };
  await step.run(data, {
    ...run,
    onEpoch: async ({ epoch, loss }) => {
      const validationLoss = validation === undefined ? undefined : await measure(validation);
      history.push({ epoch, loss, ...(validationLoss !== undefined && { validationLoss }) });
      if (validationLoss !== undefined && validationLoss < best.loss) {
        Object.assign(best, { epoch, loss: validationLoss, weights: copyOf(model.stateDict()) });
      }
      await onEpoch?.(history.at(-1)!);
      return patience === undefined || epoch - best.epoch < patience;
    },
  });
  if (best.weights !== undefined) model.loadStateDict(best.weights);
  return history;
}

/** The mean loss of all examples in evaluation mode. A batch counts as much as it has examples. */
function measuring(model: Trainable, loss: TrainOptions['loss'], batchSize: number | undefined) {
  const measure = new CapturedFunction(
    (x: Tensor, y: Tensor) => noGrad(() => loss(model.forward(x), y)),
    'train: validation',
  );
  return async (source: Source): Promise<number> => {
    const modes = model.modules().map((module) => [module, module.training] as const);
    model.eval();
    try {
      const { losses, sizes } = await runCaptured(
        measure,
        source,
        batchSize === undefined || datasetOf(source) === null ? {} : { batchSize },
      );
      return losses.reduce((sum, one, i) => sum + one * sizes[i]!, 0) / sizes.reduce((sum, size) => sum + size, 0);
    } finally {
      for (const [module, mode] of modes) module.training = mode;
    }
  };
}

function checkTraining({ patience, validation, onEpoch, loss, optimizer, ...run }: TrainOptions): void {
  checkOptions('train', run, RUN_OPTIONS);
  if (typeof loss !== 'function') throw new ValueError('train: loss must be a function of output and target');
  if (!(optimizer instanceof Optimizer)) {
    throw new ValueError(
      `train: optimizer must be an Optimizer over the model's parameters, got ${describe(optimizer)}`,
    );
  }
  if (onEpoch !== undefined && typeof onEpoch !== 'function') {
    throw new ValueError(`train: onEpoch must be a function, got ${describe(onEpoch)}`);
  }
  if (patience === undefined) return;
  checkInteger('train', 'patience', patience, 1);
  if (validation === undefined) throw new ValueError('train: patience needs validation data to measure');
}

const RUN_OPTIONS = [
  'epochs',
  'batchSize',
  'shuffle',
  'dropLast',
  'generator',
  'signal',
  'onProgress',
  'progressInterval',
];

const copyOf = (state: StateDict): StateDict =>
  Object.fromEntries(Object.entries(state).map(([name, tensor]) => [name, tensor.clone()]));
