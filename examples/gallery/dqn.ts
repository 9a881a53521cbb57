/**
 * Deep Q-learning: a walker learns the way through a grid with holes. `npx tsx examples/gallery/dqn.ts`
 *
 * The network says for each place what each move is worth: its reward, and what the best move after it is worth by a second network, which follows
 * slowly. Moves are remembered, and learned from in random batches.
 *
 * @see https://doi.org/10.1038/nature14236
 */
import { capture, manualSeed, nn, noGrad, optim, rand, randint, type Tensor, tensor } from 'nabla';
import { isMain } from '../lib/main.js';

/** Start, holes and goal. */
const MAP = ['S...', '.H.H', '...H', 'H..G'];
const SIDE = 4;
const MOVES = [
  ['↑', -1, 0],
  ['↓', 1, 0],
  ['←', 0, -1],
  ['→', 0, 1],
] as const;
const [BATCH, DISCOUNT, FOLLOW] = [64, 0.95, 0.02];

interface Step {
  readonly place: number;
  readonly move: number;
  readonly next: number;
  readonly reward: number;
  readonly isOver: boolean;
}

/** What a move leads to; against the edge, nowhere. */
function walk(place: number, move: number): Step {
  const [, down, right] = MOVES[move]!;
  const within = (x: number) => Math.min(Math.max(x, 0), SIDE - 1);
  const [row, column] = [within(Math.floor(place / SIDE) + down), within((place % SIDE) + right)];
  const kind = MAP[row]![column]!;
  const reward = kind === 'G' ? 1 : kind === 'H' ? -1 : -0.01;
  return { place, move, next: row * SIDE + column, reward, isOver: 'GH'.includes(kind) };
}

const network = () =>
  new nn.Sequential(
    new nn.Embedding(SIDE * SIDE, 32),
    new nn.ReLU(),
    new nn.Linear(32, 32),
    new nn.ReLU(),
    new nn.Linear(32, 4),
  );

/** Trains for so many moves. Gives the best move for each place, and whether these lead from the start to the goal. */
export function run(moves: number, log: (line: string) => void): { policy: number[]; isSolved: boolean } {
  manualSeed(0);
  const [online, target] = [network(), network()];
  target.loadStateDict(online.stateDict());
  const optimizer = new optim.AdamW(online.parameters(), { lr: 3e-3 });

  const learn = capture((place: Tensor, move: Tensor, next: Tensor, reward: Tensor, goesOn: Tensor) => {
    const worth = online.forward(place).gather(1, move.unsqueeze(1)).squeeze(1);
    const later = noGrad(() => target.forward(next).max(1).values.mul(goesOn));
    const loss = nn.functional.smoothL1Loss(worth, later.mul(DISCOUNT).add(reward));
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    noGrad(() => {
      const learned = online.parameters();
      for (const [i, p] of target.parameters().entries()) p.lerp_(learned[i]!, FOLLOW);
    });
    return loss;
  });
  const best = capture((place: Tensor) => noGrad(() => online.forward(place).argmax(-1)));
  const whole = (values: number[]) => tensor(values, { dtype: 'int32' });

  const memory: Step[] = [];
  let place = 0;
  for (let i = 1; i <= moves; i++) {
    const epsilon = Math.max(0.1, 1 - (2 * i) / moves);
    const isRandom = rand([1]).item() < epsilon;
    const step = walk(place, isRandom ? randint(0, 4, [1]).item() : best(whole([place])).item());
    memory.push(step);
    place = step.isOver ? 0 : step.next;
    if (memory.length < BATCH) continue;
    const batch = Array.from(randint(0, memory.length, [BATCH]).toTypedArray(), (at) => memory[at]!);
    const loss = learn(
      whole(batch.map((one) => one.place)),
      whole(batch.map((one) => one.move)),
      whole(batch.map((one) => one.next)),
      tensor(batch.map((one) => one.reward)),
      tensor(batch.map((one) => Number(!one.isOver))),
    );
    if (i % 500 === 0) log(`move ${i}: loss ${loss.item().toFixed(5)}`);
  }

  const policy = best(whole([...Array(SIDE * SIDE).keys()])).toArray() as number[];
  const isOpen = (at: number) => 'S.'.includes(MAP[Math.floor(at / SIDE)]![at % SIDE]!);
  for (let row = 0; row < SIDE; row++) {
    const places = Array.from({ length: SIDE }, (_, column) => row * SIDE + column);
    log(places.map((at) => (isOpen(at) ? MOVES[policy[at]!]![0] : MAP[row]![at % SIDE])).join(' '));
  }
  let at = 0;
  for (let i = 0; i < 20 && isOpen(at); i++) at = walk(at, policy[at]!).next;
  const isSolved = MAP[Math.floor(at / SIDE)]![at % SIDE] === 'G';
  log(isSolved ? 'the way leads to the goal' : 'the way does not lead to the goal');
  return { policy, isSolved };
}

if (isMain(import.meta.url)) run(3000, console.log);
