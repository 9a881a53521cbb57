import type { Kind } from './program.js';
import type { View } from './view.js';

/** Loops, the outermost axis first: its sizes, and per operand its strides (0 where it is repeated). All in elements. */
export interface Loops {
  readonly sizes: readonly number[];
  readonly strides: readonly (readonly number[])[];
}

/**
 * The loops over `shape` (or over some `axes` of it) for `operands` broadcast to it, with as few axes as possible: axes of
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

/** Whether every operand steps through the axis, of `size`, just as the `last` axis of the loops goes on. */
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

/**
 * Whether the native core folds side-by-side rows column by column, or each by itself: `native/kernels/fold/fold.h` says when. It
 * decides about speed, and about no bit.
 */
export function foldsColumns(kinds: readonly Kind[], kept: Loops, folded: Loops): boolean {
  const columns = folded.sizes.reduce((a, b) => a * b, 1);
  const rows = kept.sizes.reduce((a, b) => a * b, 1);
  if (columns === 0) return false;
  if (columns <= SHORT_ROW && rows > columns) return true;
  const byRow = (i: number) => kept.strides[i]!.at(-1) ?? 0;
  const byElement = (i: number) => folded.strides[i]!.at(-1) ?? 0;
  const deciding = kinds.findIndex((kind, i) => kind === 'element' && byRow(i) !== byElement(i));
  return deciding >= 0 && (kept.sizes.at(-1) ?? 1) > 1 && Math.abs(byRow(deciding)) < Math.abs(byElement(deciding));
}

/** `kShortRow` of `native/kernels/fold/fold.h`. */
const SHORT_ROW = 8;

/** The stride of an axis counted from the end (-1 is the last): 0 where the operand is repeated. */
export function strideAt({ shape, strides }: View, fromEnd: number): number {
  const axis = shape.length + fromEnd;
  return axis < 0 || shape[axis] === 1 ? 0 : strides[axis]!;
}
