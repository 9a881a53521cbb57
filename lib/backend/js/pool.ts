import { DONE } from '../outcome.js';
import { sizeOf, type View } from '../view.js';
import type { Moves } from './convolve.js';
import { indexAt } from './index-at.js';

/** The instruction `maxPool`: window by window. */
export function maxPool(
  input: View,
  values: View,
  indices: View,
  kernel: readonly number[],
  { stride, dilation, before }: Moves,
): number {
  const [from, to, positions] = [input, values, indices].map(({ storage, dtype }) => storage.array(dtype));
  const whole = input.shape.slice(2);
  const elements = Array.from({ length: sizeOf(kernel) }, (_, i) => indexAt(i, kernel));
  for (let number = 0; number < sizeOf(values.shape); number++) {
    const place = indexAt(number, values.shape);
    const channel = input.offset + place[0]! * input.strides[0]! + place[1]! * input.strides[1]!;
    let [best, bestAt] = [0, -1];
    for (const element of elements) {
      const at = whole.map(
        (_, axis) => place[axis + 2]! * stride[axis]! + element[axis]! * dilation[axis]! - before[axis]!,
      );
      if (at.some((index, axis) => index < 0 || index >= whole[axis]!)) continue;
      const value = from![at.reduce((offset, index, axis) => offset + index * input.strides[axis + 2]!, channel)]!;
      if (bestAt >= 0 && !(value > best) && !Number.isNaN(value)) continue;
      best = value;
      bestAt = at.reduce((sum, index, axis) => sum * whole[axis]! + index, 0);
    }
    to![offsetOf(values, place)] = best;
    positions![offsetOf(indices, place)] = bestAt;
  }
  return DONE;
}

const offsetOf = ({ offset, strides }: View, index: readonly number[]): number =>
  index.reduce((sum, at, axis) => sum + at * strides[axis]!, offset);
