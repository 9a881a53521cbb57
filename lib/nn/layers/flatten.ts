import { recording } from '../../backend/recording.js';
import { flatten } from '../../ops/views.js';
import { checkInteger } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';

/**
 * Makes dimensions `startDim` to `endDim` one; by default all but the first, the batch.
 *
 * @example
 * ```ts
 * new nn.Flatten().forward(ones([32, 1, 28, 28])).shape; // [32, 784]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Flatten.html
 */
export class Flatten extends Module<[x: Tensor], Tensor> {
  readonly startDim: number;
  readonly endDim: number;

  constructor(startDim = 1, endDim = -1) {
    super();
    checkInteger('Flatten', 'startDim', startDim, Number.MIN_SAFE_INTEGER);
    checkInteger('Flatten', 'endDim', endDim, Number.MIN_SAFE_INTEGER);
    this.startDim = startDim;
    this.endDim = endDim;
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return flatten(x, this.startDim, this.endDim);
  }

  override extraRepr(): string {
    return `start_dim=${this.startDim}, end_dim=${this.endDim}`;
  }
}
