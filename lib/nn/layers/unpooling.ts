import { define } from '../../arguments/define.js';
import type { ArgumentsOf, FunctionOf, NamedOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { recording } from '../../backend/recording.js';
import { sameShape, sizeOf } from '../../backend/view.js';
import { ShapeError, ValueError } from '../../errors.js';
import { index, scattered } from '../../ops/along.js';
import { zeros } from '../../ops/creation.js';
import { eachAxis, type PerAxis, perAxis } from '../../ops/sliding.js';
import { reshape } from '../../ops/views.js';
import * as kinds from '../../tensor/kinds.js';
import { owned, viewAs } from '../../tensor/layout.js';
import { type Shape, show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';
import { pythonTuple } from '../text.js';
import { checkInput } from './pooling.js';

// The elements that pooling chose, back in their places, with zeros around.

const windows = (dims: number) => ({
  kernelSize: perAxis(dims, 1),
  /** How far windows are apart. Default: null, by their own size. */
  stride: perAxis(dims, 1).optional(),
  /** What was put before and after. Default: 0. */
  padding: perAxis(dims, 0).default(0),
});

const outputSize = {
  /** The sizes of the result, less than a stride from what windows say; with or without batch and channels. Default: null, what windows say. */
  outputSize: kinds.integers.optional(),
};

const unpooling = (dims: number) =>
  signature('input, indices, /, kernelSize, stride, padding, outputSize', {
    input: kinds.tensor,
    indices: index,
    ...windows(dims),
    ...outputSize,
  });
const layering = (dims: number) => signature('kernelSize, stride, padding', windows(dims));
const forwarding = signature('input, indices, /, outputSize', { input: kinds.tensor, indices: index, ...outputSize });

type Unpooling = ReturnType<typeof unpooling>;
type Layering = ReturnType<typeof layering>;

export interface MaxUnpoolFunctionOptions extends OptionsOf<Unpooling> {}
export interface MaxUnpoolOptions extends OptionsOf<Layering> {}

/** The sizes of the result: those that windows over it say, or those that are asked for if windows could come of them. */
function sizesOf(op: string, input: Tensor, { kernelSize, stride, padding }: Windows, wanted: Shape | null): number[] {
  const dims = kernelSize.length;
  const sizes = shapeOf(input)
    .slice(-dims)
    .map((size, axis) => (size - 1) * stride[axis]! - 2 * padding[axis]! + kernelSize[axis]!);
  const given = wanted?.length === input.ndim ? wanted.slice(-dims) : wanted;
  if (given === null || given === undefined) {
    if (sizes.every((size) => size > 0)) return sizes;
    throw new ShapeError(`${op}: padding ${show(padding)} leaves nothing of an output of ${show(sizes)}`);
  }
  const fits =
    given.length === dims && given.every((size, axis) => Math.abs(size - sizes[axis]!) < stride[axis]! && size > 0);
  if (fits) return [...given];
  throw new ValueError(
    `${op}: outputSize must have ${dims} sizes, each less than a stride of ${show(stride)} from ${show(sizes)}, got ${show(wanted!)}`,
  );
}

interface Windows {
  readonly kernelSize: Shape;
  readonly stride: Shape;
  readonly padding: Shape;
}

const windowsOf = (dims: number, kernelSize: PerAxis, stride: PerAxis | null, padding: PerAxis): Windows => ({
  kernelSize: eachAxis(kernelSize, dims),
  stride: eachAxis(stride ?? kernelSize, dims),
  padding: eachAxis(padding, dims),
});

function unpooled(op: string, input: Tensor, indices: Tensor, moves: Windows, wanted: Shape | null): Tensor {
  const dims = moves.kernelSize.length;
  checkInput(op, dims, input);
  if (!sameShape(shapeOf(input), shapeOf(indices))) {
    throw new ShapeError(
      `${op}: input and indices must have one shape, got ${show(input.shape)} and ${show(indices.shape)}`,
    );
  }
  const sizes = sizesOf(op, input, moves, wanted);
  const lead = shapeOf(input).slice(0, -dims);
  const inRows = [...lead, sizeOf(shapeOf(input).slice(-dims))];
  const none = zeros([...lead, sizeOf(sizes)], { dtype: input.dtype });
  const flat = scattered(op, none, -1, reshape(indices, inRows), reshape(input, inRows), 'set');
  return owned(viewAs(flat, [...lead, ...sizes]));
}

type MaxUnpool = FunctionOf<Tensor, Unpooling, MaxUnpoolFunctionOptions>;

const defineUnpool = (op: string, dims: number): MaxUnpool =>
  define(op, unpooling(dims), (input, indices, kernelSize, stride, padding, wanted) =>
    unpooled(op, input, indices, windowsOf(dims, kernelSize, stride, padding), wanted),
  );

abstract class Unpooled extends Module<ArgumentsOf<typeof forwarding>, Tensor> {
  readonly options: NamedOf<Layering>;
  private readonly op: string;
  private readonly dims: number;

  constructor(op: string, dims: number, args: ArgumentsOf<Layering, MaxUnpoolOptions>) {
    const options = layering(dims).named(op, args);
    super();
    this.options = options;
    this.op = op;
    this.dims = dims;
  }

  override forward(...args: ArgumentsOf<typeof forwarding>): Tensor {
    const [input, indices, wanted] = forwarding.read(this.op, args);
    recording?.used(this);
    const { kernelSize, stride, padding } = this.options;
    return unpooled(this.op, input, indices, windowsOf(this.dims, kernelSize, stride, padding), wanted);
  }

  override extraRepr(): string {
    const { kernelSize, stride, padding } = this.options;
    const each = windowsOf(this.dims, kernelSize, stride, padding);
    return `kernel_size=${pythonTuple(each.kernelSize)}, stride=${pythonTuple(each.stride)}, padding=${pythonTuple(each.padding)}`;
  }
}

/**
 * The elements that `nn.functional.maxPool1d` chose of signals, back in their places, with zeros around.
 *
 * Shapes: input and indices (N, C, length), or without N.
 *
 * @param indices where the elements were, as `maxPool1d` gives them
 * @throws ShapeError if input and indices do not go together; ValueError for an `outputSize` that windows do not lead to, or an index out of it
 * @example
 * ```ts
 * const { values, indices } = nn.functional.maxPool1d(tensor([[[1, 5, 2, 4]]]), 2, { returnIndices: true });
 * nn.functional.maxUnpool1d(values, indices, 2); // tensor([[[0., 5., 0., 4.]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.max_unpool1d.html
 */
export const maxUnpool1d: MaxUnpool = defineUnpool('maxUnpool1d', 1);

/**
 * The elements that `nn.MaxPool1d` chose of signals, back in their places: see `nn.functional.maxUnpool1d`.
 *
 * @example
 * ```ts
 * const { values, indices } = new nn.MaxPool1d(2, { returnIndices: true }).forward(tensor([[[1, 5, 2, 4]]]));
 * new nn.MaxUnpool1d(2).forward(values, indices); // tensor([[[0., 5., 0., 4.]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxUnpool1d.html
 */
export class MaxUnpool1d extends Unpooled {
  constructor(...args: ArgumentsOf<Layering, MaxUnpoolOptions>) {
    super('MaxUnpool1d', 1, args);
  }
}

/**
 * The elements that `nn.functional.maxPool2d` chose of images, back in their places, with zeros around.
 *
 * Shapes: input and indices (N, C, height, width), or without N.
 *
 * @param indices where the elements were, as `maxPool2d` gives them
 * @throws ShapeError if input and indices do not go together; ValueError for an `outputSize` that windows do not lead to, or an index out of it
 * @example
 * ```ts
 * const { values, indices } = nn.functional.maxPool2d(tensor([[[1, 5], [3, 0]]]), 2, { returnIndices: true });
 * nn.functional.maxUnpool2d(values, indices, 2); // tensor([[[0., 5.], [0., 0.]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.max_unpool2d.html
 */
export const maxUnpool2d: MaxUnpool = defineUnpool('maxUnpool2d', 2);

/**
 * The elements that `nn.MaxPool2d` chose of images, back in their places: see `nn.functional.maxUnpool2d`.
 *
 * @example
 * ```ts
 * const { values, indices } = new nn.MaxPool2d(2, { returnIndices: true }).forward(tensor([[[1, 5], [3, 0]]]));
 * new nn.MaxUnpool2d(2).forward(values, indices); // tensor([[[0., 5.], [0., 0.]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxUnpool2d.html
 */
export class MaxUnpool2d extends Unpooled {
  constructor(...args: ArgumentsOf<Layering, MaxUnpoolOptions>) {
    super('MaxUnpool2d', 2, args);
  }
}

/**
 * The elements that `nn.functional.maxPool3d` chose of volumes, back in their places, with zeros around.
 *
 * Shapes: input and indices (N, C, depth, height, width), or without N.
 *
 * @param indices where the elements were, as `maxPool3d` gives them
 * @throws ShapeError if input and indices do not go together; ValueError for an `outputSize` that windows do not lead to, or an index out of it
 * @example
 * ```ts
 * const { values, indices } = nn.functional.maxPool3d(tensor([[[[1, 5], [3, 0]]]]), [1, 2, 2], { returnIndices: true });
 * nn.functional.maxUnpool3d(values, indices, [1, 2, 2]); // tensor([[[[0., 5.], [0., 0.]]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.max_unpool3d.html
 */
export const maxUnpool3d: MaxUnpool = defineUnpool('maxUnpool3d', 3);

/**
 * The elements that `nn.MaxPool3d` chose of volumes, back in their places: see `nn.functional.maxUnpool3d`.
 *
 * @example
 * ```ts
 * const { values, indices } = new nn.MaxPool3d([1, 2, 2], { returnIndices: true }).forward(tensor([[[[1, 5], [3, 0]]]]));
 * new nn.MaxUnpool3d([1, 2, 2]).forward(values, indices); // tensor([[[[0., 5.], [0., 0.]]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxUnpool3d.html
 */
export class MaxUnpool3d extends Unpooled {
  constructor(...args: ArgumentsOf<Layering, MaxUnpoolOptions>) {
    super('MaxUnpool3d', 3, args);
  }
}
