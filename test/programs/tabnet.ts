import { arange, cat, manualSeed, nn, ones, optim, randn, stack, type Tensor } from 'nabla';
import type { Results } from './program.js';

const { functional: F } = nn;

/** Like a softmax, with zeros. */
function sparsemax(z: Tensor): Tensor {
  const sorted = z.sort(-1, true).values;
  const k = arange(1, z.size(-1) + 1, { dtype: z.dtype });
  const sums = sorted.cumsum(-1);
  const size = sorted.mul(k).add(1).gt(sums).sum(-1, true);
  const threshold = sums.gather(-1, size.sub(1)).sub(1).div(size.to(z.dtype));
  return z.sub(threshold).clamp({ min: 0 });
}

/** Batch normalisation of a few rows at a time. */
class GhostNorm extends nn.Module<[Tensor], Tensor> {
  bn: nn.BatchNorm1d;

  constructor(
    width: number,
    readonly rows = 16,
  ) {
    super();
    this.bn = new nn.BatchNorm1d(width, { momentum: 0.02 });
  }

  override forward(x: Tensor): Tensor {
    const chunks = x.chunk(Math.ceil(x.size(0) / this.rows), 0);
    return cat(chunks.map((chunk) => this.bn.forward(chunk)));
  }
}

class Gated extends nn.Module<[Tensor], Tensor> {
  fc: nn.Linear<false>;
  bn: GhostNorm;

  constructor(inputs: number, outputs: number) {
    super();
    this.fc = new nn.Linear(inputs, 2 * outputs, { bias: false });
    this.bn = new GhostNorm(2 * outputs);
    nn.init.xavierNormal_(this.fc.weight, { gain: Math.sqrt((inputs + 2 * outputs) / Math.sqrt(inputs)) });
  }

  override forward(x: Tensor): Tensor {
    return F.glu(this.bn.forward(this.fc.forward(x)), -1);
  }
}

class TabNet extends nn.Module<[Tensor], { scores: Tensor; entropy: Tensor; masks: Tensor }> {
  initialBn: nn.BatchNorm1d;
  shared: Gated;
  steps: nn.ModuleList<Gated>;
  att: nn.ModuleList<nn.Sequential<[nn.Linear<false>, GhostNorm]>>;
  final: nn.Linear<false>;

  constructor(
    inputs: number,
    outputs: number,
    readonly width = 6,
    steps = 2,
    readonly gamma = 1.3,
  ) {
    super();
    this.initialBn = new nn.BatchNorm1d(inputs, { momentum: 0.01 });
    this.shared = new Gated(inputs, 2 * width);
    this.steps = new nn.ModuleList(Array.from({ length: steps + 1 }, () => new Gated(2 * width, 2 * width)));
    this.att = new nn.ModuleList(
      Array.from(
        { length: steps },
        () => new nn.Sequential(new nn.Linear(width, inputs, { bias: false }), new GhostNorm(inputs)),
      ),
    );
    this.final = new nn.Linear(width, outputs, { bias: false });
  }

  /** What is for the answer, and what is for the next mask. */
  features(x: Tensor, step: number): [Tensor, Tensor] {
    const h = this.shared.forward(x);
    const both = h.add(this.steps[step]!.forward(h)).mul(Math.sqrt(0.5));
    return [both.slice(1, 0, this.width), both.slice(1, this.width)];
  }

  override forward(input: Tensor): { scores: Tensor; entropy: Tensor; masks: Tensor } {
    const x = this.initialBn.forward(input);
    let [prior, a] = [ones(x.shape), this.features(x, 0)[1]];
    const [outs, entropies, masks]: [Tensor[], Tensor[], Tensor[]] = [[], [], []];
    for (const [i, attention] of [...this.att].entries()) {
      const mask = sparsemax(attention.forward(a).mul(prior));
      entropies.push(mask.mul(mask.add(1e-15).log()).sum(1).mean());
      prior = mask.rsub(this.gamma).mul(prior);
      const [h, next] = this.features(mask.mul(x), i + 1);
      outs.push(F.relu(h));
      a = next;
      masks.push(mask);
    }
    const sum = (all: Tensor[]) => all.reduce((total, one) => total.add(one));
    return { scores: this.final.forward(sum(outs)), entropy: sum(entropies).div(masks.length), masks: stack(masks) };
  }
}

/** Features chosen step by step, by masks that are mostly zeros. */
export function run(): Results {
  manualSeed(64);
  const x = randn([96, 8]);
  const column = (i: number) => x.select(1, i);
  const y = column(0).mul(column(3)).gt(0).int().add(column(5).gt(0).int());
  const model = new TabNet(8, 3);
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-2 });
  const losses: number[] = [];
  for (let step = 0; step < 30; step++) {
    const i = (step % 3) * 32;
    const { scores, entropy } = model.forward(x.slice(0, i, i + 32));
    const loss = F.crossEntropy(scores, y.slice(0, i, i + 32)).sub(entropy.mul(1e-3));
    for (const p of model.parameters()) p.grad = null;
    loss.backward();
    nn.utils.clipGradNorm_(model.parameters(), 0.5);
    optimizer.step();
    losses.push(loss.item());
  }
  model.eval();
  const { scores, masks } = model.forward(x);
  const finals = {
    'shared.fc.weight': model.shared.fc.weight,
    'final.weight': model.final.weight,
    'att.0.0.weight': model.att[0]![0].weight,
  };
  const outputs = { importance: masks.sum([0, 1]).detach(), correct: scores.argmax(1).eq(y).sum().item() };
  return { losses, finals, outputs };
}
