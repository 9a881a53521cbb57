import { manualSeed, nn, noGrad, optim, rand, randn, randperm, type Tensor, zeros } from 'nabla';
import type { Results } from './program.js';

/** The loss on items held out lowers the rate and stops; the best weights are put back. */
export function run(): Results {
  manualSeed(14);
  const x = rand([90, 1]).mul(6).sub(3);
  const y = x.sin().add(randn([90, 1]).mul(0.2));
  const order = randperm(90);
  const [trained, held] = [order.slice(0, 0, 60), order.slice(0, 60, 90)];
  const model = new nn.Sequential(
    new nn.Linear(1, 32),
    new nn.Tanh(),
    new nn.Linear(32, 32),
    new nn.Tanh(),
    new nn.Linear(32, 1),
  );
  const criterion = new nn.HuberLoss();
  const optimizer = new optim.RMSprop(model.parameters(), { lr: 1e-2, alpha: 0.9, momentum: 0.5 });
  const scheduler = new optim.lrScheduler.ReduceLROnPlateau(optimizer, { factor: 0.5, patience: 0, threshold: 0.05 });
  const lossOf = (items: Tensor) => criterion.forward(model.forward(x.index([items])), y.index([items]));
  const [losses, valid, lrs]: [number[], number[], number[]] = [[], [], []];
  let [best, bad, epochs] = [Number.POSITIVE_INFINITY, 0, 0];
  let kept = model.clone();
  while (epochs < 20 && bad < 3) {
    epochs++;
    for (const items of trained.split(20)) {
      optimizer.zeroGrad();
      const loss = lossOf(items);
      loss.backward();
      optimizer.step();
      losses.push(loss.item());
      lrs.push(Number(optimizer.paramGroups[0]!.lr));
    }
    const mean = noGrad(() => held.split(10).reduce((sum, items) => sum + lossOf(items).item() * 10, 0) / 30);
    valid.push(mean);
    scheduler.step(mean);
    if (mean < 0.95 * best) [best, kept, bad] = [mean, model.clone(), 0];
    else bad++;
  }
  model.loadStateDict(kept.stateDict());
  const outputs = { valid, epochs, 'at zero': model.forward(zeros([1, 1])).item() };
  return { losses, lrs, finals: Object.fromEntries(model.namedParameters()), outputs };
}
