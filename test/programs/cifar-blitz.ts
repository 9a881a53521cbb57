import { manualSeed, nn, noGrad, optim, randint, randn, type Tensor } from 'nabla';
import { DataLoader, TensorDataset } from 'nabla/data';
import type { Results } from './program.js';

const { functional: F } = nn;
const CLASSES = ['plane', 'car', 'bird', 'cat'] as const;

class Net extends nn.Module<[Tensor], Tensor> {
  conv1 = new nn.Conv2d(3, 6, 5);
  pool = new nn.MaxPool2d(2, 2);
  conv2 = new nn.Conv2d(6, 8, 3);
  fc1 = new nn.Linear(8 * 2 * 2, 24);
  fc2 = new nn.Linear(24, 16);
  fc3 = new nn.Linear(16, 4);

  override forward(images: Tensor): Tensor {
    let x = this.pool.forward(F.relu(this.conv1.forward(images)));
    x = this.pool.forward(F.relu(this.conv2.forward(x))).flatten(1);
    x = F.relu(this.fc1.forward(x));
    x = F.relu(this.fc2.forward(x));
    return this.fc3.forward(x);
  }
}

/** Colour images in shuffled batches of four; what is right of each class. */
export function run(): Results {
  manualSeed(20);
  const pictures = randn([4, 3, 16, 16]);
  const labels = randint(0, 4, [40]);
  const images = pictures.index([labels]).add(randn([40, 3, 16, 16]).mul(0.3));
  const loader = new DataLoader(new TensorDataset(images, labels), { batchSize: 4, shuffle: true });
  const net = new Net();
  const criterion = new nn.CrossEntropyLoss();
  const optimizer = new optim.SGD(net.parameters(), { lr: 0.02, momentum: 0.9 });
  const losses: number[] = [];
  for (let epoch = 0; epoch < 4; epoch++) {
    for (const [inputs, targets] of loader) {
      optimizer.zeroGrad();
      const loss = criterion.forward(net.forward(inputs), targets);
      loss.backward();
      optimizer.step();
      losses.push(loss.item());
    }
  }
  const { indices } = noGrad(() => net.forward(images).max(1));
  const [predicted, wanted] = [indices.toTypedArray(), labels.toTypedArray()];
  const correct: Record<string, number> = {};
  for (const [i, name] of CLASSES.entries())
    correct[name] = predicted.filter((one, j) => one === i && wanted[j] === i).length;
  const first = Array.from(predicted.slice(0, 8), (i) => CLASSES[i]).join(' ');
  return { losses, finals: Object.fromEntries(net.namedParameters()), outputs: { correct, predicted: first } };
}
