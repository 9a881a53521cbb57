import { dtypes } from '../../backend/dtype.js';
import { describe } from '../../describe.js';
import { ValueError } from '../../errors.js';
import { isTensor, type Tensor } from '../../tensor/tensor.js';
import type { Module } from '../module.js';
import { isParameter, Parameter } from '../parameter.js';
import { ITEM, itemsOf, List, listing, put } from './list.js';
import { notCallable } from './module-list.js';

/** What a container of parameters keeps: a tensor becomes a parameter over its storage. */
export function parameterOf(container: Module, item: unknown, where: string): Parameter {
  if (isParameter(item)) return item;
  if (isTensor(item)) return new Parameter(item);
  throw new ValueError(
    `${container.constructor.name}: ${where} must be a Parameter or a Tensor, got ${describe(item)}`,
  );
}

/** Parameters as PyTorch lists them in the text of a container. @param typeOf what a parameter's type is called there */
export const parameterLines = (
  named: Iterable<readonly [string | number, Parameter]>,
  typeOf: (parameter: Parameter) => string,
): string =>
  [...named]
    .map(([name, p]) => `  (${name}): Parameter containing: [${typeOf(p)} of size ${p.shape.join('x')}]`)
    .join('\n');

/**
 * Parameters in a list: `list[0]`, `list.length`, `for (const parameter of list)`.
 *
 * @param parameters an array, or another iterable; tensors become parameters over their storage
 * @throws ValueError for what is no tensor
 * @example
 * ```ts
 * class Sum extends nn.Module {
 *   terms = new nn.ParameterList([ones([3]), zeros([3])]);
 *   forward(x: Tensor): Tensor {
 *     for (const term of this.terms) x = x.add(term);
 *     return x;
 *   }
 * }
 * new Sum().namedParameters().map(([name]) => name); // ['terms.0', 'terms.1']
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ParameterList.html
 */
export class ParameterList extends List<Parameter, Tensor, never[], never> {
  [index: number]: Parameter;

  constructor(...args: [parameters?: Iterable<Tensor>]) {
    const [parameters] = listing.read('ParameterList', args);
    super();
    put(this, 0, itemsOf(this, 'item', parameters));
  }

  /** Always throws. */
  override forward(): never {
    throw notCallable(this);
  }

  /** @internal */
  override [ITEM](item: unknown, where: string): Parameter {
    return parameterOf(this, item, where);
  }

  override extraRepr(): string {
    return parameterLines([...this].entries(), ({ dtype }) => `torch.${dtypes[dtype].torch}`);
  }
}
