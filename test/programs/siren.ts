import {
  cat,
  grad,
  linspace,
  manualSeed,
  meshgrid,
  nn,
  noGrad,
  onesLike,
  optim,
  rand,
  stack,
  type Tensor,
} from 'nabla';
import type { Results } from './program.js';

const OMEGA = 15;

class Sine extends nn.Module<[Tensor], Tensor> {
  linear: nn.Linear;

  constructor(inputs: number, outputs: number, isFirst = false) {
    super();
    this.linear = new nn.Linear(inputs, outputs);
    const bound = isFirst ? 1 / inputs : Math.sqrt(6 / inputs) / OMEGA;
    noGrad(() => this.linear.weight.uniform_(-bound, bound));
  }

  override forward(x: Tensor): Tensor {
    return this.linear.forward(x).mul(OMEGA).sin();
  }
}

class Siren extends nn.Module<[Tensor], [Tensor, Tensor]> {
  net: nn.Sequential<[Sine, Sine, nn.Linear]>;

  constructor(hidden = 24) {
    super();
    this.net = new nn.Sequential(new Sine(2, hidden, true), new Sine(hidden, hidden), new nn.Linear(hidden, 1));
    const bound = Math.sqrt(6 / hidden) / OMEGA;
    noGrad(() => this.net[2].weight.uniform_(-bound, bound));
  }

  override forward(points: Tensor): [Tensor, Tensor] {
    const at = points.clone().detach().requiresGrad_(true);
    return [this.net.forward(at), at];
  }
}

const slopeOf = (y: Tensor, x: Tensor): Tensor => grad(y, [x], { gradOutputs: onesLike(y), createGraph: true })[0]!;

/** Sines fit an image; then their gradient is fitted to the image's. */
export function run(): Results {
  manualSeed(71);
  const side = linspace(-1, 1, 12);
  const points = stack(meshgrid([side, side], { indexing: 'ij' }), -1).reshape([-1, 2]);
  const phases = rand([2]).mul(6);
  const u = points.slice(1, 0, 1).mul(3).add(phases.select(0, 0));
  const v = points.slice(1, 1, 2).mul(2).add(phases.select(0, 1));
  const image = u.sin().mul(v.cos());
  const slopes = cat([u.cos().mul(3).mul(v.cos()), u.sin().mul(-2).mul(v.sin())], -1);
  const siren = new Siren();
  const optimizer = new optim.Adam(siren.parameters(), { lr: 5e-3 });
  const losses: number[] = [];
  for (let step = 0; step < 30; step++) {
    const [output, at] = siren.forward(points);
    const loss = step < 15 ? output.sub(image).pow(2).mean() : slopeOf(output, at).sub(slopes).pow(2).sum(-1).mean();
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    losses.push(loss.item());
  }
  const [output, at] = siren.forward(points);
  const outputs = { values: output.index([':6', 0]).detach(), slope: slopeOf(output, at).select(0, 0).detach() };
  return { losses, finals: Object.fromEntries(siren.namedParameters()), outputs };
}
