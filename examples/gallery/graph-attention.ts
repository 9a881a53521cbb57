/**
 * A graph attention network finds out who sided with whom in Zachary's karate club, from two members of whom it is told:
 * `npx tsx examples/gallery/graph-attention.ts`.
 *
 * A node takes a mean of its neighbours, weighted by how much they concern it; several heads do so side by side.
 *
 * @see https://arxiv.org/abs/1710.10903
 */
import { capture, empty, eye, manualSeed, nn, noGrad, optim, type Tensor, tensor, where, zeros } from 'nabla';
import { isMain } from '../lib/main.js';

/** The friends of each member that have a higher number. */
const FRIENDS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 17, 19, 21, 31],
  1: [2, 3, 7, 13, 17, 19, 21, 30],
  2: [3, 7, 8, 9, 13, 27, 28, 32],
  3: [7, 12, 13],
  4: [6, 10],
  5: [6, 10, 16],
  6: [16],
  8: [30, 32, 33],
  9: [33],
  13: [33],
  14: [32, 33],
  15: [32, 33],
  18: [32, 33],
  19: [33],
  20: [32, 33],
  22: [32, 33],
  23: [25, 27, 29, 32, 33],
  24: [25, 27, 31],
  25: [31],
  26: [29, 33],
  27: [33],
  28: [31, 33],
  29: [32, 33],
  30: [32, 33],
  31: [32, 33],
  32: [33],
};
const MEMBERS = 34;
/** Those who stayed with the instructor, member 0; the others went with the president, member 33. */
const STAYED = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 16, 17, 19, 21];

class AttentionOverNeighbours extends nn.Module<[Tensor, Tensor], Tensor> {
  weight: nn.Parameter;
  source: nn.Parameter;
  target: nn.Parameter;

  constructor(inputs: number, outputs: number, heads: number) {
    super();
    this.weight = new nn.Parameter(nn.init.xavierNormal_(empty([heads, inputs, outputs])));
    this.source = new nn.Parameter(nn.init.xavierNormal_(empty([heads, outputs, 1])));
    this.target = new nn.Parameter(nn.init.xavierNormal_(empty([heads, outputs, 1])));
  }

  /** Nodes [N, inputs], and which are neighbours, [N, N], to [heads, N, outputs]. */
  override forward(x: Tensor, isNeighbour: Tensor): Tensor {
    const h = x.matmul(this.weight);
    const scores = h.matmul(this.source).add(h.matmul(this.target).mT); // [heads, N, N]
    const masked = where(isNeighbour, nn.functional.leakyRelu(scores, 0.2), Number.NEGATIVE_INFINITY);
    return masked.softmax(-1).matmul(h);
  }
}

class GraphNet extends nn.Module<[Tensor, Tensor], Tensor> {
  first = new AttentionOverNeighbours(MEMBERS, 8, 4);
  second = new AttentionOverNeighbours(32, 2, 1);

  override forward(x: Tensor, isNeighbour: Tensor): Tensor {
    const heads = nn.functional.elu(this.first.forward(x, isNeighbour));
    const joined = heads.permute([1, 0, 2]).flatten(1); // [N, heads * outputs]
    return this.second.forward(joined, isNeighbour).mean(0);
  }
}

/** The share of members whose side is found. */
export function run(epochs: number, log: (line: string) => void): number {
  manualSeed(0);
  const isFriend = zeros([MEMBERS, MEMBERS]);
  for (const [member, friends] of Object.entries(FRIENDS)) isFriend.indexPut_([Number(member), [...friends]], 1);
  // Whoever it is, one's own features count too.
  const isNeighbour = isFriend.add(isFriend.t()).add(eye(MEMBERS)).gt(0);
  const sides = tensor(
    Array.from({ length: MEMBERS }, (_, member) => Number(!STAYED.includes(member))),
    { dtype: 'int32' },
  );
  const told = tensor([0, 33], { dtype: 'int32' });
  const members = eye(MEMBERS); // nothing is known of a member but who it is

  const model = new GraphNet();
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.01, weightDecay: 5e-4 });
  const step = capture(() => {
    const scores = model.forward(members, isNeighbour);
    const loss = nn.functional.crossEntropy(scores.index([told]), sides.index([told]));
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const loss = step().item();
    if (epoch % 50 === 0) log(`epoch ${epoch}: loss ${loss.toFixed(4)}`);
  }
  const found = noGrad(() => model.forward(members, isNeighbour).argmax(1));
  const accuracy = found.eq(sides).float().mean().item();
  log(`the side of ${Math.round(accuracy * MEMBERS)} of ${MEMBERS} members is found`);
  return accuracy;
}

if (isMain(import.meta.url)) run(100, console.log);
