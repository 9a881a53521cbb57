/**
 * A generator of images against a judge of them (DCGAN): `npx tsx examples/gallery/dcgan.ts`. The images show a disc somewhere.
 *
 * Both are updated in one captured step. `detach` keeps the judge's gradient from the generator.
 *
 * @see https://arxiv.org/abs/1511.06434
 */
import { capture, linspace, manualSeed, nn, noGrad, ones, optim, rand, randn, type Tensor, zeros } from 'nabla';
import { isMain } from '../lib/main.js';
import { shades } from '../lib/shades.js';

const SIZE = 16;
const NOISE = 16;
const BATCH = 32;

/** Discs at random places, from -1 (outside) to 1. */
function discs(count: number): Tensor {
  const line = linspace(-1, 1, SIZE);
  const place = () => rand([count, 1, 1, 1]).sub(0.5);
  const [x, y] = [line.view([1, 1, 1, SIZE]).sub(place()), line.view([1, 1, SIZE, 1]).sub(place())];
  return x.square().add(y.square()).sqrt().sub(0.4).mul(-8).tanh();
}

const generator = () =>
  new nn.Sequential(
    new nn.ConvTranspose2d(NOISE, 32, 4, 1, 0, { bias: false }), // [N, 32, 4, 4]
    new nn.BatchNorm2d(32),
    new nn.ReLU(),
    new nn.ConvTranspose2d(32, 16, 4, 2, 1, { bias: false }), // [N, 16, 8, 8]
    new nn.BatchNorm2d(16),
    new nn.ReLU(),
    new nn.ConvTranspose2d(16, 1, 4, 2, 1, { bias: false }), // [N, 1, 16, 16]
    new nn.Tanh(),
  );

const judge = () =>
  new nn.Sequential(
    new nn.Conv2d(1, 16, 4, 2, 1, { bias: false }), // [N, 16, 8, 8]
    new nn.LeakyReLU(0.2),
    new nn.Conv2d(16, 32, 4, 2, 1, { bias: false }), // [N, 32, 4, 4]
    new nn.BatchNorm2d(32),
    new nn.LeakyReLU(0.2),
    new nn.Conv2d(32, 1, 4, 1, 0, { bias: false }), // [N, 1, 1, 1]
    new nn.Flatten(0),
  );

/** Weights as in the paper. */
function start(module: nn.Module): void {
  if (module instanceof nn.Conv2d || module instanceof nn.ConvTranspose2d) nn.init.normal_(module.weight, 0, 0.02);
  if (module instanceof nn.BatchNorm2d) nn.init.normal_(module.weight!, 1, 0.02);
}

/** Trains for so many steps; gives both losses of each, and images that are made then. */
export function run(steps: number, log: (line: string) => void): { losses: [number, number][]; images: Tensor } {
  manualSeed(0);
  const [forging, judging] = [generator(), judge()];
  forging.apply(start);
  judging.apply(start);
  const options = { lr: 1e-3, betas: [0.5, 0.999] as [number, number] };
  const [forgingAdam, judgingAdam] = [
    new optim.Adam(forging.parameters(), options),
    new optim.Adam(judging.parameters(), options),
  ];
  const lossOf = nn.functional.binaryCrossEntropyWithLogits;
  const [isReal, isFake] = [ones([BATCH]), zeros([BATCH])];

  const step = capture((real: Tensor, noise: Tensor) => {
    const fake = forging.forward(noise);
    const onReal = lossOf(judging.forward(real), isReal);
    const judged = onReal.add(lossOf(judging.forward(fake.detach()), isFake));
    judgingAdam.zeroGrad();
    judged.backward();
    judgingAdam.step();

    const forged = lossOf(judging.forward(fake), isReal);
    forgingAdam.zeroGrad();
    forged.backward();
    forgingAdam.step();
    return { judged, forged };
  });

  const losses: [number, number][] = [];
  for (let i = 1; i <= steps; i++) {
    const { judged, forged } = step(discs(BATCH), randn([BATCH, NOISE, 1, 1]));
    losses.push([judged.item(), forged.item()]);
    if (i % 100 === 0) log(`step ${i}: judge ${judged.item().toFixed(3)}, generator ${forged.item().toFixed(3)}`);
  }
  forging.eval();
  const images = noGrad(() => forging.forward(randn([2, NOISE, 1, 1])).select(1, 0));
  for (const image of images.unbind()) log(`${shades(image, -1, 1)}\n`);
  return { losses, images };
}

if (isMain(import.meta.url)) run(600, console.log);
