import { cat, distributions, manualSeed, nn, optim, type Tensor, tensor } from 'nabla';
import type { Results } from './program.js';

const { functional: F } = nn;

/** A walk between two ends, of which one pays. */
class Corridor {
  position = 3;
  time = 0;

  reset(): number[] {
    this.position = 3;
    this.time = 0;
    return this.state();
  }

  state(): number[] {
    return Array.from({ length: 7 }, (_, i) => Number(i === this.position));
  }

  step(action: number): { state: number[]; reward: number; isOver: boolean } {
    this.position += action === 1 ? 1 : -1;
    this.time++;
    const isOver = this.position === 0 || this.position === 6 || this.time >= 12;
    return { state: this.state(), reward: this.position === 6 ? 1 : -0.05, isOver };
  }
}

class Policy extends nn.Module<[Tensor], Tensor> {
  affine1 = new nn.Linear(7, 16);
  dropout = new nn.Dropout(0.2);
  affine2 = new nn.Linear(16, 2);

  override forward(x: Tensor): Tensor {
    return F.softmax(this.affine2.forward(F.relu(this.dropout.forward(this.affine1.forward(x)))), 1);
  }
}

/** Returns from each step on, what is later counting less. */
function returnsOf(rewards: readonly number[]): number[] {
  const returns: number[] = [];
  let sum = 0;
  for (const reward of [...rewards].reverse()) {
    sum = reward + 0.99 * sum;
    returns.unshift(sum);
  }
  return returns;
}

/** A policy learns to walk to the end that pays, an update for each walk. */
export function run(): Results {
  manualSeed(543);
  const policy = new Policy();
  const game = new Corridor();
  const optimizer = new optim.Adam(policy.parameters(), { lr: 2e-2 });
  const losses: number[] = [];
  const earned: number[] = [];
  let actions = '';
  for (let episode = 0; episode < 20; episode++) {
    const logProbs: Tensor[] = [];
    const rewards: number[] = [];
    let [state, isOver, reward] = [game.reset(), false, 0];
    while (!isOver) {
      const choices = new distributions.Categorical(policy.forward(tensor([state])));
      const action = choices.sample();
      logProbs.push(choices.logProb(action));
      ({ state, reward, isOver } = game.step(action.item()));
      actions += action.item();
      rewards.push(reward);
    }
    const raw = tensor(returnsOf(rewards));
    const returns = raw.sub(raw.mean()).div(raw.std().add(2 ** -23));
    optimizer.zeroGrad();
    const loss = cat(logProbs.map((logProb, i) => logProb.neg().mul(returns.select(0, i)))).sum();
    loss.backward();
    optimizer.step();
    losses.push(loss.item());
    earned.push(rewards.reduce((a, b) => a + b, 0));
  }
  return { losses, finals: Object.fromEntries(policy.namedParameters()), outputs: { actions, rewards: earned } };
}
