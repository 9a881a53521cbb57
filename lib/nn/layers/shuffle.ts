import { define } from '../../arguments/define.js';
import type { ArgumentsOf, FunctionOf } from '../../arguments/forms.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { signature } from '../../arguments/signature.js';
import { recording } from '../../backend/recording.js';
import { ShapeError, ValueError } from '../../errors.js';
import { clone } from '../../ops/conversion.js';
import { permute, reshape, transpose } from '../../ops/views.js';
import * as kinds from '../../tensor/kinds.js';
import { owned } from '../../tensor/layout.js';
import { type Shape, show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';

// Channels that become places, and places that become channels.

const upscaling = { upscaleFactor: kinds.integerFrom(1) };
const downscaling = { downscaleFactor: kinds.integerFrom(1) };
const grouping = { groups: kinds.integerFrom(1) };

const upscaleSignature = signature('input, /, upscaleFactor', { input: kinds.tensor, ...upscaling });
const downscaleSignature = signature('input, /, downscaleFactor', { input: kinds.tensor, ...downscaling });
const groupSignature = signature('input, /, groups', { input: kinds.tensor, ...grouping });
const upscaleModule = signature('upscaleFactor', upscaling);
const downscaleModule = signature('downscaleFactor', downscaling);
const groupModule = signature('groups', grouping);

/** Sizes before the channels, and those of channels, rows and columns. */
function imageOf(op: string, x: Tensor): readonly [batch: Shape, channels: number, height: number, width: number] {
  if (x.ndim < 3)
    throw new ShapeError(`${op}: expected at least 3 dimensions, (…, channels, height, width), got ${show(x.shape)}`);
  const [channels = 0, height = 0, width = 0] = shapeOf(x).slice(-3);
  return [shapeOf(x).slice(0, -3), channels, height, width];
}

/** A copy with the last five dimensions exchanged, in a new shape. */
function exchanged(x: Tensor, parts: Shape, order: readonly number[], shape: Shape): Tensor {
  const lead = parts.length - order.length;
  const dims = parts.map((_, i) => (i < lead ? i : lead + order[i - lead]!));
  return owned(reshape(clone(permute(reshape(x, parts), dims)), shape));
}

/**
 * (…, C·r², H, W) as (…, C, H·r, W·r): each r² channels become a square of r · r places.
 *
 * @throws ShapeError for less than 3 dimensions; ValueError if the channels cannot be divided by r²
 * @example
 * ```ts
 * nn.functional.pixelShuffle(arange(4).reshape([4, 1, 1]), 2); // tensor([[[0, 1], [2, 3]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.pixel_shuffle.html
 */
export const pixelShuffle: FunctionOf<Tensor, typeof upscaleSignature> = define(
  'pixelShuffle',
  upscaleSignature,
  (x, r) => {
    const [batch, channels, height, width] = imageOf('pixelShuffle', x);
    const left = channels / (r * r);
    if (!Number.isInteger(left))
      throw new ValueError(`pixelShuffle: ${channels} channels cannot be divided by ${r * r}, the square of ${r}`);
    const parts = [...batch, left, r, r, height, width];
    return exchanged(x, parts, [0, 3, 1, 4, 2], [...batch, left, height * r, width * r]);
  },
);

/**
 * (…, C, H·r, W·r) as (…, C·r², H, W): the inverse of `pixelShuffle`.
 *
 * @throws ShapeError for less than 3 dimensions; ValueError if height or width cannot be divided by r
 * @example
 * ```ts
 * nn.functional.pixelUnshuffle(arange(4).reshape([1, 2, 2]), 2).shape; // [4, 1, 1]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.pixel_unshuffle.html
 */
export const pixelUnshuffle: FunctionOf<Tensor, typeof downscaleSignature> = define(
  'pixelUnshuffle',
  downscaleSignature,
  (x, r) => {
    const [batch, channels, height, width] = imageOf('pixelUnshuffle', x);
    if (height % r !== 0 || width % r !== 0)
      throw new ValueError(`pixelUnshuffle: height ${height} and width ${width} cannot both be divided by ${r}`);
    const [h, w] = [height / r, width / r];
    return exchanged(x, [...batch, channels, h, r, w, r], [0, 2, 4, 1, 3], [...batch, channels * r * r, h, w]);
  },
);

/**
 * Channels in another order: of g groups first the first of each, then the second of each, and so on.
 *
 * @param input (batch, channels, …)
 * @throws ShapeError for less than 3 dimensions; ValueError if the channels do not make so many groups
 * @example
 * ```ts
 * nn.functional.channelShuffle(arange(4).reshape([1, 4, 1]), 2).flatten(); // tensor([0, 2, 1, 3])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ChannelShuffle.html
 */
export const channelShuffle: FunctionOf<Tensor, typeof groupSignature> = define(
  'channelShuffle',
  groupSignature,
  (x, groups) => {
    if (x.ndim < 3)
      throw new ShapeError(
        `channelShuffle: expected at least 3 dimensions, (batch, channels, …), got ${show(x.shape)}`,
      );
    const [batch = 0, channels = 0, ...rest] = shapeOf(x);
    if (channels % groups !== 0)
      throw new ValueError(`channelShuffle: ${channels} channels cannot be divided into ${groups} groups`);
    const parts = reshape(x, [batch, groups, channels / groups, ...rest]);
    return owned(reshape(clone(transpose(parts, 1, 2)), shapeOf(x)));
  },
);

/**
 * (…, C·r², H, W) as (…, C, H·r, W·r): see `nn.functional.pixelShuffle`.
 *
 * @example
 * ```ts
 * new nn.PixelShuffle(3).forward(ones([1, 9, 4, 4])).shape; // [1, 1, 12, 12]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.PixelShuffle.html
 */
export class PixelShuffle extends Module<[x: Tensor], Tensor> {
  readonly upscaleFactor: number;

  constructor(...args: ArgumentsOf<typeof upscaleModule>) {
    const [upscaleFactor] = upscaleModule.read('PixelShuffle', args);
    super();
    this.upscaleFactor = upscaleFactor;
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return pixelShuffle(x, this.upscaleFactor);
  }

  override extraRepr(): string {
    return `upscale_factor=${this.upscaleFactor}`;
  }
}

/**
 * (…, C, H·r, W·r) as (…, C·r², H, W): see `nn.functional.pixelUnshuffle`.
 *
 * @example
 * ```ts
 * new nn.PixelUnshuffle(3).forward(ones([1, 1, 12, 12])).shape; // [1, 9, 4, 4]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.PixelUnshuffle.html
 */
export class PixelUnshuffle extends Module<[x: Tensor], Tensor> {
  readonly downscaleFactor: number;

  constructor(...args: ArgumentsOf<typeof downscaleModule>) {
    const [downscaleFactor] = downscaleModule.read('PixelUnshuffle', args);
    super();
    this.downscaleFactor = downscaleFactor;
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return pixelUnshuffle(x, this.downscaleFactor);
  }

  override extraRepr(): string {
    return `downscale_factor=${this.downscaleFactor}`;
  }
}

/**
 * Channels of groups in turn: see `nn.functional.channelShuffle`.
 *
 * @example
 * ```ts
 * new nn.ChannelShuffle(2).forward(ones([1, 4, 2])).shape; // [1, 4, 2]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ChannelShuffle.html
 */
export class ChannelShuffle extends Module<[x: Tensor], Tensor> {
  readonly groups: number;

  constructor(...args: ArgumentsOf<typeof groupModule>) {
    const [groups] = groupModule.read('ChannelShuffle', args);
    super();
    this.groups = groups;
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return channelShuffle(x, this.groups);
  }

  override extraRepr(): string {
    return `groups=${this.groups}`;
  }
}

takeNoMore(PixelShuffle, 'forward');
takeNoMore(PixelUnshuffle, 'forward');
takeNoMore(ChannelShuffle, 'forward');
