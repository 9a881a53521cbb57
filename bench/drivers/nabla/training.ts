import { capture, Generator, nn, noGrad, optim, type Tensor, tensor } from 'nabla';
import { DataLoader, TensorDataset } from 'nabla/data';
import type { EpochWork, InferenceWork, MomentumWork, TrainingWork } from '../../harness/work.js';
import { labels, probe, seeds, uniform } from '../inputs.js';
import type { Task } from '../serve.js';

/** Whether each operation runs when it is called, or functions are captured. */
export type Mode = 'eager' | 'captured';

export function training({ network, layers, batch }: TrainingWork, mode: Mode): Task {
  const model = network === 'program' ? program(layers) : classifier(layers);
  const [inputs, outputs] = [layers[0]!, layers.at(-1)!];
  const x = tensor(uniform(batch * inputs, seeds.x)).reshape([batch, inputs]);
  const y =
    network === 'program'
      ? tensor(uniform(batch * outputs, seeds.y, 0, 1)).reshape([batch, outputs])
      : tensor(labels(batch, seeds.y, outputs));
  const plain = stepping(model, network);
  const step = mode === 'captured' ? capture(plain) : plain;
  const run = () => step(x, y);
  return { run, first: () => [run().item(), run().item(), run().item()] };
}

/** Trains on a batch and returns its loss. */
export function stepping(
  model: nn.Sequential<nn.Layer[]>,
  network: TrainingWork['network'],
): (x: Tensor, y: Tensor) => Tensor {
  const sgd = new optim.SGD(model.parameters(), { lr: network === 'program' ? 0.1 : 0.01 });
  const criterion = network === 'program' ? new nn.MSELoss() : new nn.CrossEntropyLoss();
  return (x, y) => {
    sgd.zeroGrad();
    const loss = criterion.forward(model.forward(x), y);
    loss.backward();
    sgd.step();
    return loss;
  };
}

/** Linear and sigmoid by turns, the biases 0-d. */
function program(layers: readonly number[]): nn.Sequential<nn.Layer[]> {
  const linears = linearLayers(layers);
  for (const linear of linears) linear.bias.data = tensor(5.5);
  return new nn.Sequential(...linears.flatMap((linear) => [linear, new nn.Sigmoid()]));
}

/** Linear layers with ReLU between them. */
export function classifier(layers: readonly number[]): nn.Sequential<nn.Layer[]> {
  const between = linearLayers(layers).flatMap((linear) => [new nn.ReLU(), linear]);
  return new nn.Sequential(...between.slice(1));
}

function linearLayers(layers: readonly number[]): nn.Linear[] {
  return layers.slice(1).map((outputs, i) => {
    const inputs = layers[i]!;
    const bound = 1 / Math.sqrt(inputs);
    const linear = new nn.Linear(inputs, outputs);
    linear.weight.data = tensor(uniform(outputs * inputs, seeds.weight + i, -bound, bound)).reshape([outputs, inputs]);
    linear.bias.data = tensor(uniform(outputs, seeds.bias + i, -bound, bound));
    return linear;
  });
}

export function momentum({ size }: MomentumWork): Task {
  const weight = new nn.Parameter(tensor(uniform(size, seeds.x)));
  weight.grad = tensor(uniform(size, seeds.y));
  const sgd = new optim.SGD([weight], { lr: 1e-3, momentum: 0.9 });
  const run = () => sgd.step();
  const first = () => {
    run();
    run();
    return probe(weight.toTypedArray());
  };
  return { run, first };
}

export function epoch({ images, layers, batch }: EpochWork, mode: Mode): Task {
  const x = tensor(uniform(images * 784, seeds.x, 0, 1)).reshape([images, 784]);
  const y = tensor(labels(images, seeds.y, 10));
  const loader = new DataLoader(new TensorDataset(x, y), {
    batchSize: batch,
    shuffle: true,
    generator: new Generator().manualSeed(0),
  });
  const step = stepping(classifier(layers), 'classifier');
  const captured = capture(step);
  const eagerly = () => {
    for (const [images, targets] of loader) step(images, targets);
  };
  const first = () => [step(x.narrow(0, 0, batch), y.narrow(0, 0, batch)).item()];
  return { run: mode === 'captured' ? () => captured.run(loader) : eagerly, first };
}

export function inference({ layers, batch }: InferenceWork, mode: Mode): Task {
  const model = classifier(layers);
  const shape = [batch, layers[0]!];
  const values = uniform(batch * layers[0]!, seeds.x, 0, 1);
  const forward = (x: Tensor) => noGrad(() => model.forward(x));
  const answer = mode === 'captured' ? capture(forward) : forward;
  const run = () => answer(tensor(values).reshape(shape)).toTypedArray();
  return { run, first: () => [...run()] };
}
