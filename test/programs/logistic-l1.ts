import { manualSeed, nn, noGrad, optim, randn, randperm, sigmoid, zeros } from 'nabla';
import type { Results } from './program.js';

/** Logistic regression on unbalanced classes: a weight for the rare one, an L1 penalty, Nesterov momentum, a rate lowered by hand. */
export function run(): Results {
  manualSeed(7);
  const raw = randn([120, 12]);
  const w = zeros([12]);
  w.slice(0, 0, 4).copy_(randn([4]).mul(2));
  const y = raw
    .matmul(w)
    .sub(2)
    .add(randn([120]).mul(0.3))
    .gt(0)
    .float();
  const x = raw.sub(raw.mean(0)).div(raw.std(0));
  const linear = new nn.Linear(12, 1);
  const criterion = new nn.BCEWithLogitsLoss({ posWeight: y.eq(0).sum().div(y.eq(1).sum()) });
  const optimizer = new optim.SGD(linear.parameters(), { lr: 0.3, momentum: 0.9, nesterov: true, weightDecay: 1e-4 });
  const losses: number[] = [];
  const lrs: number[] = [];
  for (let epoch = 0; epoch < 10; epoch++) {
    for (const batch of randperm(120).split(40)) {
      optimizer.zeroGrad();
      const fit = criterion.forward(linear.forward(x.index([batch])).squeeze(-1), y.index([batch]));
      const loss = fit.add(linear.weight.abs().sum().mul(1e-2));
      loss.backward();
      optimizer.step();
      losses.push(loss.item());
      lrs.push(Number(optimizer.paramGroups[0]!.lr));
    }
    for (const group of optimizer.paramGroups) group.lr = Number(group.lr) * 0.8;
  }
  const guess = noGrad(() => sigmoid(linear.forward(x).squeeze(-1)).gt(0.5));
  const hits = guess.logicalAnd(y.eq(1)).sum().item();
  return {
    losses,
    lrs,
    finals: { 'linear.weight': linear.weight, 'linear.bias': linear.bias },
    outputs: { precision: hits / Math.max(guess.sum().item(), 1), recall: hits / y.sum().item() },
  };
}
