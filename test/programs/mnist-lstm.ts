import { manualSeed, nn, optim, rand, randint, randn, type Tensor } from 'nabla';
import type { Results } from './program.js';

const { functional: F } = nn;

class RowReader extends nn.Module<[Tensor], Tensor> {
  rnn = new nn.LSTM(10, 16, { batchFirst: true });
  norm = new nn.BatchNorm1d(16);
  dropIn = new nn.Dropout(0.25);
  dropOut = new nn.Dropout(0.5);
  hiddenLayer = new nn.Linear(16, 12);
  scores = new nn.Linear(12, 4);

  override forward(images: Tensor): Tensor {
    const { output } = this.rnn.forward(images.reshape([-1, 10, 10]));
    const summary = this.dropIn.forward(this.norm.forward(output.index([':', -1])));
    const features = this.dropOut.forward(F.relu(this.hiddenLayer.forward(summary)));
    return F.logSoftmax(this.scores.forward(features), 1);
  }
}

/** Images read row by row by an LSTM; batch normalisation and dropout on its last state. */
export function run(): Results {
  manualSeed(31);
  const pictures = rand([4, 1, 10, 10]).round();
  const target = randint(4, [64]);
  const data = pictures.index([target]).add(randn([64, 1, 10, 10]).mul(0.2));
  const model = new RowReader();
  const optimizer = new optim.Adadelta(model.parameters(), { lr: 1 });
  const scheduler = new optim.lrScheduler.StepLR(optimizer, 2, { gamma: 0.7 });
  const losses: number[] = [];
  const lrs: number[] = [];
  for (let epoch = 0; epoch < 6; epoch++) {
    model.train();
    for (let i = 0; i < 64; i += 16) {
      optimizer.zeroGrad();
      const loss = F.nllLoss(model.forward(data.slice(0, i, i + 16)), target.slice(0, i, i + 16));
      loss.backward();
      optimizer.step();
      losses.push(loss.item());
      lrs.push(...scheduler.getLastLr());
    }
    scheduler.step();
  }
  model.eval();
  const correct = model.forward(data).argmax(1).eq(target).sum().item();
  return { losses, lrs, finals: Object.fromEntries(model.namedParameters()), outputs: { correct } };
}
