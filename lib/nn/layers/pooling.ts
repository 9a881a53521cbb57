import { define } from '../../arguments/define.js';
import type { ArgumentsOf, FunctionOf, NamedOf, Narrowed, OptionsOf } from '../../arguments/forms.js';
import { type Kind, kind } from '../../arguments/kind.js';
import { signature } from '../../arguments/signature.js';
import { type BackwardRule, record } from '../../autograd/node.js';
import { isBool, isFloat } from '../../backend/dtype.js';
import { backend } from '../../backend/index.js';
import { recording } from '../../backend/recording.js';
import { sizeOf } from '../../backend/view.js';
import { DTypeError, ShapeError, ValueError } from '../../errors.js';
import { windowSums } from '../../ops/convolutions.js';
import { ones, tensor } from '../../ops/creation.js';
import { gather, indexSelect } from '../../ops/indexing.js';
import { pad } from '../../ops/padding.js';
import { type Picks, pickedRule, picks } from '../../ops/picking.js';
import { abs, add, div, mul, neg, pow, relu, sign } from '../../ops/pointwise.js';
import { sum } from '../../ops/reductions.js';
import {
  eachAxis,
  explainAxes,
  overlaid,
  overlap,
  type PerAxis,
  perAxis,
  type Sliding,
  spansOf,
  windowsOf,
  withoutIdleSteps,
} from '../../ops/sliding.js';
import { reshape } from '../../ops/views.js';
import { emptyOf } from '../../tensor/empty.js';
import * as kinds from '../../tensor/kinds.js';
import { expandTo, owned, viewAs } from '../../tensor/layout.js';
import { type Shape, show } from '../../tensor/shape.js';
import { operandOf, shapeOf, type Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';
import { takeOneTensor } from '../one-tensor.js';
import { type OnInput, onInput } from '../operands.js';
import { pythonAxes, pythonText, pythonTuple } from '../text.js';

// Pooling: the largest element, or the mean, of each window.

const sized = (dims: number) => ({
  kernelSize: perAxis(dims, 1),
  /** How far the window moves from one place to the next. Default: null (or []), by its own size. */
  stride: strides(dims).optional(),
});

/** An empty list is as good as none, as in PyTorch. */
const strides = (dims: number): Kind<PerAxis> => {
  const one = perAxis(dims, 1);
  return kind(
    one.expected,
    (value): value is PerAxis => one.accepts(value) || (Array.isArray(value) && value.length === 0),
    { explain: explainAxes(kinds.integerFrom(1)) },
  );
};

const strideOf = (given: PerAxis | null, kernel: Shape): Shape =>
  given === null || (typeof given !== 'number' && given.length === 0) ? kernel : eachAxis(given, kernel.length);

const ceilMode = {
  /** Whether windows may reach beyond the end, where they begin before it. Default: false. */
  ceilMode: kinds.boolean.default(false),
};

const around = (dims: number) => ({
  /** How much is put before and after, at most half of what a window spans. Default: 0. */
  padding: perAxis(dims, 0).default(0),
});

const maximal = (dims: number) => ({
  ...sized(dims),
  ...around(dims),
  /** How far the elements of a window are apart. Default: 1. */
  dilation: perAxis(dims, 1).default(1),
  ...ceilMode,
  /** Whether to give the places of the elements too, counted within their channel. Default: false. */
  returnIndices: kinds.boolean.default(false),
});

const averaging = (dims: number) => ({
  ...sized(dims),
  ...around(dims),
  ...ceilMode,
  /** Whether the zeros that are put around count as elements. Default: true. */
  countIncludePad: kinds.boolean.default(true),
});

const divisor = {
  /** What sums are divided by. Default: null, the number of elements. */
  divisorOverride: kinds.integer.optional(),
};

// PyTorch has these two in another order in the class.
const maxPooling = (dims: number) =>
  signature('kernelSize, stride, padding, dilation, ceilMode, returnIndices', maximal(dims));
const maxLayering = (dims: number) =>
  signature('kernelSize, stride, padding, dilation, returnIndices, ceilMode', maximal(dims));
const averagePooling1d = signature('kernelSize, stride, padding, ceilMode, countIncludePad', averaging(1));
const averagePooling = (dims: number) =>
  signature('kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride', {
    ...averaging(dims),
    ...divisor,
  });
const normPooling = (dims: number) =>
  signature('normType, kernelSize, stride, ceilMode', {
    /** Which norm; with infinity the largest of absolute values, with -infinity the smallest. */
    normType: kinds.nonzero,
    ...sized(dims),
    ...ceilMode,
  });

type MaxPooling = ReturnType<typeof maxPooling>;
type MaxLayering = ReturnType<typeof maxLayering>;
type AveragePooling = ReturnType<typeof averagePooling>;
type NormPooling = ReturnType<typeof normPooling>;

export interface MaxPoolOptions<R extends boolean = boolean>
  extends Narrowed<OptionsOf<MaxPooling>, { returnIndices: R }> {}
export interface AvgPool1dOptions extends OptionsOf<typeof averagePooling1d> {}
export interface AvgPoolOptions extends OptionsOf<AveragePooling> {}
export interface LPPoolOptions extends OptionsOf<NormPooling> {}

/** How windows lie over an input: where they begin and end, which may be outside of it. */
interface Layout {
  readonly moves: Sliding;
  /** What is before the input along each axis. */
  readonly before: Shape;
  /** What is after it, as far as windows reach. */
  readonly after: Shape;
  readonly whole: Shape;
  readonly places: Shape;
}

/** Refuses an input that has not the dimensions, or nothing to choose from. */
export function checkInput(op: string, dims: number, input: Tensor): void {
  if (isBool(input.dtype)) throw new DTypeError(`${op}: not defined for bool tensors; convert with .int()`);
  if (input.ndim !== dims + 1 && input.ndim !== dims + 2) {
    throw new ShapeError(
      `${op}: the input must have ${dims + 2} dimensions, or ${dims + 1} without a batch, got ${show(input.shape)}`,
    );
  }
  if (
    shapeOf(input)
      .slice(-dims - 1)
      .includes(0)
  )
    throw new ShapeError(`${op}: the input must have elements, got ${show(input.shape)}`);
}

function layoutOf(op: string, input: Tensor, moves: Sliding, before: Shape, isCeil: boolean): Layout {
  const dims = moves.kernel.length;
  checkInput(op, dims, input);
  const spans = spansOf(moves);
  if (before.some((size, axis) => size > spans[axis]! / 2))
    throw new ValueError(
      `${op}: padding must be at most half of what a window spans, ${show(spans)}; got ${show(before)}`,
    );
  const whole = shapeOf(input).slice(-dims);
  const places = whole.map((size, axis) => placesAlong(size, spans[axis]!, moves.stride[axis]!, before[axis]!, isCeil));
  if (places.some((count) => count < 1)) {
    throw new ShapeError(
      `${op}: a window spans ${show(spans)}, but the input has only ${show(whole)}, padded by ${show(before)}`,
    );
  }
  const after = whole.map((size, axis) =>
    Math.max(0, (places[axis]! - 1) * moves.stride[axis]! + spans[axis]! - size - before[axis]!),
  );
  return { moves, before, after, whole, places };
}

/** A window that begins beyond the input and what is before it is left out. */
function placesAlong(size: number, span: number, stride: number, before: number, isCeil: boolean): number {
  const steps = (size + 2 * before - span) / stride;
  const count = (isCeil ? Math.ceil(steps) : Math.floor(steps)) + 1;
  return isCeil && (count - 1) * stride >= size + before ? count - 1 : count;
}

/** All windows of an input, with `value` around it. */
function windowsWith(input: Tensor, { moves, before, after, places }: Layout, value: number): Tensor {
  const margins = before
    .map((size, axis) => [size, after[axis]!])
    .toReversed()
    .flat();
  const padded = margins.every((size) => size === 0) ? input : pad(input, margins, { value });
  return windowsOf(padded, moves, places);
}

/** The axes of the windows themselves. */
const windowAxes = (input: Tensor, dims: number): number[] =>
  Array.from({ length: dims }, (_, axis) => input.ndim - dims + axis);

/** The element of a list of sizes that is `index` in row-major order, axis by axis. */
export function placeAt(index: number, sizes: Shape): number[] {
  const place = sizes.map(() => 0);
  for (let axis = sizes.length - 1, rest = index; axis >= 0; axis--) {
    place[axis] = rest % sizes[axis]!;
    rest = Math.floor(rest / sizes[axis]!);
  }
  return place;
}

interface MaxValues {
  readonly kernelSize: PerAxis;
  readonly stride: PerAxis | null;
  readonly padding: PerAxis;
  readonly dilation: PerAxis;
  readonly ceilMode: boolean;
}

export function largest(op: string, dims: number, input: Tensor, given: MaxValues): Picks {
  const kernel = eachAxis(given.kernelSize, dims);
  const stride = strideOf(given.stride, kernel);
  const moves = { kernel, stride, dilation: eachAxis(given.dilation, dims) };
  const before = eachAxis(given.padding, dims);
  const { places, whole } = layoutOf(op, input, moves, before, given.ceilMode);
  const lead = shapeOf(input).slice(0, -dims);
  const batch = [lead.length === 2 ? lead[0]! : 1, lead.at(-1)!];
  const { dtype } = input;
  const [values, indices] = [emptyOf([...batch, ...places], dtype), emptyOf([...batch, ...places], 'int32')];
  const apart = operandOf(reshape(input.detach(), [...batch, ...whole]));
  const steps = { ...moves, stride: withoutIdleSteps(stride, places), before };
  backend.maxPool(apart, operandOf(values), operandOf(indices), kernel, steps);
  const flat = [...lead, sizeOf(places)];
  const [lines, positions] = [owned(viewAs(values, flat)), owned(viewAs(indices, flat))];
  const from = reshape(input, [...lead, sizeOf(whole)]);
  const picked = record(lines, maxPoolRule, [from], [positions], { shape: shapeOf(from), axis: lead.length });
  const shape = [...lead, ...places];
  return picks(op, owned(viewAs(picked, shape)), owned(viewAs(positions, shape)));
}

const maxPoolRule = pickedRule('MaxPool');

/** The elements of an input that the terms of windows are, and where they are. */
export function atPositions(op: string, input: Tensor, terms: Tensor, positions: Int32Array, places: Shape): Picks {
  const lead = shapeOf(input).slice(0, -places.length);
  const count = sizeOf(places);
  const columns = tensor(Int32Array.from({ length: count }, (_, place) => place)).reshape([...places]);
  const entries = reshape(add(mul(terms, count), columns), [sizeOf(lead) * count]);
  const indices = viewAs(indexSelect(tensor(positions), 0, entries), [...lead, count]);
  const flat = reshape(input, [...lead, sizeOf(shapeOf(input).slice(-places.length))]);
  const shape = [...lead, ...places];
  return picks(op, owned(viewAs(gather(flat, -1, indices), shape)), owned(viewAs(indices, shape)));
}

interface AverageValues {
  readonly kernelSize: PerAxis;
  readonly stride: PerAxis | null;
  readonly padding: PerAxis;
  readonly ceilMode: boolean;
  readonly countIncludePad: boolean;
  readonly divisorOverride: number | null;
}

export function average(op: string, dims: number, input: Tensor, given: AverageValues): Tensor {
  const { divisorOverride } = given;
  if (divisorOverride === 0) throw new ValueError(`${op}: divisorOverride must not be 0`);
  const kernel = eachAxis(given.kernelSize, dims);
  const stride = strideOf(given.stride, kernel);
  const moves = { kernel, stride, dilation: kernel.map(() => 1) };
  const layout = layoutOf(op, input, moves, eachAxis(given.padding, dims), given.ceilMode);
  const total = totals(input, layout);
  const counts = divisorOverride ?? countsOf(input, layout, given.countIncludePad);
  // As in PyTorch, where the mean of integers is one.
  return isFloat(input.dtype) ? div(total, counts) : div(total, counts, { roundingMode: 'trunc' });
}

/** Elements of a window up to which they are added one after the other, as PyTorch does; more are folded like any other sum. */
const MOST_IN_ORDER = 64;

/** What the elements of each window come to. */
function totals(input: Tensor, layout: Layout): Tensor {
  const { moves, before, after, whole, places } = layout;
  const { kernel, dilation } = moves;
  const dims = kernel.length;
  const isShort = sizeOf(kernel) <= MOST_IN_ORDER && places.some((count) => count > 1);
  if (!isFloat(input.dtype) || !isShort || input.numel() === 0)
    return sum(windowsWith(input, layout, 0), windowAxes(input, dims));
  const lead = shapeOf(input).slice(0, -dims);
  const stride = withoutIdleSteps(moves.stride, places);
  const how = { kernel, stride, dilation, before, places, whole, groups: 1 };
  const weight = ones([1, 1, ...kernel], { dtype: input.dtype });
  const apart = [...before, ...after].every((size) => size === 0) && !overlap(moves, places);
  const from = reshape(apart ? input.detach() : input, [sizeOf(lead), 1, ...whole]);
  const found = owned(viewAs(windowSums(from, weight, null, how), [...lead, ...places]));
  return apart ? record(found, apartRule, [input], [], layout) : found;
}

/** Windows that do not overlap: each element has what flows into its window. */
const apartRule: BackwardRule<Layout> = {
  name: 'AvgPool',
  backward: (g, _, { moves, whole, places }) => {
    const lead = shapeOf(g).slice(0, -places.length);
    const one = reshape(g, [...lead, ...moves.kernel.map(() => 1), ...places]);
    return [overlaid(expandTo(one, [...lead, ...moves.kernel, ...places]), moves, whole)];
  },
};

/** Of how many elements each window is: one number where all are of as many. */
function countsOf(input: Tensor, { moves, before, whole, places }: Layout, includesPad: boolean): Tensor | number {
  const counts = Array.from({ length: sizeOf(places) }, (_, place) =>
    placeAt(place, places).reduce((product, at, axis) => {
      const start = at * moves.stride[axis]! - before[axis]!;
      const [low, high] = includesPad ? [start, whole[axis]! + before[axis]!] : [Math.max(0, start), whole[axis]!];
      return product * (Math.min(start + moves.kernel[axis]!, high) - low);
    }, 1),
  );
  if (counts.every((count) => count === counts[0])) return counts[0]!;
  return tensor(Float64Array.from(counts), { dtype: input.dtype }).reshape([...places]);
}

function norm(
  op: string,
  dims: number,
  input: Tensor,
  normType: number,
  kernelSize: PerAxis,
  stride: PerAxis | null,
  ceilMode: boolean,
): Tensor {
  const window = { kernelSize, stride, padding: 0, ceilMode };
  if (Math.abs(normType) === Number.POSITIVE_INFINITY) {
    const turned = (of: Tensor): Tensor => (normType > 0 ? of : neg(of));
    return turned(largest(op, dims, turned(abs(input)), { ...window, dilation: 1 }).values);
  }
  const given = { ...window, countIncludePad: true, divisorOverride: null };
  const mean = average(op, dims, pow(input, normType), given);
  // As in PyTorch, which keeps a sum below 0, of odd powers, from becoming NaN.
  return pow(mul(mul(sign(mean), relu(abs(mean))), sizeOf(eachAxis(kernelSize, dims))), 1 / normType);
}

interface MaxPool {
  // biome-ignore lint/style/useShorthandFunctionType: what it gives is shown by its name
  <R extends boolean = false>(
    ...args: ArgumentsOf<ReturnType<typeof onMaxInput>, MaxPoolOptions<R>, { returnIndices: R }>
  ): R extends true ? Picks : Tensor;
}

const onMaxInput = (dims: number) => onInput(maxPooling(dims));

const defineMax = (op: string, dims: number): MaxPool =>
  define(
    op,
    onMaxInput(dims),
    (input, kernelSize, stride, padding, dilation, ceilMode, returnIndices): Tensor | Picks => {
      const found = largest(op, dims, input, { kernelSize, stride, padding, dilation, ceilMode });
      return returnIndices ? found : found.values;
    },
  ) as MaxPool;

type AveragePool = FunctionOf<Tensor, ReturnType<typeof onAverageInput>, AvgPoolOptions>;
const onAverageInput = (dims: number) => onInput(averagePooling(dims));

const defineAverage = (op: string, dims: number): AveragePool =>
  define(op, onAverageInput(dims), (input, kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride) =>
    average(op, dims, input, { kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride }),
  );

type NormPool = FunctionOf<Tensor, ReturnType<typeof onNormInput>, LPPoolOptions>;
const onNormInput = (dims: number) => onInput(normPooling(dims));

const defineNorm = (op: string, dims: number): NormPool =>
  define(op, onNormInput(dims), (input, normType, kernelSize, stride, ceilMode) =>
    norm(op, dims, input, normType, kernelSize, stride, ceilMode),
  );

abstract class MaxPooled<R extends boolean> extends Module<[x: Tensor], R extends true ? Picks : Tensor> {
  readonly options: NamedOf<MaxLayering>;
  private readonly op: string;
  private readonly dims: number;

  constructor(op: string, dims: number, args: MaxPoolArguments<R>) {
    const options = maxLayering(dims).named(op, args);
    super();
    this.options = options;
    this.op = op;
    this.dims = dims;
  }

  override forward(x: Tensor): R extends true ? Picks : Tensor {
    recording?.used(this);
    const found = largest(this.op, this.dims, x, this.options);
    return (this.options.returnIndices ? found : found.values) as R extends true ? Picks : Tensor;
  }

  override extraRepr(): string {
    const { kernelSize, stride, padding, dilation, ceilMode } = this.options;
    return `kernel_size=${pythonAxes(kernelSize)}, stride=${pythonAxes(stride ?? kernelSize)}, padding=${pythonAxes(padding)}, dilation=${pythonAxes(dilation)}, ceil_mode=${pythonText(ceilMode)}`;
  }
}

type MaxPoolArguments<R extends boolean> = ArgumentsOf<MaxLayering, MaxPoolOptions<R>, { returnIndices: R }>;

abstract class AveragePooled<O extends Omit<AverageValues, 'divisorOverride'>> extends Module<[x: Tensor], Tensor> {
  readonly options: O;
  private readonly op: string;
  private readonly dims: number;

  constructor(op: string, dims: number, options: O) {
    super();
    this.options = options;
    this.op = op;
    this.dims = dims;
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return average(this.op, this.dims, x, { divisorOverride: null, ...this.options });
  }

  override extraRepr(): string {
    const { kernelSize, stride, padding } = this.options;
    const text = this.dims === 1 ? (given: PerAxis) => pythonTuple(eachAxis(given, 1)) : pythonAxes;
    return `kernel_size=${text(kernelSize)}, stride=${text(stride ?? kernelSize)}, padding=${text(padding)}`;
  }
}

abstract class NormPooled extends Module<[x: Tensor], Tensor> {
  readonly options: NamedOf<NormPooling>;
  private readonly op: string;
  private readonly dims: number;

  constructor(op: string, dims: number, args: ArgumentsOf<NormPooling, LPPoolOptions>) {
    const options = normPooling(dims).named(op, args);
    super();
    this.options = options;
    this.op = op;
    this.dims = dims;
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    const { normType, kernelSize, stride, ceilMode } = this.options;
    return norm(this.op, this.dims, x, normType, kernelSize, stride, ceilMode);
  }

  override extraRepr(): string {
    const { normType, kernelSize, stride, ceilMode } = this.options;
    const norm = Number.isInteger(normType) ? String(normType) : pythonText(normType);
    return `norm_type=${norm}, kernel_size=${pythonAxes(kernelSize)}, stride=${stride === null ? 'None' : pythonAxes(stride)}, ceil_mode=${pythonText(ceilMode)}`;
  }
}

takeOneTensor(MaxPooled, AveragePooled, NormPooled);

/**
 * The largest element of each window over signals; the first of equal ones, and NaN wins. What is put around is less than anything.
 *
 * Shapes: input (N, C, length), or without N.
 *
 * @returns the elements; with `returnIndices` { values, indices }
 * @throws ShapeError if the input has other dimensions, or no window fits in; ValueError for padding of more than half a window
 * @example
 * ```ts
 * nn.functional.maxPool1d(tensor([[[1, 5, 2, 4]]]), 2); // tensor([[[5., 4.]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.max_pool1d.html
 */
export const maxPool1d: MaxPool = defineMax('maxPool1d', 1);

/**
 * The largest element of each window over signals: see `nn.functional.maxPool1d`.
 *
 * @example
 * ```ts
 * new nn.MaxPool1d(2).forward(tensor([[[1, 5, 2, 4]]])); // tensor([[[5., 4.]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxPool1d.html
 */
export class MaxPool1d<R extends boolean = false> extends MaxPooled<R> {
  constructor(...args: MaxPoolArguments<R>) {
    super('MaxPool1d', 1, args);
  }
}

/**
 * The largest element of each window over images; the first of equal ones, and NaN wins. What is put around is less than anything.
 *
 * Shapes: input (N, C, height, width), or without N.
 *
 * @returns the elements; with `returnIndices` { values, indices }
 * @throws ShapeError if the input has other dimensions, or no window fits in; ValueError for padding of more than half a window
 * @example
 * ```ts
 * nn.functional.maxPool2d(tensor([[[1, 5, 2, 4], [3, 0, 7, 6]]]), 2); // tensor([[[5., 7.]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.max_pool2d.html
 */
export const maxPool2d: MaxPool = defineMax('maxPool2d', 2);

/**
 * The largest element of each window over images: see `nn.functional.maxPool2d`.
 *
 * @example
 * ```ts
 * new nn.MaxPool2d(2).forward(tensor([[[1, 5, 2, 4], [3, 0, 7, 6]]])); // tensor([[[5., 7.]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html
 */
export class MaxPool2d<R extends boolean = false> extends MaxPooled<R> {
  constructor(...args: MaxPoolArguments<R>) {
    super('MaxPool2d', 2, args);
  }
}

/**
 * The largest element of each window over volumes; the first of equal ones, and NaN wins. What is put around is less than anything.
 *
 * Shapes: input (N, C, depth, height, width), or without N.
 *
 * @returns the elements; with `returnIndices` { values, indices }
 * @throws ShapeError if the input has other dimensions, or no window fits in; ValueError for padding of more than half a window
 * @example
 * ```ts
 * nn.functional.maxPool3d(tensor([[[[1, 5, 2, 4], [3, 0, 7, 6]]]]), [1, 2, 2]); // tensor([[[[5., 7.]]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.max_pool3d.html
 */
export const maxPool3d: MaxPool = defineMax('maxPool3d', 3);

/**
 * The largest element of each window over volumes: see `nn.functional.maxPool3d`.
 *
 * @example
 * ```ts
 * new nn.MaxPool3d([1, 2, 2]).forward(tensor([[[[1, 5, 2, 4], [3, 0, 7, 6]]]])); // tensor([[[[5., 7.]]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxPool3d.html
 */
export class MaxPool3d<R extends boolean = false> extends MaxPooled<R> {
  constructor(...args: MaxPoolArguments<R>) {
    super('MaxPool3d', 3, args);
  }
}

/**
 * The mean of each window over signals.
 *
 * Shapes: input (N, C, length), or without N.
 *
 * @throws ShapeError if the input has other dimensions, or no window fits in; ValueError for padding of more than half a window
 * @example
 * ```ts
 * nn.functional.avgPool1d(tensor([[[1, 5, 2, 4]]]), 2); // tensor([[[3., 3.]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.avg_pool1d.html
 */
export const avgPool1d: FunctionOf<Tensor, OnInput<typeof averagePooling1d>, AvgPool1dOptions> = define(
  'avgPool1d',
  onInput(averagePooling1d),
  (input, kernelSize, stride, padding, ceilMode, countIncludePad) =>
    average('avgPool1d', 1, input, { kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride: null }),
);

/**
 * The mean of each window over signals: see `nn.functional.avgPool1d`.
 *
 * @example
 * ```ts
 * new nn.AvgPool1d(2).forward(tensor([[[1, 5, 2, 4]]])); // tensor([[[3., 3.]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AvgPool1d.html
 */
export class AvgPool1d extends AveragePooled<NamedOf<typeof averagePooling1d>> {
  constructor(...args: ArgumentsOf<typeof averagePooling1d, AvgPool1dOptions>) {
    super('AvgPool1d', 1, averagePooling1d.named('AvgPool1d', args));
  }
}

/**
 * The mean of each window over images.
 *
 * Shapes: input (N, C, height, width), or without N.
 *
 * @throws ShapeError if the input has other dimensions, or no window fits in; ValueError for padding of more than half a window
 * @example
 * ```ts
 * nn.functional.avgPool2d(tensor([[[1, 5, 2, 4], [3, 0, 7, 6]]]), 2); // tensor([[[2.2500, 4.7500]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.avg_pool2d.html
 */
export const avgPool2d: AveragePool = defineAverage('avgPool2d', 2);

/**
 * The mean of each window over images: see `nn.functional.avgPool2d`.
 *
 * @example
 * ```ts
 * new nn.AvgPool2d(2).forward(tensor([[[1, 5, 2, 4], [3, 0, 7, 6]]])); // tensor([[[2.2500, 4.7500]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html
 */
export class AvgPool2d extends AveragePooled<NamedOf<AveragePooling>> {
  constructor(...args: ArgumentsOf<AveragePooling, AvgPoolOptions>) {
    super('AvgPool2d', 2, averagePooling(2).named('AvgPool2d', args));
  }
}

/**
 * The mean of each window over volumes.
 *
 * Shapes: input (N, C, depth, height, width), or without N.
 *
 * @throws ShapeError if the input has other dimensions, or no window fits in; ValueError for padding of more than half a window
 * @example
 * ```ts
 * nn.functional.avgPool3d(tensor([[[[1, 5, 2, 4], [3, 0, 7, 6]]]]), [1, 2, 2]); // tensor([[[[2.2500, 4.7500]]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.avg_pool3d.html
 */
export const avgPool3d: AveragePool = defineAverage('avgPool3d', 3);

/**
 * The mean of each window over volumes: see `nn.functional.avgPool3d`.
 *
 * @example
 * ```ts
 * new nn.AvgPool3d([1, 2, 2]).forward(tensor([[[[1, 5, 2, 4], [3, 0, 7, 6]]]])); // tensor([[[[2.2500, 4.7500]]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AvgPool3d.html
 */
export class AvgPool3d extends AveragePooled<NamedOf<AveragePooling>> {
  constructor(...args: ArgumentsOf<AveragePooling, AvgPoolOptions>) {
    super('AvgPool3d', 3, averagePooling(3).named('AvgPool3d', args));
  }
}

/**
 * (Σ xᵖ)^(1/p) of each window over signals.
 *
 * Shapes: input (N, C, length), or without N.
 *
 * @param normType p
 * @throws ShapeError if the input has other dimensions, or no window fits in
 * @example
 * ```ts
 * nn.functional.lpPool1d(tensor([[[1, 5, 2, 4]]]), 2, 2); // tensor([[[5.0990, 4.4721]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.lp_pool1d.html
 */
export const lpPool1d: NormPool = defineNorm('lpPool1d', 1);

/**
 * (Σ xᵖ)^(1/p) of each window over signals: see `nn.functional.lpPool1d`.
 *
 * @example
 * ```ts
 * new nn.LPPool1d(2, 2).forward(tensor([[[1, 5, 2, 4]]])); // tensor([[[5.0990, 4.4721]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LPPool1d.html
 */
export class LPPool1d extends NormPooled {
  constructor(...args: ArgumentsOf<NormPooling, LPPoolOptions>) {
    super('LPPool1d', 1, args);
  }
}

/**
 * (Σ xᵖ)^(1/p) of each window over images.
 *
 * Shapes: input (N, C, height, width), or without N.
 *
 * @param normType p
 * @throws ShapeError if the input has other dimensions, or no window fits in
 * @example
 * ```ts
 * nn.functional.lpPool2d(tensor([[[1, 5, 2, 4], [3, 0, 7, 6]]]), 2, 2); // tensor([[[ 5.9161, 10.2470]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.lp_pool2d.html
 */
export const lpPool2d: NormPool = defineNorm('lpPool2d', 2);

/**
 * (Σ xᵖ)^(1/p) of each window over images: see `nn.functional.lpPool2d`.
 *
 * @example
 * ```ts
 * new nn.LPPool2d(2, 2).forward(tensor([[[1, 5, 2, 4], [3, 0, 7, 6]]])); // tensor([[[ 5.9161, 10.2470]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LPPool2d.html
 */
export class LPPool2d extends NormPooled {
  constructor(...args: ArgumentsOf<NormPooling, LPPoolOptions>) {
    super('LPPool2d', 2, args);
  }
}

/**
 * (Σ xᵖ)^(1/p) of each window over volumes.
 *
 * Shapes: input (N, C, depth, height, width), or without N.
 *
 * @param normType p
 * @throws ShapeError if the input has other dimensions, or no window fits in
 * @example
 * ```ts
 * nn.functional.lpPool3d(tensor([[[[1, 5, 2, 4], [3, 0, 7, 6]]]]), 2, [1, 2, 2]); // tensor([[[[ 5.9161, 10.2470]]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.lp_pool3d.html
 */
export const lpPool3d: NormPool = defineNorm('lpPool3d', 3);

/**
 * (Σ xᵖ)^(1/p) of each window over volumes: see `nn.functional.lpPool3d`.
 *
 * @example
 * ```ts
 * new nn.LPPool3d(2, [1, 2, 2]).forward(tensor([[[[1, 5, 2, 4], [3, 0, 7, 6]]]])); // tensor([[[[ 5.9161, 10.2470]]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LPPool3d.html
 */
export class LPPool3d extends NormPooled {
  constructor(...args: ArgumentsOf<NormPooling, LPPoolOptions>) {
    super('LPPool3d', 3, args);
  }
}
