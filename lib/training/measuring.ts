import { noGrad } from '../autograd/mode.js';
import { CapturedFunction } from '../capture/capture.js';
import { datasetOf, run as runCaptured, type Source } from '../capture/run.js';
import { DataLoader } from '../data/loader.js';
import type { Signal } from '../realm.js';
import { defaultGenerator } from '../tensor/generator.js';
import type { Tensor } from '../tensor/tensor.js';
import { modesOf } from './modes.js';
import type { TrainSettings } from './train.js';

/** What validation data came to. */
export interface Measured {
  readonly validationLoss: number;
  readonly metrics?: Readonly<Record<string, unknown>>;
}

type Means = Pick<TrainSettings, 'model' | 'loss' | 'metrics' | 'batchSize' | 'signal'>;

/** Measures the mean loss of all examples, and the metrics, in evaluation mode. A batch counts as much as it has examples. */
export function measuring({ model, loss, metrics, batchSize, signal }: Means): (source: Source) => Promise<Measured> {
  const list = Object.values(metrics);
  const measure = (x: Tensor, y: Tensor) =>
    noGrad(() => {
      const output = model.forward(x);
      for (const metric of list) metric.update(output, y);
      return loss(output, y);
    });
  const losses = list.every(({ isCapturable }) => isCapturable)
    ? inBackground(measure, signal)
    : oneByOne(measure, signal);
  return async (source) => {
    const dataset = datasetOf(source);
    const batches = dataset === null ? source : new DataLoader(dataset, batchSize === null ? {} : { batchSize });
    const backToModes = modesOf(model);
    model.eval();
    for (const metric of list) metric.reset();
    const stream = defaultGenerator.getState();
    try {
      const validationLoss = await losses(batches);
      const values = Object.entries(metrics).map(([name, metric]) => [name, metric.compute()]);
      return { validationLoss, ...(list.length > 0 && { metrics: Object.fromEntries(values) }) };
    } catch (error) {
      // Whoever goes on from here measures again.
      defaultGenerator.setState(stream);
      throw error;
    } finally {
      backToModes();
    }
  };
}

type Measure = (x: Tensor, y: Tensor) => Tensor;

function inBackground(measure: Measure, signal: Signal | null): (source: Source) => Promise<number> {
  const captured = new CapturedFunction(measure, 'train: validation');
  return async (source) => {
    const { losses, sizes } = await runCaptured(captured, [source, { signal }]);
    return losses.reduce((sum, one, i) => sum + one * sizes[i]!, 0) / sizes.reduce((sum, size) => sum + size, 0);
  };
}

/** For metrics that a captured function cannot update. */
const oneByOne = (measure: Measure, signal: Signal | null) => async (source: Source) => {
  let [sum, count] = [0, 0];
  for await (const batch of source as AsyncIterable<[Tensor, Tensor]>) {
    signal?.throwIfAborted();
    const [x, y] = batch;
    const size = x.shape[0] ?? 1;
    sum += measure(x, y).item() * size;
    count += size;
  }
  return sum / count;
};
