/**
 * Backpropagation through a network built of `Sequential` stages: `npx tsx examples/backprop-sequential.ts`.
 *
 * Here the data are drawn first, and the network after them from the same stream.
 */
import { manualSeed, nn, optim, rand, randn, type Tensor, tensor } from 'nabla';
import { isMain } from './lib/main.js';

class Net extends nn.Module {
  hidden1 = new nn.Sequential(new nn.Linear(4, 3), new nn.Sigmoid());
  hidden2 = new nn.Sequential(new nn.Linear(3, 2), new nn.Sigmoid());
  out = new nn.Sequential(new nn.Linear(2, 1), new nn.Sigmoid());

  constructor() {
    super();
    for (const layer of [this.hidden1[0], this.hidden2[0], this.out[0]]) {
      nn.init.xavierNormal_(layer.weight);
      layer.bias.data = tensor(5.5); // a 0-d bias: broadcast, with a 0-d gradient
    }
  }

  forward(x: Tensor): Tensor {
    return this.out.forward(this.hidden2.forward(this.hidden1.forward(x)));
  }
}

/** The data, and then the network, from one stream after its seed. */
export function setup() {
  manualSeed(666);
  const x = randn([100, 4]);
  manualSeed(6);
  const y = rand([100, 1]);
  return { model: new Net(), x, y };
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
  for (const stage of [run.model.hidden1, run.model.hidden2, run.model.out]) console.log(stage[0].weight.data);
}
