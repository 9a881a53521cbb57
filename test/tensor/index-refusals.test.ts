import { capture, gather, indexSelect, scatter, scatterAdd, type Tensor, tensor, ValueError, zeros } from 'nabla';
import { describe, expect, test } from 'vitest';

const index = (...values: number[]): Tensor => tensor(values, { dtype: 'int32' });

describe('an index out of range is a ValueError in plain code, in the call that is recorded, and in a replay', () => {
  test.each<[name: string, run: (x: Tensor, i: Tensor) => Tensor]>([
    ['gather', (x, i) => gather(x, 0, i)],
    ['indexSelect', (x, i) => indexSelect(x, 0, i)],
    ['scatter', (x, i) => scatter(x, 0, i, zeros([2]))],
    ['scatter of a number', (x, i) => scatter(x, 0, i, 1)],
    ['scatterAdd', (x, i) => scatterAdd(x, 0, i, zeros([2]))],
    ['scatterAdd of integers', (x, i) => scatterAdd(x.int(), 0, i, zeros([2], { dtype: 'int32' }))],
    ['gather of part of an index', (x, i) => gather(x, 0, i.slice(0, 1, 2))],
  ])('%s', (_, run) => {
    const x = tensor([1, 2]);
    for (const wrong of [index(0, 7), index(1, -1)]) {
      expect(() => run(x, wrong)).toThrow(ValueError);
      const captured = capture(run);
      for (let call = 0; call < 2; call++) {
        expect(() => captured(x, wrong)).toThrow(ValueError);
        expect(() => captured(x, wrong)).toThrow(/out of range/);
      }
      expect(captured(x, index(0, 1)).toArray()).toEqual(run(x, index(0, 1)).toArray());
      expect(() => captured(x, wrong)).toThrow(ValueError);
      expect(() => captured(x, wrong)).toThrow(/out of range/);
    }
  });
});
