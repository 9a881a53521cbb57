import { planLoops, strideAt } from '../loops.js';
import { DONE } from '../outcome.js';
import { sizeOf, type View } from '../view.js';
import { forEachRun, innerStride } from './runs.js';

export const sortOrders = ['ascending', 'descending'] as const;
export type SortOrder = (typeof sortOrders)[number];

/** NaN comes after all others, and equals itself. */
function compare(a: number, b: number): number {
  if (a < b || (Number.isNaN(b) && !Number.isNaN(a))) return -1;
  return a > b || (Number.isNaN(a) && !Number.isNaN(b)) ? 1 : 0;
}

/** The instruction `sort`. */
export function sort(values: View, indices: View, input: View, axis: number, order: SortOrder): number {
  const { shape } = input;
  const count = values.shape[axis]!;
  const operands = [values, indices, input];
  const others = [...shape.keys()].filter((other) => other !== axis);
  const loops = planLoops(shape, operands, others);
  const arrays = operands.map((view) => view.storage.array(view.dtype));
  const steps = operands.map((view) => strideAt(view, axis - shape.length));
  const bases = operands.map(({ offset }) => offset);
  const rows = sizeOf(others.map((other) => shape[other]!));
  forEachRun(loops, bases, 0, rows, (offsets, length) => {
    for (let row = 0; row < length; row++) {
      const [valueAt, indexAt, inputAt] = offsets.map((at, i) => at + row * innerStride(loops, i));
      const line = Array.from({ length: shape[axis]! }, (_, i) => arrays[2]![inputAt! + i * steps[2]!]!);
      const sorted = [...line.keys()].sort((i, j) =>
        order === 'ascending' ? compare(line[i]!, line[j]!) : compare(line[j]!, line[i]!),
      );
      for (const [to, from] of sorted.slice(0, count).entries()) {
        arrays[0]![valueAt! + to * steps[0]!] = line[from]!;
        arrays[1]![indexAt! + to * steps[1]!] = from;
      }
    }
  });
  return DONE;
}
