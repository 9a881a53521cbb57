import { linspace, manualSeed, nn, noGrad, optim, rand, type Tensor } from 'nabla';
import type { Results } from './program.js';

const F = nn.functional;

class Upscaler extends nn.Module<[Tensor], Tensor> {
  conv1 = new nn.Conv2d(1, 16, [5, 5], [1, 1], [2, 2]);
  conv2 = new nn.Conv2d(16, 16, [3, 3], [1, 1], [1, 1]);
  conv3 = new nn.Conv2d(16, 8, [3, 3], [1, 1], [1, 1]);
  conv4 = new nn.Conv2d(8, 4, [3, 3], [1, 1], [1, 1]);
  shuffle = new nn.PixelShuffle(2);

  constructor() {
    super();
    for (const conv of this.inner()) nn.init.orthogonal_(conv.weight, nn.init.calculateGain('relu'));
    nn.init.orthogonal_(this.conv4.weight);
  }

  inner(): nn.Conv2d[] {
    return [this.conv1, this.conv2, this.conv3];
  }

  override forward(x: Tensor): Tensor {
    const features = this.inner().reduce((y, conv) => F.relu(conv.forward(y)), x);
    return this.shuffle.forward(this.conv4.forward(features));
  }
}

/** Four convolutions with orthogonal weights, and channels that become pixels, double an image; beside bicubic resampling. */
export function run(): Results {
  manualSeed(123);
  const grid = linspace(0, 1, 16);
  const [phase, frequency] = [rand([12, 1, 1]).mul(6), rand([12, 1, 1]).mul(3).add(1)];
  const diagonal = grid.reshape([1, 16, 1]).add(grid.reshape([1, 1, 16]));
  const waves = frequency.mul(Math.PI).mul(diagonal).add(phase).sin();
  const target = waves.mul(0.5).add(0.5).unsqueeze(1);
  const small = F.avgPool2d(target, 2);
  const model = new Upscaler();
  const criterion = new nn.MSELoss();
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.005 });
  const losses: number[] = [];
  for (let epoch = 0; epoch < 8; epoch++) {
    for (let i = 0; i < 12; i += 4) {
      optimizer.zeroGrad();
      const loss = criterion.forward(model.forward(small.slice(0, i, i + 4)), target.slice(0, i, i + 4));
      loss.backward();
      optimizer.step();
      losses.push(loss.item());
    }
  }
  const quality = (image: Tensor) => 10 * Math.log10(1 / criterion.forward(image, target).item());
  const psnr = noGrad(() => quality(model.forward(small)));
  const bicubic = quality(F.interpolate(small, { scaleFactor: 2, mode: 'bicubic', alignCorners: false }));
  const weights = model.namedParameters().filter(([name]) => name.includes('weight'));
  return { losses, finals: Object.fromEntries(weights), outputs: { psnr, bicubic } };
}
