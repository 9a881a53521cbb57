import { arange, backendName, capture, tensor, zeros } from 'nabla';
import {
  allGather,
  allReduce,
  barrier,
  broadcast,
  DataParallel,
  DistributedSampler,
  finalize,
  init,
  rank,
  reduceMetrics,
  size,
} from 'nabla/distributed';
import { Accuracy, AUROC, MeanMetric, R2Score } from 'nabla/training';
import { beforeEach, describe, expect, it } from 'vitest';
import { nn } from '../../lib/index.js';

describe('a world of one', () => {
  beforeEach(() => init());

  it('is one rank, which has what all have', async () => {
    expect([rank(), size()]).toEqual([0, 1]);
    expect(await init()).toEqual({ rank: 0, size: 1, library: null });
    const x = tensor([1, 2], { requiresGrad: true });
    for (const op of ['sum', 'mean', 'product', 'minimum', 'maximum'] as const) {
      const result = await allReduce(x, op);
      expect(result.toArray()).toEqual([1, 2]);
      expect(result.requiresGrad).toBe(false);
      result.add_(1);
    }
    expect(x.toArray()).toEqual([1, 2]);
    expect((await broadcast(tensor([true]), 0)).toArray()).toEqual([true]);
    expect((await allGather(arange(2))).map((one) => one.toArray())).toEqual([[0, 1]]);
    await barrier();
  });

  it('adds metrics up', async () => {
    const [accuracy, mean] = [new Accuracy(), new MeanMetric()];
    accuracy.update(tensor([0, 1], { dtype: 'int32' }), tensor([0, 0], { dtype: 'int32' }));
    mean.update(tensor([4, 6]));
    await reduceMetrics([accuracy, mean]);
    expect([accuracy.compute(), mean.compute()]).toEqual([0.5, 5]);
    for (const metric of [new AUROC(), new R2Score()]) {
      await expect(reduceMetrics(metric)).rejects.toThrow(
        `reduceMetrics: ${metric.constructor.name} keeps what cannot`,
      );
    }
  });

  it('refuses what cannot be', async () => {
    await expect(allReduce(tensor([true]))).rejects.toThrow('allReduce: expected floats or integers, got bool');
    await expect(allReduce(arange(2), 'mean')).rejects.toThrow('allReduce: a mean needs floats, got int32');
    await expect(broadcast(zeros([1]), 1)).rejects.toThrow('broadcast: root must be a rank, from 0 to 0, got 1');
    await expect(init({ timeout: 0 })).rejects.toThrow('timeout');
    await expect(init({ library: 'no-such-library.so' })).rejects.toThrow(/joined|no-such-library|several ranks/);
  });

  it('refuses to make a trainer in a captured function', () => {
    const model = new nn.Linear(1, 1);
    expect(() => capture(() => new DataParallel(model).model.parameters()[0]!.sum())()).toThrow(
      'DataParallel: make it outside the captured function, once',
    );
  });

  it('is over with finalize', async () => {
    await finalize();
    const message = 'this process is not one of several ranks: call await init() first';
    expect(() => rank()).toThrow(`rank: ${message}`);
    expect(() => new DataParallel(new nn.Linear(1, 1))).toThrow(`DataParallel: ${message}`);
    expect(() => new DistributedSampler({ length: 3 })).toThrow(`DistributedSampler: ${message}`);
    await expect(allReduce(zeros([1]))).rejects.toThrow(`allReduce: ${message}`);
    await expect(finalize()).rejects.toThrow(message);
  });
});

it('says why no library could be opened', async () => {
  const found =
    backendName() === 'native'
      ? 'init: no MPI library could be opened (no-such-library.so'
      : 'init: several ranks need the native core';
  await expect(init({ library: 'no-such-library.so' })).rejects.toThrow(found);
});
