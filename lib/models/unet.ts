import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { ReLU } from '../nn/activations/index.js';
import { Sequential } from '../nn/containers/sequential.js';
import { BatchNorm2d } from '../nn/layers/channel-norms.js';
import { Conv2d } from '../nn/layers/convolution.js';
import { MaxPool2d } from '../nn/layers/pooling.js';
import { ConvTranspose2d } from '../nn/layers/transposed-convolution.js';
import { Module } from '../nn/module.js';
import { cat } from '../ops/joining.js';
import { pad } from '../ops/padding.js';
import * as kinds from '../tensor/kinds.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';

const options = signature('nChannels, nClasses, width', {
  /** How many channels images have. Default: 3. */
  nChannels: kinds.integerFrom(1).default(3),
  /** How many classes a place can be of. Default: 2. */
  nClasses: kinds.integerFrom(1).default(2),
  /** How many channels the first and last layers have; deeper ones twice, four, eight and sixteen times as many. Default: 64. */
  width: kinds.integerFrom(1).default(64),
});

export interface UNetOptions extends OptionsOf<typeof options> {}

class DoubleConv extends Module<[x: Tensor], Tensor> {
  doubleConv: Sequential;

  constructor(from: number, to: number) {
    super();
    const conv = (channels: number) => new Conv2d(channels, to, 3, { padding: 1, bias: false });
    this.doubleConv = new Sequential(
      conv(from),
      new BatchNorm2d(to),
      new ReLU(true),
      conv(to),
      new BatchNorm2d(to),
      new ReLU(true),
    ) as Sequential;
  }

  override forward(x: Tensor): Tensor {
    return this.doubleConv.forward(x) as Tensor;
  }
}

class Down extends Module<[x: Tensor], Tensor> {
  maxpoolConv: Sequential<[MaxPool2d, DoubleConv]>;

  constructor(from: number, to: number) {
    super();
    this.maxpoolConv = new Sequential(new MaxPool2d(2), new DoubleConv(from, to));
  }

  override forward(x: Tensor): Tensor {
    return this.maxpoolConv.forward(x);
  }
}

/** What comes from below, twice as large, beside what was there on the way down. */
class Up extends Module<[x: Tensor, beside: Tensor], Tensor> {
  up: ConvTranspose2d;
  conv: DoubleConv;

  constructor(from: number, to: number) {
    super();
    this.up = new ConvTranspose2d(from, from / 2, 2, 2);
    this.conv = new DoubleConv(from, to);
  }

  override forward(x: Tensor, beside: Tensor): Tensor {
    const large = this.up.forward(x);
    const [down, right] = [-2, -1].map((dim) => shapeOf(beside).at(dim)! - shapeOf(large).at(dim)!) as [number, number];
    const half = (size: number): number => Math.floor(size / 2);
    const fitted =
      down === 0 && right === 0 ? large : pad(large, [half(right), right - half(right), half(down), down - half(down)]);
    return this.conv.forward(cat([beside, fitted], 1));
  }
}

class OutConv extends Module<[x: Tensor], Tensor> {
  conv: Conv2d;

  constructor(from: number, to: number) {
    super();
    this.conv = new Conv2d(from, to, 1);
  }

  override forward(x: Tensor): Tensor {
    return this.conv.forward(x);
  }
}

class UNet extends Module<[x: Tensor], Tensor> {
  inc: DoubleConv;
  down1: Down;
  down2: Down;
  down3: Down;
  down4: Down;
  up1: Up;
  up2: Up;
  up3: Up;
  up4: Up;
  outc: OutConv;

  constructor(nChannels: number, nClasses: number, width: number) {
    super();
    this.inc = new DoubleConv(nChannels, width);
    this.down1 = new Down(width, 2 * width);
    this.down2 = new Down(2 * width, 4 * width);
    this.down3 = new Down(4 * width, 8 * width);
    this.down4 = new Down(8 * width, 16 * width);
    this.up1 = new Up(16 * width, 8 * width);
    this.up2 = new Up(8 * width, 4 * width);
    this.up3 = new Up(4 * width, 2 * width);
    this.up4 = new Up(2 * width, width);
    this.outc = new OutConv(width, nClasses);
  }

  override forward(x: Tensor): Tensor {
    const first = this.inc.forward(x);
    const second = this.down1.forward(first);
    const third = this.down2.forward(second);
    const fourth = this.down3.forward(third);
    const lowest = this.down4.forward(fourth);
    const upper = this.up2.forward(this.up1.forward(lowest, fourth), third);
    return this.outc.forward(this.up4.forward(this.up3.forward(upper, second), first));
  }
}

/**
 * U-Net: a class for every place of an image, from what surrounds it at five scales. Names are those of the most used implementation for PyTorch
 * (milesial's), with transposed convolutions.
 *
 * Shapes: (batch, nChannels, height, width) to (batch, nClasses, height, width), from 16 x 16 on.
 *
 * @example
 * ```ts
 * import { noGrad, zeros } from 'nabla';
 * import { unet } from 'nabla/models';
 *
 * const model = unet({ nChannels: 1, width: 4 }).eval();
 * noGrad(() => model.forward(zeros([1, 1, 20, 24]))).shape; // [1, 2, 20, 24]
 * ```
 * @see https://arxiv.org/abs/1505.04597
 */
export const unet: FunctionOf<UNet, typeof options, UNetOptions> = define(
  'unet',
  options,
  (nChannels, nClasses, width) => new UNet(nChannels, nClasses, width),
);
