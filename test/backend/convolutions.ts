import type { ComputeType } from '../../lib/backend/dtype.js';
import type { Moves } from '../../lib/backend/js/convolve.js';
import { sizeOf, type View } from '../../lib/backend/view.js';
import { type Layout, operand } from './operands.js';

/** A convolution over one to three axes. */
export interface Example {
  readonly samples: number;
  readonly groups: number;
  /** Of the input and of the output, in a group. */
  readonly channels: readonly [number, number];
  readonly whole: readonly number[];
  readonly kernel: readonly number[];
  readonly moves: Moves;
  readonly layout: Layout;
}

/** How many places there are where as much is put after the input as before it. */
export const placesOf = ({ whole, kernel, moves: { stride, dilation, before } }: Example): number[] =>
  whole.map((size, i) => Math.floor((size + 2 * before[i]! - dilation[i]! * (kernel[i]! - 1) - 1) / stride[i]!) + 1);

/** Sizes that leave remainders everywhere, and those of networks: of windows, strides, margins, groups and layouts. */
export const examples: readonly Example[] = [
  ...(
    [
      [1, 1, [1, 1], [7, 9], [3, 3], 1, 1, 0, 'contiguous'],
      [2, 1, [3, 5], [8, 8], [3, 3], 1, 1, 1, 'contiguous'],
      [3, 2, [2, 3], [9, 33], [3, 2], 1, 1, 1, 'strided'],
      [2, 1, [4, 15], [14, 14], [3, 3], 2, 1, 1, 'transposed'],
      [2, 1, [2, 29], [7, 40], [2, 3], 3, 2, 3, 'offset'],
      [1, 6, [1, 1], [6, 70], [5, 5], 1, 1, 2, 'contiguous'],
      [1, 3, [1, 2], [12, 12], [3, 3], 2, 2, 2, 'transposed'],
      [2, 1, [70, 16], [5, 5], [3, 3], 1, 1, 1, 'contiguous'],
      [1, 1, [150, 33], [4, 6], [3, 3], 1, 1, 1, 'contiguous'],
      [1, 1, [1, 40], [60, 70], [3, 3], 1, 1, 1, 'contiguous'],
      [2, 1, [20, 7], [6, 5], [1, 1], 1, 1, 0, 'contiguous'],
      [3, 1, [50, 64], [8, 8], [3, 3], 1, 1, 1, 'contiguous'],
      [2, 2, [9, 40], [14, 14], [3, 3], 1, 1, 1, 'strided'],
      [3, 1, [8, 130], [30, 28], [3, 3], 1, 1, 1, 'contiguous'],
      [2, 1, [30, 48], [13, 25], [3, 3], 2, 1, 1, 'transposed'],
      [2, 1, [70, 36], [9, 10], [1, 1], 1, 1, 0, 'offset'],
      [2, 1, [3, 6], [8, 8], [1, 1], 2, 1, 0, 'strided'],
      [1, 1, [2, 3], [6, 6], [2, 2], 1, 1, -1, 'contiguous'],
      [2, 2, [3, 4], [50], [4], 1, 1, 2, 'strided'],
      [1, 1, [2, 2], [2500], [3], 2, 3, 1, 'contiguous'],
      [1, 1, [2, 17], [4, 5, 9], [3, 2, 2], 1, 1, 1, 'contiguous'],
      [2, 2, [1, 3], [6, 6, 6], [2, 3, 3], 2, 1, 1, 'transposed'],
    ] as const satisfies readonly (readonly [
      number,
      number,
      readonly [number, number],
      readonly number[],
      readonly number[],
      number,
      number,
      number,
      Layout,
    ])[]
  ).map(
    ([samples, groups, channels, whole, kernel, stride, dilation, before, layout]): Example => ({
      samples,
      groups,
      channels,
      whole,
      kernel,
      layout,
      moves: { stride: whole.map(() => stride), dilation: whole.map(() => dilation), before: whole.map(() => before) },
    }),
  ),
];

/** Memory for all three operands. */
export function operandsOf(
  example: Example,
  dtype: ComputeType,
  value: (i: number) => number,
): Record<'input' | 'weight' | 'out', View> {
  const { samples, groups, channels, whole, kernel, layout } = example;
  const of = (shape: readonly number[], start: number) => {
    const values = Array.from({ length: Math.max(1, sizeOf(shape)) }, (_, i) => value(i + start));
    return operand(dtype, shape, values, layout);
  };
  return {
    input: of([samples, groups * channels[0], ...whole], 0),
    weight: of([groups * channels[1], channels[0], ...kernel], 5),
    out: of([samples, groups * channels[1], ...placesOf(example)], 11),
  };
}
