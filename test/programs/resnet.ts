import { manualSeed, nn, noGrad, optim, randint, randn, type Tensor } from 'nabla';
import type { Results } from './program.js';

const { functional: F } = nn;

class Block extends nn.Module<[Tensor], Tensor> {
  conv1: nn.Conv2d<boolean>;
  bn1: nn.BatchNorm2d;
  conv2: nn.Conv2d<boolean>;
  bn2: nn.BatchNorm2d;
  shortcut: nn.Conv2d<boolean> | null;

  constructor(inputs: number, outputs: number, stride = 1) {
    super();
    this.conv1 = new nn.Conv2d<boolean>(inputs, outputs, 3, { padding: 1, stride, bias: false });
    this.bn1 = new nn.BatchNorm2d(outputs);
    this.conv2 = new nn.Conv2d<boolean>(outputs, outputs, 3, { padding: 1, bias: false });
    this.bn2 = new nn.BatchNorm2d(outputs);
    this.shortcut = stride === 1 ? null : new nn.Conv2d<boolean>(inputs, outputs, 1, { stride });
  }

  override forward(x: Tensor): Tensor {
    const inner = F.relu(this.bn1.forward(this.conv1.forward(x)));
    const out = this.bn2.forward(this.conv2.forward(inner));
    out.add_(this.shortcut?.forward(x) ?? x);
    return F.relu(out);
  }
}

/** Residual blocks, momentum, weight decay and a schedule of milestones. */
export function run(): Results {
  manualSeed(25);
  const pictures = randn([4, 1, 12, 12]);
  const y = randint(0, 4, [32]);
  const x = pictures.index([y]).add(randn([32, 1, 12, 12]).mul(0.5));
  const net = new nn.Sequential(
    new nn.Conv2d(1, 4, 3, { padding: 1 }),
    new nn.BatchNorm2d(4),
    new nn.ReLU(),
    new Block(4, 4),
    new Block(4, 8, 2),
    new nn.AdaptiveAvgPool2d([1, 1]),
    new nn.Flatten(),
    new nn.Linear(8, 4),
  );
  for (const layer of net.modules()) {
    if (layer instanceof nn.Conv2d) nn.init.kaimingNormal_(layer.weight, { mode: 'fan_out', nonlinearity: 'relu' });
  }
  const optimizer = new optim.SGD(net.parameters(), { lr: 0.05, momentum: 0.9, weightDecay: 5e-4 });
  const scheduler = new optim.lrScheduler.MultiStepLR(optimizer, [3, 5], { gamma: 0.1 });
  const losses: number[] = [];
  const lrs: number[] = [];
  for (let epoch = 0; epoch < 6; epoch++) {
    net.train();
    for (let i = 0; i < 32; i += 8) {
      optimizer.zeroGrad();
      const loss = F.crossEntropy(net.forward(x.slice(0, i, i + 8)), y.slice(0, i, i + 8));
      loss.backward();
      optimizer.step();
      losses.push(loss.item());
      lrs.push(...scheduler.getLastLr());
    }
    scheduler.step();
  }
  net.eval();
  const evalLoss = noGrad(() => F.crossEntropy(net.forward(x), y).item());
  return { losses, lrs, finals: net.stateDict(), outputs: { 'eval loss': evalLoss } };
}
