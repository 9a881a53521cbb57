import { manualSeed, nn, optim, rand, randint, randn } from 'nabla';
import type { Results } from './program.js';

/** LeNet with batch normalisation before its sigmoids, average pooling, Xavier weights, a large rate. */
export function run(): Results {
  manualSeed(21);
  const pictures = rand([4, 1, 16, 16]).round();
  const y = randint(0, 4, [64]);
  const x = pictures.index([y]).add(randn([64, 1, 16, 16]).mul(0.1));
  const net = new nn.Sequential(
    new nn.Conv2d(1, 6, 5, { padding: 2 }),
    new nn.BatchNorm2d(6),
    new nn.Sigmoid(),
    new nn.AvgPool2d(2, 2),
    new nn.Conv2d(6, 8, 5),
    new nn.BatchNorm2d(8),
    new nn.Sigmoid(),
    new nn.AvgPool2d(2, 2),
    new nn.Flatten(),
    new nn.Linear(8 * 2 * 2, 24),
    new nn.BatchNorm1d(24),
    new nn.Sigmoid(),
    new nn.Linear(24, 16),
    new nn.BatchNorm1d(16),
    new nn.Sigmoid(),
    new nn.Linear(16, 4),
  );
  for (const layer of net) {
    if (layer instanceof nn.Linear || layer instanceof nn.Conv2d) nn.init.xavierUniform_(layer.weight);
  }
  const shapes: string[] = [];
  let z = x.slice(0, 0, 2);
  for (const layer of net) {
    z = layer.forward(z);
    shapes.push(`${layer.constructor.name} [${z.shape.join(', ')}]`);
  }
  const sgd = new optim.SGD(net.parameters(), { lr: 0.9 });
  const criterion = new nn.CrossEntropyLoss();
  const losses: number[] = [];
  for (let epoch = 0; epoch < 8; epoch++) {
    net.train();
    for (let i = 0; i < 64; i += 16) {
      sgd.zeroGrad();
      const loss = criterion.forward(net.forward(x.slice(0, i, i + 16)), y.slice(0, i, i + 16));
      loss.backward();
      sgd.step();
      losses.push(loss.item());
    }
  }
  const weights = net.namedParameters().filter(([name]) => name.endsWith('weight'));
  const logits = net
    .eval()
    .forward(x.slice(0, 0, 2))
    .detach();
  return { losses, finals: Object.fromEntries(weights), outputs: { shapes, logits } };
}
