import { describe, expect, it } from 'vitest';
import {
  allocateState,
  backend,
  POSITION,
  type RandomKind,
  randomKinds,
  STATE_WORDS,
  seedState,
  stateWords,
} from '../../lib/backend/index.js';
import { ValueError } from '../../lib/errors.js';
import { operand, valuesOf } from './operands.js';
import { training } from './training.js';

/** What memory holds, and not the caller, may be anything: nothing is read or written beyond its place. */
describe('values out of bounds', () => {
  const draw = (kind: RandomKind, position: number, [p0, p1]: readonly [number, number]) => {
    const state = allocateState();
    seedState(state, 3);
    stateWords(state)[POSITION] = position;
    const out = operand('float64', [700], [0]);
    backend.random(kind, state, out, p0, p1);
    return { values: valuesOf(out), words: [...stateWords(state).subarray(0, STATE_WORDS)] };
  };

  it.each(randomKinds)('a generator for %s whose position is none is at its end', (kind) => {
    const expected = draw(kind, 624, [0.25, 5.5]);
    for (const position of [625, 10_000, 2 ** 31 - 1, -1, -(2 ** 31)]) {
      expect(draw(kind, position, [0.25, 5.5])).toEqual(expected);
    }
  });

  it.each([
    [5, 5],
    [5, 4],
    [-3, -(2 ** 40)],
  ])('integers from %d below %d are the first', (low, high) => {
    expect(new Set(draw('integer', 624, [low, high]).values)).toEqual(new Set([low]));
  });

  it.each([-1, 32, 2 ** 31 - 1, -(2 ** 31)])('a run whose order names row %d of 32 stops there', async (row) => {
    const { executable, loop, weights } = training(20);
    const order = loop.order.storage.array('int32');
    const { offset } = loop.order;
    order[offset + 4 * loop.batchSize + 3] = row;
    const running = executable.start(loop);
    await expect(running).rejects.toThrow(new ValueError(`run: expected rows from 0 to 31, got ${row}`));
    await expect(running).rejects.toBeInstanceOf(ValueError);
    expect(loop.control[1]).toBe(4);
    const afterFour = valuesOf(weights);
    const same = training(4);
    await same.executable.start(same.loop);
    expect(valuesOf(same.weights)).toEqual(afterFour);
  });
});
