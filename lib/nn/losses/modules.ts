import type { ArgumentsOf, NamedOf } from '../../arguments/forms.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { recording } from '../../backend/recording.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';
import {
  type CrossEntropyOptions,
  crossEntropy,
  crossEntropySignature,
  type NLLOptions,
  nllLoss,
  nllSignature,
} from './classification.js';
import * as losses from './pointwise.js';
import {
  bceSignature,
  bceWithLogitsSignature,
  huberSignature,
  klDivSignature,
  reductionSignature,
  smoothL1Signature,
} from './pointwise.js';

/** What a loss module does: its function with the options it was made with. */
type Loss<O> = (input: Tensor, target: Tensor, options: O) => Tensor;

/** Weights are state: they are saved with the module and follow it to another type. */
const WEIGHTS = ['weight', 'posWeight'] as const;

abstract class LossModule<O extends object> extends Module<[input: Tensor, target: Tensor], Tensor> {
  readonly options: O;
  private readonly loss: Loss<O>;
  private readonly weights: readonly (typeof WEIGHTS)[number][];

  constructor(loss: Loss<O>, options: O) {
    super();
    this.loss = loss;
    this.options = options;
    this.weights = WEIGHTS.filter((key) => key in options);
    for (const key of this.weights) this.registerBuffer(key, Reflect.get(options, key) as Tensor | null);
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    recording?.used(this);
    const weights = this.weights.map((key) => [key, Reflect.get(this, key)]);
    return this.loss(input, target, { ...this.options, ...Object.fromEntries(weights) });
  }
}

/**
 * The mean (or sum) of |input - target|.
 *
 * @example
 * ```ts
 * new nn.L1Loss().forward(tensor([1, 2]), tensor([1, 4])); // tensor(1.)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.L1Loss.html
 */
export class L1Loss extends LossModule<NamedOf<typeof reductionSignature>> {
  constructor(...args: ArgumentsOf<typeof reductionSignature, losses.ReductionOptions>) {
    super(losses.l1Loss, reductionSignature.named('L1Loss', args));
  }
}

/**
 * The mean (or sum) of (input - target)².
 *
 * @example
 * ```ts
 * new nn.MSELoss().forward(tensor([1, 2]), tensor([1, 4])); // tensor(2.)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MSELoss.html
 */
export class MSELoss extends LossModule<NamedOf<typeof reductionSignature>> {
  constructor(...args: ArgumentsOf<typeof reductionSignature, losses.ReductionOptions>) {
    super(losses.mseLoss, reductionSignature.named('MSELoss', args));
  }
}

/**
 * Quadratic below `beta`, linear above; the smooth version of L1Loss: see `nn.functional.smoothL1Loss`.
 *
 * @example
 * ```ts
 * new nn.SmoothL1Loss({ beta: 0.5 }).forward(tensor([0, 2]), tensor([0, 0])); // tensor(0.8750)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.SmoothL1Loss.html
 */
export class SmoothL1Loss extends LossModule<NamedOf<typeof smoothL1Signature>> {
  constructor(...args: ArgumentsOf<typeof smoothL1Signature, losses.SmoothL1Options>) {
    super(losses.smoothL1Loss, smoothL1Signature.named('SmoothL1Loss', args));
  }
}

/**
 * Quadratic below `delta`, linear above: see `nn.functional.huberLoss`.
 *
 * @example
 * ```ts
 * new nn.HuberLoss({ delta: 0.5 }).forward(tensor([0, 2]), tensor([0, 0])); // tensor(0.4375)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.HuberLoss.html
 */
export class HuberLoss extends LossModule<NamedOf<typeof huberSignature>> {
  constructor(...args: ArgumentsOf<typeof huberSignature, losses.HuberOptions>) {
    super(losses.huberLoss, huberSignature.named('HuberLoss', args));
  }
}

/**
 * Binary cross entropy of probabilities: see `nn.functional.binaryCrossEntropy`.
 *
 * @example
 * ```ts
 * new nn.BCELoss().forward(tensor([0.8, 0.2]), tensor([1, 0])); // tensor(0.2231)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BCELoss.html
 */
export class BCELoss extends LossModule<NamedOf<typeof bceSignature>> {
  constructor(...args: ArgumentsOf<typeof bceSignature, losses.BCEOptions>) {
    super(losses.binaryCrossEntropy, bceSignature.named('BCELoss', args));
  }
}

/**
 * Binary cross entropy of logits: sigmoid and loss in one, without overflow. See `nn.functional.binaryCrossEntropyWithLogits`.
 *
 * @example
 * ```ts
 * new nn.BCEWithLogitsLoss({ posWeight: tensor([2]) }).forward(tensor([0, 0]), tensor([1, 0])); // tensor(1.0397)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html
 */
export class BCEWithLogitsLoss extends LossModule<NamedOf<typeof bceWithLogitsSignature>> {
  constructor(...args: ArgumentsOf<typeof bceWithLogitsSignature, losses.BCEWithLogitsOptions>) {
    super(losses.binaryCrossEntropyWithLogits, bceWithLogitsSignature.named('BCEWithLogitsLoss', args));
  }
}

/**
 * The Kullback-Leibler divergence of log-probabilities from a target distribution: see `nn.functional.klDiv`.
 *
 * @example
 * ```ts
 * const input = tensor([[0.5, 0.5]]).log();
 * new nn.KLDivLoss({ reduction: 'batchmean' }).forward(input, tensor([[1, 0]])); // tensor(0.6931)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.KLDivLoss.html
 */
export class KLDivLoss extends LossModule<NamedOf<typeof klDivSignature>> {
  constructor(...args: ArgumentsOf<typeof klDivSignature, losses.KLDivOptions>) {
    super(losses.klDiv, klDivSignature.named('KLDivLoss', args));
  }
}

/**
 * The negative log-likelihood of class indices under log-probabilities: see `nn.functional.nllLoss`.
 *
 * @example
 * ```ts
 * const input = tensor([[0.2, 0.8]]).log();
 * new nn.NLLLoss().forward(input, tensor([1], { dtype: 'int32' })); // tensor(0.2231)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.NLLLoss.html
 */
export class NLLLoss extends LossModule<NamedOf<typeof nllSignature>> {
  constructor(...args: ArgumentsOf<typeof nllSignature, NLLOptions>) {
    super(nllLoss, nllSignature.named('NLLLoss', args));
  }
}

/**
 * Cross entropy of logits with class indices or probabilities: log-softmax and negative log-likelihood in one.
 *
 * @example
 * ```ts
 * const logits = tensor([[2, 0], [0, 2]]);
 * new nn.CrossEntropyLoss().forward(logits, tensor([0, 1], { dtype: 'int32' })); // tensor(0.1269)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html
 */
export class CrossEntropyLoss extends LossModule<NamedOf<typeof crossEntropySignature>> {
  constructor(...args: ArgumentsOf<typeof crossEntropySignature, CrossEntropyOptions>) {
    super(crossEntropy, crossEntropySignature.named('CrossEntropyLoss', args));
  }
}

takeNoMore(LossModule, 'forward');
