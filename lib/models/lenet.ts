import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { relu } from '../nn/activations/index.js';
import { Conv2d } from '../nn/layers/convolution.js';
import { Linear } from '../nn/layers/linear.js';
import { maxPool2d } from '../nn/layers/pooling.js';
import { Module } from '../nn/module.js';
import { flatten } from '../ops/views.js';
import * as kinds from '../tensor/kinds.js';
import type { Tensor } from '../tensor/tensor.js';

const options = signature('numClasses, inChannels', {
  /** How many classes there are. Default: 10. */
  numClasses: kinds.integerFrom(1).default(10),
  /** How many channels images have. Default: 1. */
  inChannels: kinds.integerFrom(1).default(1),
});

export interface LeNetOptions extends OptionsOf<typeof options> {}

class LeNet extends Module<[x: Tensor], Tensor> {
  conv1: Conv2d;
  conv2: Conv2d;
  fc1: Linear;
  fc2: Linear;
  fc3: Linear;

  constructor(numClasses: number, inChannels: number) {
    super();
    this.conv1 = new Conv2d(inChannels, 6, 5, { padding: 2 });
    this.conv2 = new Conv2d(6, 16, 5);
    this.fc1 = new Linear(16 * 5 * 5, 120);
    this.fc2 = new Linear(120, 84);
    this.fc3 = new Linear(84, numClasses);
  }

  override forward(x: Tensor): Tensor {
    const first = maxPool2d(relu(this.conv1.forward(x)), 2);
    const second = maxPool2d(relu(this.conv2.forward(first)), 2);
    const features = relu(this.fc2.forward(relu(this.fc1.forward(flatten(second, 1)))));
    return this.fc3.forward(features);
  }
}

/**
 * LeNet-5 for images of 28 x 28: two convolutions and three linear layers, with rectifiers and the largest of four in place of what was usual in
 * 1998.
 *
 * Shapes: (batch, inChannels, 28, 28) to (batch, numClasses).
 *
 * @example
 * ```ts
 * import { zeros } from 'nabla';
 * import { lenet } from 'nabla/models';
 *
 * const model = lenet();
 * model.forward(zeros([2, 1, 28, 28])).shape; // [2, 10]
 * ```
 * @see http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf
 */
export const lenet: FunctionOf<LeNet, typeof options, LeNetOptions> = define(
  'lenet',
  options,
  (numClasses, inChannels) => new LeNet(numClasses, inChannels),
);
