import { define } from '../../arguments/define.js';
import type { FunctionOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { noGrad } from '../../autograd/mode.js';
import { ShapeError, ValueError } from '../../errors.js';
import { cat } from '../../ops/joining.js';
import * as kinds from '../../tensor/kinds.js';
import { show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { parameters, tensorsOf } from './parameters.js';

const gathering = signature('parameters, /', { parameters });

const spreading = signature('vec, parameters, /', {
  vec: kinds.tensor,
  parameters,
});

/**
 * The elements of parameters end to end in one vector, with a gradient to each.
 *
 * @throws ValueError for what is no tensor, and for none at all
 * @example
 * ```ts
 * nn.utils.parametersToVector([tensor([[1, 2], [3, 4]]), tensor(5)]); // tensor([1., 2., 3., 4., 5.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.parameters_to_vector.html
 */
export const parametersToVector: FunctionOf<Tensor, typeof gathering> = define(
  'parametersToVector',
  gathering,
  (parameters) => {
    const tensors = tensorsOf('parametersToVector', 'parameter', parameters);
    if (tensors.length === 0) throw new ValueError('parametersToVector: expected at least one parameter, got none');
    return cat(tensors.map((one) => one.reshape([-1])));
  },
);

/**
 * Gives parameters the values of a vector, as `parametersToVector` makes it. They are copied, so that each parameter keeps its memory and its
 * type.
 *
 * @throws ValueError for what is no tensor; ShapeError for a vector of another length than all parameters
 * @example
 * ```ts
 * const [w, b] = [zeros([2, 2]), zeros([])];
 * nn.utils.vectorToParameters(tensor([1, 2, 3, 4, 5]), [w, b]);
 * w; // tensor([[1., 2.], [3., 4.]])
 * b.item(); // 5
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.vector_to_parameters.html
 */
export const vectorToParameters: FunctionOf<void, typeof spreading> = define(
  'vectorToParameters',
  spreading,
  (vec, parameters) => {
    const tensors = tensorsOf('vectorToParameters', 'parameter', parameters);
    const count = tensors.reduce((sum, one) => sum + one.numel(), 0);
    const shape = shapeOf(vec);
    if (shape.length !== 1 || shape[0] !== count) {
      throw new ShapeError(`vectorToParameters: expected a vector of ${count} elements, got shape ${show(shape)}`);
    }
    noGrad(() => {
      let at = 0;
      for (const one of tensors) {
        one.copy_(vec.narrow(0, at, one.numel()).reshape(shapeOf(one)));
        at += one.numel();
      }
    });
  },
);
