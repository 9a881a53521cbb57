/**
 * Backpropagation through a network written as a module of one's own: `npx tsx examples/backprop-module.ts`.
 *
 * The seeds make it reproducible to the bit: PyTorch prints the same weights for the same program.
 */
import { manualSeed, nn, optim, rand, randn, type Tensor, tensor } from 'nabla';
import { isMain } from './lib/main.js';

class Net extends nn.Module {
  linear1 = new nn.Linear(4, 3);
  linear2 = new nn.Linear(3, 2);
  linear3 = new nn.Linear(2, 1);
  activation = new nn.Sigmoid();

  constructor() {
    super();
    for (const layer of [this.linear1, this.linear2, this.linear3]) {
      nn.init.xavierNormal_(layer.weight);
      layer.bias.data = tensor(5.5); // a 0-d bias: broadcast, with a 0-d gradient
    }
  }

  forward(x: Tensor): Tensor {
    x = this.activation.forward(this.linear1.forward(x));
    x = this.activation.forward(this.linear2.forward(x));
    return this.activation.forward(this.linear3.forward(x));
  }
}

/** The network and its data, each drawn from a seed of its own. */
export function setup() {
  manualSeed(0);
  const model = new Net();
  manualSeed(666);
  const x = randn([100, 4]);
  manualSeed(6);
  const y = rand([100, 1]);
  return { model, x, y };
}

/** Trains for 50 epochs and returns their losses. */
export function train({ model, x, y }: ReturnType<typeof setup>): number[] {
  const sgd = new optim.SGD(model.parameters(), { lr: 0.1 });
  const criterion = new nn.MSELoss();
  const losses: number[] = [];
  for (let epoch = 0; epoch < 50; epoch++) {
    const loss = criterion.forward(model.forward(x), y);
    sgd.zeroGrad();
    loss.backward();
    sgd.step();
    losses.push(loss.item());
  }
  return losses;
}

if (isMain(import.meta.url)) {
  const run = setup();
  train(run);
  for (const layer of [run.model.linear1, run.model.linear2, run.model.linear3]) console.log(layer.weight.data);
}
