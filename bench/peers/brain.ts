/** The driver for brain.js, which knows one kind of training: example by example, in float64, with weights of its own. */

import { seeds, uniform } from '../drivers/inputs.js';
import { serve, type Task } from '../drivers/serve.js';
import type { TrainingWork } from '../harness/work.js';
import { load } from './library.js';

interface Example {
  readonly input: readonly number[];
  readonly output: readonly number[];
}

interface Brain {
  readonly NeuralNetwork: new (options: {
    hiddenLayers: readonly number[];
    activation: 'sigmoid';
    learningRate: number;
    momentum: number;
  }) => {
    train(examples: readonly Example[], options: { iterations: number; errorThresh: number }): { error: number };
  };
}

const { library, version, loadSeconds } = load<Brain>('brain.js');

function training({ network, layers, batch }: TrainingWork): Task | null {
  if (network !== 'program') return null;
  const hiddenLayers = layers.slice(1, -1);
  // It refuses a momentum, or a threshold, of zero.
  const net = new library.NeuralNetwork({ hiddenLayers, activation: 'sigmoid', learningRate: 0.1, momentum: 1e-9 });
  const examples = rowsOf(batch, layers[0]!, seeds.x, -1).map((input, i) => {
    return { input, output: rowsOf(batch, layers.at(-1)!, seeds.y, 0)[i]! };
  });
  const run = () => net.train(examples, { iterations: 1, errorThresh: 1e-9 });
  return { run, first: () => [run().error], note: 'updates the weights after every example, not every batch' };
}

function rowsOf(rows: number, columns: number, seed: number, low: number): number[][] {
  const values = uniform(rows * columns, seed, low, 1);
  return Array.from({ length: rows }, (_, i) => [...values.subarray(i * columns, (i + 1) * columns)]);
}

await serve({ name: 'brain.js', version, loadSeconds }, (work) => (work.kind === 'training' ? training(work) : null));
