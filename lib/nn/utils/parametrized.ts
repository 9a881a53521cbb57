import { type Kind, kind } from '../../arguments/kind.js';
import { describe } from '../../describe.js';
import { ValueError } from '../../errors.js';
import * as kinds from '../../tensor/kinds.js';
import { isTensor, type Tensor } from '../../tensor/tensor.js';
import { isModule, type Module } from '../module.js';

/** What parametrizations are given to. */
export const target = {
  module: kind('a Module', isModule) as Kind<Module>,
  /** The property that is the weight. Default: 'weight'. */
  name: kinds.text.default('weight'),
};

export function weightOf(op: string, module: Module, name: string): Tensor {
  const weight: unknown = Reflect.get(module, name);
  if (isTensor(weight)) return weight;
  throw new ValueError(`${op}: ${module.constructor.name} has no parameter or buffer ${describe(name)}`);
}
