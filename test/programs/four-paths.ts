import { cat, manualSeed, nn, optim, randint, randn, type Tensor } from 'nabla';
import type { Results } from './program.js';

const F = nn.functional;

/** Four paths beside each other, one over another along the channels. */
class FourPaths extends nn.Module<[Tensor], Tensor> {
  one: nn.Conv2d;
  threeIn: nn.Conv2d;
  three: nn.Conv2d;
  fiveIn: nn.Conv2d;
  five: nn.Conv2d;
  pool: nn.MaxPool2d;
  poolOut: nn.Conv2d;

  constructor(channels: number, c1: number, c2: [number, number], c3: [number, number], c4: number) {
    super();
    this.one = new nn.Conv2d(channels, c1, 1);
    this.threeIn = new nn.Conv2d(channels, c2[0], 1);
    this.three = new nn.Conv2d(c2[0], c2[1], 3, { padding: 1 });
    this.fiveIn = new nn.Conv2d(channels, c3[0], 1);
    this.five = new nn.Conv2d(c3[0], c3[1], 5, { padding: 2 });
    this.pool = new nn.MaxPool2d(3, 1, 1);
    this.poolOut = new nn.Conv2d(channels, c4, 1);
  }

  override forward(x: Tensor): Tensor {
    const paths = [
      this.one.forward(x),
      this.three.forward(F.relu(this.threeIn.forward(x))),
      this.five.forward(F.relu(this.fiveIn.forward(x))),
      this.poolOut.forward(this.pool.forward(x)),
    ];
    return cat(
      paths.map((path) => F.relu(path)),
      1,
    );
  }
}

/** Two blocks as in GoogLeNet, with Xavier weights. */
export function run(): Results {
  manualSeed(24);
  const pictures = randn([3, 1, 16, 16]);
  const y = randint(0, 3, [24]);
  const x = pictures.index([y]).add(randn([24, 1, 16, 16]).mul(0.4));
  const net = new nn.Sequential(
    new nn.Conv2d(1, 8, 7, 2, 3),
    new nn.ReLU(),
    new nn.MaxPool2d(3, 2, 1),
    new FourPaths(8, 4, [3, 6], [2, 4], 2),
    new FourPaths(16, 4, [4, 6], [2, 4], 4),
    new nn.AdaptiveAvgPool2d([1, 1]),
    new nn.Flatten(),
    new nn.Linear(18, 3),
  );
  for (const layer of net.modules()) {
    if (layer instanceof nn.Linear || layer instanceof nn.Conv2d) nn.init.xavierUniform_(layer.weight);
  }
  const optimizer = new optim.SGD(net.parameters(), { lr: 0.1 });
  const losses: number[] = [];
  for (let step = 0; step < 24; step++) {
    const i = (step % 3) * 8;
    optimizer.zeroGrad();
    const loss = F.crossEntropy(net.forward(x.slice(0, i, i + 8)), y.slice(0, i, i + 8));
    loss.backward();
    optimizer.step();
    losses.push(loss.item());
  }
  const finals = { '0.weight': net[0].weight, '3.five.weight': net[3].five.weight, '7.weight': net[7].weight };
  return { losses, finals, outputs: { logits: net.forward(x.slice(0, 0, 3)).detach() } };
}
