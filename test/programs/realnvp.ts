import {
  cat,
  distributions,
  manualSeed,
  nn,
  noGrad,
  ones,
  optim,
  rand,
  randint,
  randn,
  stack,
  type Tensor,
  tensor,
  zeros,
} from 'nabla';
import type { Results } from './program.js';

type Net = nn.Sequential<[nn.Linear, nn.LeakyReLU, nn.Linear, nn.LeakyReLU, nn.Linear, ...nn.Tanh[]]>;

const net = (...out: nn.Tanh[]): Net =>
  new nn.Sequential(
    new nn.Linear(2, 16),
    new nn.LeakyReLU(),
    new nn.Linear(16, 16),
    new nn.LeakyReLU(),
    new nn.Linear(16, 2),
    ...out,
  );

class Flow extends nn.Module {
  declare mask: Tensor;
  s: nn.ModuleList<Net>;
  t: nn.ModuleList<Net>;

  constructor(
    masks: Tensor,
    readonly prior: distributions.Normal,
  ) {
    super();
    this.registerBuffer('mask', masks);
    const couplings = Array.from({ length: masks.size(0) });
    this.s = new nn.ModuleList(couplings.map(() => net(new nn.Tanh())));
    this.t = new nn.ModuleList(couplings.map(() => net()));
  }

  /** The coupling i: what it keeps, what it changes, scale and shift of that. */
  coupling(i: number, x: Tensor): { kept: Tensor; free: Tensor; s: Tensor; t: Tensor } {
    const mask = this.mask.select(0, i);
    const [kept, free] = [x.mul(mask), mask.rsub(1)];
    return { kept, free, s: this.s[i]!.forward(kept).mul(free), t: this.t[i]!.forward(kept).mul(free) };
  }

  /** Points from the prior's. */
  forward(z: Tensor): Tensor {
    let x = z;
    for (let i = 0; i < this.t.length; i++) {
      const { kept, free, s, t } = this.coupling(i, x);
      x = kept.add(free.mul(x.mul(s.exp()).add(t)));
    }
    return x;
  }

  normalise(x: Tensor): [z: Tensor, logDet: Tensor] {
    let [z, logDet] = [x, x.newZeros([x.size(0)])];
    for (let i = this.t.length - 1; i >= 0; i--) {
      const { kept, free, s, t } = this.coupling(i, z);
      z = free.mul(z.sub(t)).mul(s.neg().exp()).add(kept);
      logDet = logDet.sub(s.sum(1));
    }
    return [z, logDet];
  }

  logProb(x: Tensor): Tensor {
    const [z, logDet] = this.normalise(x);
    return this.prior.logProb(z).sum(1).add(logDet);
  }
}

function twoMoons(): Tensor {
  const angles = rand([100]).mul(Math.PI);
  const [a, b] = [angles.slice(0, 0, 50), angles.slice(0, 50)];
  const upper = stack([a.cos(), a.sin()], 1);
  const lower = stack([b.cos().rsub(1), b.sin().rsub(0.5)], 1);
  return cat([upper, lower]).add(randn([100, 2]).mul(0.05));
}

/** Affine couplings that take two moons to a normal distribution, and back. */
export function run(): Results {
  manualSeed(52);
  const moons = twoMoons();
  const halves = [
    [0, 1],
    [1, 0],
  ];
  const flow = new Flow(tensor([...halves, ...halves]), new distributions.Normal(zeros([2]), ones([2])));
  const optimizer = new optim.Adam(
    flow.parameters().filter((p) => p.requiresGrad),
    { lr: 1e-2 },
  );
  const losses: number[] = [];
  for (let step = 0; step < 30; step++) {
    const x = moons.index([randint(0, 100, [50])]);
    const loss = flow.logProb(x).mean().neg();
    optimizer.zeroGrad();
    loss.backward({ retainGraph: true });
    optimizer.step();
    losses.push(loss.item());
  }
  const [samples, error] = noGrad(() => [
    flow.forward(randn([8, 2])),
    flow.forward(flow.normalise(moons)[0]).sub(moons).abs().max().item(),
  ]);
  const finals = { 's.0.0.weight': flow.s[0]![0].weight, 't.3.4.weight': flow.t[3]![4].weight };
  return { losses, finals, outputs: { samples, invertible: error < 1e-4 } };
}
