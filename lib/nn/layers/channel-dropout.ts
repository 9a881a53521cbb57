import { define } from '../../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { signature } from '../../arguments/signature.js';
import { recording } from '../../backend/recording.js';
import { ShapeError } from '../../errors.js';
import type { Expr } from '../../expr/index.js';
import * as e from '../../expr/index.js';
import { empty } from '../../ops/creation.js';
import { bernoulli_ } from '../../ops/random.js';
import { Pointwise } from '../../tensor/elementwise.js';
import { emptyLikeOf } from '../../tensor/empty.js';
import type { Generator } from '../../tensor/generator.js';
import * as kinds from '../../tensor/kinds.js';
import { drawing } from '../../tensor/parameters.js';
import { type Shape, show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { Dropping, dropping, inplace, probability } from './dropout.js';

// Dropout of whole channels, and dropout that keeps mean and variance of what SELU gives.

const channelSignature = signature('input, p, training, inplace, *, generator', {
  input: kinds.tensor,
  ...probability,
  /** Whether to drop anything. Default: true. */
  training: kinds.boolean.default(true),
  ...inplace,
  ...drawing,
});

const alphaSignature = signature('input, p, training, inplace, *, generator', {
  input: kinds.tensor,
  ...probability,
  /** Whether to drop anything. Default: false. */
  training: kinds.boolean.default(false),
  ...inplace,
  ...drawing,
});

export interface ChannelDropoutOptions extends OptionsOf<typeof channelSignature> {}
export interface AlphaDropoutOptions extends OptionsOf<typeof alphaSignature> {}

type ChannelDropout = FunctionOf<Tensor, typeof channelSignature, ChannelDropoutOptions>;
type AlphaDropoutFunction = FunctionOf<Tensor, typeof alphaSignature, AlphaDropoutOptions>;

/** The shape of a mask with an element per channel; without a batch, channels come first. */
function channelsOf(shape: Shape, isBatched: boolean): Shape {
  return shape.map((size, dim) => (dim < (isBatched ? 2 : 1) ? size : 1));
}

/** How many dimensions inputs have, without a batch and with one. */
function requireDims(op: string, x: Tensor, without: number, batched: number, what: string): void {
  if (x.ndim === without || x.ndim === batched) return;
  throw new ShapeError(
    `${op}: expected ${without} or ${batched} dimensions, ${what}, got an input of shape ${show(shapeOf(x))}`,
  );
}

const channelDropout = (op: string, dims: number, what: string): ChannelDropout =>
  define(op, channelSignature, (x, p, training, inplace, generator) => {
    requireDims(op, x, dims + 1, dims + 2, what);
    if (!training || p === 0 || x.numel() === 0) return x;
    // As PyTorch has it: three dimensions are a batch of signals to dropout2d too.
    const mask = empty(channelsOf(shapeOf(x), x.ndim === dims + 2 || dims === 2), { dtype: 'bool' });
    const kept = p === 1 ? 0 : bernoulli_(mask, 1 - p, { generator });
    const scale = p === 1 ? 0 : 1 / (1 - p);
    return inplace ? dropping.applyInPlace(x, [kept, scale]) : dropping.apply([x, kept, scale]);
  });

/**
 * Zeroes each channel of a batch of signals with probability p, and divides the others by 1 - p.
 *
 * Shapes: input and result (batch, channels, length); (channels, …) without a batch.
 *
 * @throws ShapeError for an input of other dimensions; ValueError if p is outside [0, 1]
 * @example
 * ```ts
 * nn.functional.dropout1d(ones([20, 16, 32]), 0.3).shape; // [20, 16, 32]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.dropout1d.html
 */
export const dropout1d: ChannelDropout = channelDropout('dropout1d', 1, '(batch, channels, length)');

/**
 * Zeroes each channel of a batch of images with probability p, and divides the others by 1 - p.
 *
 * Shapes: input and result (batch, channels, height, width); three dimensions are (batch, channels, length).
 *
 * @throws ShapeError for an input of other dimensions; ValueError if p is outside [0, 1]
 * @example
 * ```ts
 * nn.functional.dropout2d(ones([20, 16, 8, 8]), 0.3).shape; // [20, 16, 8, 8]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.dropout2d.html
 */
export const dropout2d: ChannelDropout = channelDropout('dropout2d', 2, '(batch, channels, height, width)');

/**
 * Zeroes each channel of a batch of volumes with probability p, and divides the others by 1 - p.
 *
 * Shapes: input and result (batch, channels, depth, height, width); (channels, …) without a batch.
 *
 * @throws ShapeError for an input of other dimensions; ValueError if p is outside [0, 1]
 * @example
 * ```ts
 * nn.functional.dropout3d(ones([2, 16, 4, 8, 8]), 0.3).shape; // [2, 16, 4, 8, 8]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.dropout3d.html
 */
export const dropout3d: ChannelDropout = channelDropout('dropout3d', 3, '(batch, channels, depth, height, width)');

/** What SELU gives to what is very negative is minus this: what is dropped becomes it. */
const ALPHA = 1.7580993408473766;

const droppingAlpha = new Pointwise('alphaDropout', (x, kept: Expr, a: Expr, low: Expr, shift: Expr) =>
  e.add(e.mul(x, e.mul(kept, a)), e.add(e.mul(e.sub(kept, 1), low), shift)),
);

/** Drops by what is drawn into the tensor that `mask` gives, if there is anything to draw. */
function dropAlpha(
  x: Tensor,
  mask: () => Tensor,
  p: number,
  training: boolean,
  inplace: boolean,
  generator: Generator | null,
): Tensor {
  if (!training || p === 0 || x.numel() === 0) return x;
  if (p === 1) return inplace ? dropping.applyInPlace(x, [0, 0]) : dropping.apply([x, 0, 0]);
  const kept = bernoulli_(mask(), 1 - p, { generator });
  const a = 1 / Math.sqrt((ALPHA * ALPHA * p + 1) * (1 - p));
  const [low, shift] = [ALPHA * a, ALPHA * a * p];
  return inplace ? droppingAlpha.applyInPlace(x, [kept, a, low, shift]) : droppingAlpha.apply([x, kept, a, low, shift]);
}

/**
 * Sets each element with probability p to what SELU gives to very negative values, and scales and shifts all so that mean 0 and variance 1 stay.
 *
 * y = a (x k + α' (k - 1)) + a α' p with k 0 or 1, α' = 1.7580993408473766 and a = 1 / √((α'² p + 1)(1 - p)).
 *
 * @throws ValueError if p is outside [0, 1]
 * @example
 * ```ts
 * nn.functional.alphaDropout(ones([4]), 0.5); // tensor([1., 1., 1., 1.])
 * nn.functional.alphaDropout(randn([1000]), 0.2, { training: true }).shape; // [1000]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.alpha_dropout.html
 */
export const alphaDropout: AlphaDropoutFunction = define(
  'alphaDropout',
  alphaSignature,
  (x, p, training, inplace, generator) => dropAlpha(x, () => emptyLikeOf(x, 'bool'), p, training, inplace, generator),
);

/**
 * `alphaDropout` of whole channels.
 *
 * Shapes: input and result (batch, channels, …).
 *
 * @throws ShapeError for an input of fewer than two dimensions; ValueError if p is outside [0, 1]
 * @example
 * ```ts
 * nn.functional.featureAlphaDropout(ones([2, 3, 4]), 0.5, { training: true }).shape; // [2, 3, 4]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.feature_alpha_dropout.html
 */
export const featureAlphaDropout: AlphaDropoutFunction = define(
  'featureAlphaDropout',
  alphaSignature,
  (x, p, training, inplace, generator) => {
    const mask = (): Tensor => {
      if (x.ndim >= 2) return empty(channelsOf(shapeOf(x), true), { dtype: 'bool' });
      throw new ShapeError(
        `featureAlphaDropout: expected two or more dimensions, (batch, channels, …), got an input of shape ${show(shapeOf(x))}`,
      );
    };
    return dropAlpha(x, mask, p, training, inplace, generator);
  },
);

/**
 * In training, zeroes each channel with probability p and divides the others by 1 - p; in evaluation returns its input: (batch, channels, length) or (channels, length).
 *
 * @throws ShapeError for an input of other dimensions; ValueError if p is outside [0, 1]
 * @example
 * ```ts
 * new nn.Dropout1d(0.2).eval().forward(ones([2, 3, 4])).shape; // [2, 3, 4]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Dropout1d.html
 */
export class Dropout1d extends Dropping {
  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return dropout1d(x, this.p, this.training, this.inplace);
  }
}

/**
 * In training, zeroes each channel with probability p and divides the others by 1 - p; in evaluation returns its input: (batch, channels, height, width).
 *
 * @throws ShapeError for an input of other dimensions; ValueError if p is outside [0, 1]
 * @example
 * ```ts
 * new nn.Dropout2d(0.2).eval().forward(ones([2, 3, 4, 4])).shape; // [2, 3, 4, 4]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Dropout2d.html
 */
export class Dropout2d extends Dropping {
  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return dropout2d(x, this.p, this.training, this.inplace);
  }
}

/**
 * In training, zeroes each channel with probability p and divides the others by 1 - p; in evaluation returns its input: (batch, channels, depth, height, width) or without the batch.
 *
 * @throws ShapeError for an input of other dimensions; ValueError if p is outside [0, 1]
 * @example
 * ```ts
 * new nn.Dropout3d(0.2).eval().forward(ones([2, 3, 2, 4, 4])).shape; // [2, 3, 2, 4, 4]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Dropout3d.html
 */
export class Dropout3d extends Dropping {
  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return dropout3d(x, this.p, this.training, this.inplace);
  }
}

/**
 * In training, drops elements so that mean 0 and variance 1 stay, for networks of SELU; in evaluation returns its input.
 *
 * @throws ValueError if p is outside [0, 1]
 * @example
 * ```ts
 * new nn.AlphaDropout(0.2).eval().forward(ones([2])); // tensor([1., 1.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AlphaDropout.html
 */
export class AlphaDropout extends Dropping {
  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return alphaDropout(x, this.p, this.training, this.inplace);
  }
}

/**
 * The same of whole channels: (batch, channels, …).
 *
 * @throws ShapeError for an input of fewer than two dimensions; ValueError if p is outside [0, 1]
 * @example
 * ```ts
 * new nn.FeatureAlphaDropout(0.2).eval().forward(ones([1, 2])); // tensor([[1., 1.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.FeatureAlphaDropout.html
 */
export class FeatureAlphaDropout extends Dropping {
  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return featureAlphaDropout(x, this.p, this.training, this.inplace);
  }
}

for (const layer of [Dropout1d, Dropout2d, Dropout3d, AlphaDropout, FeatureAlphaDropout]) takeNoMore(layer, 'forward');
