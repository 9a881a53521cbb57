import { manualSeed, nn, noGrad, optim, rand, randint, randn, type Tensor } from 'nabla';
import { DataLoader, TensorDataset } from 'nabla/data';
import type { Results } from './program.js';

class NeuralNetwork extends nn.Module<[Tensor], Tensor> {
  flatten = new nn.Flatten();
  linearReluStack = new nn.Sequential(
    new nn.Linear(8 * 8, 32),
    new nn.ReLU(),
    new nn.Linear(32, 32),
    new nn.ReLU(),
    new nn.Linear(32, 5),
  );

  override forward(x: Tensor): Tensor {
    return this.linearReluStack.forward(this.flatten.forward(x));
  }
}

/** A classifier of small images, with loaders for training and for testing. */
export function run(): Results {
  manualSeed(1);
  const pictures = rand([5, 1, 8, 8]).round();
  const labels = randint(0, 5, [96]);
  const images = pictures
    .index([labels])
    .add(randn([96, 1, 8, 8]).mul(0.3))
    .clamp(0, 1);
  const part = (from: number, to: number) => new TensorDataset(images.slice(0, from, to), labels.slice(0, from, to));
  const trained = new DataLoader(part(0, 64), { batchSize: 16, shuffle: true });
  const tested = new DataLoader(part(64, 96), { batchSize: 16 });
  const model = new NeuralNetwork();
  const criterion = new nn.CrossEntropyLoss();
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.3 });
  const losses: number[] = [];
  const history: number[][] = [];
  for (let epoch = 0; epoch < 8; epoch++) {
    model.train();
    for (const [x, y] of trained) {
      const loss = criterion.forward(model.forward(x), y);
      loss.backward();
      optimizer.step();
      optimizer.zeroGrad();
      losses.push(loss.item());
    }
    model.eval();
    let [loss, correct] = [0, 0];
    noGrad(() => {
      for (const [x, y] of tested) {
        const scores = model.forward(x);
        loss += criterion.forward(scores, y).item();
        correct += scores.argmax(1).eq(y).float().sum().item();
      }
    });
    history.push([loss / tested.length, correct / tested.dataset.length]);
  }
  return { losses, finals: model.stateDict(), outputs: { history } };
}
