import { define } from '../../arguments/define.js';
import type { ArgumentsOf, FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { signature } from '../../arguments/signature.js';
import { isFloat } from '../../backend/dtype.js';
import { recording } from '../../backend/recording.js';
import { DTypeError, ShapeError } from '../../errors.js';
import * as e from '../../expr/index.js';
import { pad } from '../../ops/padding.js';
import { square } from '../../ops/pointwise.js';
import { mean } from '../../ops/reductions.js';
import { unfold } from '../../ops/strided.js';
import { Pointwise } from '../../tensor/elementwise.js';
import * as kinds from '../../tensor/kinds.js';
import { show } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';
import { pythonText } from '../text.js';

const neighbours = {
  size: kinds.integerFrom(1),
  /** What the mean square is multiplied by. Default: 1e-4. */
  alpha: kinds.number.default(1e-4),
  /** The exponent. Default: 0.75. */
  beta: kinds.number.default(0.75),
  /** Added to the mean square. Default: 1. */
  k: kinds.number.default(1),
};

const responseSignature = signature('input, /, size, alpha, beta, k', { input: kinds.tensor, ...neighbours });
const responseModule = signature('size, alpha, beta, k', neighbours);

export interface LocalResponseNormFunctionOptions extends OptionsOf<typeof responseSignature> {}
interface LocalResponseNormOptions extends OptionsOf<typeof responseModule> {}

const subduing = new Pointwise('localResponseNorm', (x, energy, alpha, beta, k) =>
  e.div(x, e.pow(e.add(e.mul(energy, alpha), k), beta)),
);

/**
 * x / (k + alpha · mean of x² over `size` neighbouring channels)^beta, with zeros beyond the first and the last channel.
 *
 * @param input (batch, channels, …)
 * @param size of how many channels, the channel itself among them
 * @throws ShapeError for less than 3 dimensions; DTypeError for integers
 * @example
 * ```ts
 * nn.functional.localResponseNorm(tensor([[[1], [2]]]), 2, { alpha: 2, beta: 1 }); // tensor([[[0.5000], [0.3333]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.local_response_norm.html
 */
export const localResponseNorm: FunctionOf<Tensor, typeof responseSignature, LocalResponseNormFunctionOptions> = define(
  'localResponseNorm',
  responseSignature,
  (x, size, alpha, beta, k) => {
    if (!isFloat(x.dtype)) throw new DTypeError(`localResponseNorm: the input must be a float tensor, got ${x.dtype}`);
    if (x.ndim < 3)
      throw new ShapeError(
        `localResponseNorm: expected at least 3 dimensions, (batch, channels, …), got ${show(x.shape)}`,
      );
    if (x.numel() === 0) return x;
    const before = Math.floor(size / 2);
    const others = new Array<number>(2 * (x.ndim - 2)).fill(0);
    const squares = pad(square(x), [...others, before, size - 1 - before]);
    return subduing.apply([x, mean(unfold(squares, 1, size, 1), -1), alpha, beta, k]);
  },
);

/**
 * Divides by what neighbouring channels have: see `nn.functional.localResponseNorm`.
 *
 * @param size of how many channels, the channel itself among them
 * @throws ShapeError for less than 3 dimensions
 * @example
 * ```ts
 * new nn.LocalResponseNorm(2).forward(randn([3, 5, 4])).shape; // [3, 5, 4]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LocalResponseNorm.html
 */
export class LocalResponseNorm extends Module<[x: Tensor], Tensor> {
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly k: number;

  constructor(...args: ArgumentsOf<typeof responseModule, LocalResponseNormOptions>) {
    const [size, alpha, beta, k] = responseModule.read('LocalResponseNorm', args);
    super();
    this.size = size;
    this.alpha = alpha;
    this.beta = beta;
    this.k = k;
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return localResponseNorm(x, this.size, this.alpha, this.beta, this.k);
  }

  override extraRepr(): string {
    return `${this.size}, alpha=${pythonText(this.alpha)}, beta=${pythonText(this.beta)}, k=${pythonText(this.k)}`;
  }
}

takeNoMore(LocalResponseNorm, 'forward');
