import { inspect } from 'node:util';
import { capture, type Results, type Tensor, tensor } from 'nabla';
import { describe, expect, expectTypeOf, it } from 'vitest';

const x = tensor([
  [1, 5],
  [7, 3],
]);

describe('several results', () => {
  it('are had by name', () => {
    const { values, indices } = x.max(1);
    expectTypeOf(values).toEqualTypeOf<Tensor>();
    expectTypeOf(indices).toEqualTypeOf<Tensor>();
    expect([values.toArray(), indices.toArray()]).toEqual([
      [5, 7],
      [1, 0],
    ]);
    expect(Object.keys(x.min(0))).toEqual(['values', 'indices']);
  });

  it('are had by position', () => {
    const extremes = x.max(1);
    const [values, indices] = extremes;
    expectTypeOf(values).toEqualTypeOf<Tensor>();
    expectTypeOf(indices).toEqualTypeOf<Tensor>();
    expectTypeOf(extremes.length).toEqualTypeOf<2>();
    expect(values).toBe(extremes.values);
    expect(indices).toBe(extremes[1]);
    expect(extremes.length).toBe(2);
    expect([...extremes]).toEqual([extremes.values, extremes.indices]);
    expect(Array.from(extremes)).toEqual([extremes[0], extremes[1]]);
  });

  it('cannot be replaced', () => {
    const extremes = x.max(1);
    expect(() => Object.assign(extremes, { values: x })).toThrow(TypeError);
    expect(() => Object.assign(extremes, [x])).toThrow(TypeError);
  });

  it('print as PyTorch prints a tuple with names', () => {
    const text = 'max(\nvalues=tensor([5., 7.]),\nindices=tensor([1, 0]))';
    expect(String(x.max(1))).toBe(text);
    expect(inspect(x.max(1))).toBe(text);
  });

  it('are results of captured functions, and arguments of them', () => {
    const largest = capture((x: Tensor) => ({ found: x.max(1) }));
    for (const scale of [1, -1, 2]) {
      const { found } = largest(x.mul(scale));
      expectTypeOf(found).toEqualTypeOf<Results<['values', 'indices']>>();
      const [values, indices] = found;
      const plain = x.mul(scale).max(1);
      expect(values.toArray()).toEqual(plain.values.toArray());
      expect(indices.toArray()).toEqual(plain[1].toArray());
      expect(found.indices).toBe(indices);
      expect(String(found)).toBe(String(plain));
    }
    const spread = capture(({ values, indices }: Results<['values', 'indices']>) => values.add(indices));
    for (const scale of [1, -1, 2]) {
      const plain = x.mul(scale).max(0);
      expect(spread(x.mul(scale).max(0)).toArray()).toEqual(plain.values.add(plain.indices).toArray());
    }
    expect(largest.stats).toHaveLength(1);
    expect(spread.stats).toHaveLength(1);
    const { values, indices } = x.max(0);
    const lookalike = { values, indices };
    // @ts-expect-error an object with these names only is no such result
    expect(spread(lookalike).toArray()).toEqual([8, 5]);
    expect(spread.stats).toHaveLength(2);
  });
});
