import {
  empty,
  eye,
  manualSeed,
  mm,
  nn,
  noGrad,
  onesLike,
  optim,
  rand,
  randint,
  randn,
  type Tensor,
  where,
} from 'nabla';
import type { Results } from './program.js';

const { functional: F } = nn;

class NeighbourAttention extends nn.Module<[Tensor, Tensor], Tensor> {
  W: nn.Parameter;
  a: nn.Parameter;
  leakyRelu: nn.LeakyReLU;
  readonly hidden: number;

  constructor(
    inputs: number,
    readonly outputs: number,
    readonly heads: number,
    readonly isJoined = false,
    readonly dropout = 0.2,
    slope = 0.2,
  ) {
    super();
    this.hidden = isJoined ? Math.floor(outputs / heads) : outputs;
    this.W = new nn.Parameter(empty([inputs, this.hidden * heads]));
    this.a = new nn.Parameter(empty([heads, 2 * this.hidden, 1]));
    this.leakyRelu = new nn.LeakyReLU(slope);
    nn.init.xavierNormal_(this.W);
    nn.init.xavierNormal_(this.a);
  }

  override forward(h: Tensor, edges: Tensor): Tensor {
    const count = h.shape[0]!;
    const { training } = this;
    const projected = F.dropout(mm(h, this.W), this.dropout, { training });
    const heads = projected.view([count, this.heads, this.hidden]).permute([1, 0, 2]);
    const source = heads.matmul(this.a.slice(1, 0, this.hidden));
    const target = heads.matmul(this.a.slice(1, this.hidden));
    const scores = this.leakyRelu.forward(source.add(target.mT));
    const masked = where(edges.gt(0), scores, onesLike(scores).mul(-9e16));
    const attention = F.dropout(F.softmax(masked, -1), this.dropout, { training });
    const mixed = attention.matmul(heads);
    return this.isJoined ? mixed.permute([1, 0, 2]).contiguous().view([count, this.outputs]) : mixed.mean(0);
  }
}

class GAT extends nn.Module<[Tensor, Tensor], Tensor> {
  first: NeighbourAttention;
  second: NeighbourAttention;

  constructor(inputs: number, hidden: number, heads: number, classes: number) {
    super();
    this.first = new NeighbourAttention(inputs, hidden, heads, true);
    this.second = new NeighbourAttention(hidden, classes, 1);
  }

  override forward(x: Tensor, edges: Tensor): Tensor {
    return F.logSoftmax(this.second.forward(F.elu(this.first.forward(x, edges)), edges), 1);
  }
}

/** Attention over the neighbours in a graph; some nodes have labels. */
export function run(): Results {
  manualSeed(13);
  const n = 30;
  const labels = randint(3, [n]);
  const isSame = labels.unsqueeze(1).eq(labels.unsqueeze(0));
  const edges = rand([n, n])
    .lt(where(isSame, 0.3, 0.05))
    .float()
    .add(eye(n));
  const features = eye(3)
    .index([labels])
    .repeatInterleave(3, 1)
    .add(randn([n, 9]).mul(0.8));
  const isKnown = rand([n]).lt(0.6);
  const gat = new GAT(9, 8, 4, 3);
  const optimizer = new optim.Adam(gat.parameters(), { lr: 0.02, weightDecay: 5e-4 });
  const criterion = new nn.NLLLoss();
  const losses: number[] = [];
  for (let epoch = 0; epoch < 30; epoch++) {
    gat.train();
    optimizer.zeroGrad();
    const output = gat.forward(features, edges);
    const loss = criterion.forward(output.index([isKnown]), labels.index([isKnown]));
    loss.backward();
    optimizer.step();
    losses.push(loss.item());
  }
  gat.eval();
  const output = noGrad(() => gat.forward(features, edges));
  const accuracy = output.argmax(1).eq(labels).float().sum().div(n);
  const outputs = { accuracy, 'log probabilities': output.select(0, 0) };
  return { losses, finals: Object.fromEntries(gat.namedParameters()), outputs };
}
