import { define } from '../../arguments/define.js';
import type { ArgumentsOf, FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { signature } from '../../arguments/signature.js';
import { recording } from '../../backend/recording.js';
import { isFloat } from '../../backend/dtype.js';
import { DTypeError, ShapeError } from '../../errors.js';
import { to } from '../../ops/conversion.js';
import { zerosLike } from '../../ops/creation.js';
import { scatter } from '../../ops/indexing.js';
import { add, div, log, neg, sub } from '../../ops/pointwise.js';
import { exponential_ } from '../../ops/random.js';
import { max } from '../../ops/reductions.js';
import { logSoftmax, softmax } from '../../ops/softmax.js';
import { emptyOf } from '../../tensor/empty.js';
import * as kinds from '../../tensor/kinds.js';
import { drawing } from '../../tensor/parameters.js';
import { normalizeDim, show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';
import { BareActivation } from './activation.js';

// Normalised along a dimension.

const softminSignature = signature('input, /, dim, dtype', {
  input: kinds.tensor,
  dim: kinds.dim,
  /** Convert to this element type first. Default: null, the tensor's own. */
  dtype: kinds.dtype.optional(),
});

export interface SoftminOptions extends OptionsOf<typeof softminSignature> {}

/**
 * e⁻ˣ / Σ e⁻ˣ along `dim`.
 *
 * @throws DTypeError for integers, unless a float dtype is asked for
 * @example
 * ```ts
 * nn.functional.softmin(tensor([[0, 1]]), 1); // tensor([[0.7311, 0.2689]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.softmin.html
 */
export const softmin: FunctionOf<Tensor, typeof softminSignature, SoftminOptions> = define(
  'softmin',
  softminSignature,
  (x, dim, dtype) => softmax(neg(dtype === null ? x : to(x, dtype)), dim),
);

const relaxing = signature('logits, /, tau, hard, dim, *, generator', {
  logits: kinds.tensor,
  /** The temperature: near 0 samples are nearly one-hot. Default: 1. */
  tau: kinds.above(0).default(1),
  /** Whether samples are one-hot; gradients are those of the soft ones. Default: false. */
  hard: kinds.boolean.default(false),
  /** Default: -1, the last. */
  dim: kinds.dim.default(-1),
  ...drawing,
});

export interface GumbelSoftmaxOptions extends OptionsOf<typeof relaxing> {}

/**
 * Samples of a categorical distribution that have gradients: softmax((logits + g) / tau) along `dim`, with noise g = -log(-log u) of the Gumbel
 * distribution.
 *
 * @throws ValueError for a tau that is not above 0; DTypeError for integers
 * @example
 * ```ts
 * const sample = nn.functional.gumbelSoftmax(randn([2, 3]), { hard: true });
 * sample.sum(1); // tensor([1., 1.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.gumbel_softmax.html
 */
export const gumbelSoftmax: FunctionOf<Tensor, typeof relaxing, GumbelSoftmaxOptions> = define(
  'gumbelSoftmax',
  relaxing,
  (logits, tau, hard, dim, generator) => {
    if (!isFloat(logits.dtype)) {
      throw new DTypeError(`gumbelSoftmax: expected a float tensor, got ${logits.dtype}; convert with .float()`);
    }
    const axis = normalizeDim('gumbelSoftmax', dim, logits.ndim);
    // Row by row wherever the logits lie, as in PyTorch.
    const noise = log(exponential_(emptyOf(shapeOf(logits), logits.dtype), { generator }));
    const soft = softmax(div(sub(logits, noise), tau), axis);
    if (!hard) return soft;
    const { indices } = max(soft, axis, true);
    const oneHot = scatter(zerosLike(soft), axis, indices, 1);
    return add(sub(oneHot, soft.detach()), soft);
  },
);

const takingDim = signature('dim', {
  /** Default: null, PyTorch's: 0 for 0-d, 1-d and 3-d inputs, else 1. */
  dim: kinds.integer.optional(),
});

/** What both softmax modules are: a function along a dimension, which has a default of its own. */
abstract class AlongDim extends Module<[x: Tensor], Tensor> {
  readonly dim: number | null;

  constructor(...args: ArgumentsOf<typeof takingDim>) {
    const [dim] = takingDim.read(new.target.name, args);
    super();
    this.dim = dim;
  }

  override extraRepr(): string {
    return `dim=${this.dim ?? 'None'}`;
  }
}

/** PyTorch's choice for a softmax without a dim: 1, but 0 for 0-d, 1-d and 3-d inputs. */
function softmaxDim(op: string, x: Tensor): number {
  if (!kinds.tensor.accepts(x)) kinds.tensor.refuse(op, 'input', x);
  return x.ndim === 0 || x.ndim === 1 || x.ndim === 3 ? 0 : 1;
}

/**
 * eˣ / Σ eˣ along `dim`.
 *
 * @param dim default PyTorch's: 0 for 0-d, 1-d and 3-d inputs, else 1
 * @example
 * ```ts
 * new nn.Softmax(1).forward(tensor([[0, 1]])); // tensor([[0.2689, 0.7311]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Softmax.html
 */
export class Softmax extends AlongDim {
  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return softmax(x, this.dim ?? softmaxDim('Softmax', x));
  }
}

/**
 * x - log Σ eˣ along `dim`.
 *
 * @param dim default PyTorch's: 0 for 0-d, 1-d and 3-d inputs, else 1
 * @example
 * ```ts
 * new nn.LogSoftmax(1).forward(tensor([[0, 1]])); // tensor([[-1.3133, -0.3133]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LogSoftmax.html
 */
export class LogSoftmax extends AlongDim {
  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return logSoftmax(x, this.dim ?? softmaxDim('LogSoftmax', x));
  }
}

/**
 * e⁻ˣ / Σ e⁻ˣ along `dim`.
 *
 * @param dim default PyTorch's: 0 for 0-d, 1-d and 3-d inputs, else 1
 * @example
 * ```ts
 * new nn.Softmin(1).forward(tensor([[0, 1]])); // tensor([[0.7311, 0.2689]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Softmin.html
 */
export class Softmin extends AlongDim {
  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return softmin(x, this.dim ?? softmaxDim('Softmin', x));
  }
}

/**
 * Softmax over the channels at every place of an image: x (channels, height, width) or (batch, channels, height, width).
 *
 * @throws ShapeError, when called, for inputs of other dimensions
 * @example
 * ```ts
 * new nn.Softmax2d().forward(zeros([1, 2, 1, 1])).flatten(); // tensor([0.5000, 0.5000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Softmax2d.html
 */
export class Softmax2d extends BareActivation {
  constructor(...none: readonly []) {
    super((x) => softmax(x, -3), none);
  }

  override forward(x: Tensor): Tensor {
    if (!kinds.tensor.accepts(x)) kinds.tensor.refuse('Softmax2d', 'input', x);
    if (x.ndim !== 3 && x.ndim !== 4) {
      throw new ShapeError(`Softmax2d: expected 3 or 4 dimensions, got shape ${show(x.shape)}`);
    }
    return super.forward(x);
  }
}

for (const layer of [Softmax, LogSoftmax, Softmin]) takeNoMore(layer, 'forward');
takeNoMore(Softmax2d, 'forward');
