import { define } from '../../arguments/define.js';
import type { ArgumentsOf, FunctionOf, Narrowed, OptionsOf } from '../../arguments/forms.js';
import { type Kind, kind } from '../../arguments/kind.js';
import { signature } from '../../arguments/signature.js';
import { isFloat } from '../../backend/dtype.js';
import { recording } from '../../backend/recording.js';
import { sizeOf } from '../../backend/view.js';
import { ShapeError, ValueError } from '../../errors.js';
import { windowSums } from '../../ops/convolutions.js';
import { empty } from '../../ops/creation.js';
import { pad } from '../../ops/padding.js';
import { add } from '../../ops/pointwise.js';
import { matmul } from '../../ops/products.js';
import {
  eachAxis,
  type PerAxis,
  perAxis,
  placesOf,
  type Sliding,
  spansOf,
  windowsOf,
  withoutIdleSteps,
} from '../../ops/sliding.js';
import { reshape, squeeze, unsqueeze } from '../../ops/views.js';
import { requireOneType } from '../../tensor/check.js';
import * as kinds from '../../tensor/kinds.js';
import { owned, viewAs } from '../../tensor/layout.js';
import { type Shape, show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { kaimingUniform_, uniform_ } from '../init.js';
import { Module } from '../module.js';
import { takeOneTensor } from '../one-tensor.js';
import { type Learned, Parameter } from '../parameter.js';
import { pythonTuple } from '../text.js';

// A convolution is one product of the weight with all windows of the padded input.

/** What is put around an input: so much on both sides, or what keeps its size (`'same'`), or nothing (`'valid'`). */
export type ConvPadding = PerAxis | 'same' | 'valid';

/** How an input goes on where it is padded. */
export type ConvPaddingMode = 'zeros' | 'reflect' | 'replicate' | 'circular';

const paddings = (dims: number): Kind<ConvPadding> => {
  const sizes = perAxis(dims, 0);
  return kind(
    `'same', 'valid', ${sizes.expected}`,
    (value): value is ConvPadding => value === 'same' || value === 'valid' || sizes.accepts(value),
  );
};

const sliding = (dims: number) => ({
  /** How far the window moves from one place to the next. Default: 1. */
  stride: perAxis(dims, 1).default(1),
  /** What is put before and after; `'same'` keeps the size, where the stride is 1. Default: 0. */
  padding: paddings(dims).default(0),
  /** How far the elements of a window are apart. Default: 1. */
  dilation: perAxis(dims, 1).default(1),
  /** In how many groups channels are divided; each output sees the inputs of its own group only. Default: 1. */
  groups: kinds.integerFrom(1).default(1),
});

const convolving = (dims: number) =>
  signature('input, weight, /, bias, stride, padding, dilation, groups', {
    input: kinds.tensor,
    weight: kinds.tensor,
    /** Added to each output channel: (outChannels). Default: null, none. */
    bias: kinds.tensor.optional(),
    ...sliding(dims),
  });

/** What layers have beside how they slide. */
export const layered = {
  inChannels: kinds.integerFrom(0),
  outChannels: kinds.integerFrom(0),
  /** Whether a bias is learned. Default: true. */
  bias: kinds.boolean.default(true),
  /** Element type of the parameters. Default: float32. */
  dtype: kinds.dtype.default('float32'),
};

const layering = (dims: number) =>
  signature('inChannels, outChannels, kernelSize, stride, padding, dilation, groups, bias, paddingMode, dtype', {
    ...layered,
    kernelSize: perAxis(dims, 1),
    ...sliding(dims),
    /** How the input goes on where it is padded. Default: `'zeros'`. */
    paddingMode: kinds.choice('zeros', 'reflect', 'replicate', 'circular').default('zeros'),
  });

type ConvSignature = ReturnType<typeof convolving>;
type LayerSignature = ReturnType<typeof layering>;

export interface ConvFunctionOptions extends OptionsOf<ConvSignature> {}
export interface ConvOptions<B extends boolean = boolean> extends Narrowed<OptionsOf<LayerSignature>, { bias: B }> {}

type ConvFunction = FunctionOf<Tensor, ConvSignature, ConvFunctionOptions>;
type ConvArguments<B extends boolean> = ArgumentsOf<LayerSignature, ConvOptions<B>, { bias: B }>;

type Margin = readonly [before: number, after: number];

/** What is put before and after each axis. */
function marginsOf(op: string, padding: ConvPadding, moves: Sliding): Margin[] {
  const dims = moves.kernel.length;
  if (padding === 'same' && moves.stride.some((step) => step !== 1))
    throw new ValueError(`${op}: padding 'same' needs a stride of 1, got ${show(moves.stride)}`);
  return spansOf(moves).map((span, axis) => {
    if (padding === 'same') return [Math.floor((span - 1) / 2), Math.ceil((span - 1) / 2)];
    const size = padding === 'valid' ? 0 : eachAxis(padding, dims)[axis]!;
    return [size, size];
  });
}

/** As `pad` takes it: from the last axis on. */
const padOf = (margins: readonly Margin[]): number[] => margins.toReversed().flat();

const isNothing = (margins: readonly Margin[]): boolean => margins.flat().every((size) => size === 0);

/** Refuses operands of a convolution over `dims` axes that do not fit together; `weightChannels` are those of the input, by the weight. */
export function checkOperands(
  op: string,
  dims: number,
  input: Tensor,
  weight: Tensor,
  weightChannels: number,
  bias: Tensor | null,
  outChannels: number,
): void {
  if (weight.ndim !== dims + 2)
    throw new ShapeError(`${op}: the weight must have ${dims + 2} dimensions, got ${show(weight.shape)}`);
  if (input.ndim !== dims + 1 && input.ndim !== dims + 2) {
    throw new ShapeError(
      `${op}: the input must have ${dims + 2} dimensions, or ${dims + 1} without a batch, got ${show(input.shape)}`,
    );
  }
  if (shapeOf(input).at(-dims - 1) !== weightChannels) {
    throw new ShapeError(
      `${op}: expected ${weightChannels} channels (weight ${show(weight.shape)}), got an input of shape ${show(input.shape)}`,
    );
  }
  if (bias !== null && (bias.ndim !== 1 || bias.shape[0] !== outChannels))
    throw new ShapeError(`${op}: the bias must have shape [${outChannels}], got ${show(bias.shape)}`);
  requireOneType(op, input, weight, ...(bias === null ? [] : [bias]));
}

/** What `convolve` gives for a batch, of an input that may be without one. */
export function ofBatch(input: Tensor, dims: number, convolve: (batch: Tensor) => Tensor): Tensor {
  const isBatch = input.ndim === dims + 2;
  const result = convolve(isBatch ? input : unsqueeze(input, 0));
  return isBatch ? result : owned(squeeze(result, 0));
}

/** With a bias (O) added to (N, O, …). */
export const biased = (sums: Tensor, dims: number, bias: Tensor | null): Tensor =>
  bias === null ? sums : add(sums, reshape(bias, [bias.numel(), ...new Array<number>(dims).fill(1)]));

function convolution(
  op: string,
  dims: number,
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  { stride, padding, dilation, groups }: Required<Values>,
): Tensor {
  const [outChannels = 0, perGroup = 0, ...kernel] = shapeOf(weight);
  checkOperands(op, dims, input, weight, perGroup * groups, bias, outChannels);
  if (outChannels % groups !== 0) {
    throw new ShapeError(
      `${op}: ${outChannels} output channels (weight ${show(weight.shape)}) do not divide into ${groups} groups`,
    );
  }
  const moves = { kernel, stride: eachAxis(stride, dims), dilation: eachAxis(dilation, dims) };
  const margins = marginsOf(op, padding, moves);
  const whole = shapeOf(input).slice(-dims);
  const places = placesOf(
    op,
    whole.map((size, axis) => size + margins[axis]![0] + margins[axis]![1]),
    moves,
  );
  const steps = withoutIdleSteps(moves.stride, places);
  const how = { ...moves, stride: steps, places, whole, groups, before: margins.map(([size]) => size) };
  return ofBatch(input, dims, (batch) => {
    if (!isFloat(input.dtype)) return biased(copiedWindows(batch, weight, groups, moves, margins), dims, bias);
    return windowSums(batch, weight, bias, how);
  });
}

/** The product of the weight with all windows of the padded input, which are copied: for integers, whose sums are exact. */
function copiedWindows(batch: Tensor, weight: Tensor, groups: number, moves: Sliding, margins: readonly Margin[]) {
  const padded = isNothing(margins) ? batch : pad(batch, padOf(margins));
  const places = placesOf('convolution', shapeOf(padded).slice(2), moves);
  const [outChannels = 0, ...each] = shapeOf(weight);
  const terms = sizeOf(each);
  const columns = reshape(windowsOf(padded, moves), [shapeOf(batch)[0]!, groups, terms, sizeOf(places)]);
  const rows = reshape(weight, [groups, outChannels / groups, terms]);
  return owned(viewAs(matmul(rows, columns), [shapeOf(batch)[0]!, outChannels, ...places]));
}

interface Values {
  readonly stride: PerAxis;
  readonly padding: ConvPadding;
  readonly dilation: PerAxis;
  readonly groups: number;
}

const defineConvolution = (op: string, dims: number): ConvFunction =>
  define(op, convolving(dims), (input, weight, bias, stride, padding, dilation, groups) =>
    convolution(op, dims, input, weight, bias, { stride, padding, dilation, groups }),
  );

/** What all layers of convolutions are: their parameters, and what is printed of them. */
export abstract class ConvolutionLayer<B extends boolean, I extends readonly unknown[]> extends Module<I, Tensor> {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: Shape;
  readonly stride: Shape;
  readonly padding: Shape | 'same' | 'valid';
  readonly dilation: Shape;
  readonly groups: number;
  readonly paddingMode: ConvPaddingMode;
  weight: Parameter;
  bias: Learned<B>;

  constructor(
    op: string,
    dims: number,
    given: Values & {
      readonly inChannels: number;
      readonly outChannels: number;
      readonly kernelSize: PerAxis;
      readonly bias: boolean;
      readonly paddingMode: ConvPaddingMode;
      readonly dtype: 'float32' | 'float64' | 'int32' | 'bool';
    },
    isTransposed: boolean,
  ) {
    super();
    const { inChannels, outChannels, groups, padding, dtype } = given;
    for (const [name, channels] of Object.entries({ inChannels, outChannels })) {
      if (channels % groups !== 0)
        throw new ValueError(`${op}: ${name} ${channels} does not divide into ${groups} groups`);
    }
    this.inChannels = inChannels;
    this.outChannels = outChannels;
    this.kernelSize = eachAxis(given.kernelSize, dims);
    this.stride = eachAxis(given.stride, dims);
    this.padding = typeof padding === 'string' ? padding : eachAxis(padding, dims);
    this.dilation = eachAxis(given.dilation, dims);
    this.groups = groups;
    this.paddingMode = given.paddingMode;
    const channels = isTransposed ? [inChannels, outChannels / groups] : [outChannels, inChannels / groups];
    this.weight = new Parameter(empty([...channels, ...this.kernelSize], { dtype }));
    this.bias = (given.bias ? new Parameter(empty([outChannels], { dtype })) : null) as Learned<B>;
    this.resetParameters();
  }

  /** Draws the parameters again. */
  resetParameters(): void {
    const terms = sizeOf(shapeOf(this.weight).slice(1));
    if (this.weight.numel() > 0) kaimingUniform_(this.weight, Math.sqrt(5));
    if (this.bias !== null && terms > 0) uniform_(this.bias, -1 / Math.sqrt(terms), 1 / Math.sqrt(terms));
  }

  /** What is printed of padding on the output's side, which some layers have. */
  protected outputText(): string {
    return '';
  }

  override extraRepr(): string {
    const { inChannels, outChannels, kernelSize, stride, padding, dilation, groups, bias, paddingMode } = this;
    const options = [
      [
        isText(padding) || padding.some((size) => size !== 0),
        `padding=${isText(padding) ? padding : pythonTuple(padding)}`,
      ],
      [dilation.some((step) => step !== 1), `dilation=${pythonTuple(dilation)}`],
      [this.outputText() !== '', this.outputText()],
      [groups !== 1, `groups=${groups}`],
      [bias === null, 'bias=False'],
      [paddingMode !== 'zeros', `padding_mode=${paddingMode}`],
    ] as const;
    const shown = options.filter(([isShown]) => isShown).map(([, text]) => text);
    const sizes = `kernel_size=${pythonTuple(kernelSize)}, stride=${pythonTuple(stride)}`;
    return [inChannels, outChannels, sizes, ...shown].join(', ');
  }
}

const isText = (padding: Shape | 'same' | 'valid'): padding is 'same' | 'valid' => typeof padding === 'string';

abstract class Convolution<B extends boolean> extends ConvolutionLayer<B, [x: Tensor]> {
  private readonly op: string;
  /** What is put around the input where that is not zeros. */
  private readonly margins: readonly Margin[];

  constructor(op: string, dims: number, args: ConvArguments<B>) {
    super(op, dims, layering(dims).named(op, args), false);
    this.op = op;
    const { kernelSize: kernel, stride, dilation } = this;
    this.margins = marginsOf(op, this.padding, { kernel, stride, dilation });
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    const isFramed = this.paddingMode !== 'zeros' && !isNothing(this.margins);
    return convolution(
      this.op,
      this.kernelSize.length,
      isFramed ? pad(x, padOf(this.margins), this.paddingMode as Exclude<ConvPaddingMode, 'zeros'>) : x,
      this.weight,
      this.bias,
      { ...this, padding: isFramed ? 0 : this.padding },
    );
  }
}

takeOneTensor(Convolution);

/**
 * The cross-correlation of signals with windows that are learned: each output is the sum, over input channels and places in the window, of
 * input · weight, plus a bias.
 *
 * Shapes: input (N, inChannels, length) or (inChannels, length), weight (outChannels, inChannels / groups, kernelSize); the result has
 * (length + 2 padding - dilation (kernelSize - 1) - 1) / stride + 1 places, rounded down.
 *
 * @throws ShapeError if the sizes do not fit together; DTypeError if element types differ; ValueError for `'same'` with a stride
 * @example
 * ```ts
 * const x = tensor([[[1, 2, 4, 8]]]);
 * nn.functional.conv1d(x, tensor([[[1, -1]]])); // tensor([[[-1., -2., -4.]]])
 * nn.functional.conv1d(x, tensor([[[1, 1]]]), { stride: 2 }); // tensor([[[ 3., 12.]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv1d.html
 */
export const conv1d: ConvFunction = defineConvolution('conv1d', 1);

/**
 * The cross-correlation of images with windows that are learned: see `conv1d`.
 *
 * Shapes: input (N, inChannels, height, width), or without N, weight (outChannels, inChannels / groups, kernel height, kernel width).
 *
 * @throws ShapeError if the sizes do not fit together; DTypeError if element types differ; ValueError for `'same'` with a stride
 * @example
 * ```ts
 * nn.functional.conv2d(ones([1, 3, 8, 8]), ones([4, 3, 3, 3]), { padding: 'same' }).shape; // [1, 4, 8, 8]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html
 */
export const conv2d: ConvFunction = defineConvolution('conv2d', 2);

/**
 * The cross-correlation of volumes with windows that are learned: see `conv1d`.
 *
 * Shapes: input (N, inChannels, depth, height, width), or without N, weight (outChannels, inChannels / groups, kernel depth, height, width).
 *
 * @throws ShapeError if the sizes do not fit together; DTypeError if element types differ; ValueError for `'same'` with a stride
 * @example
 * ```ts
 * nn.functional.conv3d(ones([1, 1, 4, 4, 4]), ones([2, 1, 3, 3, 3])).shape; // [1, 2, 2, 2, 2]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv3d.html
 */
export const conv3d: ConvFunction = defineConvolution('conv3d', 3);

/**
 * A convolution over signals: see `nn.functional.conv1d`.
 *
 * `weight` (outChannels, inChannels / groups, kernelSize) and `bias` (outChannels) start uniform in ±1/√n, where n is the number of terms of an
 * output, drawn weight first.
 *
 * @throws ValueError if channels do not divide into groups, or for `'same'` with a stride
 * @example
 * ```ts
 * new nn.Conv1d(16, 33, 3, { stride: 2 }).forward(randn([20, 16, 50])).shape; // [20, 33, 24]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Conv1d.html
 */
export class Conv1d<B extends boolean = true> extends Convolution<B> {
  constructor(...args: ConvArguments<B>) {
    super('Conv1d', 1, args);
  }
}

/**
 * A convolution over images: see `nn.functional.conv2d`.
 *
 * `weight` (outChannels, inChannels / groups, kernel height, kernel width) and `bias` (outChannels) start uniform in ±1/√n, where n is the
 * number of terms of an output, drawn weight first.
 *
 * @throws ValueError if channels do not divide into groups, or for `'same'` with a stride
 * @example
 * ```ts
 * const layer = new nn.Conv2d(3, 8, 3, { padding: 1, paddingMode: 'reflect' });
 * layer.forward(randn([4, 3, 28, 28])).shape; // [4, 8, 28, 28]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Conv2d.html
 */
export class Conv2d<B extends boolean = true> extends Convolution<B> {
  constructor(...args: ConvArguments<B>) {
    super('Conv2d', 2, args);
  }
}

/**
 * A convolution over volumes: see `nn.functional.conv3d`.
 *
 * `weight` (outChannels, inChannels / groups, kernel depth, height, width) and `bias` (outChannels) start uniform in ±1/√n, where n is the
 * number of terms of an output, drawn weight first.
 *
 * @throws ValueError if channels do not divide into groups, or for `'same'` with a stride
 * @example
 * ```ts
 * new nn.Conv3d(2, 4, [3, 1, 1]).forward(randn([1, 2, 5, 6, 7])).shape; // [1, 4, 3, 6, 7]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Conv3d.html
 */
export class Conv3d<B extends boolean = true> extends Convolution<B> {
  constructor(...args: ConvArguments<B>) {
    super('Conv3d', 3, args);
  }
}
