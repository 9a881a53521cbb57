import { arange, full, manualSeed, nn, noGrad, optim, randn, randperm, type Tensor, tensor } from 'nabla';
import { DataLoader, type Dataset } from 'nabla/data';
import type { Results } from './program.js';

class Ratings implements Dataset<[Tensor, Tensor, Tensor]> {
  constructor(
    readonly users: Tensor,
    readonly items: Tensor,
    readonly ratings: Tensor,
  ) {}

  get length(): number {
    return this.ratings.size(0);
  }

  get(i: number): [Tensor, Tensor, Tensor] {
    return [this.users.select(0, i), this.items.select(0, i), this.ratings.select(0, i)];
  }
}

class Factors extends nn.Module<[Tensor, Tensor], Tensor> {
  P: nn.Embedding;
  Q: nn.Embedding;
  userBias: nn.Embedding;
  itemBias: nn.Embedding;
  mu = new nn.Parameter(tensor(3));

  constructor(factors: number, users: number, items: number) {
    super();
    this.P = new nn.Embedding(users, factors);
    this.Q = new nn.Embedding(items, factors);
    this.userBias = new nn.Embedding(users, 1);
    this.itemBias = new nn.Embedding(items, 1);
    for (const table of [this.P, this.Q, this.userBias, this.itemBias]) nn.init.normal_(table.weight, 0, 0.1);
  }

  override forward(user: Tensor, item: Tensor): Tensor {
    const match = this.P.forward(user).mul(this.Q.forward(item)).sum(1);
    const biases = this.userBias.forward(user).squeeze(-1).add(this.itemBias.forward(item).squeeze(-1));
    return match.add(biases).add(this.mu);
  }
}

/** Ratings as products of factors, with biases; a rate that falls where the error does not. */
export function run(): Results {
  manualSeed(61);
  const all = randn([12, 2])
    .matmul(randn([2, 15]))
    .add(3)
    .clamp(1, 5);
  const seen = randperm(180).slice(0, 0, 108);
  const users = seen.div(15, { roundingMode: 'floor' });
  const items = seen.remainder(15);
  const ratings = all.index([users, items]).add(randn([108]).mul(0.1));
  const part = (from: number, to: number) => [users, items, ratings].map((x) => x.slice(0, from, to));
  const [u1, i1, r1] = part(0, 84) as [Tensor, Tensor, Tensor];
  const [u2, i2, r2] = part(84, 108) as [Tensor, Tensor, Tensor];
  const model = new Factors(3, 12, 15);
  const optimizer = new optim.Adagrad(model.parameters(), { lr: 0.3 });
  const scheduler = new optim.lrScheduler.ReduceLROnPlateau(optimizer, { mode: 'min', factor: 0.5, patience: 0 });
  const criterion = new nn.MSELoss();
  const [losses, lrs, rmse]: [number[], number[], number[]] = [[], [], []];
  const loader = new DataLoader(new Ratings(u1, i1, r1), { batchSize: 28, shuffle: true });
  for (let epoch = 0; epoch < 12; epoch++) {
    for (const [u, i, r] of loader) {
      const sizes = model.P.forward(u).pow(2).sum().add(model.Q.forward(i).pow(2).sum());
      const loss = criterion.forward(model.forward(u, i), r).add(sizes.mul(1e-3).div(u.size(0)));
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      losses.push(loss.item());
      lrs.push(Number(optimizer.paramGroups[0]!.lr));
    }
    const error = noGrad(() => criterion.forward(model.forward(u2, i2), r2).sqrt().item());
    rmse.push(error);
    scheduler.step(error);
  }
  const scores = model.forward(full([15], 3, { dtype: 'int32' }), arange(15));
  const finals = Object.fromEntries(model.namedParameters());
  return { losses, lrs, finals, outputs: { rmse, top: scores.topk(3).indices } };
}
