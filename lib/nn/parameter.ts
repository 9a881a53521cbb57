import { inspect } from 'node:util';
import { checkBoolean } from '../options.js';
import { requireTensor } from '../tensor/arguments.js';
import { Tensor, viewOf } from '../tensor/tensor.js';

/**
 * A tensor that a module learns: as a property of a module it is found by `parameters()`. It shares the storage of the tensor it is made of.
 *
 * @param requiresGrad default true
 * @example
 * ```ts
 * class Scale extends nn.Module {
 *   factor = new nn.Parameter(ones([1]));
 *   forward(x: Tensor): Tensor {
 *     return x.mul(this.factor);
 *   }
 * }
 * new Scale().namedParameters().map(([name]) => name); // ['factor']
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.parameter.Parameter.html
 */
export class Parameter extends Tensor {
  /** What tells the type from that of a plain tensor, which has all else. */
  declare private readonly kind: 'parameter';

  constructor(data: Tensor, requiresGrad = true) {
    requireTensor('Parameter', data);
    checkBoolean('Parameter', 'requiresGrad', requiresGrad);
    super(viewOf(data));
    if (requiresGrad) this.requiresGrad = true;
  }

  override toString(): string {
    return `Parameter containing:\n${super.toString()}`;
  }

  override [inspect.custom](): string {
    return this.toString();
  }
}

/** What a module has under a name: a parameter, unless it was made without one. */
export type Learned<B extends boolean> = B extends true ? Parameter : null;
