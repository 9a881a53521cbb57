import { arange, full, manualSeed, nn, noGrad, ones, optim, randint, randn, type Tensor } from 'nabla';
import type { Results } from './program.js';

const NOISE = 8;
const WIDTH = 8;

function start(m: nn.Module): void {
  if (m instanceof nn.Conv2d || m instanceof nn.ConvTranspose2d) nn.init.normal_(m.weight, 0, 0.02);
  if (m instanceof nn.BatchNorm2d) {
    nn.init.normal_(m.weight!, 1, 0.02);
    nn.init.zeros_(m.bias!);
  }
}

class Generator extends nn.Module<[Tensor], Tensor> {
  main = new nn.Sequential(
    new nn.ConvTranspose2d(NOISE, WIDTH * 2, 4, 1, 0, { bias: false }),
    new nn.BatchNorm2d(WIDTH * 2),
    new nn.ReLU(true),
    new nn.ConvTranspose2d(WIDTH * 2, WIDTH, 4, 2, 1, { bias: false }),
    new nn.BatchNorm2d(WIDTH),
    new nn.ReLU(true),
    new nn.ConvTranspose2d(WIDTH, 1, 4, 2, 1, { bias: false }),
    new nn.Tanh(),
  );

  override forward(noise: Tensor): Tensor {
    return this.main.forward(noise);
  }
}

class Discriminator extends nn.Module<[Tensor], Tensor> {
  main = new nn.Sequential(
    new nn.Conv2d(1, WIDTH, 4, 2, 1, { bias: false }),
    new nn.LeakyReLU(0.2, { inplace: true }),
    new nn.Conv2d(WIDTH, WIDTH * 2, 4, 2, 1, { bias: false }),
    new nn.BatchNorm2d(WIDTH * 2),
    new nn.LeakyReLU(0.2, { inplace: true }),
    new nn.Conv2d(WIDTH * 2, 1, 4, 1, 0, { bias: false }),
    new nn.Sigmoid(),
  );

  override forward(images: Tensor): Tensor {
    return this.main.forward(images).view([-1, 1]).squeeze(1);
  }
}

/** Images with a bright column. */
function columns(): Tensor {
  const at = randint(2, 14, [48]);
  const images = ones([48, 1, 16, 16]).neg();
  images.indexPut_([arange(48), 0, ':', at], 1);
  return images.add(randn([48, 1, 16, 16]).mul(0.1)).clamp_(-1, 1);
}

/** Transposed convolutions that make images, against convolutions that judge them. */
export function run(): Results {
  manualSeed(50);
  const real = columns();
  const forger = new Generator();
  forger.apply(start);
  const judge = new Discriminator();
  judge.apply(start);
  const fixedNoise = randn([2, NOISE, 1, 1]);
  const criterion = new nn.BCELoss();
  const judging = new optim.Adam(judge.parameters(), { lr: 0.002, betas: [0.5, 0.999] });
  const forging = new optim.Adam(forger.parameters(), { lr: 0.002, betas: [0.5, 0.999] });
  const losses: number[] = [];
  const scores: number[][] = [];
  for (let step = 0; step < 20; step++) {
    const i = (step % 3) * 16;
    judge.zeroGrad();
    const label = full([16], 1, { dtype: real.dtype });
    const onReal = judge.forward(real.slice(0, i, i + 16));
    const realLoss = criterion.forward(onReal, label);
    realLoss.backward();
    const fake = forger.forward(randn([16, NOISE, 1, 1]));
    label.fill_(0);
    const fakeLoss = criterion.forward(judge.forward(fake.detach()), label);
    fakeLoss.backward();
    judging.step();
    forger.zeroGrad();
    label.fill_(1);
    const onFake = judge.forward(fake);
    const forged = criterion.forward(onFake, label);
    forged.backward();
    forging.step();
    losses.push(realLoss.add(fakeLoss).item(), forged.item());
    scores.push([onReal.mean().item(), onFake.mean().item()]);
  }
  const row = noGrad(() => forger.forward(fixedNoise).index([0, 0, 8]));
  const finals = {
    'G.0': forger.main[0].weight,
    'G.6': forger.main[6].weight,
    'D.0': judge.main[0].weight,
    'D.running_var': judge.main[3].runningVar!,
  };
  return { losses, finals, outputs: { scores, row } };
}
