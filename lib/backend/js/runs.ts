import type { Loops } from '../loops.js';

/**
 * Visits elements [start, start + count) of loops in order, as runs along its innermost axis. `base` says where each operand begins;
 * `visit` is told where each is (an array that is reused) and how many elements follow, each an innermost stride further.
 */
export function forEachRun(
  { sizes, strides }: Loops,
  base: readonly number[],
  start: number,
  count: number,
  visit: (offsets: readonly number[], length: number) => void,
): void {
  const offsets = [...base];
  const inner = sizes.length - 1;
  if (inner < 0) {
    if (count > 0) visit(offsets, 1);
    return;
  }

  const index = unravel(start, sizes);
  const move = (axis: number, steps: number) => {
    index[axis]! += steps;
    for (let i = 0; i < offsets.length; i++) offsets[i]! += steps * strides[i]![axis]!;
  };
  for (let i = 0; i < offsets.length; i++) {
    for (let axis = 0; axis <= inner; axis++) offsets[i]! += index[axis]! * strides[i]![axis]!;
  }

  for (let left = count; left > 0; ) {
    const length = Math.min(left, sizes[inner]! - index[inner]!);
    visit(offsets, length);
    left -= length;
    move(inner, length);
    for (let axis = inner; axis > 0 && index[axis] === sizes[axis]; axis--) {
      move(axis, -sizes[axis]!);
      move(axis - 1, 1);
    }
  }
}

function unravel(position: number, sizes: readonly number[]): number[] {
  const index = new Array<number>(sizes.length);
  let rest = position;
  for (let axis = sizes.length - 1; axis >= 0; axis--) {
    index[axis] = rest % sizes[axis]!;
    rest = Math.floor(rest / sizes[axis]!);
  }
  return index;
}

/** The innermost stride of one operand, 0 for a single element. */
export const innerStride = ({ strides }: Loops, operand: number): number => strides[operand]!.at(-1) ?? 0;
