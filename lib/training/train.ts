import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import { noGrad } from '../autograd/mode.js';
import { CapturedFunction, capture } from '../capture/capture.js';
import { datasetOf, repeating, run as runCaptured, type Source, source } from '../capture/run.js';
import { ValueError } from '../errors.js';
import { isModule, type Module, type StateDict } from '../nn/module.js';
import { isOptimizer, type Optimizer } from '../optim/optimizer.js';
import * as kinds from '../tensor/kinds.js';
import type { Tensor } from '../tensor/tensor.js';

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
}

type Loss = (output: Tensor, target: Tensor) => Tensor;

const training = signature(
  'model, data, /, *, loss, optimizer, validation, patience, onEpoch, epochs, batchSize, shuffle, dropLast, generator, signal, onProgress, progressInterval',
  {
    model: kind('a Module', (value): value is Trainable => isModule(value)),
    data: source,
    /** The loss of a batch: of the model's output and the target. Required. */
    loss: kinds.callback<Loss>(),
    /** What changes the model. Required. */
    optimizer: kind(
      "an Optimizer over the model's parameters",
      (value): value is Pick<Optimizer<object, object>, 'zeroGrad' | 'step'> => isOptimizer(value),
    ),
    /** Batches to measure the loss on after each epoch, in evaluation mode. Default: null, none. */
    validation: source.optional(),
    /** Epochs without a new lowest validation loss after which to stop. Default: null, all epochs are run. */
    patience: kinds.integerFrom(1).optional(),
    /** Called after each epoch; what it returns counts for nothing. Default: null. */
    onEpoch: kinds.callback<(result: EpochResult) => unknown>().optional(),
    ...repeating,
  },
);

export interface TrainOptions extends OptionsOf<typeof training> {}

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
export const train: FunctionOf<Promise<EpochResult[]>, typeof training, TrainOptions> = async (...args) => {
  const { model, data, loss, optimizer, validation, patience, onEpoch, ...run } = training.named('train', args);
  if (patience !== null && validation === null)
    throw new ValueError('train: patience needs validation data to measure');
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
      const validationLoss = validation === null ? undefined : await measure(validation);
      history.push({ epoch, loss, ...(validationLoss !== undefined && { validationLoss }) });
      if (validationLoss !== undefined && validationLoss < best.loss) {
        Object.assign(best, { epoch, loss: validationLoss, weights: copyOf(model.stateDict()) });
      }
      await onEpoch?.(history.at(-1)!);
      return patience === null || epoch - best.epoch < patience;
    },
  });
  if (best.weights !== undefined) model.loadStateDict(best.weights);
  return history;
};

/** The mean loss of all examples in evaluation mode. A batch counts as much as it has examples. */
function measuring(model: Trainable, loss: Loss, batchSize: number | null) {
  const measure = new CapturedFunction(
    (x: Tensor, y: Tensor) => noGrad(() => loss(model.forward(x), y)),
    'train: validation',
  );
  return async (source: Source): Promise<number> => {
    const modes = model.modules().map((module) => [module, module.training] as const);
    model.eval();
    try {
      const own = datasetOf(source) === null ? {} : { batchSize };
      const { losses, sizes } = await runCaptured(measure, [source, own]);
      return losses.reduce((sum, one, i) => sum + one * sizes[i]!, 0) / sizes.reduce((sum, size) => sum + size, 0);
    } finally {
      for (const [module, mode] of modes) module.training = mode;
    }
  };
}

const copyOf = (state: StateDict): StateDict =>
  Object.fromEntries(Object.entries(state).map(([name, tensor]) => [name, tensor.clone()]));
