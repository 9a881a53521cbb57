import { arange, bmm, eye, manualSeed, nn, normal, optim, rand, randn, stack, type Tensor, tensor } from 'nabla';
import type { Results } from './program.js';

const { functional: F } = nn;

/** Means of values, weighted by how near their keys are to a query, in a width that is learned. */
class KernelRegression extends nn.Module<[Tensor, Tensor, Tensor], Tensor> {
  w = new nn.Parameter(rand([1]));
  attention: Tensor | null = null;

  override forward(queries: Tensor, keys: Tensor, values: Tensor): Tensor {
    const count = keys.shape[1]!;
    const repeated = queries.repeatInterleave(count).reshape([-1, count]);
    const distances = repeated.sub(keys).mul(this.w).pow(2);
    const attention = F.softmax(distances.neg().div(2), 1);
    this.attention = attention.detach();
    return bmm(attention.unsqueeze(1), values.unsqueeze(-1)).reshape([-1]);
  }
}

class AdditiveAttention extends nn.Module<[Tensor, Tensor, Tensor, Tensor], Tensor> {
  W_k: nn.Linear<false>;
  W_q: nn.Linear<false>;
  w_v: nn.Linear<false>;

  constructor(query: number, key: number, hidden: number) {
    super();
    this.W_k = new nn.Linear(key, hidden, { bias: false });
    this.W_q = new nn.Linear(query, hidden, { bias: false });
    this.w_v = new nn.Linear(hidden, 1, { bias: false });
  }

  override forward(queries: Tensor, keys: Tensor, values: Tensor, lengths: Tensor): Tensor {
    const features = this.W_q.forward(queries).unsqueeze(2).add(this.W_k.forward(keys).unsqueeze(1)).tanh();
    const scores = this.w_v.forward(features).squeeze(-1);
    const [, rows, count] = scores.shape;
    const isThere = arange(count!).unsqueeze(0).lt(lengths.repeatInterleave(rows!).unsqueeze(1));
    const flat = scores.reshape([-1, count!]).clone();
    flat.indexPut_([isThere.logicalNot()], -1e6);
    return bmm(flat.reshape(scores.shape).softmax(-1), values);
  }
}

/** Kernel regression with a learned width, then additive attention over keys of different lengths. */
export function run(): Results {
  manualSeed(48);
  const n = 24;
  const { values: x } = rand([n]).mul(5).sort();
  const y = x
    .sin()
    .mul(2)
    .add(x.pow(0.8))
    .add(normal(0, 0.3, [n]));
  const others = eye(n).eq(0);
  const beside = (one: Tensor) => one.repeat([n, 1]).index([others]).reshape([n, -1]);
  const [keys, values] = [beside(x), beside(y)];
  const net = new KernelRegression();
  const criterion = new nn.MSELoss({ reduction: 'none' });
  const sgd = new optim.SGD(net.parameters(), { lr: 0.5 });
  const losses: number[] = [];
  for (let epoch = 0; epoch < 10; epoch++) {
    sgd.zeroGrad();
    const loss = criterion.forward(net.forward(x, keys, values), y).sum();
    loss.backward();
    sgd.step();
    losses.push(loss.item());
  }
  const [queries, ks, vs] = [randn([6, 2, 5]), randn([6, 7, 4]), randn([6, 7, 3])];
  const lengths = [2, 7, 4, 1, 5, 6];
  const wanted = stack(lengths.map((length, i) => vs.index([i, `:${length}`]).mean(0)));
  const attention = new AdditiveAttention(5, 4, 8);
  const adam = new optim.Adam(attention.parameters(), { lr: 0.05 });
  for (let epoch = 0; epoch < 14; epoch++) {
    adam.zeroGrad();
    const pooled = attention.forward(queries, ks, vs, tensor(lengths, { dtype: 'int32' })).mean(1);
    const loss = criterion.forward(pooled, wanted).mean();
    loss.backward();
    adam.step();
    losses.push(loss.item());
  }
  const finals = { w: net.w, 'W_k.weight': attention.W_k.weight, 'w_v.weight': attention.w_v.weight };
  return { losses, finals, outputs: { attention: net.attention!.index([3, ':6']) } };
}
