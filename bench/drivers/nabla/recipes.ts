import { capture, nn, noGrad, optim, type Tensor, tensor } from 'nabla';
import type { RecipeWork, UpdateRule, UpdateWork } from '../../harness/work.js';
import { labels, probe, seeds, uniform } from '../inputs.js';
import type { Task } from '../serve.js';
import { classifier, type Mode } from './training.js';

const rules: Readonly<Record<Exclude<UpdateRule, 'copy'>, (weight: nn.Parameter) => { step(): unknown }>> = {
  sgd: (weight) => new optim.SGD([weight], { lr: 1e-3, momentum: 0.9 }),
  adam: (weight) => new optim.Adam([weight]),
  adamw: (weight) => new optim.AdamW([weight]),
  rmsprop: (weight) => new optim.RMSprop([weight]),
  adagrad: (weight) => new optim.Adagrad([weight]),
};

export function update({ rule, size }: UpdateWork): Task {
  const weight = new nn.Parameter(tensor(uniform(size, seeds.x)));
  weight.grad = tensor(uniform(size, seeds.y));
  const optimizer = rule === 'copy' ? null : rules[rule](weight);
  const copy = () => noGrad(() => weight.copy_(weight.grad!));
  const run = optimizer === null ? copy : () => optimizer.step();
  const first = () => {
    run();
    run();
    return probe(weight.toTypedArray());
  };
  return { run, first };
}

export function recipe({ loss: name, layers, batch, habits }: RecipeWork, mode: Mode): Task {
  const [inputs, outputs] = [layers[0]!, layers.at(-1)!];
  const model = classifier(layers);
  const isSmooth = name === 'smoothL1';
  const optimizer = isSmooth
    ? new optim.AdamW(model.parameters(), { lr: 1e-4, amsgrad: true })
    : new optim.Adam(model.parameters());
  const scheduler = new optim.lrScheduler.CosineAnnealingLR(optimizer, 1_000_000);
  const criterion = isSmooth ? new nn.SmoothL1Loss() : new nn.CrossEntropyLoss();
  const plain = (x: Tensor, y: Tensor) => {
    optimizer.zeroGrad();
    const loss = criterion.forward(model.forward(x), y);
    loss.backward();
    if (habits) nn.utils.clipGradNorm_(model.parameters(), 1);
    optimizer.step();
    if (habits) scheduler.step();
    return loss;
  };
  const x = tensor(uniform(batch * inputs, seeds.x)).reshape([batch, inputs]);
  const y = isSmooth
    ? tensor(uniform(batch * outputs, seeds.y)).reshape([batch, outputs])
    : tensor(labels(batch, seeds.y, outputs));
  const step = mode === 'captured' ? capture(plain) : plain;
  const run = () => step(x, y);
  return { run, first: () => [run().item(), run().item(), run().item()] };
}
