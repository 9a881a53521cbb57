import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { relu } from '../nn/activations/index.js';
import { Sequential } from '../nn/containers/sequential.js';
import { kaimingNormal_ } from '../nn/init.js';
import { adaptiveAvgPool2d } from '../nn/layers/adaptive-pooling.js';
import { BatchNorm2d } from '../nn/layers/channel-norms.js';
import { Conv2d } from '../nn/layers/convolution.js';
import { Linear } from '../nn/layers/linear.js';
import { MaxPool2d } from '../nn/layers/pooling.js';
import { Module } from '../nn/module.js';
import { add } from '../ops/pointwise.js';
import { flatten } from '../ops/views.js';
import * as kinds from '../tensor/kinds.js';
import type { Tensor } from '../tensor/tensor.js';
import { channels, classes } from './sizes.js';

const options = signature('numClasses, inChannels', { ...classes, ...channels });
const smallOptions = signature('numClasses, inChannels', {
  /** How many classes there are. Default: 10. */
  numClasses: kinds.integerFrom(1).default(10),
  ...channels,
});

export interface ResNetOptions extends OptionsOf<typeof options> {}

const conv = (from: number, to: number, size: number, stride = 1): Conv2d<false> =>
  new Conv2d(from, to, size, { stride, padding: (size - 1) / 2, bias: false });

/** What takes the place of the input where a block changes its shape. */
const shortcut = (from: number, to: number, stride: number) =>
  stride === 1 && from === to ? null : new Sequential(conv(from, to, 1, stride), new BatchNorm2d(to));

type Shortcut = ReturnType<typeof shortcut>;

class BasicBlock extends Module<[x: Tensor], Tensor> {
  static readonly expansion: number = 1;
  conv1: Conv2d<false>;
  bn1: BatchNorm2d;
  conv2: Conv2d<false>;
  bn2: BatchNorm2d;
  downsample: Shortcut;

  // The shortcut is made before the block, as in torchvision: it draws first.
  constructor(from: number, width: number, stride: number, downsample: Shortcut) {
    super();
    this.conv1 = conv(from, width, 3, stride);
    this.bn1 = new BatchNorm2d(width);
    this.conv2 = conv(width, width, 3);
    this.bn2 = new BatchNorm2d(width);
    this.downsample = downsample;
  }

  override forward(x: Tensor): Tensor {
    const inner = relu(this.bn1.forward(this.conv1.forward(x)));
    const out = this.bn2.forward(this.conv2.forward(inner));
    return relu(add(out, this.downsample?.forward(x) ?? x));
  }
}

class Bottleneck extends Module<[x: Tensor], Tensor> {
  static readonly expansion: number = 4;
  conv1: Conv2d<false>;
  bn1: BatchNorm2d;
  conv2: Conv2d<false>;
  bn2: BatchNorm2d;
  conv3: Conv2d<false>;
  bn3: BatchNorm2d;
  downsample: Shortcut;

  constructor(from: number, width: number, stride: number, downsample: Shortcut) {
    super();
    this.conv1 = conv(from, width, 1);
    this.bn1 = new BatchNorm2d(width);
    this.conv2 = conv(width, width, 3, stride);
    this.bn2 = new BatchNorm2d(width);
    this.conv3 = conv(width, width * 4, 1);
    this.bn3 = new BatchNorm2d(width * 4);
    this.downsample = downsample;
  }

  override forward(x: Tensor): Tensor {
    const first = relu(this.bn1.forward(this.conv1.forward(x)));
    const second = relu(this.bn2.forward(this.conv2.forward(first)));
    const out = this.bn3.forward(this.conv3.forward(second));
    return relu(add(out, this.downsample?.forward(x) ?? x));
  }
}

type Block = typeof BasicBlock | typeof Bottleneck;
type Stage = Sequential<(BasicBlock | Bottleneck)[]>;

function stage(block: Block, from: number, width: number, count: number, stride: number): Stage {
  const to = width * block.expansion;
  return new Sequential(
    ...Array.from({ length: count }, (_, i) =>
      i === 0 ? new block(from, width, stride, shortcut(from, to, stride)) : new block(to, width, 1, null),
    ),
  );
}

/** Normal weights of convolutions, so that what they give keeps its variance on the way back. */
function initialize(model: Module): void {
  for (const module of model.modules()) {
    if (module instanceof Conv2d) kaimingNormal_(module.weight, { mode: 'fan_out', nonlinearity: 'relu' });
  }
}

class ResNet extends Module<[x: Tensor], Tensor> {
  conv1: Conv2d<false>;
  bn1 = new BatchNorm2d(64);
  maxpool = new MaxPool2d(3, 2, 1);
  layer1: Stage;
  layer2: Stage;
  layer3: Stage;
  layer4: Stage;
  fc: Linear;

  constructor(block: Block, counts: readonly [number, number, number, number], numClasses: number, inChannels: number) {
    super();
    const { expansion } = block;
    this.conv1 = conv(inChannels, 64, 7, 2);
    this.layer1 = stage(block, 64, 64, counts[0], 1);
    this.layer2 = stage(block, 64 * expansion, 128, counts[1], 2);
    this.layer3 = stage(block, 128 * expansion, 256, counts[2], 2);
    this.layer4 = stage(block, 256 * expansion, 512, counts[3], 2);
    this.fc = new Linear(512 * expansion, numClasses);
    initialize(this);
  }

  override forward(x: Tensor): Tensor {
    const first = this.maxpool.forward(relu(this.bn1.forward(this.conv1.forward(x))));
    const third = this.layer3.forward(this.layer2.forward(this.layer1.forward(first)));
    return this.fc.forward(flatten(adaptiveAvgPool2d(this.layer4.forward(third), 1), 1));
  }
}

class SmallResNet extends Module<[x: Tensor], Tensor> {
  conv1: Conv2d<false>;
  bn1 = new BatchNorm2d(16);
  layer1: Stage;
  layer2: Stage;
  layer3: Stage;
  fc: Linear;

  constructor(count: number, numClasses: number, inChannels: number) {
    super();
    this.conv1 = conv(inChannels, 16, 3);
    this.layer1 = stage(BasicBlock, 16, 16, count, 1);
    this.layer2 = stage(BasicBlock, 16, 32, count, 2);
    this.layer3 = stage(BasicBlock, 32, 64, count, 2);
    this.fc = new Linear(64, numClasses);
    initialize(this);
  }

  override forward(x: Tensor): Tensor {
    const first = relu(this.bn1.forward(this.conv1.forward(x)));
    const last = this.layer3.forward(this.layer2.forward(this.layer1.forward(first)));
    return this.fc.forward(flatten(adaptiveAvgPool2d(last, 1), 1));
  }
}

type MakesResNet = FunctionOf<ResNet, typeof options, ResNetOptions>;

/**
 * A residual network of 18 layers, for images of 224 x 224 or so; as in torchvision, whose weights it takes.
 *
 * Shapes: (batch, inChannels, height, width) to (batch, numClasses).
 *
 * @example
 * ```ts
 * import { noGrad, zeros } from 'nabla';
 * import { resnet18 } from 'nabla/models';
 *
 * const model = resnet18({ numClasses: 10 }).eval();
 * noGrad(() => model.forward(zeros([1, 3, 64, 64]))).shape; // [1, 10]
 * ```
 * @see https://arxiv.org/abs/1512.03385
 */
export const resnet18: MakesResNet = define(
  'resnet18',
  options,
  (numClasses, inChannels) => new ResNet(BasicBlock, [2, 2, 2, 2], numClasses, inChannels),
);

/**
 * A residual network of 34 layers: see `resnet18`.
 *
 * @example
 * ```ts
 * import { resnet34 } from 'nabla/models';
 *
 * resnet34().parameters().reduce((sum, p) => sum + p.numel(), 0); // 21797672
 * ```
 * @see https://arxiv.org/abs/1512.03385
 */
export const resnet34: MakesResNet = define(
  'resnet34',
  options,
  (numClasses, inChannels) => new ResNet(BasicBlock, [3, 4, 6, 3], numClasses, inChannels),
);

/**
 * A residual network of 50 layers, three to a block: see `resnet18`.
 *
 * @example
 * ```ts
 * import { resnet50 } from 'nabla/models';
 *
 * resnet50().parameters().reduce((sum, p) => sum + p.numel(), 0); // 25557032
 * ```
 * @see https://arxiv.org/abs/1512.03385
 */
export const resnet50: MakesResNet = define(
  'resnet50',
  options,
  (numClasses, inChannels) => new ResNet(Bottleneck, [3, 4, 6, 3], numClasses, inChannels),
);

/**
 * A residual network of 20 layers for images of 32 x 32: 16, 32 and 64 channels, in names as the larger ones have them.
 *
 * Shapes: (batch, inChannels, 32, 32) to (batch, numClasses).
 *
 * @example
 * ```ts
 * import { zeros } from 'nabla';
 * import { resnet20 } from 'nabla/models';
 *
 * resnet20().forward(zeros([2, 3, 32, 32])).shape; // [2, 10]
 * ```
 * @see https://arxiv.org/abs/1512.03385
 */
export const resnet20: FunctionOf<SmallResNet, typeof smallOptions, ResNetOptions> = define(
  'resnet20',
  smallOptions,
  (numClasses, inChannels) => new SmallResNet(3, numClasses, inChannels),
);
