import type { View } from './view.js';

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
  const sizes: number[] = [];
  const strides = new Array<number[]>(operands.length);
  for (let i = 0; i < operands.length; i++) strides[i] = [];
  const count = axes === undefined ? shape.length : axes.length;
  for (let k = 0; k < count; k++) {
    const axis = axes === undefined ? k : axes[k]!;
    const size = shape[axis]!;
    if (size === 1) continue;
    const last = sizes.length - 1;
    const merged = last >= 0 && continues(operands, strides, last, axis - shape.length, size);
    if (merged) sizes[last]! *= size;
    else sizes.push(size);
    for (let i = 0; i < operands.length; i++) {
      strides[i]![merged ? last : last + 1] = strideAt(operands[i]!, axis - shape.length);
    }
  }
  return { sizes, strides };
}

/** Whether every operand steps through the axis, of `size`, just as the nest's `last` axis goes on. */
function continues(
  operands: readonly View[],
  strides: number[][],
  last: number,
  fromEnd: number,
  size: number,
): boolean {
  for (let i = 0; i < operands.length; i++) {
    if (strides[i]![last] !== strideAt(operands[i]!, fromEnd) * size) return false;
  }
  return true;
}

/** The stride of an axis counted from the end (-1 is the last): 0 where the operand is repeated. */
export function strideAt({ shape, strides }: View, fromEnd: number): number {
  const axis = shape.length + fromEnd;
  return axis < 0 || shape[axis] === 1 ? 0 : strides[axis]!;
}
