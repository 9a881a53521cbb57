import { define } from '../../arguments/define.js';
import { allAre } from '../../arguments/elements.js';
import type { ArgumentsOf, FunctionOf, Narrowed, OptionsOf } from '../../arguments/forms.js';
import { type Kind, kind } from '../../arguments/kind.js';
import { signature } from '../../arguments/signature.js';
import { recording } from '../../backend/recording.js';
import { sizeOf } from '../../backend/view.js';
import { ShapeError } from '../../errors.js';
import { tensor } from '../../ops/creation.js';
import { indexSelect } from '../../ops/indexing.js';
import { pad } from '../../ops/padding.js';
import type { Picks } from '../../ops/picking.js';
import { div } from '../../ops/pointwise.js';
import { argmax, sum } from '../../ops/reductions.js';
import { explainAxes } from '../../ops/sliding.js';
import { reshape } from '../../ops/views.js';
import * as kinds from '../../tensor/kinds.js';
import { owned, viewAs } from '../../tensor/layout.js';
import { type Shape, show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';
import { takeOneTensor } from '../one-tensor.js';
import { onInput } from '../operands.js';
import { atPositions, average, checkInput, largest, placeAt } from './pooling.js';

// Pooling to a size: windows that may differ by one in size and overlap by one, so that so many of them share an input.

/** One size for all axes, or one for each; null is that of the input. */
export type OutputSize = number | null | readonly (number | null)[];

const positive = kinds.integerFrom(1).orNull();

const outputSizes = (dims: number): Kind<OutputSize> =>
  kind(
    `an integer, at least 1, or null, or an array of ${dims} of them`,
    (value): value is OutputSize =>
      positive.accepts(value) || (Array.isArray(value) && value.length === dims && allAre(value, positive.accepts)),
    { explain: explainAxes(positive) },
  );

const averaging = (dims: number) => signature('outputSize', { outputSize: outputSizes(dims) });
const maximal = (dims: number) =>
  signature('outputSize, returnIndices', {
    outputSize: outputSizes(dims),
    /** Whether to give the places of the elements too, counted within their channel. Default: false. */
    returnIndices: kinds.boolean.default(false),
  });

type Averaging = ReturnType<typeof averaging>;
type Maximal = ReturnType<typeof maximal>;

export interface AdaptiveMaxPoolOptions<R extends boolean = boolean>
  extends Narrowed<OptionsOf<Maximal>, { returnIndices: R }> {}

type MaxArguments<R extends boolean> = ArgumentsOf<Maximal, AdaptiveMaxPoolOptions<R>, { returnIndices: R }>;

function placesOf(op: string, input: Tensor, dims: number, outputSize: OutputSize): number[] {
  const whole = shapeOf(input).slice(-dims);
  const places = whole.map((size, axis) => (Array.isArray(outputSize) ? outputSize[axis] : outputSize) ?? size);
  if (sizeOf(places) >= 2 ** 31) throw new ShapeError(`${op}: ${show(places)} has more places than int32 counts`);
  return places;
}

/** The window of all places where they are of one size, and do not overlap. */
function evenKernel(whole: Shape, places: Shape): number[] | null {
  return whole.every((size, axis) => size % places[axis]! === 0)
    ? whole.map((size, axis) => size / places[axis]!)
    : null;
}

interface Uneven {
  /** How many elements the largest window has. */
  readonly terms: number;
  /** Where each element of each window is in row-major order; what a smaller window has not is -1. */
  readonly positions: Int32Array;
  /** How many elements each window has. */
  readonly counts: readonly number[];
}

/** A table of so many positions takes a quarter of a gigabyte. */
const MOST_POSITIONS = 2 ** 26;

function unevenWindows(op: string, whole: Shape, places: Shape): Uneven {
  const refuse = (): never => {
    throw new ShapeError(
      `${op}: ${show(places)} windows that overlap, over ${show(whole)}, are more than a table holds`,
    );
  };
  if (sizeOf(places) > MOST_POSITIONS) refuse();
  const bounds = (size: number, of: number, at: number) => [
    Math.floor((at * size) / of),
    Math.ceil(((at + 1) * size) / of),
  ];
  const most = whole.map((size, axis) =>
    Math.max(
      ...Array.from({ length: places[axis]! }, (_, at) => {
        const [start, end] = bounds(size, places[axis]!, at) as [number, number];
        return end - start;
      }),
    ),
  );
  const [terms, count] = [sizeOf(most), sizeOf(places)];
  if (terms * count > MOST_POSITIONS) refuse();
  const positions = new Int32Array(terms * count).fill(-1);
  const counts = Array.from({ length: count }, (_, place) => {
    const ranges = placeAt(place, places).map(
      (at, axis) => bounds(whole[axis]!, places[axis]!, at) as [number, number],
    );
    const sizes = ranges.map(([start, end]) => end - start);
    for (let term = 0; term < sizeOf(sizes); term++) {
      const offset = placeAt(term, sizes);
      positions[term * count + place] = ranges.reduce(
        (at, [start], axis) => at * whole[axis]! + start + offset[axis]!,
        0,
      );
    }
    return sizeOf(sizes);
  });
  return { terms, positions, counts };
}

/** What an input has at positions, one window in a column: (…, terms, places). What is not there is 0. */
function columnsAt(input: Tensor, dims: number, { terms, positions, counts }: Uneven): Tensor {
  const lead = shapeOf(input).slice(0, -dims);
  const size = sizeOf(shapeOf(input).slice(-dims));
  const flat = pad(reshape(input, [...lead, size]), [0, 1]);
  const index = tensor(positions.map((position) => (position < 0 ? size : position)));
  return reshape(indexSelect(flat, -1, index), [...lead, terms, counts.length]);
}

export function adaptiveAverage(op: string, dims: number, input: Tensor, outputSize: OutputSize): Tensor {
  checkInput(op, dims, input);
  const [whole, places] = [shapeOf(input).slice(-dims), placesOf(op, input, dims, outputSize)];
  const kernelSize = evenKernel(whole, places);
  if (kernelSize !== null) {
    const given = {
      kernelSize,
      stride: null,
      padding: 0,
      ceilMode: false,
      countIncludePad: true,
      divisorOverride: null,
    };
    return average(op, dims, input, given);
  }
  const windows = unevenWindows(op, whole, places);
  const counts = tensor(Float64Array.from(windows.counts), { dtype: input.dtype });
  const means = div(sum(columnsAt(input, dims, windows), -2), counts);
  return owned(viewAs(means, [...shapeOf(input).slice(0, -dims), ...places]));
}

function adaptiveLargest(op: string, dims: number, input: Tensor, outputSize: OutputSize): Picks {
  checkInput(op, dims, input);
  const [whole, places] = [shapeOf(input).slice(-dims), placesOf(op, input, dims, outputSize)];
  const kernelSize = evenKernel(whole, places);
  if (kernelSize !== null) {
    return largest(op, dims, input, { kernelSize, stride: null, padding: 0, dilation: 1, ceilMode: false });
  }
  const windows = unevenWindows(op, whole, places);
  const count = windows.counts.length;
  // A smaller window has its first element again, which changes nothing.
  const positions = windows.positions.map((position, i) => (position < 0 ? windows.positions[i % count]! : position));
  const terms = argmax(columnsAt(input.detach(), dims, { ...windows, positions }), -2);
  const lead = shapeOf(input).slice(0, -dims);
  return atPositions(op, input, viewAs(terms, [...lead, ...places]), positions, places);
}

interface AdaptiveMaxPool {
  // biome-ignore lint/style/useShorthandFunctionType: what it gives is shown by its name
  <R extends boolean = false>(
    ...args: ArgumentsOf<ReturnType<typeof onMaxInput>, AdaptiveMaxPoolOptions<R>, { returnIndices: R }>
  ): R extends true ? Picks : Tensor;
}

type AdaptiveAvgPool = FunctionOf<Tensor, ReturnType<typeof onAverageInput>>;

const onMaxInput = (dims: number) => onInput(maximal(dims));
const onAverageInput = (dims: number) => onInput(averaging(dims));

const defineMax = (op: string, dims: number): AdaptiveMaxPool =>
  define(op, onMaxInput(dims), (input, outputSize, returnIndices): Tensor | Picks => {
    const found = adaptiveLargest(op, dims, input, outputSize);
    return returnIndices ? found : found.values;
  }) as AdaptiveMaxPool;

const defineAverage = (op: string, dims: number): AdaptiveAvgPool =>
  define(op, onAverageInput(dims), (input, outputSize) => adaptiveAverage(op, dims, input, outputSize));

const sizeText = (outputSize: OutputSize): string => {
  const one = (size: number | null) => (size === null ? 'None' : String(size));
  if (outputSize === null || typeof outputSize === 'number') return one(outputSize);
  return outputSize.length === 1 ? `(${one(outputSize[0]!)},)` : `(${outputSize.map(one).join(', ')})`;
};

abstract class AdaptiveAveraged extends Module<[x: Tensor], Tensor> {
  readonly outputSize: OutputSize;
  private readonly op: string;
  private readonly dims: number;

  constructor(op: string, dims: number, args: ArgumentsOf<Averaging>) {
    const [outputSize] = averaging(dims).read(op, args);
    super();
    this.outputSize = outputSize;
    this.op = op;
    this.dims = dims;
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return adaptiveAverage(this.op, this.dims, x, this.outputSize);
  }

  override extraRepr(): string {
    return `output_size=${sizeText(this.outputSize)}`;
  }
}

abstract class AdaptiveMaximal<R extends boolean> extends Module<[x: Tensor], R extends true ? Picks : Tensor> {
  readonly outputSize: OutputSize;
  readonly returnIndices: boolean;
  private readonly op: string;
  private readonly dims: number;

  constructor(op: string, dims: number, args: MaxArguments<R>) {
    const { outputSize, returnIndices } = maximal(dims).named(op, args);
    super();
    this.outputSize = outputSize;
    this.returnIndices = returnIndices;
    this.op = op;
    this.dims = dims;
  }

  override forward(x: Tensor): R extends true ? Picks : Tensor {
    recording?.used(this);
    const found = adaptiveLargest(this.op, this.dims, x, this.outputSize);
    return (this.returnIndices ? found : found.values) as R extends true ? Picks : Tensor;
  }

  override extraRepr(): string {
    return `output_size=${sizeText(this.outputSize)}`;
  }
}

takeOneTensor(AdaptiveAveraged, AdaptiveMaximal);

/**
 * The mean of each of so many windows that share signals evenly: window i goes from ⌊i · n / outputSize⌋ to ⌈(i + 1) n / outputSize⌉.
 *
 * Shapes: input (N, C, length), or without N.
 *
 * @param outputSize one for all axes, or one for each; null is that of the input
 * @throws ShapeError if the input has other dimensions, or is empty
 * @example
 * ```ts
 * nn.functional.adaptiveAvgPool1d(tensor([[1, 5, 2]]), 2); // tensor([[3.0000, 3.5000]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_avg_pool1d.html
 */
export const adaptiveAvgPool1d: AdaptiveAvgPool = defineAverage('adaptiveAvgPool1d', 1);

/**
 * The mean of each of so many windows that share signals evenly: see `nn.functional.adaptiveAvgPool1d`.
 *
 * @example
 * ```ts
 * new nn.AdaptiveAvgPool1d(2).forward(tensor([[1, 5, 2]])); // tensor([[3.0000, 3.5000]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool1d.html
 */
export class AdaptiveAvgPool1d extends AdaptiveAveraged {
  constructor(...args: ArgumentsOf<Averaging>) {
    super('AdaptiveAvgPool1d', 1, args);
  }
}

/**
 * The mean of each of so many windows that share images evenly: window i goes from ⌊i · n / outputSize⌋ to ⌈(i + 1) n / outputSize⌉.
 *
 * Shapes: input (N, C, height, width), or without N.
 *
 * @param outputSize one for all axes, or one for each; null is that of the input
 * @throws ShapeError if the input has other dimensions, or is empty
 * @example
 * ```ts
 * nn.functional.adaptiveAvgPool2d(tensor([[[1, 5, 2]]]), [1, 2]); // tensor([[[3.0000, 3.5000]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_avg_pool2d.html
 */
export const adaptiveAvgPool2d: AdaptiveAvgPool = defineAverage('adaptiveAvgPool2d', 2);

/**
 * The mean of each of so many windows that share images evenly: see `nn.functional.adaptiveAvgPool2d`.
 *
 * @example
 * ```ts
 * new nn.AdaptiveAvgPool2d([1, 2]).forward(tensor([[[1, 5, 2]]])); // tensor([[[3.0000, 3.5000]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html
 */
export class AdaptiveAvgPool2d extends AdaptiveAveraged {
  constructor(...args: ArgumentsOf<Averaging>) {
    super('AdaptiveAvgPool2d', 2, args);
  }
}

/**
 * The mean of each of so many windows that share volumes evenly: window i goes from ⌊i · n / outputSize⌋ to ⌈(i + 1) n / outputSize⌉.
 *
 * Shapes: input (N, C, depth, height, width), or without N.
 *
 * @param outputSize one for all axes, or one for each; null is that of the input
 * @throws ShapeError if the input has other dimensions, or is empty
 * @example
 * ```ts
 * nn.functional.adaptiveAvgPool3d(tensor([[[[1, 5, 2]]]]), [1, 1, 2]); // tensor([[[[3.0000, 3.5000]]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_avg_pool3d.html
 */
export const adaptiveAvgPool3d: AdaptiveAvgPool = defineAverage('adaptiveAvgPool3d', 3);

/**
 * The mean of each of so many windows that share volumes evenly: see `nn.functional.adaptiveAvgPool3d`.
 *
 * @example
 * ```ts
 * new nn.AdaptiveAvgPool3d([1, 1, 2]).forward(tensor([[[[1, 5, 2]]]])); // tensor([[[[3.0000, 3.5000]]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool3d.html
 */
export class AdaptiveAvgPool3d extends AdaptiveAveraged {
  constructor(...args: ArgumentsOf<Averaging>) {
    super('AdaptiveAvgPool3d', 3, args);
  }
}

/**
 * The largest element of each of so many windows that share signals evenly: window i goes from ⌊i · n / outputSize⌋ to ⌈(i + 1) n / outputSize⌉.
 *
 * Shapes: input (N, C, length), or without N.
 *
 * @param outputSize one for all axes, or one for each; null is that of the input
 * @returns the elements; with `returnIndices` { values, indices }
 * @throws ShapeError if the input has other dimensions, or is empty
 * @example
 * ```ts
 * nn.functional.adaptiveMaxPool1d(tensor([[1, 5, 2]]), 2); // tensor([[5., 5.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_max_pool1d.html
 */
export const adaptiveMaxPool1d: AdaptiveMaxPool = defineMax('adaptiveMaxPool1d', 1);

/**
 * The largest element of each of so many windows that share signals evenly: see `nn.functional.adaptiveMaxPool1d`.
 *
 * @example
 * ```ts
 * new nn.AdaptiveMaxPool1d(2).forward(tensor([[1, 5, 2]])); // tensor([[5., 5.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool1d.html
 */
export class AdaptiveMaxPool1d<R extends boolean = false> extends AdaptiveMaximal<R> {
  constructor(...args: MaxArguments<R>) {
    super('AdaptiveMaxPool1d', 1, args);
  }
}

/**
 * The largest element of each of so many windows that share images evenly: window i goes from ⌊i · n / outputSize⌋ to ⌈(i + 1) n / outputSize⌉.
 *
 * Shapes: input (N, C, height, width), or without N.
 *
 * @param outputSize one for all axes, or one for each; null is that of the input
 * @returns the elements; with `returnIndices` { values, indices }
 * @throws ShapeError if the input has other dimensions, or is empty
 * @example
 * ```ts
 * nn.functional.adaptiveMaxPool2d(tensor([[[1, 5, 2]]]), [1, 2]); // tensor([[[5., 5.]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_max_pool2d.html
 */
export const adaptiveMaxPool2d: AdaptiveMaxPool = defineMax('adaptiveMaxPool2d', 2);

/**
 * The largest element of each of so many windows that share images evenly: see `nn.functional.adaptiveMaxPool2d`.
 *
 * @example
 * ```ts
 * new nn.AdaptiveMaxPool2d([1, 2]).forward(tensor([[[1, 5, 2]]])); // tensor([[[5., 5.]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool2d.html
 */
export class AdaptiveMaxPool2d<R extends boolean = false> extends AdaptiveMaximal<R> {
  constructor(...args: MaxArguments<R>) {
    super('AdaptiveMaxPool2d', 2, args);
  }
}

/**
 * The largest element of each of so many windows that share volumes evenly: window i goes from ⌊i · n / outputSize⌋ to ⌈(i + 1) n / outputSize⌉.
 *
 * Shapes: input (N, C, depth, height, width), or without N.
 *
 * @param outputSize one for all axes, or one for each; null is that of the input
 * @returns the elements; with `returnIndices` { values, indices }
 * @throws ShapeError if the input has other dimensions, or is empty
 * @example
 * ```ts
 * nn.functional.adaptiveMaxPool3d(tensor([[[[1, 5, 2]]]]), [1, 1, 2]); // tensor([[[[5., 5.]]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_max_pool3d.html
 */
export const adaptiveMaxPool3d: AdaptiveMaxPool = defineMax('adaptiveMaxPool3d', 3);

/**
 * The largest element of each of so many windows that share volumes evenly: see `nn.functional.adaptiveMaxPool3d`.
 *
 * @example
 * ```ts
 * new nn.AdaptiveMaxPool3d([1, 1, 2]).forward(tensor([[[[1, 5, 2]]]])); // tensor([[[[5., 5.]]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool3d.html
 */
export class AdaptiveMaxPool3d<R extends boolean = false> extends AdaptiveMaximal<R> {
  constructor(...args: MaxArguments<R>) {
    super('AdaptiveMaxPool3d', 3, args);
  }
}
