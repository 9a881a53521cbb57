import { manualSeed, nn, optim, randn, type Tensor } from 'nabla';
import type { Results } from './program.js';

class Block extends nn.Module<[Tensor], Tensor> {
  norm: nn.LayerNorm;
  fc1: nn.Linear;
  fc2: nn.Linear;
  act = new nn.SiLU();
  drop = new nn.Dropout(0.1);

  constructor(width: number) {
    super();
    this.norm = new nn.LayerNorm(width);
    this.fc1 = new nn.Linear(width, 2 * width);
    this.fc2 = new nn.Linear(2 * width, width);
  }

  override forward(x: Tensor): Tensor {
    return x.add(this.drop.forward(this.fc2.forward(this.act.forward(this.fc1.forward(this.norm.forward(x))))));
  }
}

/** Gradients of four small batches at a time, clipped; a rate that rises and then falls with a cosine. */
export function run(): Results {
  manualSeed(11);
  const x = randn([64, 16]);
  const y = x
    .pow(2)
    .matmul(randn([16]))
    .gt(0)
    .int();
  const model = new nn.Sequential(new Block(16), new Block(16), new nn.LayerNorm(16), new nn.Linear(16, 2));
  const criterion = new nn.CrossEntropyLoss({ labelSmoothing: 0.1 });
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-2, betas: [0.9, 0.95], weightDecay: 0.1 });
  const { CosineAnnealingLR, LinearLR, SequentialLR } = optim.lrScheduler;
  const warmup = new LinearLR(optimizer, { startFactor: 0.1, totalIters: 5 });
  const cosine = new CosineAnnealingLR(optimizer, 20, { etaMin: 1e-4 });
  const scheduler = new SequentialLR(optimizer, [warmup, cosine], [5]);
  const losses: number[] = [];
  const lrs: number[] = [];
  const norms: number[] = [];
  for (let step = 0; step < 25; step++) {
    let total = 0;
    for (let micro = 0; micro < 4; micro++) {
      const [from, to] = [micro * 16, micro * 16 + 16];
      const loss = criterion.forward(model.forward(x.slice(0, from, to)), y.slice(0, from, to)).div(4);
      loss.backward();
      total += loss.item();
    }
    norms.push(nn.utils.clipGradNorm_(model.parameters(), 0.5).item());
    optimizer.step();
    lrs.push(scheduler.getLastLr()[0]!);
    scheduler.step();
    optimizer.zeroGrad();
    losses.push(total);
  }
  model.eval();
  const accuracy = model.forward(x).argmax(-1).eq(y).float().mean().item();
  const finals = { '0.fc1.weight': model[0].fc1.weight, '2.weight': model[2].weight, '3.weight': model[3].weight };
  return { losses, lrs, finals, outputs: { 'grad norms': norms, accuracy } };
}
