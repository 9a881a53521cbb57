import type { DType } from '../backend/dtype.js';
import type { Frame } from './kernel.js';
import type { Tensor } from './tensor.js';

// The two operations that gradients of views and of operations are made of. They are operations themselves: `formula.ts` makes them, on
// top of what uses them here, and says so when it loads. That way files know each other in one direction only.

/** A contiguous copy as another (or the same) element type. */
export let convert: (x: Tensor, dtype: DType) => Tensor;

/** `x` summed over the axes of `frame`. */
export let sumOver: (x: Tensor, dtype: DType, frame: Frame) => Tensor;

export function setBasics(made: { convert: typeof convert; sumOver: typeof sumOver }): void {
  ({ convert, sumOver } = made);
}
