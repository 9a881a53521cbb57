import { describe, expect, it } from 'vitest';
import { forEachRun } from '../../lib/backend/js/runs.js';
import { planLoops } from '../../lib/backend/loops.js';
import { isContiguous, sizeOf } from '../../lib/backend/view.js';
import { layouts, noise, offsetsOf, operand } from './operands.js';

describe('planLoops', () => {
  it('makes one loop of contiguous operands', () => {
    const x = operand('float32', [2, 3, 4], [0]);
    expect(planLoops([2, 3, 4], [x, x])).toEqual({ sizes: [24], strides: [[1], [1]] });
  });

  it('keeps apart what an operand does not step through evenly', () => {
    const x = operand('float32', [2, 3, 4], [0]);
    const bias = operand('float32', [4], [0]);
    expect(planLoops([2, 3, 4], [x, bias])).toEqual({
      sizes: [6, 4],
      strides: [
        [4, 1],
        [0, 1],
      ],
    });
  });

  it('repeats a single element', () => {
    expect(planLoops([5, 6], [operand('float32', [], [0])])).toEqual({ sizes: [30], strides: [[0]] });
  });

  it('drops axes of size 1', () => {
    const x = operand('float32', [1, 5, 1], [0], 'strided');
    expect(planLoops([1, 5, 1], [x])).toEqual({ sizes: [5], strides: [[2]] });
    expect(planLoops([1, 1], [operand('float32', [1, 1], [0])])).toEqual({ sizes: [], strides: [[]] });
  });

  it('plans some axes, in the order given', () => {
    const x = operand('float32', [2, 3, 4], [0]);
    expect(planLoops([2, 3, 4], [x], [2, 0])).toEqual({ sizes: [4, 2], strides: [[1, 12]] });
  });

  it('keeps an empty axis', () => {
    expect(sizeOf(planLoops([3, 0, 2], [operand('float32', [3, 0, 2], [0])]).sizes)).toBe(0);
  });
});

describe('forEachRun', () => {
  const shape = [3, 4, 5];
  it.each(layouts)('visits any stretch of a %s operand in row-major order', (layout) => {
    const x = operand('float32', shape, noise(60), layout);
    const broadcast = operand('float32', [4, 1], [0], layout);
    const loops = planLoops(shape, [x, broadcast]);
    const expected = [offsetsOf(x, shape), offsetsOf(broadcast, shape)] as const;
    for (const [start, count] of [
      [0, 60],
      [7, 1],
      [13, 31],
      [59, 1],
      [20, 0],
    ] as const) {
      const visited: [number[], number[]] = [[], []];
      forEachRun(loops, [x.offset, broadcast.offset], start, count, (offsets, length) => {
        for (let i = 0; i < length; i++) {
          visited.forEach((list, k) => {
            list.push(offsets[k]! + i * (loops.strides[k]!.at(-1) ?? 0));
          });
        }
      });
      expect(visited).toEqual(expected.map((offsets) => offsets.slice(start, start + count)));
    }
  });
});

describe('isContiguous', () => {
  it('ignores strides of axes of size 1, and of empty views', () => {
    expect(isContiguous({ shape: [2, 1, 3], strides: [3, 99, 1] })).toBe(true);
    expect(isContiguous({ shape: [2, 0], strides: [7, 7] })).toBe(true);
    expect(isContiguous({ shape: [], strides: [] })).toBe(true);
    expect(isContiguous({ shape: [3, 2], strides: [1, 3] })).toBe(false);
    expect(isContiguous({ shape: [3, 2], strides: [0, 1] })).toBe(false);
  });
});
