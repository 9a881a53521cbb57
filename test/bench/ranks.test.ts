import { describe, expect, it } from 'vitest';
import { settingOf } from '../../bench/ranks/index.js';
import { exchangeTime, fitted, type Setting, stepTime } from '../../bench/ranks/model.js';

const setting: Setting = {
  compute: 10,
  backward: 0.5,
  bytes: 8,
  buckets: [
    { at: 0.5, share: 0.5 },
    { at: 1, share: 0.5 },
  ],
  latency: 0.25,
  bandwidth: 8,
  summing: 0.125,
};

describe('the model of scale', () => {
  it('counts rounds, bytes and sums of an exchange', () => {
    expect(exchangeTime('ring', 1, 8, setting)).toBe(0);
    // Both send (n - 1) / n of all bytes twice, and add as many; they differ in how many times.
    const moved = (ranks: number) => ((ranks - 1) / ranks) * 8 * (2 / 8 + 0.125);
    for (const [ranks, rounds] of [
      [2, 1],
      [4, 2],
      [8, 3],
      [1024, 10],
    ] as const) {
      expect(exchangeTime('halving-doubling', ranks, 8, setting)).toBeCloseTo(2 * rounds * 0.25 + moved(ranks));
      expect(exchangeTime('ring', ranks, 8, setting)).toBeCloseTo(2 * (ranks - 1) * 0.25 + moved(ranks));
    }
  });

  it('begins exchanges when buckets are there, one after the other', () => {
    const one = exchangeTime('halving-doubling', 2, 4, setting);
    // The first is there after 7.5 and done before the second, after 10.
    expect(stepTime('halving-doubling', 2, true, setting)).toBeCloseTo(10 + one);
    expect(stepTime('halving-doubling', 2, false, setting)).toBeCloseTo(
      10 + exchangeTime('halving-doubling', 2, 8, setting),
    );
    const slow = { ...setting, bandwidth: 0.5 };
    expect(stepTime('ring', 2, true, slow)).toBeCloseTo(7.5 + 2 * exchangeTime('ring', 2, 4, slow));
    expect(stepTime('ring', 1, true, setting)).toBe(10);
  });

  it('knows the buckets of the network that is measured', () => {
    const { bytes, buckets } = settingOf(1, 0, 1, 0);
    expect(bytes).toBe(4 * 535_818);
    expect(buckets.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
    expect(buckets.map(({ at }) => at > 0 && at <= 1)).toEqual([true, true]);
  });

  it('takes latency from the smallest exchange, and bandwidth from what the largest takes more', () => {
    const exchanges = [0, 1000, 4000].map((bytes) => ({ bytes, seconds: 6 + bytes / 100 }));
    expect(fitted(exchanges)).toEqual({ latency: 3, perByte: 0.01 });
  });
});
