/**
 * A normalising flow (RealNVP) learns the density of two moons, and draws from it: `npx tsx examples/gallery/realnvp.ts`.
 *
 * Each coupling keeps one coordinate, and scales and shifts the other by what networks make of the first. So it can be undone, and the logarithm of its
 * determinant is the sum of the scales: the likelihood of a point is exact.
 *
 * @see https://arxiv.org/abs/1605.08803
 */
import {
  capture,
  cat,
  distributions,
  histogram,
  manualSeed,
  nn,
  noGrad,
  ones,
  optim,
  rand,
  randn,
  stack,
  type Tensor,
  tensor,
  zeros,
} from 'nabla';
import { isMain } from '../lib/main.js';
import { shades } from '../lib/shades.js';

const network = () =>
  new nn.Sequential(
    new nn.Linear(2, 64),
    new nn.LeakyReLU(),
    new nn.Linear(64, 64),
    new nn.LeakyReLU(),
    new nn.Linear(64, 2),
  );

class Coupling extends nn.Module<[Tensor], { z: Tensor; logDet: Tensor }> {
  declare mask: Tensor;
  scale = network();
  shift = network();

  /** The mask is 1 where a coordinate is kept. */
  constructor(mask: Tensor) {
    super();
    this.registerBuffer('mask', mask);
  }

  #terms(kept: Tensor): { s: Tensor; t: Tensor } {
    const free = this.mask.rsub(1);
    return { s: this.scale.forward(kept).tanh().mul(free), t: this.shift.forward(kept).mul(free) };
  }

  override forward(x: Tensor): { z: Tensor; logDet: Tensor } {
    const { s, t } = this.#terms(x.mul(this.mask));
    return { z: x.mul(s.exp()).add(t), logDet: s.sum(1) };
  }

  inverse(z: Tensor): Tensor {
    const { s, t } = this.#terms(z.mul(this.mask));
    return z.sub(t).mul(s.neg().exp());
  }
}

class Flow extends nn.Module<[Tensor], Tensor> {
  couplings: nn.ModuleList<Coupling>;

  constructor(depth: number) {
    super();
    const masks = [tensor([0, 1]), tensor([1, 0])];
    this.couplings = new nn.ModuleList(Array.from({ length: depth }, (_, i) => new Coupling(masks[i % 2]!.clone())));
  }

  /** The log-likelihood of each point. */
  override forward(x: Tensor): Tensor {
    const normal = new distributions.Normal(zeros([2]), ones([2]));
    let [z, sum] = [x, zeros([x.shape[0]!])];
    for (const coupling of this.couplings) {
      const next = coupling.forward(z);
      z = next.z;
      sum = sum.add(next.logDet);
    }
    return normal.logProb(z).sum(1).add(sum);
  }

  sample(count: number): Tensor {
    return [...this.couplings].reduceRight((z, coupling) => coupling.inverse(z), randn([count, 2]));
  }
}

/** Points on two half circles that reach into each other. */
export function moons(count: number): Tensor {
  const angles = rand([count]).mul(Math.PI);
  const [cos, sin] = [angles.cos(), angles.sin()];
  const upper = stack([cos, sin], 1);
  const lower = stack([cos.rsub(1), sin.rsub(0.5)], 1);
  return cat([upper, lower]).add(randn([2 * count, 2]).mul(0.05));
}

/** Trains for so many steps; gives the mean negative log-likelihood of new points before and after, and the flow. */
export function run(steps: number, log: (line: string) => void): { before: number; after: number; flow: Flow } {
  manualSeed(0);
  const flow = new Flow(6);
  const optimizer = new optim.Adam(flow.parameters(), { lr: 2e-3 });
  const step = capture((x: Tensor) => {
    const loss = flow.forward(x).mean().neg();
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  const held = moons(500);
  const quality = () => noGrad(() => flow.forward(held).mean().neg().item());
  const before = quality();
  for (let i = 1; i <= steps; i++) {
    const loss = step(moons(128)).item();
    if (i % 200 === 0) log(`step ${i}: loss ${loss.toFixed(3)}`);
  }
  const after = quality();
  log(`negative log-likelihood of new points: ${before.toFixed(3)} before, ${after.toFixed(3)} after`);
  log(shades(picture(noGrad(() => flow.sample(4000))), 0, 20));
  return { before, after, flow };
}

/** How many points there are in each cell of a grid. */
function picture(points: Tensor): Tensor {
  const [columns, rows] = [36, 20];
  const column = points
    .select(1, 0)
    .add(1.5)
    .mul(columns / 4)
    .floor()
    .clamp(0, columns - 1);
  const row = points
    .select(1, 1)
    .rsub(1.5)
    .mul(rows / 2.5)
    .floor()
    .clamp(0, rows - 1);
  const cells = row.mul(columns).add(column);
  return histogram(cells, rows * columns, { range: [0, rows * columns] }).hist.view([rows, columns]);
}

if (isMain(import.meta.url)) run(1000, console.log);
