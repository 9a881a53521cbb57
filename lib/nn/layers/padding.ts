import { allAre } from '../../arguments/elements.js';
import type { ArgumentsOf } from '../../arguments/forms.js';
import { type Kind, kind } from '../../arguments/kind.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { signature } from '../../arguments/signature.js';
import { recording } from '../../backend/recording.js';
import { ShapeError } from '../../errors.js';
import { type PaddingMode, pad } from '../../ops/padding.js';
import * as kinds from '../../tensor/kinds.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';

/** How much to put before and after each dimension, from the last one on: one number for all, or a list. */
export type PaddingSize = number | readonly number[];

const sizes = (dims: number): Kind<PaddingSize> =>
  kind(
    `an integer, or an array of ${2 * dims} integers`,
    (value): value is PaddingSize =>
      kinds.integer.accepts(value) ||
      (Array.isArray(value) && value.length === 2 * dims && allAre(value, kinds.integer.accepts)),
    { error: ShapeError },
  );

const padded = (dims: number) => signature('padding', { padding: sizes(dims) });
const filled = (dims: number) => signature('padding, value', { padding: sizes(dims), value: kinds.number });

type PaddedArguments = ArgumentsOf<ReturnType<typeof padded>>;
type FilledArguments = ArgumentsOf<ReturnType<typeof filled>>;

/** Pads some of the last dimensions. */
abstract class Padding extends Module {
  /** How much is put before and after each dimension, from the last one on. */
  readonly padding: readonly number[];
  private readonly fillMode: PaddingMode;
  private readonly fillValue: number | undefined;

  constructor(padding: PaddingSize, dims: number, mode: PaddingMode, value?: number) {
    super();
    this.padding = Object.freeze(
      typeof padding === 'number' ? new Array<number>(2 * dims).fill(padding) : [...padding],
    );
    this.fillMode = mode;
    this.fillValue = value;
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return pad(x, this.padding, this.fillMode, this.fillValue);
  }

  override extraRepr(): string {
    return `(${this.padding.join(', ')})`;
  }
}

/** Pads with one value. */
abstract class ConstantPadding extends Padding {
  readonly value: number;

  constructor(name: string, dims: number, args: FilledArguments) {
    const [padding, value] = filled(dims).read(name, args);
    super(padding, dims, 'constant', value);
    this.value = value;
  }

  override extraRepr(): string {
    return `padding=${super.extraRepr()}, value=${this.value}`;
  }
}

takeNoMore(Padding, 'forward');

/**
 * Continues the last dimension mirrored without the edge, as `nn.functional.pad` with mode `'reflect'`.
 *
 * @param padding one number, or `[left, right]`; negative numbers take away
 * @throws ShapeError if the padding is not less than the size
 * @example
 * ```ts
 * new nn.ReflectionPad1d(2).forward(tensor([[1, 2, 3]])); // tensor([[3., 2., 1., 2., 3., 2., 1.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ReflectionPad1d.html
 */
export class ReflectionPad1d extends Padding {
  constructor(...args: PaddedArguments) {
    super(padded(1).read('ReflectionPad1d', args)[0], 1, 'reflect');
  }
}

/**
 * Continues the last two dimensions mirrored without the edge, as `nn.functional.pad` with mode `'reflect'`.
 *
 * @param padding one number, or `[left, right, top, bottom]`; negative numbers take away
 * @throws ShapeError if the padding is not less than the size
 * @example
 * ```ts
 * new nn.ReflectionPad2d([1, 1, 2, 0]).forward(ones([1, 3, 4])).shape; // [1, 5, 6]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ReflectionPad2d.html
 */
export class ReflectionPad2d extends Padding {
  constructor(...args: PaddedArguments) {
    super(padded(2).read('ReflectionPad2d', args)[0], 2, 'reflect');
  }
}

/**
 * Continues the last three dimensions mirrored without the edge, as `nn.functional.pad` with mode `'reflect'`.
 *
 * @param padding one number, or `[left, right, top, bottom, front, back]`; negative numbers take away
 * @throws ShapeError if the padding is not less than the size
 * @example
 * ```ts
 * new nn.ReflectionPad3d(1).forward(ones([1, 2, 3, 4])).shape; // [1, 4, 5, 6]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ReflectionPad3d.html
 */
export class ReflectionPad3d extends Padding {
  constructor(...args: PaddedArguments) {
    super(padded(3).read('ReflectionPad3d', args)[0], 3, 'reflect');
  }
}

/**
 * Continues the last dimension with its edge repeated, as `nn.functional.pad` with mode `'replicate'`.
 *
 * @param padding one number, or `[left, right]`; negative numbers take away
 * @example
 * ```ts
 * new nn.ReplicationPad1d([2, 1]).forward(tensor([[1, 2, 3]])); // tensor([[1., 1., 1., 2., 3., 3.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ReplicationPad1d.html
 */
export class ReplicationPad1d extends Padding {
  constructor(...args: PaddedArguments) {
    super(padded(1).read('ReplicationPad1d', args)[0], 1, 'replicate');
  }
}

/**
 * Continues the last two dimensions with its edge repeated, as `nn.functional.pad` with mode `'replicate'`.
 *
 * @param padding one number, or `[left, right, top, bottom]`; negative numbers take away
 * @example
 * ```ts
 * new nn.ReplicationPad2d([1, 1, 2, 0]).forward(ones([1, 3, 4])).shape; // [1, 5, 6]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ReplicationPad2d.html
 */
export class ReplicationPad2d extends Padding {
  constructor(...args: PaddedArguments) {
    super(padded(2).read('ReplicationPad2d', args)[0], 2, 'replicate');
  }
}

/**
 * Continues the last three dimensions with its edge repeated, as `nn.functional.pad` with mode `'replicate'`.
 *
 * @param padding one number, or `[left, right, top, bottom, front, back]`; negative numbers take away
 * @example
 * ```ts
 * new nn.ReplicationPad3d(1).forward(ones([1, 2, 3, 4])).shape; // [1, 4, 5, 6]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ReplicationPad3d.html
 */
export class ReplicationPad3d extends Padding {
  constructor(...args: PaddedArguments) {
    super(padded(3).read('ReplicationPad3d', args)[0], 3, 'replicate');
  }
}

/**
 * Continues the last dimension with the other end, as `nn.functional.pad` with mode `'circular'`.
 *
 * @param padding one number, or `[left, right]`; negative numbers take away
 * @throws ShapeError if the padding is more than the size
 * @example
 * ```ts
 * new nn.CircularPad1d([2, 1]).forward(tensor([[1, 2, 3]])); // tensor([[2., 3., 1., 2., 3., 1.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CircularPad1d.html
 */
export class CircularPad1d extends Padding {
  constructor(...args: PaddedArguments) {
    super(padded(1).read('CircularPad1d', args)[0], 1, 'circular');
  }
}

/**
 * Continues the last two dimensions with the other end, as `nn.functional.pad` with mode `'circular'`.
 *
 * @param padding one number, or `[left, right, top, bottom]`; negative numbers take away
 * @throws ShapeError if the padding is more than the size
 * @example
 * ```ts
 * new nn.CircularPad2d([1, 1, 2, 0]).forward(ones([1, 3, 4])).shape; // [1, 5, 6]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CircularPad2d.html
 */
export class CircularPad2d extends Padding {
  constructor(...args: PaddedArguments) {
    super(padded(2).read('CircularPad2d', args)[0], 2, 'circular');
  }
}

/**
 * Continues the last three dimensions with the other end, as `nn.functional.pad` with mode `'circular'`.
 *
 * @param padding one number, or `[left, right, top, bottom, front, back]`; negative numbers take away
 * @throws ShapeError if the padding is more than the size
 * @example
 * ```ts
 * new nn.CircularPad3d(1).forward(ones([1, 2, 3, 4])).shape; // [1, 4, 5, 6]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CircularPad3d.html
 */
export class CircularPad3d extends Padding {
  constructor(...args: PaddedArguments) {
    super(padded(3).read('CircularPad3d', args)[0], 3, 'circular');
  }
}

/**
 * Puts zeros around the last dimension.
 *
 * @param padding one number, or `[left, right]`; negative numbers take away
 * @example
 * ```ts
 * new nn.ZeroPad1d([2, 1]).forward(tensor([[1, 2, 3]])); // tensor([[0., 0., 1., 2., 3., 0.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ZeroPad1d.html
 */
export class ZeroPad1d extends Padding {
  constructor(...args: PaddedArguments) {
    super(padded(1).read('ZeroPad1d', args)[0], 1, 'constant');
  }
}

/**
 * Puts zeros around the last two dimensions.
 *
 * @param padding one number, or `[left, right, top, bottom]`; negative numbers take away
 * @example
 * ```ts
 * new nn.ZeroPad2d([1, 1, 2, 0]).forward(ones([1, 3, 4])).shape; // [1, 5, 6]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ZeroPad2d.html
 */
export class ZeroPad2d extends Padding {
  constructor(...args: PaddedArguments) {
    super(padded(2).read('ZeroPad2d', args)[0], 2, 'constant');
  }
}

/**
 * Puts zeros around the last three dimensions.
 *
 * @param padding one number, or `[left, right, top, bottom, front, back]`; negative numbers take away
 * @example
 * ```ts
 * new nn.ZeroPad3d(1).forward(ones([1, 2, 3, 4])).shape; // [1, 4, 5, 6]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ZeroPad3d.html
 */
export class ZeroPad3d extends Padding {
  constructor(...args: PaddedArguments) {
    super(padded(3).read('ZeroPad3d', args)[0], 3, 'constant');
  }
}

/**
 * Puts one value around the last dimension.
 *
 * @param padding one number, or `[left, right]`; negative numbers take away
 * @param value what to put there
 * @example
 * ```ts
 * new nn.ConstantPad1d([2, 1], 7).forward(tensor([[1, 2, 3]])); // tensor([[7., 7., 1., 2., 3., 7.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ConstantPad1d.html
 */
export class ConstantPad1d extends ConstantPadding {
  constructor(...args: FilledArguments) {
    super('ConstantPad1d', 1, args);
  }
}

/**
 * Puts one value around the last two dimensions.
 *
 * @param padding one number, or `[left, right, top, bottom]`; negative numbers take away
 * @param value what to put there
 * @example
 * ```ts
 * new nn.ConstantPad2d([1, 1, 2, 0], 7).forward(ones([1, 3, 4])).shape; // [1, 5, 6]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ConstantPad2d.html
 */
export class ConstantPad2d extends ConstantPadding {
  constructor(...args: FilledArguments) {
    super('ConstantPad2d', 2, args);
  }
}

/**
 * Puts one value around the last three dimensions.
 *
 * @param padding one number, or `[left, right, top, bottom, front, back]`; negative numbers take away
 * @param value what to put there
 * @example
 * ```ts
 * new nn.ConstantPad3d(1, 7).forward(ones([1, 2, 3, 4])).shape; // [1, 4, 5, 6]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ConstantPad3d.html
 */
export class ConstantPad3d extends ConstantPadding {
  constructor(...args: FilledArguments) {
    super('ConstantPad3d', 3, args);
  }
}
