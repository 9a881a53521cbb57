import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { ReLU6 } from '../nn/activations/index.js';
import { Sequential } from '../nn/containers/sequential.js';
import { kaimingNormal_, normal_, zeros_ } from '../nn/init.js';
import { adaptiveAvgPool2d } from '../nn/layers/adaptive-pooling.js';
import { BatchNorm2d } from '../nn/layers/channel-norms.js';
import { Conv2d } from '../nn/layers/convolution.js';
import { Dropout } from '../nn/layers/dropout.js';
import { Linear } from '../nn/layers/linear.js';
import { Module } from '../nn/module.js';
import { add } from '../ops/pointwise.js';
import { flatten } from '../ops/views.js';
import * as kinds from '../tensor/kinds.js';
import type { Tensor } from '../tensor/tensor.js';
import { channels, classes } from './sizes.js';

const options = signature('numClasses, widthMult, dropout, inChannels', {
  ...classes,
  /** What the numbers of channels are multiplied by; they stay multiples of 8. Default: 1. */
  widthMult: kinds.above(0).default(1),
  /** Probability of a zero before the last layer. Default: 0.2. */
  dropout: kinds.within(0, 1).default(0.2),
  ...channels,
});

export interface MobileNetOptions extends OptionsOf<typeof options> {}

/** The nearest multiple of 8, but not less than nine tenths. */
function inEights(x: number): number {
  const near = Math.max(8, Math.floor((x + 4) / 8) * 8);
  return near < 0.9 * x ? near + 8 : near;
}

const convolved = (from: number, to: number, size: number, stride = 1, groups = 1) =>
  new Sequential(
    new Conv2d(from, to, size, { stride, padding: (size - 1) / 2, groups, bias: false }),
    new BatchNorm2d(to),
    new ReLU6(true),
  );

/** More channels, each convolved by itself, then fewer again; the input is added where it fits. */
class InvertedResidual extends Module<[x: Tensor], Tensor> {
  conv: Sequential;
  readonly isResidual: boolean;

  constructor(from: number, to: number, stride: number, expansion: number) {
    super();
    const inner = from * expansion;
    this.isResidual = stride === 1 && from === to;
    this.conv = new Sequential(
      ...(expansion === 1 ? [] : [convolved(from, inner, 1)]),
      convolved(inner, inner, 3, stride, inner),
      new Conv2d(inner, to, 1, { bias: false }),
      new BatchNorm2d(to),
    ) as Sequential;
  }

  override forward(x: Tensor): Tensor {
    const out = this.conv.forward(x) as Tensor;
    return this.isResidual ? add(x, out) : out;
  }
}

/** Expansion, channels, how many blocks, and the stride of the first of them. */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

function initialize(model: Module): void {
  for (const module of model.modules()) {
    if (module instanceof Conv2d) kaimingNormal_(module.weight, { mode: 'fan_out' });
    if (!(module instanceof Linear)) continue;
    normal_(module.weight, 0, 0.01);
    if (module.bias !== null) zeros_(module.bias);
  }
}

class MobileNetV2 extends Module<[x: Tensor], Tensor> {
  features: Sequential;
  classifier: Sequential<[Dropout, Linear]>;

  constructor(numClasses: number, widthMult: number, dropout: number, inChannels: number) {
    super();
    let width = inEights(32 * widthMult);
    const blocks: Module<[x: Tensor], Tensor>[] = [convolved(inChannels, width, 3, 2)];
    for (const [expansion, size, count, stride] of STAGES) {
      const to = inEights(size * widthMult);
      for (let i = 0; i < count; i++) {
        blocks.push(new InvertedResidual(width, to, i === 0 ? stride : 1, expansion));
        width = to;
      }
    }
    const last = inEights(1280 * Math.max(1, widthMult));
    this.features = new Sequential(...blocks, convolved(width, last, 1)) as Sequential;
    this.classifier = new Sequential(new Dropout(dropout), new Linear(last, numClasses));
    initialize(this);
  }

  override forward(x: Tensor): Tensor {
    const features = this.features.forward(x) as Tensor;
    return this.classifier.forward(flatten(adaptiveAvgPool2d(features, 1), 1));
  }
}

/**
 * MobileNetV2, a small network for images of 224 x 224 or so; as in torchvision, whose weights it takes.
 *
 * Shapes: (batch, inChannels, height, width) to (batch, numClasses).
 *
 * @example
 * ```ts
 * import { noGrad, zeros } from 'nabla';
 * import { mobilenetV2 } from 'nabla/models';
 *
 * const model = mobilenetV2({ numClasses: 5, widthMult: 0.5 }).eval();
 * noGrad(() => model.forward(zeros([1, 3, 64, 64]))).shape; // [1, 5]
 * ```
 * @see https://arxiv.org/abs/1801.04381
 */
export const mobilenetV2: FunctionOf<MobileNetV2, typeof options, MobileNetOptions> = define(
  'mobilenetV2',
  options,
  (numClasses, widthMult, dropout, inChannels) => new MobileNetV2(numClasses, widthMult, dropout, inChannels),
);
