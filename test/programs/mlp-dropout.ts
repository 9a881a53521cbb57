import { manualSeed, nn, noGrad, optim, randn } from 'nabla';
import type { Results } from './program.js';

/** Two hidden layers with dropout; a loss for each item, and weights that `apply` draws again. */
export function run(): Results {
  manualSeed(5);
  const x = randn([128, 6, 4]);
  const y = x
    .reshape([128, 24])
    .matmul(randn([24, 3]))
    .argmax(1);
  const net = new nn.Sequential(
    new nn.Flatten(),
    new nn.Linear(24, 32),
    new nn.ReLU(),
    new nn.Dropout(0.2),
    new nn.Linear(32, 32),
    new nn.ReLU(),
    new nn.Dropout(0.5),
    new nn.Linear(32, 3),
  );
  net.apply((layer) => {
    if (layer instanceof nn.Linear) nn.init.normal_(layer.weight, { std: 0.1 });
  });
  const criterion = new nn.CrossEntropyLoss({ reduction: 'none' });
  const trainer = new optim.SGD(net.parameters(), { lr: 0.5 });
  const losses: number[] = [];
  for (let step = 0; step < 32; step++) {
    const i = (step % 4) * 32;
    const loss = criterion.forward(net.forward(x.slice(0, i, i + 32)), y.slice(0, i, i + 32)).mean();
    trainer.zeroGrad();
    loss.backward();
    trainer.step();
    losses.push(loss.item());
  }
  net.eval();
  const predicted = noGrad(() => net.forward(x).argmax(1));
  const finals = {
    '1.weight': net[1].weight,
    '4.weight': net[4].weight,
    '7.weight': net[7].weight,
    '7.bias': net[7].bias,
  };
  return { losses, finals, outputs: { correct: predicted.eq(y).sum().item(), first: predicted.slice(0, 0, 20) } };
}
