import { define } from '../../arguments/define.js';
import type { ArgumentsOf, FunctionOf, Narrowed, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { noGrad } from '../../autograd/mode.js';
import { recording } from '../../backend/recording.js';
import { sizeOf } from '../../backend/view.js';
import { ValueError } from '../../errors.js';
import { lerp_ } from '../../ops/arithmetic.js';
import { to } from '../../ops/conversion.js';
import { mean, varMean } from '../../ops/reductions.js';
import { squeeze, unsqueeze } from '../../ops/views.js';
import * as kinds from '../../tensor/kinds.js';
import { show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { takeOneTensor } from '../one-tensor.js';
import {
  added,
  affine,
  byRunning,
  ChannelNorm,
  channelsOf,
  checkChannels,
  type Learnable,
  perChannel,
  type Running,
} from './channel-norms.js';
import { centring } from './normalization.js';

// Normalisation of the channels of each sample by themselves.

const instanceSignature = signature('input, /, runningMean, runningVar, weight, bias, useInputStats, momentum, eps', {
  input: kinds.tensor,
  /** Running means, one for each channel. Default: null, none. */
  runningMean: kinds.tensor.optional(),
  /** Running variances, one for each channel. Default: null, none. */
  runningVar: kinds.tensor.optional(),
  ...affine,
  /** Whether to normalise by the input, and to move the running values, instead of by these. Default: true. */
  useInputStats: kinds.boolean.default(true),
  /** How far running values move towards those of the input. Default: 0.1. */
  momentum: kinds.number.default(0.1),
  ...added,
});

export interface InstanceNormFunctionOptions extends OptionsOf<typeof instanceSignature> {}

/** Moves running values towards the means, over the batch, of those of its samples; outside the graph. */
function follow({ mean: average, variance }: Running, x: Tensor, axes: readonly number[], momentum: number): void {
  noGrad(() => {
    const [spread, centre] = varMean(x.detach(), axes);
    lerp_(average, to(mean(centre, 0), average.dtype), momentum);
    lerp_(variance, to(mean(spread, 0), variance.dtype), momentum);
  });
}

function instanceNormalised(
  op: string,
  x: Tensor,
  running: Running | null,
  learned: Learnable,
  byInput: boolean,
  momentum: number,
  eps: number,
): Tensor {
  const channels = channelsOf(op, x);
  checkChannels(op, channels, {
    ...learned,
    runningMean: running?.mean ?? null,
    runningVar: running?.variance ?? null,
  });
  if (!byInput) {
    if (running === null)
      throw new ValueError(`${op}: runningMean and runningVar are needed where useInputStats is false`);
    return byRunning(x, running, learned, eps);
  }
  const axes = [...shapeOf(x).keys()].slice(2);
  const count = sizeOf(shapeOf(x).slice(2));
  if (count <= 1)
    throw new ValueError(`${op}: expected more than 1 value per channel of a sample, got ${show(x.shape)}`);
  if (!(eps >= 0)) throw new ValueError(`${op}: eps must be at least 0, got ${eps}`);
  const weight = learned.weight === null ? 1 : perChannel(learned.weight, x.ndim);
  const bias = learned.bias === null ? 0 : perChannel(learned.bias, x.ndim);
  const frame = { shape: shapeOf(x), axes, keepdim: true };
  const result = centring.call([x, weight, bias, count, eps], x.dtype, undefined, frame);
  if (running !== null) follow(running, x, axes, momentum);
  return result;
}

/**
 * (x - mean) / √(variance + eps) · weight + bias for each channel of each sample: by the input, which moves the running values if they are given (in
 * place; towards the means over the batch; the variance with Bessel's correction), or by these.
 *
 * @param input (batch, channels, …)
 * @throws ShapeError if shapes do not fit; ValueError for one value per channel, or without running values where they are to be used
 * @example
 * ```ts
 * nn.functional.instanceNorm(tensor([[[1, 3], [0, 8]]])); // tensor([[[-1.0000,  1.0000], [-1.0000,  1.0000]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.instance_norm.html
 * @see https://arxiv.org/abs/1607.08022
 */
export const instanceNorm: FunctionOf<Tensor, typeof instanceSignature, InstanceNormFunctionOptions> = define(
  'instanceNorm',
  instanceSignature,
  (x, runningMean, runningVar, weight, bias, useInputStats, momentum, eps) => {
    if ((runningMean === null) !== (runningVar === null))
      throw new ValueError('instanceNorm: runningMean and runningVar must both be given, or neither');
    const running = runningMean === null || runningVar === null ? null : { mean: runningMean, variance: runningVar };
    return instanceNormalised('instanceNorm', x, running, { weight, bias }, useInputStats, momentum, eps);
  },
);

const instanceModule = signature('numFeatures, eps, momentum, affine, trackRunningStats, bias, dtype', {
  numFeatures: kinds.integerFrom(0),
  ...added,
  /** How far running values move towards those of the input. Default: 0.1. With null they stay. */
  momentum: kinds.number.orNull().default(0.1),
  /** Whether weights, at first 1 (and biases, at first 0), are learned. Default: false. */
  affine: kinds.boolean.default(false),
  /** Whether to keep running values, which evaluation goes by. Default: false. */
  trackRunningStats: kinds.boolean.default(false),
  /** Whether a bias is learned along with the weight. Default: true. */
  bias: kinds.boolean.default(true),
  /** Element type of the parameters. Default: float32. */
  dtype: kinds.dtype.default('float32'),
});

interface InstanceNormOptions<A extends boolean = boolean, T extends boolean = boolean, B extends boolean = boolean>
  extends Narrowed<OptionsOf<typeof instanceModule>, { affine: A; trackRunningStats: T; bias: B }> {}

type InstanceNormArguments<A extends boolean, T extends boolean, B extends boolean> = ArgumentsOf<
  typeof instanceModule,
  InstanceNormOptions<A, T, B>,
  { affine: A; trackRunningStats: T; bias: B }
>;

/** What the layers of one number of dimensions share. */
abstract class InstanceNorm<A extends boolean, T extends boolean, B extends boolean> extends ChannelNorm<A, T, B> {
  constructor(name: string, args: InstanceNormArguments<A, T, B>) {
    super(instanceModule.named(name, args));
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    const single = x.ndim === this.dimensions[0];
    this.checkInput(x, single ? 0 : 1);
    const running = this.running();
    const learned = { weight: this.weight, bias: this.bias };
    const byInput = this.training || running === null;
    const normalised = (batch: Tensor) =>
      instanceNormalised(this.constructor.name, batch, running, learned, byInput, this.momentum ?? 0, this.eps);
    return single ? squeeze(normalised(unsqueeze(x, 0)), 0) : normalised(x);
  }
}

/**
 * Normalises each channel of each sample of (batch, channels, length), or of one sample without a batch: see `nn.functional.instanceNorm`. With
 * `trackRunningStats`, evaluation goes by running values, which are kept as buffers.
 *
 * @throws ShapeError for another shape; ValueError for one value per channel
 * @example
 * ```ts
 * new nn.InstanceNorm1d(1).forward(tensor([[[1, 3]]])); // tensor([[[-1.0000,  1.0000]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.InstanceNorm1d.html
 */
export class InstanceNorm1d<
  A extends boolean = false,
  T extends boolean = false,
  B extends boolean = true,
> extends InstanceNorm<A, T, B> {
  protected override readonly dimensions: readonly number[] = [2, 3];

  constructor(...args: InstanceNormArguments<A, T, B>) {
    super('InstanceNorm1d', args);
  }
}

/**
 * Normalises each channel of each sample of (batch, channels, height, width), or of one sample without a batch: see `nn.functional.instanceNorm`. With
 * `trackRunningStats`, evaluation goes by running values, which are kept as buffers.
 *
 * @throws ShapeError for another shape; ValueError for one value per channel
 * @example
 * ```ts
 * new nn.InstanceNorm2d(3).forward(randn([2, 3, 4, 4])).shape; // [2, 3, 4, 4]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.InstanceNorm2d.html
 */
export class InstanceNorm2d<
  A extends boolean = false,
  T extends boolean = false,
  B extends boolean = true,
> extends InstanceNorm<A, T, B> {
  protected override readonly dimensions: readonly number[] = [3, 4];

  constructor(...args: InstanceNormArguments<A, T, B>) {
    super('InstanceNorm2d', args);
  }
}

/**
 * Normalises each channel of each sample of (batch, channels, depth, height, width), or of one sample without a batch: see `nn.functional.instanceNorm`. With
 * `trackRunningStats`, evaluation goes by running values, which are kept as buffers.
 *
 * @throws ShapeError for another shape; ValueError for one value per channel
 * @example
 * ```ts
 * new nn.InstanceNorm3d(3).forward(randn([2, 3, 4, 4, 4])).shape; // [2, 3, 4, 4, 4]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.InstanceNorm3d.html
 */
export class InstanceNorm3d<
  A extends boolean = false,
  T extends boolean = false,
  B extends boolean = true,
> extends InstanceNorm<A, T, B> {
  protected override readonly dimensions: readonly number[] = [4, 5];

  constructor(...args: InstanceNormArguments<A, T, B>) {
    super('InstanceNorm3d', args);
  }
}

takeOneTensor(InstanceNorm1d, InstanceNorm2d, InstanceNorm3d);
