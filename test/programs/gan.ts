import { manualSeed, matmul, nn, normal, ones, optim, tensor, zeros } from 'nabla';
import type { Results } from './program.js';

/** A linear generator against a discriminator, for points of a plane. */
export function run(): Results {
  manualSeed(51);
  const mix = tensor([
    [1, 2],
    [-0.1, 0.5],
  ]);
  const data = matmul(normal(0, 1, [64, 2]), mix).add(tensor([1, 2]));
  const judge = new nn.Sequential(
    new nn.Linear(2, 5),
    new nn.Tanh(),
    new nn.Linear(5, 3),
    new nn.Tanh(),
    new nn.Linear(3, 1),
  );
  const forger = new nn.Sequential(new nn.Linear(2, 2));
  const criterion = new nn.BCEWithLogitsLoss({ reduction: 'sum' });
  for (const w of [...judge.parameters(), ...forger.parameters()]) nn.init.normal_(w, 0, 0.02);
  const judging = new optim.Adam(judge.parameters(), { lr: 0.05 });
  const forging = new optim.Adam(forger.parameters(), { lr: 0.005 });
  const losses: number[] = [];
  for (let step = 0; step < 24; step++) {
    const i = (step % 8) * 8;
    const z = normal(0, 1, [8, 2]);
    judging.zeroGrad();
    const real = criterion.forward(judge.forward(data.slice(0, i, i + 8)), ones([8, 1]));
    const fake = criterion.forward(judge.forward(forger.forward(z).detach()), zeros([8, 1]));
    const judged = real.add(fake).div(2);
    judged.backward();
    judging.step();
    forging.zeroGrad();
    const forged = criterion.forward(judge.forward(forger.forward(z)), ones([8, 1]));
    forged.backward();
    forging.step();
    losses.push(judged.item(), forged.item());
  }
  const finals = { 'G.weight': forger[0].weight, 'G.bias': forger[0].bias, 'D.0.weight': judge[0].weight };
  return { losses, finals, outputs: {} };
}
