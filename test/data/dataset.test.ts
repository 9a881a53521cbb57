import { Generator, manualSeed, rand, type Tensor, tensor } from 'nabla';
import { type Dataset, randomSplit, Subset, TensorDataset } from 'nabla/data';
import { describe, expect, expectTypeOf, it } from 'vitest';

const numbers = (n: number) => tensor(Int32Array.from({ length: n }, (_, i) => i));

describe('TensorDataset', () => {
  const x = rand([3, 2]);
  const dataset = new TensorDataset(x, numbers(3));

  it('has the rows of its tensors', () => {
    expect(dataset.length).toBe(3);
    const [row, number] = dataset.get(1);
    expect(row.toArray()).toEqual(x.select(0, 1).toArray());
    expect(number.item()).toBe(1);
  });

  it('gathers rows in any order, repeatedly if need be', () => {
    const [rows, picked] = dataset.gather(Int32Array.of(2, 0, 2));
    expect(picked.toArray()).toEqual([2, 0, 2]);
    expect(rows.toArray()).toEqual([2, 0, 2].map((i) => x.select(0, i).toArray()));
  });

  it('knows how many tensors an item has', () => {
    expectTypeOf(dataset.get(0)).toEqualTypeOf<[Tensor, Tensor]>();
    expectTypeOf(dataset.gather(Int32Array.of(0))).toEqualTypeOf<[Tensor, Tensor]>();
  });

  it('refuses tensors that do not run along each other', () => {
    expect(() => new TensorDataset(x, numbers(4))).toThrow('TensorDataset: first axes differ: 3, 4');
    expect(() => new TensorDataset(tensor(1))).toThrow('TensorDataset: tensors[0] is 0-d, it has no rows');
    expect(() => new TensorDataset()).toThrow('TensorDataset: tensors must be at least one tensor');
  });
});

describe('Subset', () => {
  const dataset = new TensorDataset(numbers(10));

  it('is a data set of some items, of a subset too', () => {
    const subset = new Subset(new Subset(dataset, [9, 7, 5, 3]), [3, 0]);
    expect(subset.length).toBe(2);
    expect(subset.get(0)[0].item()).toBe(3);
    expect(subset.gather?.(Int32Array.of(1, 0))[0].toArray()).toEqual([9, 3]);
  });

  it('does not gather where its data set does not', () => {
    const squares: Dataset<number> = { length: 4, get: (i) => i * i };
    const subset = new Subset(squares, [3]);
    expect(subset.gather).toBeUndefined();
    expect(subset.get(0)).toBe(9);
  });

  it('refuses indices that are not there', () => {
    expect(() => new Subset(dataset, [0, 10])).toThrow('Subset: index 10 is not one of a data set of 10 items');
    expect(() => new Subset(dataset, [-1])).toThrow('Subset: index -1');
    expect(() => new Subset(dataset, [0.5])).toThrow('Subset: index 0.5');
    expect(() => new Subset(dataset, [4]).get(1)).toThrow('Subset: index 1 is out of range: it has 1 items');
  });
});

describe('randomSplit', () => {
  const dataset = new TensorDataset(numbers(10));
  const indices = (subsets: readonly Subset<unknown, unknown>[]) => subsets.map((subset) => [...subset.indices]);

  // torch: random_split(dataset, [7, 3], generator=torch.Generator().manual_seed(1)), and [0.3, 0.3, 0.4]
  it('splits as PyTorch does', () => {
    const split = (lengths: number[]) =>
      indices(randomSplit(dataset, lengths, { generator: new Generator().manualSeed(1) }));
    expect(split([7, 3])).toEqual([
      [5, 6, 1, 2, 0, 8, 9],
      [3, 7, 4],
    ]);
    expect(split([0.3, 0.3, 0.4])).toEqual([
      [5, 6, 1],
      [2, 0, 8],
      [9, 3, 7, 4],
    ]);
  });

  // torch: manual_seed(3); random_split(dataset, [5, 5])
  it('draws from the default generator', () => {
    manualSeed(3);
    expect(indices(randomSplit(dataset, [5, 5]))).toEqual([
      [6, 0, 3, 7, 8],
      [5, 1, 9, 2, 4],
    ]);
  });

  it('gives what is left over to the first parts', () => {
    expect(randomSplit(dataset, [0.25, 0.25, 0.25, 0.25]).map((s) => s.length)).toEqual([3, 3, 2, 2]);
  });

  it('refuses lengths that do not fit', () => {
    expect(() => randomSplit(dataset, [5, 4])).toThrow('randomSplit: lengths [5, 4] sum up to 9, the data set has 10');
    expect(() => randomSplit(dataset, [11, -1])).toThrow(
      'randomSplit: lengths[1] must be an integer, at least 0, got -1',
    );
    expect(() => randomSplit(dataset, [1.5, -0.5])).toThrow('lengths[0]: expected a fraction between 0 and 1, got 1.5');
    const misspelt: object = { generater: new Generator() };
    expect(() => randomSplit(dataset, [10], misspelt)).toThrow("unknown option 'generater'; did you mean 'generator'?");
  });
});

describe('indices that were written to', () => {
  it.each([-1, 10, 1e9])('are refused when they are used: %d', (index) => {
    const subset = new Subset(new TensorDataset(numbers(10)), [3, 4]);
    subset.indices[1] = index;
    const message = `Subset: indices: index ${index} is not one of a data set of 10 items; it is at position 1`;
    expect(() => subset.get(1)).toThrow(message);
    expect(() => subset.gather!(Int32Array.of(0, 1))).toThrow(message);
    expect(subset.get(0)[0].item()).toBe(3);
  });

  it.each(['0', 'length', 'constructor', 0.5, -1, 2, undefined, null])('are not asked for by %s', (index) => {
    const subset = new Subset(new TensorDataset(numbers(10)), [3, 4]);
    expect(() => subset.get(index as never)).toThrow(/^Subset: index .* is out of range: it has 2 items$/);
  });

  it('are not made of anything else', () => {
    for (const indices of [[0.5], ['1'], [undefined], [2 ** 32], new Array(1e9), null, 3, new Map()]) {
      expect(() => new Subset(new TensorDataset(numbers(10)), indices as never)).toThrow(/^Subset: /);
    }
  });
});
