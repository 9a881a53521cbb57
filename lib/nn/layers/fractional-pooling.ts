import { define } from '../../arguments/define.js';
import type { ArgumentsOf, Narrowed, OptionsOf } from '../../arguments/forms.js';
import { type Kind, kind } from '../../arguments/kind.js';
import { signature } from '../../arguments/signature.js';
import { isFloat } from '../../backend/dtype.js';
import { recording } from '../../backend/recording.js';
import { sizeOf } from '../../backend/view.js';
import { DTypeError, ShapeError, ValueError } from '../../errors.js';
import * as e from '../../expr/index.js';
import { gathered } from '../../ops/along.js';
import { tensor } from '../../ops/creation.js';
import { type Picks, picks } from '../../ops/picking.js';
import { rand } from '../../ops/random.js';
import { argmax } from '../../ops/reductions.js';
import { eachAxis, explainAxes, type PerAxis, perAxis } from '../../ops/sliding.js';
import { reshape, select, unsqueeze } from '../../ops/views.js';
import { Pointwise } from '../../tensor/elementwise.js';
import * as kinds from '../../tensor/kinds.js';
import { owned } from '../../tensor/layout.js';
import { type Shape, show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';
import { takeOneTensor } from '../one-tensor.js';
import { onInput } from '../operands.js';
import { checkInput } from './pooling.js';

// Pooling to a size that need not divide that of the input: windows of one size whose distances vary by chance, by one.

const ratio = kind(
  'a number between 0 and 1',
  (value): value is number => typeof value === 'number' && value > 0 && value < 1,
);

const ratios = (dims: number): Kind<PerAxis> =>
  kind(
    `a number between 0 and 1, or an array of ${dims} of them`,
    (value): value is PerAxis =>
      ratio.accepts(value) || (Array.isArray(value) && value.length === dims && value.every(ratio.accepts)),
    { explain: explainAxes(ratio) },
  );

const fractional = (dims: number) =>
  signature('kernelSize, outputSize, outputRatio, returnIndices', {
    kernelSize: perAxis(dims, 1),
    /** The sizes of the result. Default: null, what `outputRatio` says. */
    outputSize: perAxis(dims, 1).optional(),
    /** What the sizes of the result are of those of the input, rounded down. Default: null, what `outputSize` says. */
    outputRatio: ratios(dims).optional(),
    /** Whether to give the places of the elements too, counted within their channel. Default: false. */
    returnIndices: kinds.boolean.default(false),
  });

type Fractional = ReturnType<typeof fractional>;

export interface FractionalMaxPoolOptions<R extends boolean = boolean>
  extends Narrowed<OptionsOf<Fractional>, { returnIndices: R }> {}

interface Given {
  readonly kernelSize: PerAxis;
  readonly outputSize: PerAxis | null;
  readonly outputRatio: PerAxis | null;
}

function checkSizing(op: string, { outputSize, outputRatio }: Given): void {
  if ((outputSize === null) !== (outputRatio === null)) return;
  throw new ValueError(
    `${op}: expected either outputSize or outputRatio, got ${outputSize === null ? 'neither' : 'both'}`,
  );
}

function placesOf(op: string, whole: Shape, kernel: Shape, { outputSize, outputRatio }: Given): number[] {
  const dims = whole.length;
  const places =
    outputSize === null
      ? whole.map((size, axis) => Math.floor(size * eachAxis(outputRatio!, dims)[axis]!))
      : [...eachAxis(outputSize, dims)];
  if (places.every((count, axis) => count >= 1 && count + kernel[axis]! - 1 <= whole[axis]!)) return places;
  throw new ShapeError(
    `${op}: ${show(places)} windows of ${show(kernel)} need an input of at least ${show(places.map((count, axis) => Math.max(1, count) + kernel[axis]! - 1))}, got ${show(whole)}`,
  );
}

/** Where the elements of each window are along an axis. The last window ends with the axis. */
const positions = new Pointwise(
  'fractionalMaxPool',
  (chance, place, offset: e.Expr, step: e.Expr, last: e.Expr, end: e.Expr) => {
    const start = e.sub(e.floor(e.mul(e.add(place, chance), step)), e.floor(e.mul(chance, step)));
    return e.add(e.where(e.eq(place, last), end, start), offset);
  },
);
const joining = new Pointwise('fractionalMaxPool', (row, column, size) => e.add(e.mul(row, size), column));

const counting = (count: number, shape: Shape): Tensor =>
  reshape(tensor(Float32Array.from({ length: count }, (_, i) => i)), shape);

/** (N, C, kernel, places) along an axis, by a chance (N, C) for each channel. */
function along(chance: Tensor, size: number, kernel: number, places: number): Tensor {
  const [last, end] = [places - 1, size - kernel];
  const starts = [counting(places, [places]), counting(kernel, [kernel, 1])] as const;
  const step = places > 1 ? end / last : 0;
  const at = unsqueeze(unsqueeze(chance, -1), -1);
  return positions.apply([at, ...starts, step, last, end]).int();
}

/** Where the elements of each window are in their channel: (N, C, elements, places). */
function windows(chances: Tensor, whole: Shape, kernel: Shape, places: Shape): Tensor {
  const dims = whole.length;
  const [n, channels] = shapeOf(chances) as readonly [number, number];
  // PyTorch draws for the width of an image before its height, and for a volume in the order of its axes.
  const chanceOf = (axis: number) => select(chances, -1, dims === 2 ? 1 - axis : axis);
  return whole
    .map((size, axis) => along(chanceOf(axis), size, kernel[axis]!, places[axis]!))
    .reduce((all, one, axis) => {
      const [terms, count] = shapeOf(all).slice(2) as [number, number];
      const [more, next] = [kernel[axis]!, places[axis]!];
      const [row, column] = [
        reshape(all, [n, channels, terms, 1, count, 1]),
        reshape(one, [n, channels, 1, more, 1, next]),
      ];
      return reshape(joining.applyAs('int32', [row, column, whole[axis]!]), [n, channels, terms * more, count * next]);
    });
}

function pooled(op: string, dims: number, input: Tensor, given: Given): Picks {
  checkSizing(op, given);
  checkInput(op, dims, input);
  if (!isFloat(input.dtype))
    throw new DTypeError(`${op}: not defined for ${input.dtype} tensors; convert with .float()`);
  const whole = shapeOf(input).slice(-dims);
  const kernel = eachAxis(given.kernelSize, dims);
  const places = placesOf(op, whole, kernel, given);
  const n = input.ndim === dims + 1 ? 1 : shapeOf(input)[0]!;
  const channels = shapeOf(input).at(-dims - 1)!;
  const chances = rand([n, channels, dims], { dtype: input.dtype });
  const indices = windows(chances, whole, kernel, places);
  const [terms, count] = [sizeOf(kernel), sizeOf(places)];
  const flat = reshape(input, [n, channels, sizeOf(whole)]);
  const seen = gathered(op, flat.detach(), -1, reshape(indices, [n, channels, terms * count]));
  const chosen = argmax(reshape(seen, [n, channels, terms, count]), 2, true);
  const where = reshape(gathered(op, indices, 2, chosen), [n, channels, count]);
  const shape = [...shapeOf(input).slice(0, -dims), ...places];
  return picks(op, owned(reshape(gathered(op, flat, -1, where), shape)), owned(reshape(where, shape)));
}

type PoolArguments<R extends boolean> = ArgumentsOf<Fractional, FractionalMaxPoolOptions<R>, { returnIndices: R }>;

interface FractionalMaxPool {
  // biome-ignore lint/style/useShorthandFunctionType: what it gives is shown by its name
  <R extends boolean = false>(
    ...args: ArgumentsOf<ReturnType<typeof onFractional>, FractionalMaxPoolOptions<R>, { returnIndices: R }>
  ): R extends true ? Picks : Tensor;
}

const onFractional = (dims: number) => onInput(fractional(dims));

const definePool = (op: string, dims: number): FractionalMaxPool =>
  define(op, onFractional(dims), (input, kernelSize, outputSize, outputRatio, returnIndices): Tensor | Picks => {
    const found = pooled(op, dims, input, { kernelSize, outputSize, outputRatio });
    return returnIndices ? found : found.values;
  }) as FractionalMaxPool;

abstract class FractionalPooled<R extends boolean> extends Module<[x: Tensor], R extends true ? Picks : Tensor> {
  readonly kernelSize: PerAxis;
  readonly outputSize: PerAxis | null;
  readonly outputRatio: PerAxis | null;
  readonly returnIndices: boolean;
  private readonly op: string;
  private readonly dims: number;

  constructor(op: string, dims: number, args: PoolArguments<R>) {
    const { kernelSize, outputSize, outputRatio, returnIndices } = fractional(dims).named(op, args);
    checkSizing(op, { kernelSize, outputSize, outputRatio });
    super();
    this.kernelSize = kernelSize;
    this.outputSize = outputSize;
    this.outputRatio = outputRatio;
    this.returnIndices = returnIndices;
    this.op = op;
    this.dims = dims;
  }

  override forward(x: Tensor): R extends true ? Picks : Tensor {
    recording?.used(this);
    const found = pooled(this.op, this.dims, x, this);
    return (this.returnIndices ? found : found.values) as R extends true ? Picks : Tensor;
  }
}

takeOneTensor(FractionalPooled);

/**
 * The largest element of each of so many windows over images; how far apart they are varies by one, by chance. In each channel of each image
 * window i of an axis begins at ⌊(i + u) α⌋ - ⌊u α⌋, with u uniform in [0, 1) and α = (size - kernel) / (windows - 1); the last one ends with it.
 *
 * Shapes: input (N, C, height, width), or without N.
 *
 * @returns the elements; with `returnIndices` { values, indices }
 * @throws ShapeError if the input has other dimensions, or so many windows do not fit in; ValueError unless either `outputSize` or `outputRatio`
 * is given; DTypeError for integers
 * @example
 * ```ts
 * nn.functional.fractionalMaxPool2d(randn([2, 3, 9, 9]), 2, { outputRatio: 0.7 }).shape; // [2, 3, 6, 6]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.fractional_max_pool2d.html
 * @see https://arxiv.org/abs/1412.6071
 */
export const fractionalMaxPool2d: FractionalMaxPool = definePool('fractionalMaxPool2d', 2);

/**
 * The largest element of windows over images that lie by chance: see `nn.functional.fractionalMaxPool2d`.
 *
 * @throws ValueError unless either `outputSize` or `outputRatio` is given
 * @example
 * ```ts
 * new nn.FractionalMaxPool2d(2, [5, 6]).forward(randn([2, 3, 9, 9])).shape; // [2, 3, 5, 6]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.FractionalMaxPool2d.html
 */
export class FractionalMaxPool2d<R extends boolean = false> extends FractionalPooled<R> {
  constructor(...args: PoolArguments<R>) {
    super('FractionalMaxPool2d', 2, args);
  }
}

/**
 * The largest element of each of so many windows over volumes that lie by chance: see `nn.functional.fractionalMaxPool2d`.
 *
 * Shapes: input (N, C, depth, height, width), or without N.
 *
 * @returns the elements; with `returnIndices` { values, indices }
 * @throws ShapeError if the input has other dimensions, or so many windows do not fit in; ValueError unless either `outputSize` or `outputRatio`
 * is given; DTypeError for integers
 * @example
 * ```ts
 * nn.functional.fractionalMaxPool3d(randn([1, 2, 5, 5, 5]), 2, 3).shape; // [1, 2, 3, 3, 3]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.FractionalMaxPool3d.html
 */
export const fractionalMaxPool3d: FractionalMaxPool = definePool('fractionalMaxPool3d', 3);

/**
 * The largest element of windows over volumes that lie by chance: see `nn.functional.fractionalMaxPool2d`.
 *
 * @throws ValueError unless either `outputSize` or `outputRatio` is given
 * @example
 * ```ts
 * new nn.FractionalMaxPool3d(2, { outputRatio: 0.5 }).forward(randn([1, 2, 6, 6, 6])).shape; // [1, 2, 3, 3, 3]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.FractionalMaxPool3d.html
 */
export class FractionalMaxPool3d<R extends boolean = false> extends FractionalPooled<R> {
  constructor(...args: PoolArguments<R>) {
    super('FractionalMaxPool3d', 3, args);
  }
}
