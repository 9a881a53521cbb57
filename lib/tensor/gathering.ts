import { type BackwardRule, record } from '../autograd/node.js';
import { filledOf } from './empty.js';
import type { Tensor } from './tensor.js';

/** Where gradients meet that are better taken together than added up one by one. */
export interface Gathering<T> {
  /** An input of what makes the parts: it stands for those that the gathering was made of. */
  readonly handle: Tensor;
  /** What has come in the pass under way. */
  readonly arrived: T[];
}

/** What flows along a handle: that something has come. Nobody reads it. */
let sign: Tensor | undefined;

export function arrive<T>({ arrived }: Gathering<T>, what: T): Tensor {
  arrived.push(what);
  sign ??= filledOf([], 0, 'float32');
  return sign;
}

/**
 * A node between `inputs` and what is made of them in parts. Rules of the parts call `arrive`, and return what it gives for the handle;
 * `backward` is called once, with all that has come, in the order in which it came.
 */
export function gathering<T>(
  name: string,
  inputs: readonly Tensor[],
  backward: (arrived: readonly T[], needs: readonly boolean[]) => readonly (Tensor | null)[],
): Gathering<T> {
  const arrived: T[] = [];
  const rule: BackwardRule<null> = {
    name,
    gathers: true,
    backward: (_, __, ___, needs) => backward(arrived.splice(0), needs),
    abandon: () => {
      arrived.length = 0;
    },
  };
  return { handle: record(filledOf([], 0, 'float32'), rule, inputs, [], null), arrived };
}
