import type { Adapter } from '../adapter.js';
import type { CaseValues } from '../case-values.js';
import { checkTensor, EXACT } from '../compare.js';
import type { TensorRef } from '../format.js';

/** Checks that the stream was consumed to the same place: the next uniform is PyTorch's, exactly. */
export function checkNextUniform(next: TensorRef | undefined, values: CaseValues, adapter: Adapter): void {
  if (next === undefined) return;
  checkTensor('the next uniform', adapter.nabla.rand([1]), values.record(next.t), () => EXACT);
}
