import { capture, Generator, manualSeed, noGrad, rand, type Tensor, tensor, ValueError, zeros } from 'nabla';
import { BatchSampler, DataLoader, type Dataset, RandomSampler, SequentialSampler, TensorDataset } from 'nabla/data';
import { describe, expect, expectTypeOf, it } from 'vitest';

const numbers = (n: number) => tensor(Int32Array.from({ length: n }, (_, i) => i));
const dataset = new TensorDataset(numbers(10));
const epoch = (loader: Iterable<Tensor[]>) => Array.from(loader, ([batch]) => batch!.toArray());

describe('DataLoader', () => {
  it('gives items in order, the last batch smaller', () => {
    const loader = new DataLoader(dataset, { batchSize: 4 });
    expect(loader.length).toBe(3);
    expect(epoch(loader)).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ]);
  });

  it('gives single items by default', () => {
    const loader = new DataLoader(dataset);
    expect(loader.length).toBe(10);
    expect(epoch(loader)[3]).toEqual([3]);
  });

  it('leaves out a last batch that is not full', () => {
    const loader = new DataLoader(dataset, { batchSize: 4, dropLast: true });
    expect(loader.length).toBe(2);
    expect(epoch(loader)).toHaveLength(2);
    expect(epoch(new DataLoader(dataset, { batchSize: 5, dropLast: true }))).toHaveLength(2);
    expect(epoch(new DataLoader(dataset, { batchSize: 11, dropLast: true }))).toEqual([]);
  });

  it('gives one batch of everything if that is all there is', () => {
    expect(epoch(new DataLoader(dataset, { batchSize: 100 }))).toEqual([[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]]);
  });

  // torch: DataLoader(TensorDataset(torch.arange(10)), batch_size=4, shuffle=True, generator=Generator().manual_seed(42)), two epochs
  it("shuffles in PyTorch's order, another each epoch", () => {
    const generator = new Generator().manualSeed(42);
    const loader = new DataLoader(dataset, { batchSize: 4, shuffle: true, generator });
    expect(epoch(loader)).toEqual([
      [6, 5, 4, 0],
      [8, 9, 2, 1],
      [3, 7],
    ]);
    expect(epoch(loader)).toEqual([
      [3, 6, 5, 8],
      [9, 4, 2, 0],
      [7, 1],
    ]);
  });

  // torch: manual_seed(7); the same loader without a generator, two epochs; then torch.rand(2)
  it("draws from the default generator as PyTorch does, and leaves it where PyTorch's is", () => {
    manualSeed(7);
    const loader = new DataLoader(dataset, { batchSize: 4, shuffle: true });
    expect(epoch(loader)).toEqual([
      [3, 2, 7, 8],
      [6, 1, 5, 9],
      [0, 4],
    ]);
    expect(epoch(loader)).toEqual([
      [1, 3, 5, 2],
      [8, 9, 6, 7],
      [4, 0],
    ]);
    expect([...rand([2]).toTypedArray()]).toEqual([0.36531615257263184, 0.8512683510780334]);
  });

  // torch: manual_seed(7); one epoch without shuffle; then torch.rand(2)
  it('moves the stream even without shuffling, as PyTorch does', () => {
    manualSeed(7);
    epoch(new DataLoader(dataset, { batchSize: 4 }));
    expect([...rand([2]).toTypedArray()]).toEqual([0.6592116951942444, 0.6568902730941772]);
  });

  it('visits a sampler in its order', () => {
    expect(epoch(new DataLoader(dataset, { batchSize: 2, sampler: [9, 0, 9] }))).toEqual([[9, 0], [9]]);
    const sampler = new SequentialSampler(3);
    expect(new DataLoader(dataset, { sampler }).length).toBe(3);
  });

  it('works with for await, and can be left early', async () => {
    const seen: unknown[] = [];
    for await (const [batch] of new DataLoader(dataset, { batchSize: 5 })) {
      seen.push(batch.toArray());
      break;
    }
    expect(seen).toEqual([[0, 1, 2, 3, 4]]);
  });

  it('has no batches of an empty data set, and cannot shuffle it', () => {
    const empty = new TensorDataset(zeros([0, 2]));
    const loader = new DataLoader(empty, { batchSize: 2 });
    expect(loader.length).toBe(0);
    expect([...loader]).toEqual([]);
    expect(() => new DataLoader(empty, { shuffle: true })).toThrow('RandomSampler: there is nothing to draw from');
  });

  it('gives batches that are tensors of their own', () => {
    const source = zeros([4]);
    const [[batch]] = [...new DataLoader(new TensorDataset(source), { batchSize: 4 })] as [[Tensor]];
    source.fill_(1);
    expect(batch.toArray()).toEqual([0, 0, 0, 0]);
  });

  it('keeps the types of items', () => {
    const pairs = new DataLoader(new TensorDataset(zeros([4, 2]), zeros([4])));
    expectTypeOf(pairs).toExtend<Iterable<[Tensor, Tensor]>>();
    const records: Dataset<{ x: Tensor; name: string }> = { length: 1, get: () => ({ x: zeros([2]), name: 'a' }) };
    expectTypeOf(new DataLoader(records)).toExtend<Iterable<{ x: Tensor; name: string[] }>>();
    const collated = new DataLoader(dataset, { collateFn: (items) => tensor(items.map(([t]) => t.item())) as never });
    expectTypeOf(collated).toExtend<Iterable<[Tensor]>>();
  });

  it('takes what PyTorch takes by position, in its order', () => {
    const items = new TensorDataset(numbers(5));
    const sizes = (loader: Iterable<Tensor[]>) => [...loader].map(([x]) => x!.numel());
    expect(sizes(new DataLoader(items, 2))).toEqual([2, 2, 1]);
    expect(sizes(new DataLoader(items, 2, false, [4, 0, 1], { dropLast: true }))).toEqual([2]);
    expect(new DataLoader(items, 2, true).sampler).toBeInstanceOf(RandomSampler);
    expect(new DataLoader(items, { sampler: null, collateFn: null, generator: null }).length).toBe(5);
    const collated = new DataLoader(items, 2, { collateFn: (batch): [Tensor] => [tensor(batch.length)] });
    expect([...collated].map(([count]) => count.item())).toEqual([2, 2, 1]);
    expect(() => Reflect.construct(DataLoader, [items, 1, false, null, 5])).toThrow('batchSampler must be an iterable');
    const all = [items, 2, false, null, null, 0, null, false, true];
    expect(sizes(Reflect.construct(DataLoader, all) as DataLoader<[Tensor]>)).toEqual([2, 2]);
    expect(() => Reflect.construct(DataLoader, [...all, 1])).toThrow('expected at most 9 arguments');
    expect(() => Reflect.construct(DataLoader, [])).toThrow('DataLoader: dataset must be a data set');
    expect([...new RandomSampler(3, true, 5, new Generator(0))].length).toBe(5);
    expect(() => Reflect.construct(RandomSampler, [3, { replace: true }])).toThrow("unknown option 'replace'");
  });

  it.each([
    [{ batchsize: 4 }, "DataLoader: unknown option 'batchsize'; did you mean 'batchSize'?"],
    [{ drop_last: true }, "DataLoader: unknown option 'drop_last'; did you mean 'dropLast'?"],
    [{ numWorkers: 4 }, 'DataLoader: numWorkers: functions do not travel between threads'],
    [{ pinMemory: true }, 'DataLoader: pinMemory must be false, as there is no other device; leave it out, got true'],
    [{ collate: () => 1 }, "DataLoader: unknown option 'collate'; did you mean 'collateFn'?"],
    [{ batchSampler: 3 }, 'DataLoader: batchSampler must be an iterable of arrays of indices with a length'],
    [{ batchSampler: [[1]], batchSize: 2 }, 'DataLoader: batchSampler and batchSize exclude each other'],
    [{ batchSampler: [[1]], shuffle: true }, 'DataLoader: batchSampler and shuffle exclude each other'],
    [{ batchSampler: [[1]], sampler: [1] }, 'DataLoader: batchSampler and sampler exclude each other'],
    [{ batchSampler: [[1]], dropLast: true }, 'DataLoader: batchSampler and dropLast exclude each other'],
    [{ batchSize: 0 }, 'DataLoader: batchSize must be an integer, at least 1, got 0'],
    [{ batchSize: 2.5 }, 'DataLoader: batchSize must be an integer, at least 1, got 2.5'],
    [{ batchSize: '4' }, "DataLoader: batchSize must be an integer, at least 1, got '4'"],
    [{ shuffle: 1 }, 'DataLoader: shuffle must be true or false, got 1'],
    [{ dropLast: 'no' }, "DataLoader: dropLast must be true or false, got 'no'"],
    [{ generator: 42 }, 'DataLoader: generator must be a Generator, or null, got 42'],
    [{ sampler: new Set([1]) }, 'DataLoader: sampler must be an iterable of indices with a length'],
    [{ sampler: [1], shuffle: true }, 'DataLoader: sampler and shuffle exclude each other'],
    [{ collateFn: 'stack' }, "DataLoader: collateFn must be a function, or null, got 'stack'"],
  ])('refuses %j', (options, message) => {
    expect(() => new DataLoader(dataset, options as object)).toThrow(message);
  });
});

describe('a loader with a batchSampler', () => {
  const items = new TensorDataset(numbers(6));
  const batches = (batchSampler: Iterable<ArrayLike<number>> & { length: number }) =>
    [...new DataLoader(items, { batchSampler })].map(([x]) => x!.toArray());

  it('gives the batches that it says, as PyTorch does', () => {
    expect(batches([[3, 1], [0], [5, 5, 2]])).toEqual([[3, 1], [0], [5, 5, 2]]);
    expect(batches([Int32Array.of(1, 4)])).toEqual([[1, 4]]);
    expect(batches([])).toEqual([]);
    expect(new DataLoader(items, { batchSampler: [[0], [1, 2]] }).length).toBe(2);
    manualSeed(3);
    // torch.manual_seed(3); [b[0].tolist() for b in DataLoader(TensorDataset(torch.arange(6)), batch_sampler=BatchSampler(RandomSampler(range(6)), 4, False))]
    expect(batches(new BatchSampler(new RandomSampler(6), 4, false))).toEqual([
      [2, 4, 0, 1],
      [3, 5],
    ]);
    const collated = new DataLoader(items, {
      batchSampler: [[2, 0]],
      collateFn: (batch): [Tensor] => [tensor(batch.length)],
    });
    expect([...collated].map(([count]) => count.item())).toEqual([2]);
  });

  it('draws what other loaders draw', () => {
    manualSeed(0);
    batches([[0]]);
    const after = rand([1]).item();
    manualSeed(0);
    [...new DataLoader(items)].length;
    expect(rand([1]).item()).toBe(after);
  });

  it('refuses what are no indices, and to tell where it stands', () => {
    expect(() => batches([[0, 6]])).toThrow('DataLoader: batchSampler: batch 0');
    expect(() => batches([3 as never])).toThrow('DataLoader: batchSampler must give arrays of indices, got 3');
    const loader = new DataLoader(items, { batchSampler: [[0]] });
    expect(() => loader.stateDict()).toThrow('stateDict: the batches are those of a batchSampler');
    expect(() => new DataLoader(new Set([1]), { batchSampler: [[0]] } as never)).toThrow('a stream has an order');
  });

  it('can be run in the background', async () => {
    const w = zeros([1]);
    const step = capture((x: Tensor) => noGrad(() => w.add_(x.sum())).sum());
    const losses = await step.run(new DataLoader(items, { batchSampler: [[1, 2], [5]] }), { epochs: 2 });
    expect([...losses]).toEqual([3, 8, 11, 16]);
  });
});

describe('collating', () => {
  it('makes batches of items that are records, arrays, numbers, booleans and texts', () => {
    const mixed: Dataset<{ x: Tensor; pair: [number, boolean]; name: string }> = {
      length: 3,
      get: (i) => ({ x: tensor([i, -i]), pair: [i / 2, i > 1], name: `item ${i}` }),
    };
    const [batch] = new DataLoader(mixed, { batchSize: 3 });
    expect(batch!.x.toArray()).toEqual([
      [0, -0],
      [1, -1],
      [2, -2],
    ]);
    expect(batch!.pair[0].toArray()).toEqual([0, 0.5, 1]);
    expect(batch!.pair[1].toArray()).toEqual([false, false, true]);
    expect(batch!.name).toEqual(['item 0', 'item 1', 'item 2']);
  });

  it('lets the user make batches', () => {
    const words: Dataset<string, string> = { length: 3, get: (i) => 'abc'[i]! };
    const loader = new DataLoader(words, { batchSize: 2, collateFn: (items) => items.join('+') });
    expect([...loader]).toEqual(['a+b', 'c']);
  });

  it.each([
    [[tensor([1]), tensor([1, 2])], 'defaultCollate: item: shapes differ: [1], [2]'],
    [[[1, 2], [1]], 'defaultCollate: item: lengths differ: 2, 1'],
    [
      [
        [1, { a: 1 }],
        [1, { a: 'x' }],
      ],
      'defaultCollate: item[1].a: no batch can be made of number and string; pass coll',
    ],
    [[null, null], 'no batch can be made of null'],
    [[new Date(0), new Date(0)], 'no batch can be made of Date'],
  ])('refuses items that do not go together', (items, message) => {
    const odd: Dataset<unknown> = { length: items.length, get: (i) => items[i] };
    expect(() => [...new DataLoader(odd, { batchSize: 2 })]).toThrow(message);
  });
});

describe('RandomSampler', () => {
  const generator = () => new Generator().manualSeed(42);

  // torch: list(RandomSampler(range(10), num_samples=14, generator=Generator().manual_seed(42))), and with replacement, 40 of them
  it('draws what PyTorch draws', () => {
    expect([...new RandomSampler(10, { numSamples: 14, generator: generator() })]).toEqual([
      2, 6, 1, 8, 4, 5, 0, 9, 3, 7, 3, 5, 8, 9,
    ]);
    expect([...new RandomSampler(10, { replacement: true, numSamples: 40, generator: generator() })]).toEqual([
      2, 7, 6, 4, 6, 5, 0, 4, 0, 3, 8, 4, 0, 4, 1, 2, 5, 5, 7, 6, 9, 6, 3, 1, 9, 3, 1, 9, 7, 9, 2, 0, 5, 9, 3, 4, 9, 6,
      2, 0,
    ]);
  });

  it('counts the items of a data set', () => {
    const items = new TensorDataset(numbers(4));
    expect([...new SequentialSampler(items)]).toEqual([0, 1, 2, 3]);
    const drawn = (source: number | typeof items) => [...new RandomSampler(source, { generator: new Generator(3) })];
    expect(drawn(items)).toEqual(drawn(4));
  });

  it('refuses sizes that make no sense', () => {
    expect(() => new RandomSampler(-1)).toThrow(
      'RandomSampler: dataSource must be how many items there are, or what has them, got -1',
    );
    expect(() => new RandomSampler(3, { numSamples: 0 })).toThrow('RandomSampler: numSamples must be');
    expect(() => new SequentialSampler(1.5)).toThrow('SequentialSampler: dataSource must be');
  });
});

describe('what samplers give', () => {
  const ten = new TensorDataset(numbers(10));
  const lying = (length: number, items: readonly unknown[]) => ({
    length,
    *[Symbol.iterator]() {
      yield* items as number[];
    },
  });

  it.each<[name: string, items: readonly unknown[], value: string, at: number]>([
    ['a fraction', [1, 0.9], '0.9', 1],
    ['NaN', [Number.NaN], 'NaN', 0],
    ['a text', [1, 2, '3'], "'3'", 2],
    ['undefined', [undefined], 'undefined', 0],
    ['null', [0, null], 'null', 1],
    ['a negative one', [-1], '-1', 0],
    ['one beyond the items', [9, 10], '10', 1],
    ['one that int32 would wrap around', [2 ** 32 + 1], '4294967297', 0],
    ['a BigInt', [1n], 'the BigInt 1n', 0],
  ])('refuses %s as an index', (_, items, value, at) => {
    const message = `DataLoader: sampler: index ${value} is not one of a data set of 10 items; it is at position ${at}`;
    for (const sampler of [items as number[], lying(items.length, items)]) {
      expect(() => [...new DataLoader(ten, { batchSize: 2, sampler })]).toThrow(ValueError);
      expect(() => [...new DataLoader(ten, { batchSize: 2, sampler })]).toThrow(message);
    }
    const sampler = { ...lying(items.length, items), indices: () => items as unknown as Int32Array };
    expect(() => new DataLoader(ten, { sampler }).order()).toThrow(message);
  });

  it('counts, whatever their length says', () => {
    expect(epoch(new DataLoader(ten, { batchSize: 2, sampler: lying(6, [1, 2, 3]) }))).toEqual([[1, 2], [3]]);
    expect(epoch(new DataLoader(ten, { batchSize: 2, sampler: lying(2, [1, 2, 3, 4]) }))).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(epoch(new DataLoader(ten, { batchSize: 2, dropLast: true, sampler: lying(9, [1, 2, 3]) }))).toEqual([
      [1, 2],
    ]);
    expect(epoch(new DataLoader(ten, { sampler: lying(3, []) }))).toEqual([]);
  });

  it('has to end', () => {
    const sampler = {
      length: 10,
      *[Symbol.iterator]() {
        for (;;) yield 1;
      },
    };
    expect(() => [...new DataLoader(ten, { sampler })]).toThrow(
      'DataLoader: sampler: gave more than 16777216 indices, though its length is 10; does it end?',
    );
  });

  it.each([
    ['a number', 3],
    ['an object without a length', { *[Symbol.iterator]() {} }],
    ['an object that cannot be iterated', { length: 3 }],
    ['one of infinite length', lying(Number.POSITIVE_INFINITY, [])],
    ['one of negative length', lying(-1, [])],
  ])('is not asked of %s', (_, sampler) => {
    expect(() => new DataLoader(ten, { sampler: sampler as never })).toThrow('DataLoader: sampler must be an iterable');
  });
});

describe('what is no data set', () => {
  it.each([
    ['null', null, 'got null'],
    ['an array', [1, 2, 3], 'pass { length: items.length, get: (i) => items[i] }'],
    ['a tensor', tensor([1]), 'must be a data set, got a Tensor; pass new TensorDataset(x)'],
    ['an object without items', { length: 3 }, 'dataset must be a data set'],
    ['one of a length that is none', { length: 0.5, get: () => 1 }, 'dataset must be a data set'],
  ])('is refused: %s', (_, dataset, message) => {
    expect(() => new DataLoader(dataset as never)).toThrow(ValueError);
    expect(() => new DataLoader(dataset as never)).toThrow(message);
  });
});

describe('the state of a loader', () => {
  const shuffled = (seed: number, batchSize = 4) =>
    new DataLoader(dataset, { batchSize, shuffle: true, generator: new Generator(seed) });

  it('is between epochs at first and after one, and within one after a batch', () => {
    const loader = shuffled(1);
    expect(loader.stateDict()).toMatchObject({ length: 10, order: null, visited: 0 });
    const seen: number[] = [];
    for (const _ of loader) seen.push(loader.stateDict().visited);
    expect(seen).toEqual([4, 8, 10]);
    expect(loader.stateDict()).toMatchObject({ order: null, visited: 0 });
    expect(new DataLoader(dataset).stateDict().generator).toBeNull();
  });

  it('gives what was left of the epoch, once, and then the epochs that would have followed', () => {
    for (const stop of [1, 2, 3]) {
      const loader = shuffled(5);
      const expected = [epoch(loader), epoch(loader)];
      const first = shuffled(5);
      const seen: unknown[] = [];
      let state = first.stateDict();
      for (const [batch] of first) {
        seen.push(batch!.toArray());
        if (seen.length !== stop) continue;
        state = first.stateDict();
        break;
      }
      const second = shuffled(77);
      second.loadStateDict(state);
      expect(second.stateDict().visited).toBe(state.visited);
      expect([...seen, ...epoch(second)]).toEqual(expected[0]);
      expect(epoch(second)).toEqual(expected[1]);
      // What one loader goes on to do is nothing to the state.
      second.loadStateDict(state);
      expect([...seen, ...epoch(second)]).toEqual(expected[0]);
    }
  });

  it('leaves a last batch out that is not full, and may be in batches of another size', () => {
    const loader = new DataLoader(dataset, { batchSize: 4, dropLast: true });
    for (const _ of loader) break;
    const state = loader.stateDict();
    loader.loadStateDict(state);
    expect(epoch(loader)).toEqual([[4, 5, 6, 7]]);
    const other = new DataLoader(dataset, { batchSize: 5 });
    other.loadStateDict(state);
    expect(epoch(other)).toEqual([[4, 5, 6, 7, 8], [9]]);
  });

  it('forgets an epoch that was left for a new one', () => {
    const loader = new DataLoader(dataset, { batchSize: 4 });
    for (const _ of loader) break;
    expect(epoch(loader)).toHaveLength(3);
  });

  it('is refused where it does not fit, and nothing changes', () => {
    const loader = shuffled(3);
    for (const _ of loader) break;
    const state = loader.stateDict();
    const expected = JSON.stringify(Object.values(state).map((x) => (typeof x === 'number' ? x : x?.toArray())));
    const order = (values: number[]) => ({ ...state, order: tensor(values, { dtype: 'int32' }) });
    for (const [wrong, message] of [
      [null, /expected an object as stateDict\(\) gives it, got null/],
      [{ ...state, length: 9 }, /is of 9 items, but the data set has 10/],
      [{ ...state, visited: 11 }, /visited must be an integer, between 0 and 10, got 11/],
      [{ ...state, visited: 1.5 }, /visited/],
      [{ ...state, order: tensor([1.5]) }, /order must be a 1-d int32 Tensor or null/],
      [order([0, 1, 2, 3, 10]), /index 10 is not one of/],
      [{ ...state, generator: null }, /of a loader with no generator of its own, but this one has one/],
      [{ ...state, generator: tensor([1, 2], { dtype: 'int32' }) }, /setState/],
      [{ ...state, position: 1 }, /position/],
      [{ length: 10 }, /order must be/],
    ] as const) {
      expect(() => loader.loadStateDict(wrong as never)).toThrow(message);
      const now = loader.stateDict();
      expect(JSON.stringify(Object.values(now).map((x) => (typeof x === 'number' ? x : x?.toArray())))).toBe(expected);
    }
    expect(() => (loader.loadStateDict as (...args: unknown[]) => void)(state, 1)).toThrow(
      /expected 1 argument, got 2/,
    );
  });
});
