import { linspace, manualSeed, nn, optim, tensor } from 'nabla';
import type { Results } from './program.js';

/** A polynomial of the third degree as a linear layer over powers, with summed squares. */
export function run(): Results {
  manualSeed(6);
  const x = linspace(-Math.PI, Math.PI, 200);
  const y = x.sin();
  const powers = x.unsqueeze(-1).pow(tensor([1, 2, 3]));
  const model = new nn.Sequential(new nn.Linear(3, 1), new nn.Flatten(0, 1));
  const criterion = new nn.MSELoss({ reduction: 'sum' });
  const optimizer = new optim.RMSprop(model.parameters(), { lr: 1e-2 });
  const losses: number[] = [];
  for (let step = 0; step < 40; step++) {
    const loss = criterion.forward(model.forward(powers), y);
    losses.push(loss.item());
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
  }
  return { losses, finals: { weight: model[0].weight, bias: model[0].bias }, outputs: {} };
}
