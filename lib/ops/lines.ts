import type { View } from '../backend/view.js';
import { operandOf, type Tensor } from '../tensor/tensor.js';

/** A tensor as an operand of an instruction along an axis: a 0-d one has an axis of one element. */
export function lineOf(x: Tensor): View {
  const view = operandOf(x);
  return view.shape.length === 0 ? { ...view, shape: [1], strides: [1] } : view;
}
