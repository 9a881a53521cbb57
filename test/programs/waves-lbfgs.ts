import { arange, cat, manualSeed, nn, noGrad, optim, randint, type Tensor, zeros } from 'nabla';
import type { Results } from './program.js';

class WaveModel extends nn.Module<[Tensor, number?], Tensor> {
  lower = new nn.LSTMCell(1, 8);
  upper = new nn.LSTMCell(8, 8);
  readout = new nn.Linear(8, 1);

  override forward(input: Tensor, future = 0): Tensor {
    const zero = zeros([input.shape[0]!, 8], { dtype: 'float64' });
    const known = input.split(1, { dim: 1 });
    const outputs: Tensor[] = [];
    let [low, high]: [nn.LSTMStateLike, nn.LSTMStateLike] = [
      [zero, zero],
      [zero, zero],
    ];
    for (let t = 0; t < known.length + future; t++) {
      low = this.lower.forward(known[t] ?? outputs.at(-1)!, low);
      high = this.upper.forward(low[0], high);
      outputs.push(this.readout.forward(high[0]));
    }
    return cat(outputs, 1);
  }
}

/** Two cells over each other in double precision learn sine waves by L-BFGS; then they run free. */
export function run(): Results {
  manualSeed(0);
  const shift = randint(-16, 16, [8, 1]);
  const data = arange(20).unsqueeze(0).add(shift).double().div(3).sin();
  const [input, target] = [data.index(['2:', ':-1']), data.index(['2:', '1:'])];
  const model = new WaveModel();
  model.double();
  const criterion = new nn.MSELoss();
  const optimizer = new optim.LBFGS(model.parameters(), { lr: 0.8, maxIter: 4 });
  const losses: number[] = [];
  for (let i = 0; i < 6; i++) {
    optimizer.step(() => {
      optimizer.zeroGrad();
      const loss = criterion.forward(model.forward(input), target);
      losses.push(loss.item());
      loss.backward();
      return loss;
    });
  }
  const free = noGrad(() => model.forward(data.index([':2', ':-1']), 5));
  const test = criterion.forward(free.index([':', ':-5']), data.index([':2', '1:'])).item();
  const finals = Object.fromEntries(model.namedParameters());
  return { losses, finals, outputs: { 'test loss': test, future: free.index([0, '-5:']) } };
}
