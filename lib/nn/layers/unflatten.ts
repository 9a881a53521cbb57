import type { ArgumentsOf } from '../../arguments/forms.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { signature } from '../../arguments/signature.js';
import { recording } from '../../backend/recording.js';
import { unflatten } from '../../ops/views.js';
import * as kinds from '../../tensor/kinds.js';
import type { Shape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';

const splitting = signature('dim, unflattenedSize', { dim: kinds.integer, unflattenedSize: kinds.sizes });

/**
 * Splits one dimension into several; one of the sizes may be -1.
 *
 * @throws ShapeError, in `forward`, if the sizes do not multiply to that of the dimension
 * @example
 * ```ts
 * new nn.Unflatten(1, [2, 5, 5]).forward(ones([32, 50])).shape; // [32, 2, 5, 5]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Unflatten.html
 */
export class Unflatten extends Module<[x: Tensor], Tensor> {
  readonly dim: number;
  readonly unflattenedSize: Shape;

  constructor(...args: ArgumentsOf<typeof splitting>) {
    const [dim, sizes] = splitting.read('Unflatten', args);
    super();
    this.dim = dim;
    this.unflattenedSize = [...sizes];
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return unflatten(x, this.dim, this.unflattenedSize);
  }

  override extraRepr(): string {
    return `dim=${this.dim}, unflattened_size=(${this.unflattenedSize.join(', ')}${this.unflattenedSize.length === 1 ? ',' : ''})`;
  }
}

takeNoMore(Unflatten, 'forward');
