import { dtypes } from '../../backend/dtype.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { Parameter } from '../parameter.js';
import { Dictionary, type Items, type Properties } from './dictionary.js';
import { ITEM } from './list.js';
import { parameterLines, parameterOf } from './parameter-list.js';

type Tensors = Readonly<Record<string, Tensor>>;
type Parameters<T> = { readonly [K in keyof T]: Parameter };

class ParameterDictionary<T extends Tensors> extends Dictionary<Parameter, Tensor, Parameters<T>> {
  /** @internal */
  override [ITEM](item: unknown, where: string): Parameter {
    return parameterOf(this, item, where);
  }

  override extraRepr(): string {
    return parameterLines(this.items(), ({ dtype }) => `torch.${dtypes[dtype].torchTensor}`);
  }
}

Object.defineProperty(ParameterDictionary, 'name', { value: 'ParameterDict' });

/**
 * Parameters by key: `dict.get('key')`, and `dict.key` where that is not the name of a method. Keys are names in state dicts as they are.
 *
 * @param parameters an object, or [key, tensor] pairs; tensors become parameters over their storage
 * @throws ValueError for a key that is empty or has a dot, and for what is no tensor
 * @example
 * ```ts
 * class Line extends nn.Module {
 *   of = new nn.ParameterDict({ slope: ones([1]), offset: zeros([1]) });
 *   forward(x: Tensor): Tensor {
 *     return x.mul(this.of.slope).add(this.of.offset);
 *   }
 * }
 * new Line().namedParameters().map(([name]) => name); // ['of.slope', 'of.offset']
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ParameterDict.html
 */
export type ParameterDict<T extends Tensors = Tensors> = ParameterDictionary<T> &
  Properties<Parameters<T>, ParameterDictionary<Tensors>>;
export const ParameterDict = ParameterDictionary as new <T extends Tensors = Tensors>(
  parameters?: Items<Tensor, T>,
) => ParameterDict<T>;
