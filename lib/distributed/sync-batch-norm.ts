import type { FunctionOf } from '../arguments/forms.js';
import { kind } from '../arguments/kind.js';
import { define } from '../arguments/define.js';
import { signature } from '../arguments/signature.js';
import { noGrad } from '../autograd/mode.js';
import { type BackwardRule, record } from '../autograd/node.js';
import { recording } from '../backend/recording.js';
import { sizeOf } from '../backend/view.js';
import { ValueError } from '../errors.js';
import { ModuleDict } from '../nn/containers/module-dict.js';
import { BatchNorm, type BatchNormArguments, channelsOf, perChannel } from '../nn/layers/channel-norms.js';
import { isModule, type Module } from '../nn/module.js';
import { lerp_ } from '../ops/arithmetic.js';
import { to } from '../ops/conversion.js';
import { convert } from '../tensor/basics.js';
import { full } from '../ops/creation.js';
import { cat } from '../ops/joining.js';
import { narrow } from '../ops/views.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { exchange } from './exchange.js';
import { ranks } from './world.js';

const converting = signature('module, /', {
  module: kind('a Module', (value): value is Module => isModule(value)),
});

/** The gradient of a sum over all ranks, of which every rank goes on with its own loss: what all of these want of it. */
const summing: BackwardRule<null> = { name: 'AllSum', backward: (grad) => [allSum(grad)] };

/** Σ of all ranks, in the fixed tree; an instruction, so that captured functions have it too. */
function allSum(x: Tensor): Tensor {
  const sum = noGrad(() => convert(x.detach(), x.dtype));
  exchange('sum', [sum], Number.POSITIVE_INFINITY);
  return record(sum, summing, [x], [], null);
}

/**
 * Batch normalisation by the whole batch of all ranks: where `nn.BatchNorm2d` normalises a rank's part by its own mean and variance, this does by those of
 * all parts together, as one process would with the whole batch; gradients too. Each training pass exchanges two numbers a channel twice, and its backward pass again.
 * In evaluation, and in a process by itself, it is what `nn.BatchNorm2d` is. Inputs are (batch, channels, …), of any number of dimensions from 2 to 5; parts may differ in size.
 *
 * All shards of a batch must be in work at the same time: `DataParallel` with one a rank, as by default. Sums follow the tree of ranks, so that every run with as
 * many ranks gives the same bits; with another number of ranks the parts are others, and results differ in rounding.
 *
 * @throws ShapeError for another shape; ValueError for an eps of 0 in training; NablaError where ranks call something else, or one does not answer
 * @example
 * ```ts
 * import { nn, tensor } from 'nabla';
 * import { init, SyncBatchNorm } from 'nabla/distributed';
 *
 * await init();
 * const model = SyncBatchNorm.convertSyncBatchnorm(new nn.Sequential(new nn.Linear(4, 2), new nn.BatchNorm1d(2)));
 * new SyncBatchNorm(2).forward(tensor([[1, 2], [3, 2]])).detach(); // tensor([[-1.0000,  0.0000], [ 1.0000,  0.0000]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.SyncBatchNorm.html
 */
export class SyncBatchNorm<
  A extends boolean = true,
  T extends boolean = true,
  B extends boolean = true,
> extends BatchNorm<A, T, B> {
  protected override readonly dimensions: readonly number[] = [2, 3, 4, 5];

  constructor(...args: BatchNormArguments<A, T, B>) {
    super('SyncBatchNorm', args);
  }

  /**
   * Puts a `SyncBatchNorm` in the place of each BatchNorm layer of a model, with its parameters and running values.
   *
   * @returns the model, or the layer in its place, if it is one itself
   * @see https://pytorch.org/docs/stable/generated/torch.nn.SyncBatchNorm.html#torch.nn.SyncBatchNorm.convert_sync_batchnorm
   */
  static readonly convertSyncBatchnorm: FunctionOf<Module, typeof converting> = define(
    'convertSyncBatchnorm',
    converting,
    (module) => converted(module),
  );

  override forward(x: Tensor): Tensor {
    if (ranks() === 1 || (!this.training && this.running() !== null)) return super.forward(x);
    recording?.used(this);
    this.checkInput(x, 1);
    const channels = channelsOf('SyncBatchNorm', x);
    if (!(this.eps > 0)) throw new ValueError(`SyncBatchNorm: eps must be above 0 in training, got ${this.eps}`);
    const axes = [...shapeOf(x).keys()].filter((axis) => axis !== 1);
    const own = full([1], sizeOf(shapeOf(x)) / channels, { dtype: x.dtype });
    const sums = allSum(cat([x.sum(axes), own]));
    const count = narrow(sums, 0, channels, 1).detach();
    const mean = narrow(sums, 0, 0, channels).div(count);
    const centred = x.sub(perChannel(mean, x.ndim));
    const variance = allSum(centred.square().sum(axes)).div(count);
    this.#follow(mean, variance, count);
    const result = centred.mul(perChannel(variance.add(this.eps).rsqrt(), x.ndim));
    const scaled = this.weight === null ? result : result.mul(perChannel(this.weight, x.ndim));
    return this.bias === null ? scaled : scaled.add(perChannel(this.bias, x.ndim));
  }

  /** Running variances are with Bessel's correction. */
  #follow(mean: Tensor, variance: Tensor, count: Tensor): void {
    const running = this.running();
    if (running === null) return;
    noGrad(() => {
      const momentum = this.counted(mean.dtype);
      const corrected = variance.detach().mul(count.div(count.sub(1)));
      lerp_(running.mean, to(mean.detach(), running.mean.dtype), momentum);
      lerp_(running.variance, to(corrected, running.variance.dtype), momentum);
    });
  }
}

function converted(module: Module): Module {
  const made = new Map<Module, SyncBatchNorm>();
  const replaced = (one: Module): Module => {
    if (!(one instanceof BatchNorm) || one instanceof SyncBatchNorm) return one;
    const sync = made.get(one) ?? inPlaceOf(one);
    made.set(one, sync);
    return sync;
  };
  for (const parent of module.modules()) {
    if (parent instanceof ModuleDict) for (const key of parent.keys()) parent.set(key, replaced(parent.get(key)));
    for (const [property, value] of Object.entries(parent)) {
      if (isModule(value)) Reflect.set(parent, property, replaced(value));
    }
  }
  return replaced(module);
}

/** With the same parameters and running values, not copies. */
function inPlaceOf(one: BatchNorm<boolean, boolean, boolean>): SyncBatchNorm {
  const { numFeatures, eps, momentum, weight, bias, runningMean, runningVar, numBatchesTracked } = one;
  const trackRunningStats = runningMean !== null;
  const sync = new SyncBatchNorm(numFeatures, { eps, momentum, affine: weight !== null, trackRunningStats });
  Object.assign(sync, { weight, bias, runningMean, runningVar, numBatchesTracked });
  sync.training = one.training;
  return sync as SyncBatchNorm;
}
