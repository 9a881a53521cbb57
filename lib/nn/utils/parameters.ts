import { type Kind, kind } from '../../arguments/kind.js';
import { describe } from '../../describe.js';
import { ValueError } from '../../errors.js';
import { isTensor, type Tensor } from '../../tensor/tensor.js';

/** One parameter, or many. */
export type Parameters = Tensor | Iterable<Tensor>;

const isParameters = (value: unknown): value is Parameters =>
  isTensor(value) || (typeof value === 'object' && value !== null && Symbol.iterator in value);

export const parameters: Kind<Parameters> = kind('a Tensor or an iterable of tensors', isParameters);

/** The tensors in a list. Each is looked at before the next: an array may have more holes than memory. */
export function tensorsOf(op: string, what: string, list: Parameters): Tensor[] {
  const tensors: Tensor[] = [];
  for (const one of isTensor(list) ? [list] : list) {
    if (!isTensor(one)) throw new ValueError(`${op}: ${what} ${tensors.length} must be a Tensor, got ${describe(one)}`);
    tensors.push(one);
  }
  return tensors;
}
