import { expect, it } from 'vitest';
import { killAgainAndAgain } from './kills.js';

it('a training that is killed again and again ends with the bits of one that is not', async () => {
  const { kills, resumed, expected, got } = await killAgainAndAgain(3, 40);
  expect(kills).toBeGreaterThanOrEqual(3);
  expect(resumed.length).toBeGreaterThan(0);
  expect(expected).toMatch(/^[0-9a-f]{40}$/);
  expect(new Set(got)).toEqual(new Set([expected]));
}, 240_000);
