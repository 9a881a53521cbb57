import type { ArgumentsOf, OptionsOf } from '../../arguments/forms.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { signature } from '../../arguments/signature.js';
import { recording } from '../../backend/recording.js';
import { flatten } from '../../ops/views.js';
import * as kinds from '../../tensor/kinds.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';

const flattening = signature('startDim, endDim', {
  /** The first dimension that is taken. Default: 1. */
  startDim: kinds.integer.default(1),
  /** The last one. Default: -1. */
  endDim: kinds.integer.default(-1),
});

interface FlattenOptions extends OptionsOf<typeof flattening> {}

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

  constructor(...args: ArgumentsOf<typeof flattening, FlattenOptions>) {
    const [startDim, endDim] = flattening.read('Flatten', args);
    super();
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

takeNoMore(Flatten, 'forward');
