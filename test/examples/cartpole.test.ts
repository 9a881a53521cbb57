import { expect, it } from 'vitest';
import { solve } from '../../examples/cartpole.js';
import { CartPole, MOST_STEPS } from '../../examples/lib/cart-pole.js';

it('moves as the formulas of the game say', () => {
  const game = new CartPole();
  const start = game.reset(() => 0.5);
  expect(start).toEqual([0, 0, 0, 0]);
  // At rest and upright: turning = -push / (0.5 (4/3 - 0.1/1.1)), pushing = push - 0.05 turning / 1.1, with push = 10/1.1.
  const push = 10 / 1.1;
  const turning = -push / (0.5 * (4 / 3 - 0.1 / 1.1));
  const { state, isOver } = game.step(1);
  expect(isOver).toBe(false);
  const expected = [0, 0.02 * (push - (0.05 * turning) / 1.1), 0, 0.02 * turning];
  for (const [i, value] of expected.entries()) expect(state[i]).toBeCloseTo(value, 12);
  let [steps, over] = [1, false];
  for (; !over; steps++) over = game.step(1).isOver;
  expect(steps).toBeGreaterThan(7);
  expect(steps).toBeLessThan(12);
});

it('is solved', () => {
  const lines: string[] = [];
  const lengths = solve(0, 1000, (line) => lines.push(line));
  expect(lines.at(-1)).toBe(`solved after ${lengths.length} episodes`);
  expect(Math.max(...lengths)).toBe(MOST_STEPS);
  expect(lengths.slice(-100).reduce((sum, length) => sum + length, 0) / 100).toBeGreaterThanOrEqual(475);
});
