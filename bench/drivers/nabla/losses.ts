import { nn, type Tensor, tensor } from 'nabla';
import type { LossName, LossWork } from '../../harness/work.js';
import { labels, probe, seeds, uniform } from '../inputs.js';
import type { Task } from '../serve.js';

const losses: Record<LossName, (x: Tensor, y: Tensor) => Tensor> = {
  l1: nn.functional.l1Loss,
  mse: nn.functional.mseLoss,
  smoothL1: nn.functional.smoothL1Loss,
  bceWithLogits: nn.functional.binaryCrossEntropyWithLogits,
  crossEntropy: nn.functional.crossEntropy,
};

export function loss({ loss: name, rows, columns }: LossWork): Task {
  const size = rows * columns;
  const x = tensor(uniform(size, seeds.x, -2, 2)).reshape([rows, columns]);
  x.requiresGrad = true;
  const y = target(name, rows, columns);
  const run = () => {
    x.grad = null;
    const value = losses[name](x, y);
    value.backward();
    return value;
  };
  const terms = name === 'crossEntropy' ? rows : size;
  return { run, first: () => [run().item(), ...probe(x.grad!.toTypedArray(), terms)] };
}

function target(name: LossName, rows: number, columns: number): Tensor {
  if (name === 'crossEntropy') return tensor(labels(rows, seeds.y, columns));
  const low = name === 'bceWithLogits' ? 0 : -1;
  return tensor(uniform(rows * columns, seeds.y, low, 1)).reshape([rows, columns]);
}
