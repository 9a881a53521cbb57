import { broadcastStrides, type View } from './view.js';

/** A loop nest, outermost axis first: its sizes, and per operand its strides (0 where it is repeated). All in elements. */
export interface Loops {
  readonly sizes: readonly number[];
  readonly strides: readonly (readonly number[])[];
}

/**
 * The loop nest over `shape` (or over some `axes` of it) for `operands` broadcast to it, with as few axes as possible: axes of
 * size 1 are dropped, and neighbours that every operand steps through evenly become one. The order of elements stays row-major.
 */
export function planLoops(shape: readonly number[], operands: readonly View[], axes?: readonly number[]): Loops {
  const all = operands.map((operand) => broadcastStrides(operand, shape));
  const sizes: number[] = [];
  const strides: number[][] = operands.map(() => []);
  for (const axis of axes ?? shape.keys()) {
    const size = shape[axis]!;
    if (size === 1) continue;
    const last = sizes.length - 1;
    const merges = last >= 0 && strides.every((s, i) => s[last] === all[i]![axis]! * size);
    if (merges) sizes[last]! *= size;
    else sizes.push(size);
    strides.forEach((s, i) => {
      s[merges ? last : last + 1] = all[i]![axis]!;
    });
  }
  return { sizes, strides };
}
