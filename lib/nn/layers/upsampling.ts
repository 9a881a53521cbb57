import { define } from '../../arguments/define.js';
import type { ArgumentsOf, FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { isFloat } from '../../backend/dtype.js';
import { recording } from '../../backend/recording.js';
import { sizeOf } from '../../backend/view.js';
import { DTypeError, ShapeError, ValueError } from '../../errors.js';
import { clone } from '../../ops/conversion.js';
import { resampled, type resamplings } from '../../ops/resampling.js';
import { eachAxis } from '../../ops/sliding.js';
import * as kinds from '../../tensor/kinds.js';
import { owned } from '../../tensor/layout.js';
import { type Shape, show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';
import { takeOneTensor } from '../one-tensor.js';
import { onInput } from '../operands.js';
import { pythonAxes, pythonFloat, pythonText, pythonTuple } from '../text.js';
import { adaptiveAverage } from './adaptive-pooling.js';

// Signals, images and volumes of another size.

interface Mode {
  /** Over how many axes it is defined. */
  readonly dims: readonly number[];
  /** How elements are made; null for the means of windows. */
  readonly by: keyof typeof resamplings | null;
  /** The same without gaps between the elements that are looked at, where there is such a thing. */
  readonly smooth?: keyof typeof resamplings;
  /** Whether `alignCorners` has a meaning. */
  readonly aligns: boolean;
}

const modes = {
  nearest: { dims: [1, 2, 3], by: 'nearest', aligns: false },
  'nearest-exact': { dims: [1, 2, 3], by: 'nearestExact', aligns: false },
  area: { dims: [1, 2, 3], by: null, aligns: false },
  linear: { dims: [1], by: 'linear', aligns: true },
  bilinear: { dims: [2], by: 'linear', smooth: 'smoothLinear', aligns: true },
  bicubic: { dims: [2], by: 'cubic', smooth: 'smoothCubic', aligns: true },
  trilinear: { dims: [3], by: 'linear', aligns: true },
} satisfies Record<string, Mode>;

/** How new elements are made of the old ones: see `nn.functional.interpolate`. */
export type InterpolationMode = keyof typeof modes;

const sizing = {
  /** The new sizes: one for all axes, or one for each. Default: null, what `scaleFactor` says. */
  size: kinds.oneOrList('an integer, at least 1, or an array of them', kinds.integerFrom(1)).optional(),
  /** What sizes are multiplied by, rounded down: one number for all axes, or one for each. Default: null, what `size` says. */
  scaleFactor: kinds.oneOrList('a number above 0, or an array of them', kinds.above(0)).optional(),
};

const way = {
  /** Default: 'nearest'. */
  mode: kinds
    .choice('nearest', 'nearest-exact', 'area', 'linear', 'bilinear', 'bicubic', 'trilinear')
    .default('nearest'),
  /** Whether the first and last elements, rather than the ends, stay in their places; for linear and cubic modes. Default: null, false. */
  alignCorners: kinds.boolean.optional(),
};

const upsampling = {
  ...sizing,
  ...way,
  /** Whether places are those that the new sizes say, rather than `scaleFactor` before sizes were rounded. Default: null, true for 'area' only. */
  recomputeScaleFactor: kinds.boolean.optional(),
};

const upsampleSignature = signature('size, scaleFactor, mode, alignCorners, recomputeScaleFactor', upsampling);
const sizeSignature = signature('size, scaleFactor', sizing);
const interpolating = signature('input, /, size, scaleFactor, mode, alignCorners, recomputeScaleFactor, antialias', {
  input: kinds.tensor,
  ...upsampling,
  /** Whether images that become smaller are smoothed, for 'bilinear' and 'bicubic'. Default: false. */
  antialias: kinds.boolean.default(false),
});
const upsampleFunction = signature('input, /, size, scaleFactor, mode, alignCorners', {
  input: kinds.tensor,
  ...sizing,
  ...way,
});
const sizeFunction = onInput(sizeSignature);

export interface InterpolateOptions extends OptionsOf<typeof interpolating> {}
export interface UpsampleOptions extends OptionsOf<typeof upsampleSignature> {}
export interface UpsampleFunctionOptions extends OptionsOf<typeof upsampleFunction> {}
export interface UpsamplingOptions extends OptionsOf<typeof sizeSignature> {}

type PerAxis = number | readonly number[] | null;

interface Given {
  readonly size: PerAxis;
  readonly scaleFactor: PerAxis;
  readonly mode: InterpolationMode;
  readonly alignCorners: boolean | null;
  readonly recomputeScaleFactor: boolean | null;
  readonly antialias: boolean;
}

/** Refuses options that contradict each other. */
function checkOptions(op: string, { size, scaleFactor, mode, alignCorners, recomputeScaleFactor }: Given): void {
  if ((size === null) === (scaleFactor === null)) {
    throw new ValueError(`${op}: expected either size or scaleFactor, got ${size === null ? 'neither' : 'both'}`);
  }
  if (alignCorners !== null && !modes[mode].aligns) {
    throw new ValueError(`${op}: alignCorners has no meaning for mode '${mode}'; leave it out`);
  }
  if (recomputeScaleFactor === true && size !== null) {
    throw new ValueError(`${op}: recomputeScaleFactor has no meaning with size, which says all; leave it out`);
  }
}

function checkInput(op: string, x: Tensor, mode: InterpolationMode): void {
  if (!isFloat(x.dtype)) throw new DTypeError(`${op}: not defined for ${x.dtype} tensors; convert with .float()`);
  const ndims = modes[mode].dims.map((dims) => dims + 2);
  if (!ndims.includes(x.ndim)) {
    throw new ShapeError(
      `${op}: the input must have ${ndims.join(' or ')} dimensions for mode '${mode}', (N, C, …), got ${show(x.shape)}`,
    );
  }
  if (shapeOf(x).slice(1).includes(0)) {
    throw new ShapeError(`${op}: the input must have elements, got ${show(x.shape)}`);
  }
}

function eachOf(op: string, name: string, given: PerAxis, dims: number): readonly number[] | null {
  if (given === null) return null;
  if (typeof given === 'number' || given.length === 1 || given.length === dims) return eachAxis(given, dims);
  throw new ShapeError(`${op}: ${name} must have a number for each of ${dims} axes, got ${show(given)}`);
}

/** The sizes that factors make of those there are. */
function scaled(op: string, whole: Shape, factors: readonly number[]): number[] {
  const sizes = whole.map((size, axis) => Math.floor(size * factors[axis]!));
  if (sizes.every((size) => size >= 1 && size < 2 ** 31)) return sizes;
  throw new ShapeError(`${op}: scaleFactor ${show(factors)} makes ${show(sizes)} of ${show(whole)}`);
}

function resized(op: string, x: Tensor, given: Given): Tensor {
  checkOptions(op, given);
  checkInput(op, x, given.mode);
  const { mode, alignCorners, recomputeScaleFactor, antialias } = given;
  const { by, smooth }: Mode = modes[mode];
  if (antialias && smooth === undefined) {
    throw new ValueError(`${op}: antialias is for modes 'bilinear' and 'bicubic', got '${mode}'`);
  }
  const whole = shapeOf(x).slice(2);
  const factors = eachOf(op, 'scaleFactor', given.scaleFactor, whole.length);
  const sizes = eachOf(op, 'size', given.size, whole.length) ?? scaled(op, whole, factors!);
  if (sizeOf(sizes) >= 2 ** 31) throw new ShapeError(`${op}: ${show(sizes)} has more places than int32 counts`);
  if (by === null) return adaptiveAverage(op, whole.length, x, sizes);
  let result = x;
  for (let axis = whole.length - 1; axis >= 0; axis--) {
    let factor = recomputeScaleFactor === true ? null : (factors?.[axis] ?? null);
    const [size, outSize] = [whole[axis]!, sizes[axis]!];
    if (mode === 'nearest' && whole.length === 2 && (outSize === size || outSize === 2 * size)) factor = null;
    if (size === outSize && (factor === null || factor === 1)) continue;
    const resizing = { size, outSize, factor, alignCorners: alignCorners === true, dtype: x.dtype };
    result = resampled(result, axis + 2, antialias ? smooth! : by, resizing);
  }
  return result === x ? clone(x) : owned(result);
}

const plain = { mode: 'nearest', alignCorners: null, recomputeScaleFactor: null, antialias: false } as const;

/**
 * Signals, images or volumes of another size.
 *
 * - `'nearest'`: the element at ⌊i · n / m⌋; `'nearest-exact'`: at ⌊(i + ½) n / m⌋.
 * - `'linear'`, `'bilinear'`, `'trilinear'`: two elements along each axis, by their distance from (i + ½) n / m - ½.
 * - `'bicubic'`: four, by a cubic convolution with a = -0.75.
 * - `'area'`: the means of windows, as `nn.functional.adaptiveAvgPool2d`.
 *
 * With `antialias` new elements are sums of all old ones between them, with a = -0.5 for the cubic ones.
 *
 * Shapes: input (N, C, length), (N, C, height, width) or (N, C, depth, height, width), as the mode says.
 *
 * @throws ValueError for options that contradict each other, such as both `size` and `scaleFactor`; ShapeError if the input has other
 * dimensions, or nothing would be left; DTypeError for integers
 * @example
 * ```ts
 * const x = tensor([[[1, 3]]]);
 * nn.functional.interpolate(x, { scaleFactor: 2 }); // tensor([[[1., 1., 3., 3.]]])
 * nn.functional.interpolate(x, 4, { mode: 'linear' }); // tensor([[[1.0000, 1.5000, 2.5000, 3.0000]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html
 */
export const interpolate: FunctionOf<Tensor, typeof interpolating, InterpolateOptions> = define(
  'interpolate',
  interpolating,
  (input, size, scaleFactor, mode, alignCorners, recomputeScaleFactor, antialias) =>
    resized('interpolate', input, { size, scaleFactor, mode, alignCorners, recomputeScaleFactor, antialias }),
);

/**
 * The same under its old name: see `nn.functional.interpolate`.
 *
 * @example
 * ```ts
 * nn.functional.upsample(tensor([[[1, 3]]]), { scaleFactor: 2 }); // tensor([[[1., 1., 3., 3.]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.upsample.html
 */
export const upsample: FunctionOf<Tensor, typeof upsampleFunction, UpsampleFunctionOptions> = define(
  'upsample',
  upsampleFunction,
  (input, size, scaleFactor, mode, alignCorners) =>
    resized('upsample', input, { ...plain, size, scaleFactor, mode, alignCorners }),
);

/**
 * The nearest elements: `nn.functional.interpolate` with mode 'nearest'.
 *
 * @example
 * ```ts
 * nn.functional.upsampleNearest(tensor([[[[1, 3]]]]), [1, 4]); // tensor([[[[1., 1., 3., 3.]]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.upsample_nearest.html
 */
export const upsampleNearest: FunctionOf<Tensor, typeof sizeFunction, UpsamplingOptions> = define(
  'upsampleNearest',
  sizeFunction,
  (input, size, scaleFactor) => resized('upsampleNearest', input, { ...plain, size, scaleFactor }),
);

/**
 * Between elements of images, with corners in their places: `nn.functional.interpolate` with mode 'bilinear' and `alignCorners`.
 *
 * @example
 * ```ts
 * nn.functional.upsampleBilinear(tensor([[[[1, 3]]]]), [1, 3]); // tensor([[[[1., 2., 3.]]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.upsample_bilinear.html
 */
export const upsampleBilinear: FunctionOf<Tensor, typeof sizeFunction, UpsamplingOptions> = define(
  'upsampleBilinear',
  sizeFunction,
  (input, size, scaleFactor) =>
    resized('upsampleBilinear', input, { ...plain, size, scaleFactor, mode: 'bilinear', alignCorners: true }),
);

abstract class Resized extends Module<[x: Tensor], Tensor> {
  readonly size: PerAxis;
  readonly scaleFactor: PerAxis;
  readonly mode: InterpolationMode;
  readonly alignCorners: boolean | null;
  readonly recomputeScaleFactor: boolean | null;
  private readonly op: string;

  constructor(op: string, given: Omit<Given, 'antialias'>) {
    checkOptions(op, { ...given, antialias: false });
    super();
    this.op = op;
    this.size = given.size;
    this.scaleFactor = given.scaleFactor;
    this.mode = given.mode;
    this.alignCorners = given.alignCorners;
    this.recomputeScaleFactor = given.recomputeScaleFactor;
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    const { size, scaleFactor, mode, alignCorners, recomputeScaleFactor } = this;
    return resized(this.op, x, { size, scaleFactor, mode, alignCorners, recomputeScaleFactor, antialias: false });
  }

  override extraRepr(): string {
    const { size, scaleFactor } = this;
    const factor =
      typeof scaleFactor === 'number' ? pythonFloat(scaleFactor) : pythonTuple((scaleFactor ?? []).map(pythonFloat));
    const sizes = size === null ? `scale_factor=${factor}` : `size=${pythonAxes(size)}`;
    return `${sizes}, mode=${pythonText(this.mode)}`;
  }
}

takeOneTensor(Resized);

/**
 * Signals, images or volumes of another size: see `nn.functional.interpolate`.
 *
 * @throws ValueError for options that contradict each other, such as both `size` and `scaleFactor`
 * @example
 * ```ts
 * const up = new nn.Upsample({ scaleFactor: 2, mode: 'bilinear', alignCorners: true });
 * up.forward(ones([1, 3, 8, 8])).shape; // [1, 3, 16, 16]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Upsample.html
 */
export class Upsample extends Resized {
  constructor(...args: ArgumentsOf<typeof upsampleSignature, UpsampleOptions>) {
    super('Upsample', upsampleSignature.named('Upsample', args));
  }
}

/**
 * Images of the nearest elements: `nn.Upsample` with mode 'nearest'.
 *
 * @throws ValueError unless either `size` or `scaleFactor` is given
 * @example
 * ```ts
 * new nn.UpsamplingNearest2d([1, 4]).forward(tensor([[[[1, 3]]]])); // tensor([[[[1., 1., 3., 3.]]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.UpsamplingNearest2d.html
 */
export class UpsamplingNearest2d extends Resized {
  constructor(...args: ArgumentsOf<typeof sizeSignature, UpsamplingOptions>) {
    super('UpsamplingNearest2d', { ...plain, ...sizeSignature.named('UpsamplingNearest2d', args) });
  }
}

/**
 * Images between elements, with corners in their places: `nn.Upsample` with mode 'bilinear' and `alignCorners`.
 *
 * @throws ValueError unless either `size` or `scaleFactor` is given
 * @example
 * ```ts
 * new nn.UpsamplingBilinear2d([1, 3]).forward(tensor([[[[1, 3]]]])); // tensor([[[[1., 2., 3.]]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.UpsamplingBilinear2d.html
 */
export class UpsamplingBilinear2d extends Resized {
  constructor(...args: ArgumentsOf<typeof sizeSignature, UpsamplingOptions>) {
    const sizes = sizeSignature.named('UpsamplingBilinear2d', args);
    super('UpsamplingBilinear2d', { ...plain, ...sizes, mode: 'bilinear', alignCorners: true });
  }
}
