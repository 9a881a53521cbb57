import { capture, Generator, manualSeed, nn, optim, rand, type Tensor, tensor, train, ValueError } from 'nabla';
import {
  BatchSampler,
  ChainDataset,
  ConcatDataset,
  DataLoader,
  SequentialSampler,
  StackDataset,
  SubsetRandomSampler,
  TensorDataset,
  WeightedRandomSampler,
} from 'nabla/data';
import { describe, expect, expectTypeOf, it } from 'vitest';

// The numbers are PyTorch's, from the same program.

describe('samplers', () => {
  it('draw what PyTorch draws', () => {
    manualSeed(3);
    expect([...new SubsetRandomSampler([5, 2, 9, 7, 1])]).toEqual([2, 5, 7, 1, 9]);
    expect([...new WeightedRandomSampler([0.1, 0.9, 0.4, 0.7, 3, 0.6], 5, true)]).toEqual([4, 1, 4, 4, 2]);
    expect([...new WeightedRandomSampler([0.9, 0.4, 0.05, 0.2, 0.3, 0.1], 5, false)]).toEqual([0, 3, 1, 4, 5]);
    const generator = new Generator().manualSeed(5);
    const own = new SubsetRandomSampler(
      Int32Array.from({ length: 10 }, (_, i) => i),
      { generator },
    );
    expect([...own.indices()]).toEqual([1, 4, 9, 6, 3, 5, 0, 2, 8, 7]);
    expect(rand([1]).item()).toBeCloseTo(0.2927446961402893, 7);
  });

  it('give loaders their order', () => {
    const dataset = new TensorDataset(tensor([0, 10, 20]));
    const sampler = new WeightedRandomSampler(tensor([0, 1, 0]), 4);
    const batches = [...new DataLoader(dataset, { batchSize: 2, sampler })];
    expect(batches.map(([x]) => x!.toArray())).toEqual([
      [10, 10],
      [10, 10],
    ]);
  });

  it('are taken in batches', () => {
    const all = new BatchSampler(new SequentialSampler(5), 2, false);
    expect([all.length, [...all], [...all].length]).toEqual([3, [[0, 1], [2, 3], [4]], 3]);
    const full = new BatchSampler([4, 3, 2, 1, 0], { batchSize: 2, dropLast: true });
    expect([full.length, [...full]]).toEqual([
      2,
      [
        [4, 3],
        [2, 1],
      ],
    ]);
  });

  it('refuse what they cannot draw from', () => {
    expect(() => new WeightedRandomSampler([0, 0], 1)).toThrow(/weights must be finite and at least 0, and not all 0/);
    expect(() => new WeightedRandomSampler([1, -1], 1)).toThrow(ValueError);
    expect(() => new WeightedRandomSampler([1, Number.NaN], 1)).toThrow(ValueError);
    expect(() => new WeightedRandomSampler([1, 0, 1], 3, false)).toThrow(/at most 2 without replacement/);
    expect(() => new WeightedRandomSampler([1], 0)).toThrow(ValueError);
    expect(() => new SubsetRandomSampler([0.5])).toThrow(ValueError);
    expect(() => new BatchSampler([1], 0, false)).toThrow(ValueError);
    expect(() => new BatchSampler(new Set([1]) as never, 1, false)).toThrow(/with a length/);
  });

  it('keep what they were given as it was', () => {
    const indices = [1, 2];
    const sampler = new SubsetRandomSampler(indices);
    indices[0] = 7;
    expect([...sampler].sort()).toEqual([1, 2]);
  });
});

describe('ConcatDataset and StackDataset', () => {
  const [a, b] = [new TensorDataset(tensor([1, 2])), new TensorDataset(tensor([3]))];

  it('have the items of all, one after the other', () => {
    const all = new ConcatDataset([a, { length: 0, get: (): [Tensor] => [tensor(9)] }, b]);
    expect(all.length).toBe(3);
    const batches = [...new DataLoader(all, { batchSize: 2 })];
    expect(batches.map(([x]) => x.toArray())).toEqual([[1, 2], [3]]);
    expect(() => all.get(3)).toThrow('ConcatDataset: index 3 is out of range: it has 3 items');
    expect(() => all.get(-1)).toThrow(ValueError);
    expect(() => new ConcatDataset([])).toThrow(/at least one data set/);
    expect(() => new ConcatDataset([a, 3 as never])).toThrow(/datasets\[1\] must be a data set/);
  });

  it('have an item of each, by place or by name', () => {
    const words = { length: 2, get: (i: number) => `word ${i}` };
    const stacked = new StackDataset([a, words]);
    expect(stacked.get(1)[1]).toBe('word 1');
    const named = new StackDataset({ x: a, word: words });
    expectTypeOf(named.get(0).word).toEqualTypeOf<string>();
    const [batch] = new DataLoader(named, { batchSize: 2 });
    expect(batch!.word).toEqual(['word 0', 'word 1']);
    expect(batch!.x[0].toArray()).toEqual([1, 2]);
    expect(() => new StackDataset([a, b])).toThrow('StackDataset: lengths differ: 2, 1');
    expect(() => new StackDataset({})).toThrow(ValueError);
    expect(() => new StackDataset(null as never)).toThrow(ValueError);
  });
});

describe('streams', () => {
  const stream = (n: number): Iterable<number> => ({
    *[Symbol.iterator]() {
      for (let i = 1; i <= n; i++) yield i;
    },
  });

  it('come in batches in their order, again in each epoch, and leave the stream of numbers where PyTorch does', () => {
    manualSeed(3);
    const loader = new DataLoader(new ChainDataset([stream(2), stream(3)]), { batchSize: 2 });
    const epoch = () => [...loader].map((x) => x.toArray());
    expect(epoch()).toEqual([[1, 2], [1, 2], [3]]);
    expect(rand([1]).item()).toBeCloseTo(0.2858424782752991, 7);
    expect(epoch()).toEqual([[1, 2], [1, 2], [3]]);
    const full = new DataLoader(stream(3), { batchSize: 2, dropLast: true, collateFn: (items) => items.join() });
    expect([...full]).toEqual(['1,2']);
  });

  it('feed captured functions in the background', async () => {
    const total = capture((x: Tensor) => x.sum());
    const { losses } = await lastEpoch(total, new DataLoader(stream(4), { batchSize: 2 }));
    expect(losses).toEqual([3, 7]);
  });

  it('feed train, epoch by epoch', async () => {
    const model = new nn.Linear(1, 1);
    const learn = (own: nn.Linear, data: Iterable<readonly [Tensor, Tensor]>) => {
      const optimizer = new optim.SGD(own.parameters(), { lr: 0.1 });
      return train(own, data, { loss: nn.functional.mseLoss, optimizer, epochs: 2 });
    };
    const pairOf = (items: number[]) => {
      const column = tensor(items).reshape([-1, 1]);
      return [column, column.mul(2)] as const;
    };
    const loader = new DataLoader(stream(4), { batchSize: 2, collateFn: pairOf });
    const expected = await learn(model.clone(), [pairOf([1, 2]), pairOf([3, 4])]);
    expect(await learn(model, loader)).toEqual(expected);
    expect(expected.length).toBe(2);
  });

  it('refuse what needs positions', () => {
    const loader = new DataLoader(stream(3));
    expect(() => loader.length).toThrow(/DataLoader: length: the items are a stream/);
    expect(() => loader.order()).toThrow(ValueError);
    expect(() => loader.stateDict()).toThrow(/stateDict: the items are a stream/);
    expect(() => loader.loadStateDict({} as never)).toThrow(/loadStateDict: the items are a stream/);
    expect(() => new DataLoader(stream(3), { shuffle: true })).toThrow(/shuffle is for data sets with positions/);
    expect(() => new DataLoader(stream(3), { sampler: [0] })).toThrow(/sampler is for data sets with positions/);
    expect(() => new DataLoader([1, 2] as never)).toThrow(/pass { length: items.length/);
    expect(() => new ChainDataset([3 as never])).toThrow(/datasets\[0\] must be an iterable/);
    expect(() => new ChainDataset(3 as never)).toThrow(ValueError);
  });
});

async function lastEpoch(
  step: { run(source: DataLoader<number, Tensor>, options: object): Promise<unknown> },
  loader: DataLoader<number, Tensor>,
): Promise<{ losses: number[] }> {
  let losses: number[] = [];
  await step.run(loader, {
    onEpoch: (end: { losses: readonly number[] }) => {
      losses = [...end.losses];
    },
  });
  return { losses };
}
