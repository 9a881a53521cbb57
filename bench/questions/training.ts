import type { TrainingWork } from '../harness/work.js';
import { type Case, gflop, type Question } from './question.js';

/** Two operations per weight and example, three times: the output, the gradient of the input (but of the first layer's), that of the weight. */
function flops(layers: readonly number[], batch: number): number {
  const weights = layers.slice(1).map((outputs, i) => outputs * layers[i]!);
  return 2 * batch * (3 * weights.reduce((a, b) => a + b) - weights[0]!);
}

function step(network: TrainingWork['network'], layers: readonly number[], batch: number, quick = true): Case {
  return {
    label: `${layers.join('-')}, batch ${batch}`,
    work: { kind: 'training', network, layers, batch },
    ...(network === 'classifier' && { amount: gflop(flops(layers, batch)) }),
    ...(quick && { quick: true, headline: true }),
  };
}

export const training: Question = {
  name: 'training',
  title: 'A step of training: zeroGrad, forward, loss, backward, SGD',
  cases: [
    step('program', [4, 3, 2, 1], 100),
    step('classifier', [784, 128, 10], 32),
    step('classifier', [784, 512, 256, 10], 128),
    step('classifier', [1024, 4096, 4096, 1024], 256, false),
  ],
};
