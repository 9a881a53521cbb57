/**
 * A network of sines is an image (SIREN): `npx tsx examples/gallery/siren.ts`. It is given places and values of an image of 24 × 24 pixels, and then
 * asked for twice as many.
 *
 * Because the network is smooth, its slope at a place is a picture too; `grad` gives it.
 *
 * @see https://arxiv.org/abs/2006.09661
 */
import { capture, grad, linspace, manualSeed, meshgrid, nn, noGrad, optim, stack, type Tensor } from 'nabla';
import { isMain } from '../lib/main.js';
import { shades } from '../lib/shades.js';

const OMEGA = 20;

class Sine extends nn.Module<[Tensor], Tensor> {
  linear: nn.Linear;

  /** Weights as in the paper: then what comes out of each layer is spread alike. */
  constructor(inputs: number, outputs: number, isFirst = false) {
    super();
    this.linear = new nn.Linear(inputs, outputs);
    const bound = isFirst ? 1 / inputs : Math.sqrt(6 / inputs) / OMEGA;
    nn.init.uniform_(this.linear.weight, -bound, bound);
  }

  override forward(x: Tensor): Tensor {
    return this.linear.forward(x).mul(OMEGA).sin();
  }
}

/** The places of a square image, rows from top to bottom: [side², 2]. */
function places(side: number): Tensor {
  const line = linspace(-1, 1, side);
  return stack(meshgrid([line, line], { indexing: 'ij' }), -1).view([-1, 2]);
}

/** A ring around a disc, from 0 to 1. */
function image(at: Tensor): Tensor {
  const radius = at.square().sum(1, true).sqrt();
  const soft = (x: Tensor) => x.mul(20).sigmoid();
  return soft(radius.rsub(0.3)).add(soft(radius.sub(0.55).abs().rsub(0.12)));
}

/** Trains for so many steps; gives the losses, and the mean error at places between those of the training. */
export function run(steps: number, log: (line: string) => void): { losses: number[]; error: number } {
  manualSeed(0);
  const model = new nn.Sequential(new Sine(2, 48, true), new Sine(48, 48), new nn.Linear(48, 1));
  const optimizer = new optim.Adam(model.parameters(), { lr: 2e-3 });
  const at = places(24);
  const pixels = image(at);
  const step = capture(() => {
    const loss = nn.functional.mseLoss(model.forward(at), pixels);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  const losses: number[] = [];
  for (let i = 1; i <= steps; i++) {
    losses.push(step().item());
    if (i % 100 === 0) log(`step ${i}: loss ${losses.at(-1)!.toFixed(6)}`);
  }

  const finer = places(48);
  const error = noGrad(() => model.forward(finer).sub(image(finer)).abs().mean().item());
  log(`mean error at four times as many places: ${error.toFixed(4)}`);
  log(shades(noGrad(() => model.forward(places(32)).view([32, 32]))));

  const points = places(32).requiresGrad_();
  const [slope] = grad(model.forward(points).sum(), [points]);
  log('and its slope, to the right:');
  log(shades(slope!.select(1, 1).view([32, 32]), -5, 5));
  return { losses, error };
}

if (isMain(import.meta.url)) run(300, console.log);
