/**
 * Learns to balance a pole by REINFORCE: `npx tsx examples/cartpole.ts`. It stops when 100 episodes in a row lasted 475 steps in the mean, which is
 * what counts as solved.
 *
 * After a few episodes, actions become likelier the more was earned after them than usual.
 *
 * @see https://doi.org/10.1007/BF00992696
 */
import { capture, Generator, manualSeed, nn, noGrad, optim, rand, type Tensor, tensor } from 'nabla';
import { CartPole, type State } from './lib/cart-pole.js';
import { isMain } from './lib/main.js';

const SOLVED = 475;
const EPISODES_PER_UPDATE = 4;
const DISCOUNT = 0.99;

interface Episode {
  readonly states: State[];
  readonly actions: number[];
}

/** What was earned from each step on, what is far off counting less. */
function returnsOf({ actions }: Episode): number[] {
  const returns = new Array<number>(actions.length);
  for (let i = actions.length - 1, sum = 0; i >= 0; i--) returns[i] = sum = 1 + DISCOUNT * sum;
  return returns;
}

/** Trains until it is solved, or for so many episodes. Gives the length of each. */
export function solve(seed: number, most: number, log: (line: string) => void): number[] {
  manualSeed(seed);
  const policy = new nn.Sequential(new nn.Linear(4, 64), new nn.Tanh(), new nn.Linear(64, 2));
  const optimizer = new optim.Adam(policy.parameters(), { lr: 0.01 });
  const right = capture((state: Tensor) => noGrad(() => policy.forward(state).softmax(0).select(0, 1)));

  const generator = new Generator(seed);
  const draws = { values: new Float32Array(0) as ArrayLike<number>, next: 0 };
  const random = (): number => {
    if (draws.next === draws.values.length)
      Object.assign(draws, { values: rand([4096], { generator }).toTypedArray(), next: 0 });
    return draws.values[draws.next++]!;
  };

  const game = new CartPole();
  const play = (): Episode => {
    const episode: Episode = { states: [], actions: [] };
    let [state, isOver] = [game.reset(random), false];
    while (!isOver) {
      const action = random() < right(tensor(state)).item() ? 1 : 0;
      episode.states.push(state);
      episode.actions.push(action);
      ({ state, isOver } = game.step(action));
    }
    return episode;
  };

  const lengths: number[] = [];
  const mean = () => lengths.slice(-100).reduce((sum, length) => sum + length, 0) / Math.min(100, lengths.length);
  while (lengths.length < most && !(lengths.length >= 100 && mean() >= SOLVED)) {
    const episodes = Array.from({ length: EPISODES_PER_UPDATE }, play);
    lengths.push(...episodes.map(({ actions }) => actions.length));
    const actions = tensor(Int32Array.from(episodes.flatMap((one) => one.actions)));
    const returns = tensor(episodes.flatMap(returnsOf));
    const advantages = returns.sub(returns.mean()).div(returns.std().add(1e-8));
    const losses = nn.functional.crossEntropy(policy.forward(tensor(episodes.flatMap((one) => one.states))), actions, {
      reduction: 'none',
    });
    optimizer.zeroGrad();
    losses.mul(advantages).mean().backward();
    optimizer.step();
    if (lengths.length % 40 === 0)
      log(`episode ${lengths.length}: ${mean().toFixed(1)} steps in the mean of the last 100`);
  }
  log(`${mean() >= SOLVED ? 'solved' : 'not solved'} after ${lengths.length} episodes`);
  return lengths;
}

if (isMain(import.meta.url)) solve(Number(process.argv[2] ?? 0), 4000, console.log);
