import { inspect } from 'node:util';
import type { ArgumentsOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import * as kinds from '../tensor/kinds.js';
import { isTensor, Tensor, viewOf } from '../tensor/tensor.js';

const parameterSignature = signature('data, requiresGrad', {
  data: kinds.tensor,
  /** Whether it gets gradients. Default: true. */
  requiresGrad: kinds.boolean.default(true),
});

interface ParameterOptions extends OptionsOf<typeof parameterSignature> {}

/**
 * A tensor that a module learns: as a property of a module it is found by `parameters()`. It shares the storage of the tensor it is made of.
 *
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

  constructor(...args: ArgumentsOf<typeof parameterSignature, ParameterOptions>) {
    const [data, requiresGrad] = parameterSignature.read('Parameter', args);
    super(viewOf(data));
    if (requiresGrad) this.requiresGrad = true;
  }

  override toString(): string {
    return `Parameter containing:\n${super.toString()}`;
  }

  /** @internal */
  override [inspect.custom](): string {
    return this.toString();
  }
}

/** @internal Whether a value is a parameter. */
export const isParameter = (value: unknown): value is Parameter => isTensor(value) && value instanceof Parameter;

/** What a module has under a name: a parameter, unless it was made without one. */
export type Learned<B extends boolean> = B extends true ? Parameter : null;
