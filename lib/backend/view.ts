import type { DType } from './dtype.js';
import type { Storage } from './storage.js';

/** Where an operand's elements are: element `[i, j, …]` is at `offset + i * strides[0] + j * strides[1] + …`. All in elements, not bytes. */
export interface View {
  readonly storage: Storage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly dtype: DType;
}

/** What the records of the native core hold; `maxDims` of the addon is one more, because an instruction may need a unit axis. */
export const MAX_DIMS = 12;
/** How many views an instruction reads and writes at most. */
export const MAX_OPERANDS = 48;

/** Number of elements of a shape; 1 for `[]`. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i]!;
  return size;
}

/** An array of its own, which nobody has frozen (those are slow to read) and in which 0 is never -0. */
export function copyOf(values: readonly number[]): number[] {
  const copy = new Array<number>(values.length);
  for (let i = 0; i < values.length; i++) copy[i] = values[i]! + 0;
  return copy;
}

/** Row-major strides. */
export function contiguousStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= shape[i]!;
  }
  return strides;
}

/**
 * Strides of a new tensor in whose memory the elements follow each other as in that of the views: two axes are as in the first of them that steps along
 * both, and by different steps. What TensorIterator does in PyTorch, where what is drawn like another tensor goes by the order of its memory.
 */
export function keptStrides(shape: readonly number[], views: readonly Pick<View, 'shape' | 'strides'>[]): number[] {
  const steps = views.map((view) => stepsOf(view, shape));
  // From the innermost axis to the outermost.
  const order = Array.from(shape, (_, i) => shape.length - 1 - i);
  for (let i = 1; i < order.length; i++) {
    for (let at = i, before = i - 1; before >= 0; before--) {
      const isAfter = comesAfter(order[before]!, order[at]!, steps, shape);
      if (isAfter === false) break;
      if (isAfter === null) continue;
      [order[before], order[at]] = [order[at]!, order[before]!];
      at = before;
    }
  }
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (const axis of order) {
    strides[axis] = step;
    step *= shape[axis]!;
  }
  return strides;
}

/** How far a view steps along the axes of a shape that it is repeated over. */
function stepsOf(view: Pick<View, 'shape' | 'strides'>, shape: readonly number[]): number[] {
  const lead = shape.length - view.shape.length;
  return shape.map((size, i) => (i < lead || (view.shape[i - lead] === 1 && size !== 1) ? 0 : view.strides[i - lead]!));
}

/** Whether an axis is further out than another; null where nothing says. */
function comesAfter(a: number, b: number, steps: readonly number[][], shape: readonly number[]): boolean | null {
  for (const { [a]: one = 0, [b]: other = 0 } of steps) {
    if (one === 0 || other === 0) continue;
    if (one !== other) return one > other;
    if (shape[a]! > shape[b]!) return true;
  }
  return null;
}

/** Whether the elements follow each other in row-major order; strides of axes of size 1 do not matter, and an empty view is contiguous. */
export function isContiguous(view: Pick<View, 'shape' | 'strides'>): boolean {
  const { shape, strides } = view;
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const size = shape[i]!;
    if (size === 0) return true;
    if (size !== 1 && strides[i] !== step) return false;
    step *= size;
  }
  return true;
}

/** Strides of `view` as an operand of an iteration over `shape`: right-aligned, 0 where it is repeated. */
export function broadcastStrides(view: Pick<View, 'shape' | 'strides'>, shape: readonly number[]): number[] {
  const lead = shape.length - view.shape.length;
  return shape.map((_, i) => (i < lead || view.shape[i - lead] === 1 ? 0 : view.strides[i - lead]!));
}

/** Whether two views are of the same elements in the same order. */
export const sameView = (a: View, b: View): boolean =>
  a.storage === b.storage &&
  a.offset === b.offset &&
  a.dtype === b.dtype &&
  sameShape(a.shape, b.shape) &&
  sameShape(a.strides, b.strides);

/** Whether one element in memory may be several of the view's: some axis steps no further than those with smaller steps reach together. */
export function isRepeated(view: Pick<View, 'shape' | 'strides'>): boolean {
  if (isContiguous(view)) return false;
  const { shape, strides } = view;
  if (shape.includes(0)) return false;
  const axes = shape.map((size, axis) => ({ size, step: Math.abs(strides[axis]!) })).filter(({ size }) => size > 1);
  let reach = 0;
  for (const { size, step } of axes.sort((a, b) => a.step - b.step)) {
    if (step <= reach) return true;
    reach += step * (size - 1);
  }
  return false;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
