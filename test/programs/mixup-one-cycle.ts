import { manualSeed, nn, optim, rand, randn, randperm, type Tensor } from 'nabla';
import type { Results } from './program.js';

const { functional: F } = nn;

function mixup(x: Tensor, y: Tensor, classes: number): [Tensor, Tensor] {
  const share = rand([1]).item();
  const index = randperm(x.shape[0]!);
  const target = F.oneHot(y, classes).float();
  const mixed = (one: Tensor) => one.mul(share).add(one.index([index]).mul(1 - share));
  return [mixed(x), mixed(target)];
}

/** Mixed examples; one cycle of rates and momenta. */
export function run(): Results {
  manualSeed(13);
  const x = randn([64, 3, 8]);
  const y = x
    .flatten(1)
    .matmul(randn([24, 4]))
    .argmax(1);
  const model = new nn.Sequential(
    new nn.Conv1d(3, 8, 3, { padding: 1, bias: false }),
    new nn.BatchNorm1d(8),
    new nn.ReLU({ inplace: true }),
    new nn.AdaptiveAvgPool1d(4),
    new nn.Flatten(),
    new nn.Linear(32, 4),
  );
  const options = { lr: 0.01, momentum: 0.9, nesterov: true, weightDecay: 1e-4 };
  const optimizer = new optim.SGD(model.parameters(), options);
  const scheduler = new optim.lrScheduler.OneCycleLR(optimizer, 0.2, { totalSteps: 32, pctStart: 0.3 });
  const losses: number[] = [];
  const lrs: number[] = [];
  for (let step = 0; step < 32; step++) {
    const i = (step % 4) * 16;
    const [mixed, soft] = mixup(x.slice(0, i, i + 16), y.slice(0, i, i + 16), 4);
    const loss = soft
      .neg()
      .mul(F.logSoftmax(model.forward(mixed), 1))
      .sum(1)
      .mean();
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    lrs.push(...scheduler.getLastLr());
    scheduler.step();
    losses.push(loss.item());
  }
  const momentum = optimizer.paramGroups[0]!.momentum;
  return { losses, lrs, finals: Object.fromEntries(model.namedParameters()), outputs: { momentum } };
}
