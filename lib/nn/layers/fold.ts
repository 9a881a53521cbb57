import { define } from '../../arguments/define.js';
import type { ArgumentsOf, FunctionOf, NamedOf, OptionsOf } from '../../arguments/forms.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { signature } from '../../arguments/signature.js';
import { recording } from '../../backend/recording.js';
import { sizeOf } from '../../backend/view.js';
import { ShapeError } from '../../errors.js';
import { clone } from '../../ops/conversion.js';
import { pad } from '../../ops/padding.js';
import { eachAxis, overlaid, type PerAxis, perAxis, placesOf, type Sliding, windowsOf } from '../../ops/sliding.js';
import { reshape } from '../../ops/views.js';
import { owned } from '../../tensor/layout.js';
import { show } from '../../tensor/shape.js';
import { shapeOf, storageOf, type Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';
import { type OnInput, onInput } from '../operands.js';
import { pythonAxes } from '../text.js';

// Images as the windows that lie within them, one after another, and back.

const sliding = {
  kernelSize: perAxis(2, 1),
  /** How far the elements of a window are apart. Default: 1. */
  dilation: perAxis(2, 1).default(1),
  /** How many zeros are around the image. Default: 0. */
  padding: perAxis(2, 0).default(0),
  /** How far the window moves from one place to the next. Default: 1. */
  stride: perAxis(2, 1).default(1),
};

const unfolding = signature('kernelSize, dilation, padding, stride', sliding);
const folding = signature('outputSize, kernelSize, dilation, padding, stride', {
  outputSize: perAxis(2, 1),
  ...sliding,
});

export interface UnfoldOptions extends OptionsOf<typeof unfolding> {}
export interface FoldOptions extends OptionsOf<typeof folding> {}

const movesOf = (kernelSize: PerAxis, stride: PerAxis, dilation: PerAxis): Sliding => ({
  kernel: eachAxis(kernelSize, 2),
  stride: eachAxis(stride, 2),
  dilation: eachAxis(dilation, 2),
});

/**
 * All windows of images, in columns.
 *
 * Shapes: input (N, C, height, width) or (C, height, width), result (N, C · kernel height · kernel width, places), or without N.
 *
 * @throws ShapeError if the input has other dimensions, or no window fits in
 * @example
 * ```ts
 * nn.functional.unfold(tensor([[[1, 2, 3], [4, 5, 6]]]), 2); // tensor([[1., 2.], [2., 3.], [4., 5.], [5., 6.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.unfold.html
 */
export const unfold: FunctionOf<Tensor, OnInput<typeof unfolding>, UnfoldOptions> = define(
  'unfold',
  onInput(unfolding),
  (x, kernelSize, dilation, padding, stride) => {
    if (x.ndim !== 3 && x.ndim !== 4)
      throw new ShapeError(`unfold: the input must have 4 dimensions, or 3 without a batch, got ${show(x.shape)}`);
    const [down, right] = eachAxis(padding, 2) as [number, number];
    const padded = down + right === 0 ? x : pad(x, [right, right, down, down]);
    const moves = movesOf(kernelSize, stride, dilation);
    const places = placesOf('unfold', shapeOf(padded).slice(-2), moves);
    const [channels, ...batch] = shapeOf(x).slice(0, -2).toReversed();
    const shape = [...batch, channels! * sizeOf(moves.kernel), sizeOf(places)];
    const columns = reshape(windowsOf(padded, moves), shape);
    return storageOf(columns) === storageOf(x) ? clone(columns) : owned(columns);
  },
);

/**
 * The adjoint of `unfold`: images that windows add up to.
 *
 * Shapes: input (N, C · kernel height · kernel width, places) or without N, result (N, C, ...outputSize).
 *
 * @param outputSize height and width of the images
 * @throws ShapeError if the input does not have what so many windows of that size have
 * @example
 * ```ts
 * nn.functional.fold(ones([4, 2]), [2, 3], 2); // tensor([[[1., 2., 1.], [1., 2., 1.]]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.fold.html
 */
export const fold: FunctionOf<Tensor, OnInput<typeof folding>, FoldOptions> = define(
  'fold',
  onInput(folding),
  (x, outputSize, kernelSize, dilation, padding, stride) => {
    const [down, right] = eachAxis(padding, 2) as [number, number];
    const [height, width] = eachAxis(outputSize, 2) as [number, number];
    const moves = movesOf(kernelSize, stride, dilation);
    const whole = [height + 2 * down, width + 2 * right];
    const places = placesOf('fold', whole, moves);
    const [terms, count] = [sizeOf(moves.kernel), sizeOf(places)];
    const rows = shapeOf(x).at(-2) ?? 0;
    if ((x.ndim !== 2 && x.ndim !== 3) || rows % terms !== 0 || shapeOf(x).at(-1) !== count) {
      throw new ShapeError(
        `fold: the input must have a multiple of ${terms} rows and ${count} columns, with or without a batch, got ${show(x.shape)}`,
      );
    }
    const windows = reshape(x, [...shapeOf(x).slice(0, -2), rows / terms, ...moves.kernel, ...places]);
    const image = overlaid(windows, moves, whole);
    if (down + right > 0) return pad(image, [-right, -right, -down, -down]);
    return storageOf(image) === storageOf(x) ? clone(image) : owned(image);
  },
);

/**
 * All windows of images, in columns: see `nn.functional.unfold`.
 *
 * @example
 * ```ts
 * new nn.Unfold([2, 3]).forward(randn([2, 5, 3, 4])).shape; // [2, 30, 4]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Unfold.html
 */
export class Unfold extends Module<[x: Tensor], Tensor> {
  readonly options: NamedOf<typeof unfolding>;

  constructor(...args: ArgumentsOf<typeof unfolding, UnfoldOptions>) {
    const options = unfolding.named('Unfold', args);
    super();
    this.options = options;
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    const { kernelSize, ...others } = this.options;
    return unfold(x, kernelSize, others);
  }

  override extraRepr(): string {
    const { kernelSize, dilation, padding, stride } = this.options;
    return `kernel_size=${pythonAxes(kernelSize)}, dilation=${pythonAxes(dilation)}, padding=${pythonAxes(padding)}, stride=${pythonAxes(stride)}`;
  }
}

/**
 * Images that windows add up to: see `nn.functional.fold`.
 *
 * @example
 * ```ts
 * new nn.Fold([4, 5], 2).forward(randn([1, 12, 12])).shape; // [1, 3, 4, 5]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Fold.html
 */
export class Fold extends Module<[x: Tensor], Tensor> {
  readonly options: NamedOf<typeof folding>;

  constructor(...args: ArgumentsOf<typeof folding, FoldOptions>) {
    const options = folding.named('Fold', args);
    super();
    this.options = options;
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    const { outputSize, kernelSize, ...others } = this.options;
    return fold(x, outputSize, kernelSize, others);
  }

  override extraRepr(): string {
    const { outputSize, kernelSize, dilation, padding, stride } = this.options;
    return `output_size=${pythonAxes(outputSize)}, kernel_size=${pythonAxes(kernelSize)}, dilation=${pythonAxes(dilation)}, padding=${pythonAxes(padding)}, stride=${pythonAxes(stride)}`;
  }
}

for (const layer of [Unfold, Fold]) takeNoMore(layer, 'forward');
