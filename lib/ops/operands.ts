import * as kinds from '../tensor/kinds.js';
import type { Tensor } from '../tensor/tensor.js';

/** The tensors of a call that takes them one by one or as one array. */
export function tensorsOf(op: string, given: readonly unknown[]): readonly Tensor[] {
  const tensors = given.length === 1 && Array.isArray(given[0]) ? given[0] : given;
  return kinds.tensors.accepts(tensors) ? tensors : kinds.tensors.refuse(op, 'tensors', tensors);
}
