import { manualSeed, nn, noGrad, optim, rand, randint, randn, type Tensor } from 'nabla';
import type { Results } from './program.js';

const { functional: F } = nn;

class DigitNet extends nn.Module<[Tensor], Tensor> {
  first = new nn.Conv2d(1, 4, 3, 1);
  second = new nn.Conv2d(4, 8, 3, 1);
  lightDrop = new nn.Dropout(0.25);
  heavyDrop = new nn.Dropout(0.5);
  hidden = new nn.Linear(8 * 4 * 4, 32);
  scores = new nn.Linear(32, 10);

  override forward(x: Tensor): Tensor {
    const maps = F.relu(this.second.forward(F.relu(this.first.forward(x))));
    const flat = this.lightDrop.forward(F.maxPool2d(maps, 2)).flatten(1);
    const features = this.heavyDrop.forward(F.relu(this.hidden.forward(flat)));
    return F.logSoftmax(this.scores.forward(features), 1);
  }
}

/** Two convolutions, pooling and dropout; Adadelta with a rate that falls with every epoch. */
export function run(): Results {
  manualSeed(1);
  const pictures = rand([10, 1, 12, 12]).round();
  const target = randint(10, [144]);
  const data = pictures
    .index([target])
    .add(randn([144, 1, 12, 12]).mul(0.2))
    .sub(0.5)
    .div(0.3);
  const model = new DigitNet();
  const optimizer = new optim.Adadelta(model.parameters(), { lr: 1 });
  const scheduler = new optim.lrScheduler.StepLR(optimizer, 1, 0.7);
  const losses: number[] = [];
  const lrs: number[] = [];
  const tests: number[][] = [];
  for (let epoch = 0; epoch < 5; epoch++) {
    model.train();
    for (let i = 0; i < 128; i += 16) {
      optimizer.zeroGrad();
      const loss = F.nllLoss(model.forward(data.slice(0, i, i + 16)), target.slice(0, i, i + 16));
      loss.backward();
      optimizer.step();
      losses.push(loss.item());
      lrs.push(...scheduler.getLastLr());
    }
    model.eval();
    noGrad(() => {
      const [output, labels] = [model.forward(data.slice(0, 128)), target.slice(0, 128)];
      const loss = F.nllLoss(output, labels, { reduction: 'sum' }).item() / 16;
      tests.push([loss, output.argmax(1).eq(labels).sum().item()]);
    });
    scheduler.step();
  }
  const weights = Object.entries(model.stateDict()).filter(([name]) => name.includes('weight'));
  return { losses, lrs, finals: Object.fromEntries(weights), outputs: { tests } };
}
