import { nn } from 'nabla';
import { describe, expect, it } from 'vitest';
import { serverUnderLoad } from '../../bench/latency/load.js';
import { measured } from '../../bench/latency/measured.js';
import { answerTimes } from '../../bench/latency/server.js';
import { timerLateness } from '../../bench/latency/timer.js';

describe('the benchmark of latency', () => {
  it('sums waiting times up', () => {
    const times = Array.from({ length: 200 }, (_, i) => 200 - i);
    expect(measured(times)).toEqual({ samples: 200, p50: 101, p99: 199, max: 200 });
  });

  it('measures timers and answers', async () => {
    const model = new nn.Sequential<nn.Layer[]>(new nn.Linear(784, 10));
    for (const { samples, p50, p99, max } of [await timerLateness(50), await answerTimes(model, 50)]) {
      expect(samples).toBeGreaterThan(0);
      expect([p50, p99, max]).toEqual([p50, p99, max].sort((a, b) => a - b));
    }
  });

  it('asks the example server over several connections, and it answers every request', async () => {
    const loads = await serverUnderLoad([1, 8], { amount: 40 });
    expect(loads.map(({ connections }) => connections)).toEqual([1, 8]);
    for (const { perSecond, p50, p97_5, p99 } of loads) {
      expect(perSecond).toBeGreaterThan(0);
      expect([p50, p97_5, p99]).toEqual([p50, p97_5, p99].sort((a, b) => a - b));
    }
  });
});
