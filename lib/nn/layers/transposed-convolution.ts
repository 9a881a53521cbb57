import { define } from '../../arguments/define.js';
import type { ArgumentsOf, FunctionOf, Narrowed, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { isFloat } from '../../backend/dtype.js';
import { recording } from '../../backend/recording.js';
import { sizeOf } from '../../backend/view.js';
import { ShapeError, ValueError } from '../../errors.js';
import { windowSpread } from '../../ops/convolutions.js';
import { pad } from '../../ops/padding.js';
import { matmul } from '../../ops/products.js';
import {
  eachAxis,
  overlaid,
  type PerAxis,
  perAxis,
  type Sliding,
  spansOf,
  withoutIdleSteps,
} from '../../ops/sliding.js';
import { reshape, transpose } from '../../ops/views.js';
import * as kinds from '../../tensor/kinds.js';
import { owned, viewAs } from '../../tensor/layout.js';
import { type Shape, show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { pythonTuple } from '../text.js';
import { biased, ConvolutionLayer, checkOperands, layered, ofBatch } from './convolution.js';

// The adjoint of a convolution: each input is multiplied by the whole window, and windows add up where they overlap.

const spreading = (dims: number) => ({
  /** How far windows are apart in the output. Default: 1. */
  stride: perAxis(dims, 1).default(1),
  /** What is taken away from both sides of the output. Default: 0. */
  padding: perAxis(dims, 0).default(0),
  /** What is added to the far side of the output; less than the stride, or than the dilation. Default: 0. */
  outputPadding: perAxis(dims, 0).default(0),
  /** In how many groups channels are divided; each input goes to the outputs of its own group only. Default: 1. */
  groups: kinds.integerFrom(1).default(1),
  /** How far the elements of a window are apart. Default: 1. */
  dilation: perAxis(dims, 1).default(1),
});

const convolving = (dims: number) =>
  signature('input, weight, /, bias, stride, padding, outputPadding, groups, dilation', {
    input: kinds.tensor,
    weight: kinds.tensor,
    /** Added to each output channel: (outChannels). Default: null, none. */
    bias: kinds.tensor.optional(),
    ...spreading(dims),
  });

const layering = (dims: number) =>
  signature(
    'inChannels, outChannels, kernelSize, stride, padding, outputPadding, groups, bias, dilation, paddingMode, dtype',
    {
      ...layered,
      kernelSize: perAxis(dims, 1),
      ...spreading(dims),
      /** Zeros are all that there is. Default: `'zeros'`. */
      paddingMode: kinds.choice('zeros').default('zeros'),
    },
  );

const resizing = signature('input, /, outputSize', {
  input: kinds.tensor,
  /** The sizes of the result, of those that a stride above 1 allows; with or without batch and channels. Default: null, what outputPadding says. */
  outputSize: kinds.integers.optional(),
});

type ConvSignature = ReturnType<typeof convolving>;
type LayerSignature = ReturnType<typeof layering>;

export interface ConvTransposeFunctionOptions extends OptionsOf<ConvSignature> {}
export interface ConvTransposeOptions<B extends boolean = boolean>
  extends Narrowed<OptionsOf<LayerSignature>, { bias: B }> {}

type ConvTransposeFunction = FunctionOf<Tensor, ConvSignature, ConvTransposeFunctionOptions>;
type ConvTransposeArguments<B extends boolean> = ArgumentsOf<LayerSignature, ConvTransposeOptions<B>, { bias: B }>;

interface Values {
  readonly stride: PerAxis;
  readonly padding: PerAxis;
  readonly outputPadding: PerAxis;
  readonly groups: number;
  readonly dilation: PerAxis;
}

function transposed(
  op: string,
  dims: number,
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  { stride, padding, outputPadding, groups, dilation }: Values,
): Tensor {
  const [inChannels = 0, perGroup = 0, ...kernel] = shapeOf(weight);
  const outChannels = perGroup * groups;
  checkOperands(op, dims, input, weight, inChannels, bias, outChannels);
  if (inChannels % groups !== 0) {
    throw new ShapeError(
      `${op}: ${inChannels} input channels (weight ${show(weight.shape)}) do not divide into ${groups} groups`,
    );
  }
  const moves = { kernel, stride: eachAxis(stride, dims), dilation: eachAxis(dilation, dims) };
  const [around, more] = [eachAxis(padding, dims), eachAxis(outputPadding, dims)];
  if (more.some((size, axis) => size >= Math.max(moves.stride[axis]!, moves.dilation[axis]!))) {
    throw new ValueError(
      `${op}: outputPadding must be less than stride ${show(moves.stride)} or dilation ${show(moves.dilation)}, got ${show(more)}`,
    );
  }
  const places = shapeOf(input).slice(-dims);
  const whole = spansOf(moves).map((span, axis) => (places[axis]! - 1) * moves.stride[axis]! + span + more[axis]!);
  if (whole.some((size, axis) => size - 2 * around[axis]! < 1)) {
    throw new ShapeError(
      `${op}: padding ${show(around)} leaves nothing of an output of ${show(whole)} (input ${show(input.shape)})`,
    );
  }
  const size = whole.map((n, axis) => n - 2 * around[axis]!);
  const how = { ...moves, stride: withoutIdleSteps(moves.stride, places), places, whole: size, groups, before: around };
  return ofBatch(input, dims, (batch) => {
    if (!isFloat(input.dtype)) return biased(copiedWindows(batch, weight, groups, moves, whole, around), dims, bias);
    return biased(windowSpread(batch, weight, how), dims, bias);
  });
}

/** Windows as copies, added up where they overlap: for integers, whose sums are exact. */
function copiedWindows(
  batch: Tensor,
  weight: Tensor,
  groups: number,
  moves: Sliding,
  whole: Shape,
  around: Shape,
): Tensor {
  const [inChannels = 0, perGroup = 0, ...kernel] = shapeOf(weight);
  const [count = 0, , ...places] = shapeOf(batch);
  const columns = reshape(weight, [groups, inChannels / groups, perGroup * sizeOf(kernel)]);
  const rows = reshape(batch, [count, groups, inChannels / groups, sizeOf(places)]);
  const windows = viewAs(matmul(transpose(columns, 1, 2), rows), [count, perGroup * groups, ...kernel, ...places]);
  const sum = owned(overlaid(windows, moves, whole));
  const margins = around.toReversed().flatMap((size) => [-size, -size]);
  return margins.every((size) => size === 0) ? sum : pad(sum, margins);
}

const defineTransposed = (op: string, dims: number): ConvTransposeFunction =>
  define(op, convolving(dims), (input, weight, bias, stride, padding, outputPadding, groups, dilation) =>
    transposed(op, dims, input, weight, bias, { stride, padding, outputPadding, groups, dilation }),
  );

abstract class TransposedConvolution<B extends boolean> extends ConvolutionLayer<B, ArgumentsOf<typeof resizing>> {
  readonly outputPadding: Shape;
  declare readonly padding: Shape;
  private readonly op: string;

  constructor(op: string, dims: number, args: ConvTransposeArguments<B>) {
    const given = layering(dims).named(op, args);
    super(op, dims, given, true);
    this.op = op;
    this.outputPadding = eachAxis(given.outputPadding, dims);
  }

  override forward(...args: ArgumentsOf<typeof resizing>): Tensor {
    const [input, outputSize] = resizing.read(this.op, args);
    recording?.used(this);
    const outputPadding = outputSize === null ? this.outputPadding : this.paddingFor(input, outputSize);
    const dims = this.kernelSize.length;
    return transposed(this.op, dims, input, this.weight, this.bias, { ...this, outputPadding });
  }

  protected override outputText(): string {
    const { outputPadding } = this;
    return outputPadding.every((size) => size === 0) ? '' : `output_padding=${pythonTuple(outputPadding)}`;
  }

  /** What is to be added for an output of a certain size. */
  private paddingFor(input: Tensor, outputSize: readonly number[]): number[] {
    const { kernelSize: kernel, stride, dilation, padding } = this;
    const dims = kernel.length;
    const sizes = outputSize.length === input.ndim ? outputSize.slice(-dims) : outputSize;
    const least = spansOf({ kernel, stride, dilation }).map(
      (span, axis) => ((shapeOf(input).at(axis - dims) ?? 1) - 1) * stride[axis]! + span - 2 * padding[axis]!,
    );
    const most = least.map((size, axis) => size + stride[axis]! - 1);
    if (sizes.length !== dims || sizes.some((size, axis) => size < least[axis]! || size > most[axis]!)) {
      throw new ShapeError(
        `${this.op}: outputSize must be between ${show(least)} and ${show(most)} for an input of shape ${show(input.shape)}, got ${show(outputSize)}`,
      );
    }
    return sizes.map((size, axis) => size - least[axis]!);
  }
}

/**
 * The adjoint of `conv1d` in its input, which spreads signals rather than gather them: each input adds its multiple of the whole window.
 *
 * Shapes: input (N, inChannels, length) or (inChannels, length), weight (inChannels, outChannels / groups, kernelSize); the result has
 * (length - 1) stride - 2 padding + dilation (kernelSize - 1) + outputPadding + 1 places.
 *
 * @throws ShapeError if the sizes do not fit together; DTypeError if element types differ; ValueError for an outputPadding that is not less
 * than the stride or the dilation
 * @example
 * ```ts
 * nn.functional.convTranspose1d(tensor([[[1, 2]]]), tensor([[[1, 10, 100]]])); // tensor([[[  1.,  12., 120., 200.]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose1d.html
 */
export const convTranspose1d: ConvTransposeFunction = defineTransposed('convTranspose1d', 1);

/**
 * The adjoint of `conv2d` in its input: see `convTranspose1d`.
 *
 * Shapes: input (N, inChannels, height, width), or without N, weight (inChannels, outChannels / groups, kernel height, kernel width).
 *
 * @throws ShapeError if the sizes do not fit together; DTypeError if element types differ; ValueError for an outputPadding that is not less
 * than the stride or the dilation
 * @example
 * ```ts
 * nn.functional.convTranspose2d(ones([1, 3, 4, 4]), ones([3, 2, 2, 2]), { stride: 2 }).shape; // [1, 2, 8, 8]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html
 */
export const convTranspose2d: ConvTransposeFunction = defineTransposed('convTranspose2d', 2);

/**
 * The adjoint of `conv3d` in its input: see `convTranspose1d`.
 *
 * Shapes: input (N, inChannels, depth, height, width), or without N, weight (inChannels, outChannels / groups, kernel depth, height, width).
 *
 * @throws ShapeError if the sizes do not fit together; DTypeError if element types differ; ValueError for an outputPadding that is not less
 * than the stride or the dilation
 * @example
 * ```ts
 * nn.functional.convTranspose3d(ones([1, 1, 2, 2, 2]), ones([1, 1, 3, 3, 3])).shape; // [1, 1, 4, 4, 4]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose3d.html
 */
export const convTranspose3d: ConvTransposeFunction = defineTransposed('convTranspose3d', 3);

/**
 * A transposed convolution over signals: see `nn.functional.convTranspose1d`. `forward` also takes the size of the result.
 *
 * `weight` (inChannels, outChannels / groups, kernelSize) and `bias` (outChannels) start uniform, drawn weight first.
 *
 * @throws ValueError if channels do not divide into groups
 * @example
 * ```ts
 * const layer = new nn.ConvTranspose1d(16, 33, 3, { stride: 2 });
 * layer.forward(randn([20, 16, 50])).shape; // [20, 33, 101]
 * layer.forward(randn([20, 16, 50]), [102]).shape; // [20, 33, 102]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ConvTranspose1d.html
 */
export class ConvTranspose1d<B extends boolean = true> extends TransposedConvolution<B> {
  constructor(...args: ConvTransposeArguments<B>) {
    super('ConvTranspose1d', 1, args);
  }
}

/**
 * A transposed convolution over images: see `nn.functional.convTranspose2d`. `forward` also takes the size of the result.
 *
 * `weight` (inChannels, outChannels / groups, kernel height, kernel width) and `bias` (outChannels) start uniform, drawn weight first.
 *
 * @throws ValueError if channels do not divide into groups
 * @example
 * ```ts
 * new nn.ConvTranspose2d(8, 3, 2, 2).forward(randn([4, 8, 14, 14])).shape; // [4, 3, 28, 28]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html
 */
export class ConvTranspose2d<B extends boolean = true> extends TransposedConvolution<B> {
  constructor(...args: ConvTransposeArguments<B>) {
    super('ConvTranspose2d', 2, args);
  }
}

/**
 * A transposed convolution over volumes: see `nn.functional.convTranspose3d`. `forward` also takes the size of the result.
 *
 * `weight` (inChannels, outChannels / groups, kernel depth, height, width) and `bias` (outChannels) start uniform, drawn weight first.
 *
 * @throws ValueError if channels do not divide into groups
 * @example
 * ```ts
 * new nn.ConvTranspose3d(2, 1, 3).forward(randn([1, 2, 4, 5, 6])).shape; // [1, 1, 6, 7, 8]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ConvTranspose3d.html
 */
export class ConvTranspose3d<B extends boolean = true> extends TransposedConvolution<B> {
  constructor(...args: ConvTransposeArguments<B>) {
    super('ConvTranspose3d', 3, args);
  }
}
