import { define } from '../../arguments/define.js';
import type { ArgumentsOf, FunctionOf, Narrowed, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { noGrad } from '../../autograd/mode.js';
import { isFloat } from '../../backend/dtype.js';
import { recording } from '../../backend/recording.js';
import { sameShape, sizeOf } from '../../backend/view.js';
import { DTypeError, ShapeError, ValueError } from '../../errors.js';
import * as e from '../../expr/index.js';
import { lerp_ } from '../../ops/arithmetic.js';
import { clone, to } from '../../ops/conversion.js';
import { ones, zeros } from '../../ops/creation.js';
import { reciprocal } from '../../ops/pointwise.js';
import { reshape } from '../../ops/views.js';
import { Pointwise } from '../../tensor/elementwise.js';
import * as kinds from '../../tensor/kinds.js';
import { owned } from '../../tensor/layout.js';
import { show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { ADAPT, Module } from '../module.js';
import { takeOneTensor } from '../one-tensor.js';
import { type Learned, Parameter } from '../parameter.js';
import { pythonText } from '../text.js';
import { resetScale } from './scale.js';
import { normalisedByBatch } from './by-batch.js';
import { centring } from './normalization.js';

// Normalisation of what belongs to a channel (dimension 1), or to a group of them.

export const affine = {
  /** Multiplies the result; one for each channel. Default: null, none. */
  weight: kinds.tensor.optional(),
  /** Added to the result; one for each channel. Default: null, none. */
  bias: kinds.tensor.optional(),
};

export const added = {
  /** Added to the variance. Default: 1e-5. */
  eps: kinds.number.default(1e-5),
};

const batchSignature = signature('input, /, runningMean, runningVar, weight, bias, training, momentum, eps', {
  input: kinds.tensor,
  /** The running mean of each channel, which training moves. Default: null, none. */
  runningMean: kinds.tensor.optional(),
  /** The running variance of each channel, which training moves. Default: null, none. */
  runningVar: kinds.tensor.optional(),
  ...affine,
  /** Whether to normalise by the batch, and to move the running values, instead of by these. Default: false. */
  training: kinds.boolean.default(false),
  /** How far running values move towards those of the batch. Default: 0.1. */
  momentum: kinds.number.default(0.1),
  ...added,
});

const groupSignature = signature('input, /, numGroups, weight, bias, eps', {
  input: kinds.tensor,
  numGroups: kinds.integerFrom(1),
  ...affine,
  ...added,
});

export interface BatchNormFunctionOptions extends OptionsOf<typeof batchSignature> {}
export interface GroupNormFunctionOptions extends OptionsOf<typeof groupSignature> {}

export interface Learnable {
  readonly weight: Tensor | null;
  readonly bias: Tensor | null;
}

export interface Running {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

export function channelsOf(op: string, x: Tensor): number {
  if (!isFloat(x.dtype)) throw new DTypeError(`${op}: the input must be a float tensor, got ${x.dtype}`);
  if (x.ndim < 2)
    throw new ShapeError(`${op}: expected at least 2 dimensions, (batch, channels, …), got ${show(x.shape)}`);
  return shapeOf(x)[1]!;
}

export function checkChannels(op: string, channels: number, given: Readonly<Record<string, Tensor | null>>): void {
  for (const [name, one] of Object.entries(given)) {
    if (one === null || sameShape(shapeOf(one), [channels])) continue;
    throw new ShapeError(`${op}: ${name} must have shape [${channels}], one for each channel, got ${show(one.shape)}`);
  }
}

/** One for each channel, as it is broadcast against the input. */
export const perChannel = (of: Tensor, ndim: number): Tensor =>
  reshape(of, [-1, ...new Array<number>(ndim - 2).fill(1)]);

const normalising = new Pointwise('batchNorm', (x, mean, variance, weight, bias, eps) =>
  e.add(e.mul(e.mul(e.sub(x, mean), e.rsqrt(e.add(variance, eps))), weight), bias),
);

/** By running values instead of those of the input. */
export function byRunning(x: Tensor, { mean, variance }: Running, { weight, bias }: Learnable, eps: number): Tensor {
  const spread = (of: Tensor) => perChannel(of, x.ndim);
  return normalising.apply([
    x,
    spread(mean),
    spread(variance),
    weight ? spread(weight) : 1,
    bias ? spread(bias) : 0,
    eps,
  ]);
}

/** Moves running values towards those of a batch, outside the graph; a momentum that is a tensor is looked at when it is used. */
function follow({ mean: average, variance }: Running, batch: Running, momentum: number | Tensor): void {
  noGrad(() => {
    lerp_(average, to(batch.mean, average.dtype), momentum);
    lerp_(variance, to(batch.variance, variance.dtype), momentum);
  });
}

/** @param momentum asked for when all else is known to be right, and only if running values move */
function batchNormalised(
  op: string,
  x: Tensor,
  running: Running | null,
  learned: Learnable,
  training: boolean,
  momentum: () => number | Tensor,
  eps: number,
): Tensor {
  const channels = channelsOf(op, x);
  checkChannels(op, channels, {
    ...learned,
    runningMean: running?.mean ?? null,
    runningVar: running?.variance ?? null,
  });
  if (!training) {
    if (running === null) throw new ValueError(`${op}: runningMean and runningVar are needed where training is false`);
    return byRunning(x, running, learned, eps);
  }
  const axes = [...shapeOf(x).keys()].filter((axis) => axis !== 1);
  const count = sizeOf(shapeOf(x)) / channels;
  if (count === 1)
    throw new ValueError(`${op}: expected more than 1 value per channel in training, got ${show(x.shape)}`);
  if (!(eps > 0)) throw new ValueError(`${op}: eps must be above 0 in training, got ${eps}`);
  if (count === 0) {
    // Of nothing there is no mean: running values stay. The result is empty too, and gradients are sums over nothing.
    if (running !== null) momentum();
    return byRunning(x, { mean: zeros([channels]), variance: ones([channels]) }, learned, eps);
  }
  const frame = { shape: shapeOf(x), axes, keepdim: false };
  const { result, ...batch } = normalisedByBatch(x, learned.weight, learned.bias, frame, count, eps);
  if (running !== null) follow(running, batch, momentum());
  return result;
}

/**
 * (x - mean) / √(variance + eps) · weight + bias for each channel: by the batch in training, which moves the running values (in place; the
 * variance with Bessel's correction), otherwise by these.
 *
 * @param input (batch, channels, …)
 * @param runningMean (channels), or null
 * @param runningVar (channels), or null
 * @throws ShapeError if shapes do not fit; ValueError for one value per channel in training, or without running values otherwise
 * @example
 * ```ts
 * nn.functional.batchNorm(tensor([[1], [3]]), null, null, { training: true }); // tensor([[-1.0000], [ 1.0000]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.batch_norm.html
 * @see https://arxiv.org/abs/1502.03167
 */
export const batchNorm: FunctionOf<Tensor, typeof batchSignature, BatchNormFunctionOptions> = define(
  'batchNorm',
  batchSignature,
  (x, runningMean, runningVar, weight, bias, training, momentum, eps) => {
    if ((runningMean === null) !== (runningVar === null))
      throw new ValueError('batchNorm: runningMean and runningVar must both be given, or neither');
    const running = runningMean === null || runningVar === null ? null : { mean: runningMean, variance: runningVar };
    // PyTorch's relic: nothing at all has no channels either.
    if (x.ndim === 1 && x.numel() === 0) return clone(x);
    return batchNormalised('batchNorm', x, running, { weight, bias }, training, () => momentum, eps);
  },
);

/**
 * Layer normalisation of groups of channels, with a weight and a bias for each channel.
 *
 * @param input (batch, channels, …)
 * @throws ValueError if the channels do not make so many groups, or groups are of one value each; ShapeError if shapes do not fit
 * @example
 * ```ts
 * nn.functional.groupNorm(tensor([[1, 3, 5, 9]]), 2); // tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.group_norm.html
 * @see https://arxiv.org/abs/1803.08494
 */
export const groupNorm: FunctionOf<Tensor, typeof groupSignature, GroupNormFunctionOptions> = define(
  'groupNorm',
  groupSignature,
  (x, numGroups, weight, bias, eps) => {
    const channels = channelsOf('groupNorm', x);
    checkGroups('groupNorm', channels, numGroups);
    checkChannels('groupNorm', channels, { weight, bias });
    if (x.numel() === numGroups)
      throw new ValueError(`groupNorm: expected more than 1 value per group, got ${show(x.shape)}`);
    const size = channels / numGroups;
    const shape = [shapeOf(x)[0]!, numGroups, size, sizeOf(shapeOf(x).slice(2))];
    const spread = (of: Tensor | null, otherwise: number) =>
      of === null ? otherwise : reshape(of, [numGroups, size, 1]);
    const args = [reshape(x, shape), spread(weight, 1), spread(bias, 0), size * shape[3]!, eps] as const;
    const result = centring.call(args, x.dtype, undefined, { shape, axes: [2, 3], keepdim: true });
    return owned(reshape(result, shapeOf(x)));
  },
);

function checkGroups(op: string, channels: number, groups: number): void {
  if (channels % groups === 0) return;
  throw new ValueError(`${op}: ${channels} channels cannot be divided into ${groups} groups`);
}

const learning = {
  /** Whether weights, at first 1 (and biases, at first 0), are learned. Default: true. */
  affine: kinds.boolean.default(true),
  /** Whether a bias is learned along with the weight. Default: true. */
  bias: kinds.boolean.default(true),
  /** Element type of the parameters. Default: float32. */
  dtype: kinds.dtype.default('float32'),
};

const batchModule = signature('numFeatures, eps, momentum, affine, trackRunningStats, bias, dtype', {
  numFeatures: kinds.integerFrom(0),
  ...added,
  /** How far running values move towards those of the batch. Default: 0.1. With null they are means over all batches so far. */
  momentum: kinds.number.orNull().default(0.1),
  /** Whether to keep running values, which evaluation goes by. Default: true. */
  trackRunningStats: kinds.boolean.default(true),
  ...learning,
});

const groupModule = signature('numGroups, numChannels, eps, affine, bias, dtype', {
  numGroups: kinds.integerFrom(1),
  numChannels: kinds.integerFrom(0),
  ...added,
  ...learning,
});

interface BatchNormOptions<A extends boolean = boolean, T extends boolean = boolean, B extends boolean = boolean>
  extends Narrowed<OptionsOf<typeof batchModule>, { affine: A; trackRunningStats: T; bias: B }> {}

export type BatchNormArguments<A extends boolean, T extends boolean, B extends boolean> = ArgumentsOf<
  typeof batchModule,
  BatchNormOptions<A, T, B>,
  { affine: A; trackRunningStats: T; bias: B }
>;

/** What a layer is made with that may keep running values. */
interface Channels {
  readonly numFeatures: number;
  readonly eps: number;
  readonly momentum: number | null;
  readonly affine: boolean;
  readonly trackRunningStats: boolean;
  readonly bias: boolean;
  readonly dtype: Tensor['dtype'];
}

/** What layers share that normalise channels, and may keep running values. */
export abstract class ChannelNorm<A extends boolean, T extends boolean, B extends boolean> extends Module<
  [x: Tensor],
  Tensor
> {
  readonly numFeatures: number;
  readonly eps: number;
  /** How far running values move towards those of a batch; null for the mean of all batches. */
  momentum: number | null;
  weight: Learned<A>;
  bias: A extends true ? Learned<B> : null;
  declare runningMean: T extends true ? Tensor : null;
  declare runningVar: T extends true ? Tensor : null;
  declare numBatchesTracked: T extends true ? Tensor : null;

  constructor({ numFeatures, eps, momentum, affine, trackRunningStats, bias, dtype }: Channels) {
    super();
    this.numFeatures = numFeatures;
    this.eps = eps;
    this.momentum = momentum;
    const [weight, offset] = learnedFor(numFeatures, affine, bias, dtype);
    this.weight = weight as typeof this.weight;
    this.bias = offset as typeof this.bias;
    const kept = (value: () => Tensor) => (trackRunningStats ? value() : null);
    this.registerBuffer(
      'runningMean',
      kept(() => zeros([numFeatures], { dtype })),
    );
    this.registerBuffer(
      'runningVar',
      kept(() => ones([numFeatures], { dtype })),
    );
    this.registerBuffer(
      'numBatchesTracked',
      kept(() => zeros([], { dtype: 'int32' })),
    );
  }

  /** @internal Files from before there was a counter do not have it: it stays as it is. */
  override [ADAPT](state: Record<string, unknown>, prefix: string): void {
    const name = `${prefix}num_batches_tracked`;
    if (this.numBatchesTracked !== null && !Object.hasOwn(state, name)) state[name] = this.numBatchesTracked;
  }

  /** How many dimensions an input may have. */
  protected abstract readonly dimensions: readonly number[];

  /** @param channelDim the dimension that the channels are in */
  protected checkInput(x: Tensor, channelDim: number): void {
    const name = this.constructor.name;
    if (!this.dimensions.includes(x.ndim)) {
      throw new ShapeError(`${name}: expected ${this.dimensions.join(' or ')} dimensions, got shape ${show(x.shape)}`);
    }
    if (shapeOf(x)[channelDim] !== this.numFeatures) {
      throw new ShapeError(
        `${name}: expected ${this.numFeatures} channels in dimension ${channelDim}, got shape ${show(x.shape)}`,
      );
    }
  }

  protected running(): Running | null {
    const [mean, variance]: readonly (Tensor | null)[] = [this.runningMean, this.runningVar];
    return mean == null || variance == null ? null : { mean, variance };
  }

  override extraRepr(): string {
    return `${this.numFeatures}, eps=${pythonText(this.eps)}, momentum=${pythonText(this.momentum)}, affine=${pythonText(this.weight !== null)}, bias=${pythonText(this.bias !== null)}, track_running_stats=${pythonText(this.runningMean !== null)}`;
  }
}

/** What the layers of one number of dimensions share. */
export abstract class BatchNorm<A extends boolean, T extends boolean, B extends boolean> extends ChannelNorm<A, T, B> {
  constructor(name: string, args: BatchNormArguments<A, T, B>) {
    super(batchModule.named(name, args));
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    this.checkInput(x, 1);
    const running = this.running();
    const learned = { weight: this.weight, bias: this.bias };
    const byBatch = this.training || running === null;
    const momentum = () => this.counted(x.dtype);
    return batchNormalised(this.constructor.name, x, running, learned, byBatch, momentum, this.eps);
  }

  /** Forgets what was seen: means of 0, variances of 1, no batches. */
  resetRunningStats(): void {
    noGrad(() => {
      this.runningMean?.zero_();
      this.runningVar?.fill_(1);
      this.numBatchesTracked?.zero_();
    });
  }

  /** Sets the parameters to what they were at first, and forgets what was seen. */
  resetParameters(): void {
    this.resetRunningStats();
    resetScale(this.weight, this.bias);
  }

  /** Counts a batch, and says how far running values move. */
  protected counted(dtype: Tensor['dtype']): number | Tensor {
    const count: Tensor = this.numBatchesTracked!;
    count.add_(1);
    return this.momentum ?? reciprocal(to(count, dtype));
  }
}

/** A weight and a bias for each channel, as far as they are wanted. */
const learnedFor = (channels: number, affine: boolean, bias: boolean, dtype: Tensor['dtype']) => [
  affine ? new Parameter(ones([channels], { dtype })) : null,
  affine && bias ? new Parameter(zeros([channels], { dtype })) : null,
];

/**
 * Normalises each channel of (batch, channels) or (batch, channels, length): see `nn.functional.batchNorm`. In training by the batch, in evaluation by running values, which are kept
 * as buffers.
 *
 * @throws ShapeError for another shape; ValueError for one value per channel in training
 * @example
 * ```ts
 * new nn.BatchNorm1d(2).forward(tensor([[1, 2], [3, 2]])).detach(); // tensor([[-1.0000,  0.0000], [ 1.0000,  0.0000]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html
 */
export class BatchNorm1d<
  A extends boolean = true,
  T extends boolean = true,
  B extends boolean = true,
> extends BatchNorm<A, T, B> {
  protected override readonly dimensions: readonly number[] = [2, 3];

  constructor(...args: BatchNormArguments<A, T, B>) {
    super('BatchNorm1d', args);
  }
}

/**
 * Normalises each channel of (batch, channels, height, width): see `nn.functional.batchNorm`. In training by the batch, in evaluation by running values, which are kept
 * as buffers.
 *
 * @throws ShapeError for another shape; ValueError for one value per channel in training
 * @example
 * ```ts
 * new nn.BatchNorm2d(3).forward(randn([2, 3, 4, 4])).shape; // [2, 3, 4, 4]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html
 */
export class BatchNorm2d<
  A extends boolean = true,
  T extends boolean = true,
  B extends boolean = true,
> extends BatchNorm<A, T, B> {
  protected override readonly dimensions: readonly number[] = [4];

  constructor(...args: BatchNormArguments<A, T, B>) {
    super('BatchNorm2d', args);
  }
}

/**
 * Normalises each channel of (batch, channels, depth, height, width): see `nn.functional.batchNorm`. In training by the batch, in evaluation by running values, which are kept
 * as buffers.
 *
 * @throws ShapeError for another shape; ValueError for one value per channel in training
 * @example
 * ```ts
 * new nn.BatchNorm3d(3).forward(randn([2, 3, 4, 4, 4])).shape; // [2, 3, 4, 4, 4]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BatchNorm3d.html
 */
export class BatchNorm3d<
  A extends boolean = true,
  T extends boolean = true,
  B extends boolean = true,
> extends BatchNorm<A, T, B> {
  protected override readonly dimensions: readonly number[] = [5];

  constructor(...args: BatchNormArguments<A, T, B>) {
    super('BatchNorm3d', args);
  }
}

export interface GroupNormOptions<A extends boolean = boolean, B extends boolean = boolean>
  extends Narrowed<OptionsOf<typeof groupModule>, { affine: A; bias: B }> {}

/**
 * Normalises groups of channels: see `nn.functional.groupNorm`.
 *
 * @throws ValueError if the channels do not make so many groups
 * @example
 * ```ts
 * new nn.GroupNorm(2, 4).forward(randn([3, 4, 5])).shape; // [3, 4, 5]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.GroupNorm.html
 */
export class GroupNorm<A extends boolean = true, B extends boolean = true> extends Module<[x: Tensor], Tensor> {
  readonly numGroups: number;
  readonly numChannels: number;
  readonly eps: number;
  weight: Learned<A>;
  bias: A extends true ? Learned<B> : null;

  constructor(...args: ArgumentsOf<typeof groupModule, GroupNormOptions<A, B>, { affine: A; bias: B }>) {
    const { numGroups, numChannels, eps, affine, bias, dtype } = groupModule.named('GroupNorm', args);
    checkGroups('GroupNorm', numChannels, numGroups);
    super();
    this.numGroups = numGroups;
    this.numChannels = numChannels;
    this.eps = eps;
    const [weight, offset] = learnedFor(numChannels, affine, bias, dtype);
    this.weight = weight as typeof this.weight;
    this.bias = offset as typeof this.bias;
  }

  /** Sets the parameters to what they were at first. */
  resetParameters(): void {
    resetScale(this.weight, this.bias);
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return groupNorm(x, this.numGroups, this.weight, this.bias, this.eps);
  }

  override extraRepr(): string {
    return `${this.numGroups}, ${this.numChannels}, eps=${pythonText(this.eps)}, affine=${pythonText(this.weight !== null)}, bias=${pythonText(this.bias !== null)}`;
  }
}

takeOneTensor(BatchNorm1d, BatchNorm2d, BatchNorm3d, GroupNorm);
