import { cat, manualSeed, nn, noGrad, optim, rand, randint, randperm, type Tensor, tensor, zeros } from 'nabla';
import type { Results } from './program.js';

const { functional: F } = nn;

class ValueNet extends nn.Module<[Tensor], Tensor> {
  layer1: nn.Linear;
  layer2: nn.Linear;
  layer3: nn.Linear;

  constructor(observations: number, actions: number) {
    super();
    this.layer1 = new nn.Linear(observations, 24);
    this.layer2 = new nn.Linear(24, 24);
    this.layer3 = new nn.Linear(24, actions);
  }

  override forward(x: Tensor): Tensor {
    return this.layer3.forward(F.relu(this.layer2.forward(F.relu(this.layer1.forward(x)))));
  }
}

interface Move {
  readonly state: Tensor;
  readonly action: Tensor;
  /** Null at the goal. */
  readonly next: Tensor | null;
  readonly reward: Tensor;
}

/** A walk on a grid, to the corner opposite. */
class Grid {
  x = 0;
  y = 0;
  reached = 0;

  get state(): Tensor {
    return tensor([[this.x / 2, this.y / 2]]);
  }

  step(action: number): Pick<Move, 'next' | 'reward'> {
    const [dx, dy] = (
      [
        [1, 0],
        [-1, 0],
        [0, 1],
        [0, -1],
      ] as const
    )[action]!;
    this.x = Math.min(Math.max(this.x + dx, 0), 2);
    this.y = Math.min(Math.max(this.y + dy, 0), 2);
    const isOver = this.x === 2 && this.y === 2;
    const result = {
      next: isOver ? null : this.state,
      reward: tensor([isOver ? 1 : 0.1 * (this.x + this.y) - 0.2]),
    };
    if (isOver) [this.x, this.y, this.reached] = [0, 0, this.reached + 1];
    return result;
  }
}

/** How far values are from what rewards and the values of the next states say. */
function lossOf(moves: readonly Move[], policy: ValueNet, target: ValueNet): Tensor {
  const isOn = tensor(moves.map(({ next }) => next !== null));
  const nexts = cat(moves.flatMap(({ next }) => next ?? []));
  const taken = policy.forward(cat(moves.map(({ state }) => state))).gather(1, cat(moves.map(({ action }) => action)));
  const later = zeros([moves.length]);
  noGrad(() => later.indexPut_([isOn], target.forward(nexts).max(1).values));
  const expected = later.mul(0.9).add(cat(moves.map(({ reward }) => reward)));
  return new nn.SmoothL1Loss().forward(taken, expected.unsqueeze(1));
}

/** Deep Q-learning: a memory of moves, a network of targets that follows slowly, values clipped. */
export function run(): Results {
  manualSeed(57);
  const policy = new ValueNet(2, 4);
  const target = new ValueNet(2, 4);
  target.loadStateDict(policy.stateDict());
  const optimizer = new optim.AdamW(policy.parameters(), { lr: 1e-2, amsgrad: true });
  const grid = new Grid();
  const memory: Move[] = [];
  const losses: number[] = [];
  let steps = 0;
  while (losses.length < 30) {
    const { state } = grid;
    const epsilon = 0.1 + 0.8 * Math.exp(-steps++ / 20);
    const isGreedy = rand([1]).item() > epsilon;
    const action = isGreedy ? noGrad(() => policy.forward(state).max(1).indices.view([1, 1])) : randint(4, [1, 1]);
    memory.push({ state, action, ...grid.step(action.item()) });
    if (memory.length < 16) continue;
    const chosen = randperm(memory.length).slice(0, 0, 16).toTypedArray();
    const loss = lossOf(
      Array.from(chosen, (i) => memory[i]!),
      policy,
      target,
    );
    optimizer.zeroGrad();
    loss.backward();
    nn.utils.clipGradValue_(policy.parameters(), 100);
    optimizer.step();
    const [now, behind] = [policy.stateDict(), target.stateDict()];
    for (const name of Object.keys(now)) behind[name] = now[name]!.mul(0.05).add(behind[name]!.mul(0.95));
    target.loadStateDict(behind);
    losses.push(loss.item());
  }
  const finals = { 'policy.layer1.weight': policy.layer1.weight, 'target.layer3.weight': target.layer3.weight };
  const q = policy.forward(zeros([1, 2])).detach();
  return { losses, finals, outputs: { reached: grid.reached, steps, q } };
}
