import { readFileSync } from 'node:fs';
import { arange } from 'nabla';
import { TensorDataset } from 'nabla/data';
import { DistributedSampler } from 'nabla/distributed';
import { describe, expect, it } from 'vitest';

interface Recorded {
  readonly length: number;
  readonly numReplicas: number;
  readonly shuffle: boolean;
  readonly seed: number;
  readonly dropLast: boolean;
  readonly epoch: number;
  readonly ranks: readonly (readonly number[])[];
}

const recorded: readonly Recorded[] = JSON.parse(
  readFileSync(new URL('../fixtures/distributed.json', import.meta.url), 'utf8'),
);
const items = (length: number) => new TensorDataset(arange(length));

describe('DistributedSampler', () => {
  it.each(recorded)('deals items as PyTorch does: %o', ({ length, epoch, ranks, ...options }) => {
    ranks.forEach((expected, rank) => {
      const sampler = new DistributedSampler(items(length), { ...options, rank });
      sampler.setEpoch(epoch);
      expect(sampler.length).toBe(expected.length);
      expect([...sampler]).toEqual(expected);
    });
  });

  /** What the ranks see of a step, shard by shard. */
  function shardsOf(numReplicas: number, step: number, start = 0): number[][] {
    const [shards, batch] = [8, 16];
    const own = shards / numReplicas;
    return Array.from({ length: numReplicas }, (_, rank) => {
      const sampler = new DistributedSampler(items(100), { numReplicas, rank, shards, seed: 2 });
      sampler.setEpoch(1, start);
      const part = [...sampler].slice((step * batch) / numReplicas, ((step + 1) * batch) / numReplicas);
      return Array.from({ length: own }, (_, i) => part.filter((_, at) => at % own === i));
    }).flat();
  }

  it('gives each shard the same items on any number of ranks, and from within an epoch', () => {
    for (const step of [0, 3, 6]) {
      const one = shardsOf(1, step);
      expect(one.length).toBe(8);
      for (const numReplicas of [2, 4, 8]) expect(shardsOf(numReplicas, step)).toEqual(one);
      if (step === 3) expect(shardsOf(4, 1, 32)).toEqual(one);
    }
  });

  it('has as many items as the shards can share', () => {
    const lengthOf = (options: object) =>
      new DistributedSampler(items(10), { numReplicas: 2, rank: 0, shards: 4, ...options });
    expect(lengthOf({}).totalSize).toBe(12);
    expect(lengthOf({ dropLast: true }).length).toBe(4);
    const late = lengthOf({});
    late.setEpoch(0, 16);
    expect([...late]).toEqual([]);
  });

  it('refuses what cannot be', () => {
    const make = (options: object) => () => new DistributedSampler(items(10), { numReplicas: 2, rank: 0, ...options });
    expect(make({ rank: 2 })).toThrow('DistributedSampler: rank must be from 0 to 1, got 2');
    expect(make({ shards: 3 })).toThrow('DistributedSampler: shards must be a multiple of the 2 ranks, got 3');
    expect(() => new DistributedSampler(items(0), 1, 0)).toThrow('DistributedSampler: the data set is empty');
    expect(() => make({ shards: 4 })().setEpoch(0, 6)).toThrow('start must be a multiple of the 4 shards, got 6');
  });
});
