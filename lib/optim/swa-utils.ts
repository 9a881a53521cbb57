import { isIterable } from '../arguments/elements.js';
import { define } from '../arguments/define.js';
import type { ArgumentsOf, FunctionOf, OptionsOf } from '../arguments/forms.js';
import { type Kind, kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import { noGrad } from '../autograd/mode.js';
import { isFloat } from '../backend/dtype.js';
import { recording } from '../backend/recording.js';
import { sameShape } from '../backend/view.js';
import { ValueError } from '../errors.js';
import { isModule, Module } from '../nn/module.js';
import { lerp } from '../ops/arithmetic.js';
import { tensor } from '../ops/creation.js';
import { where } from '../ops/pointwise.js';
import * as kinds from '../tensor/kinds.js';
import { show } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';

export { SWALR } from './lr-scheduler/swa.js';

/** The next average of a parameter, from the average so far, the parameter, and how many were averaged (a 0-d int32 tensor). */
export type AvgFn = (averaged: Tensor, current: Tensor, nAveraged: Tensor) => Tensor;

/** The same for all parameters of an element type at once, in place. */
export type MultiAvgFn = (averaged: readonly Tensor[], current: readonly Tensor[], nAveraged: Tensor) => void;

const decaying = signature('decay', {
  /** How much of the average is kept each time. Default: 0.999. */
  decay: kinds.within(0, 1).default(0.999),
});

const nothing = signature('', {});

/**
 * For `AveragedModel`: an average that forgets, decay · averaged + (1 - decay) · current.
 *
 * @throws ValueError for a decay outside [0, 1]
 * @example
 * ```ts
 * const average = optim.swaUtils.getEmaAvgFn(0.75);
 * average(tensor(1), tensor(3), tensor(1, { dtype: 'int32' })).item(); // 1.5
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.swa_utils.get_ema_avg_fn.html
 */
export const getEmaAvgFn: FunctionOf<AvgFn, typeof decaying> = define(
  'getEmaAvgFn',
  decaying,
  (decay): AvgFn =>
    (averaged, current) =>
      averaged.mul(decay).add(current.mul(1 - decay)),
);

/**
 * For `AveragedModel`: the mean of all, averaged + (current - averaged) / (nAveraged + 1).
 *
 * @example
 * ```ts
 * const average = optim.swaUtils.getSwaAvgFn();
 * average(tensor(1), tensor(4), tensor(2, { dtype: 'int32' })).item(); // 2
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.swa_utils.get_swa_avg_fn.html
 */
export const getSwaAvgFn: FunctionOf<AvgFn, typeof nothing> = define(
  'getSwaAvgFn',
  nothing,
  (): AvgFn => (averaged, current, nAveraged) => averaged.add(current.sub(averaged).div(nAveraged.add(1))),
);

/**
 * `getEmaAvgFn` for all parameters at once, in place, as PyTorch interpolates.
 *
 * @throws ValueError for a decay outside [0, 1]
 * @example
 * ```ts
 * const averaged = [tensor([1, 2])];
 * optim.swaUtils.getEmaMultiAvgFn(0.75)(averaged, [tensor([3, 2])], tensor(1, { dtype: 'int32' }));
 * averaged[0]; // tensor([1.5000, 2.0000])
 * ```
 * @see https://pytorch.org/docs/stable/optim.html#torch.optim.swa_utils.get_ema_multi_avg_fn
 */
export const getEmaMultiAvgFn: FunctionOf<MultiAvgFn, typeof decaying> = define(
  'getEmaMultiAvgFn',
  decaying,
  (decay): MultiAvgFn =>
    everyOne((averaged, current) =>
      isFloat(averaged.dtype) ? lerp(averaged, current, 1 - decay) : averaged.mul(decay).add(current.mul(1 - decay)),
    ),
);

/**
 * `getSwaAvgFn` for all parameters at once, in place, as PyTorch interpolates.
 *
 * @example
 * ```ts
 * const averaged = [tensor([1, 2])];
 * optim.swaUtils.getSwaMultiAvgFn()(averaged, [tensor([4, 2])], tensor(2, { dtype: 'int32' }));
 * averaged[0]; // tensor([2., 2.])
 * ```
 * @see https://pytorch.org/docs/stable/optim.html#torch.optim.swa_utils.get_swa_multi_avg_fn
 */
export const getSwaMultiAvgFn: FunctionOf<MultiAvgFn, typeof nothing> = define(
  'getSwaMultiAvgFn',
  nothing,
  (): MultiAvgFn =>
    everyOne((averaged, current, nAveraged) => {
      // In float32, as PyTorch divides by an integer.
      const weight = nAveraged.add(1).reciprocal();
      if (!isFloat(averaged.dtype)) return averaged.add(current.sub(averaged).mul(weight));
      return lerp(averaged, current, weight.to(averaged.dtype));
    }),
);

/** A function of one, done to each. */
const everyOne =
  (next: AvgFn): MultiAvgFn =>
  (averaged, current, nAveraged) =>
    noGrad(() => {
      averaged.forEach((one, i) => {
        one.copy_(next(one, current[i]!, nAveraged));
      });
    });

const model: Kind<Module> = kind('a Module', isModule);

const averaging = signature('model, /, avgFn, multiAvgFn, useBuffers', {
  model,
  /** Gives the next average of a parameter. Default: null, the mean of all. */
  avgFn: kinds.callback<AvgFn>().optional(),
  /** The same for all of an element type at once, in place of `avgFn`. Default: null. */
  multiAvgFn: kinds.callback<MultiAvgFn>().optional(),
  /** Average buffers too, which are otherwise those of the model. Default: false. */
  useBuffers: kinds.boolean.default(false),
});

const updating = signature('model, /', { model });

export interface AveragedModelOptions extends OptionsOf<typeof averaging> {}

type InputsOf<M> = M extends { forward(...inputs: infer I): unknown } ? I : never;
type OutputOf<M> = M extends { forward(...inputs: never): infer O } ? O : never;

/**
 * A copy of a model whose parameters are averages of those of the model: the mean of all (stochastic weight averaging), or one that forgets,
 * with `getEmaMultiAvgFn`. Call `updateParameters` after steps that should count; it can be part of a captured function.
 *
 * @throws ValueError for what is no module, and for both avgFn and multiAvgFn
 * @example
 * ```ts
 * const model = new nn.Linear(1, 1, { bias: false });
 * const averaged = new optim.swaUtils.AveragedModel(model);
 * for (const weight of [1, 2, 6]) {
 *   model.weight.data = tensor([[weight]]);
 *   averaged.updateParameters(model);
 * }
 * averaged.module.weight.item(); // 3
 * averaged.nAveraged.item(); // 3
 * averaged.forward(tensor([[2]])).item(); // 6
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.optim.swa_utils.AveragedModel.html
 */
export class AveragedModel<M extends Module = Module> extends Module<InputsOf<M>, OutputOf<M>> {
  /** The copy. */
  readonly module: M;
  /** How often parameters were taken in. */
  declare nAveraged: Tensor;
  readonly avgFn: AvgFn | null;
  readonly multiAvgFn: MultiAvgFn | null;
  readonly useBuffers: boolean;

  constructor(...args: ArgumentsOf<typeof averaging, AveragedModelOptions, { model: M }>) {
    const { model, avgFn, multiAvgFn, useBuffers } = averaging.named('AveragedModel', args);
    if (avgFn !== null && multiAvgFn !== null) {
      throw new ValueError('AveragedModel: expected avgFn or multiAvgFn, got both');
    }
    super();
    this.module = model.clone() as M;
    this.registerBuffer('nAveraged', tensor(0, { dtype: 'int32' }));
    this.avgFn = avgFn;
    this.multiAvgFn = multiAvgFn;
    this.useBuffers = useBuffers;
  }

  override forward(...inputs: InputsOf<M>): OutputOf<M> {
    recording?.used(this);
    return (this.module as Module<InputsOf<M>, OutputOf<M>>).forward(...inputs);
  }

  /**
   * Takes in the parameters of the model as they are now: the first time as they are, then on average.
   *
   * @throws ValueError for a model with other parameters or buffers
   */
  updateParameters(...args: ArgumentsOf<typeof updating>): void {
    const [source] = updating.read('AveragedModel.updateParameters', args);
    const parameters = paired('parameters', this.module.namedParameters(), source.namedParameters());
    const buffers = paired('buffers', this.module.namedBuffers(), source.namedBuffers());
    noGrad(() => {
      this.#average(this.useBuffers ? [...parameters, ...buffers] : parameters);
      if (!this.useBuffers) for (const [own, other] of buffers) own.copy_(other);
      this.nAveraged.add_(1);
    });
  }

  #average(pairs: readonly Pair[]): void {
    const isFirst = this.nAveraged.eq(0);
    const average = this.multiAvgFn ?? everyOne(this.avgFn ?? getSwaAvgFn());
    const types = new Set(pairs.map(([own]) => own.dtype));
    for (const dtype of types) {
      const alike = pairs.filter(([own]) => own.dtype === dtype).map(([own, other]) => [own.detach(), other.detach()]);
      const current = alike.map(([, other]) => other!);
      average(
        alike.map(([own]) => own!),
        current,
        this.nAveraged,
      );
      // Whether it is the first time, a captured function does not know.
      for (const [own, other] of alike) own!.copy_(where(isFirst, other!, own!));
    }
  }
}

type Pair = readonly [own: Tensor, other: Tensor];

/** The tensors of two modules with the same names. */
function paired(
  what: string,
  own: readonly (readonly [string, Tensor])[],
  others: readonly (readonly [string, Tensor])[],
): Pair[] {
  const textOf = (list: readonly (readonly [string, Tensor])[]) =>
    list.map(([name, { shape }]) => `${name} ${show(shape)}`).join(', ');
  const isAlike =
    own.length === others.length &&
    own.every(([name, { shape }], i) => others[i]![0] === name && sameShape(others[i]![1].shape, shape));
  if (isAlike) return own.map(([, one], i) => [one, others[i]![1]]);
  throw new ValueError(
    `AveragedModel.updateParameters: expected a model with the ${what} of the one that was averaged, ${textOf(own)}; got ${textOf(others)}`,
  );
}

/** A layer that keeps statistics of what it saw, as batch normalization does. */
interface Normalizing extends Module {
  /** How much the newest counts; null for all alike. */
  momentum: number | null;
  resetRunningStats(): void;
}

const isNormalizing = (module: Module): module is Normalizing =>
  'momentum' in module && 'resetRunningStats' in module && typeof module.resetRunningStats === 'function';

const looking = signature('loader, model, /', {
  loader: kind('an iterable of batches', isIterable),
  model,
});

/**
 * Computes the statistics of batch normalization layers anew, as plain means over all batches: those of an averaged model are not the
 * averages of the model's. Calls the model in training mode with each batch, or the first of its tensors; a model without such layers is
 * not called.
 *
 * @throws ValueError for what is no iterable and no module
 * @example
 * ```ts
 * const model = new nn.Linear(2, 1);
 * optim.swaUtils.updateBn([ones([4, 2])], model); // nothing to do
 * ```
 * @see https://pytorch.org/docs/stable/optim.html#torch.optim.swa_utils.update_bn
 */
export const updateBn: FunctionOf<void, typeof looking> = define('updateBn', looking, (loader, model) => {
  const layers = model.modules().filter(isNormalizing);
  if (layers.length === 0) return;
  const modes = model.modules().map((module) => [module, module.training] as const);
  const momenta = layers.map((layer) => [layer, layer.momentum] as const);
  try {
    model.train();
    for (const layer of layers) {
      layer.resetRunningStats();
      layer.momentum = null;
    }
    noGrad(() => {
      for (const batch of loader) (model as Module<[unknown]>).forward(Array.isArray(batch) ? batch[0] : batch);
    });
  } finally {
    for (const [layer, momentum] of momenta) layer.momentum = momentum;
    for (const [module, training] of modes) module.training = training;
  }
});
