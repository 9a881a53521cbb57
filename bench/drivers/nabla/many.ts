import { capture, nn, optim, type Tensor, tensor } from 'nabla';
import { DataLoader, TensorDataset } from 'nabla/data';
import type { ManyWork } from '../../harness/work.js';
import { seeds, uniform } from '../inputs.js';
import type { Task } from '../serve.js';
import { classifier, type Mode } from './training.js';

const BATCH = 32;

/** Models with steps of their own, all on the same data. Captured, they run at once in the background; else one after the other. */
export function many({ models, layers, steps }: ManyWork, mode: Mode): Task {
  const rows = BATCH * steps;
  const [inputs, outputs] = [layers[0]!, layers.at(-1)!];
  const x = tensor(uniform(rows * inputs, seeds.x)).reshape([rows, inputs]);
  const y = tensor(uniform(rows * outputs, seeds.y)).reshape([rows, outputs]);
  const loader = new DataLoader(new TensorDataset(x, y), { batchSize: BATCH });
  const all = Array.from({ length: models }, () => stepping(layers));
  const captured = mode === 'captured' ? all.map((step) => capture(step)) : [];
  const eagerly = () => {
    for (const step of all) for (const [a, b] of loader) step(a, b);
  };
  const run = mode === 'captured' ? () => Promise.all(captured.map((step) => step.run(loader))) : eagerly;
  const first = () =>
    [0, 1, 2].map((i) => all[0]!(x.narrow(0, i * BATCH, BATCH), y.narrow(0, i * BATCH, BATCH)).item());
  return { run, first };
}

function stepping(layers: readonly number[]): (x: Tensor, y: Tensor) => Tensor {
  const model = classifier(layers);
  const sgd = new optim.SGD(model.parameters(), { lr: 0.01 });
  return (x, y) => {
    sgd.zeroGrad();
    const loss = nn.functional.mseLoss(model.forward(x), y);
    loss.backward();
    sgd.step();
    return loss;
  };
}
