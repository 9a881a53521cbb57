import { recording } from '../../backend/recording.js';
import { describe } from '../../describe.js';
import { ShapeError } from '../../errors.js';
import { type PaddingMode, pad } from '../../ops/padding.js';
import { checkNumber } from '../../tensor/arguments.js';
import { checkInteger } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module.js';

/** How much to put before and after each dimension, from the last one on: one number for all, or a list. */
export type PaddingSize = number | readonly number[];

/** Pads the last `dims` dimensions. */
abstract class Padding extends Module {
  readonly padding: readonly number[];
  readonly #mode: PaddingMode;

  constructor(name: string, dims: number, padding: PaddingSize, mode: PaddingMode) {
    super();
    const sizes = typeof padding === 'number' ? new Array<number>(2 * dims).fill(padding) : padding;
    if (!Array.isArray(sizes) || sizes.length !== 2 * dims) {
      throw new ShapeError(`${name}: expected padding as a number or ${2 * dims} of them, got ${describe(padding)}`);
    }
    sizes.forEach((size, i) => {
      checkInteger(name, `padding[${i}]`, size, Number.MIN_SAFE_INTEGER);
    });
    this.padding = Object.freeze([...sizes]);
    this.#mode = mode;
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return pad(x, this.padding, this.#mode);
  }

  override extraRepr(): string {
    return `(${this.padding.join(', ')})`;
  }
}

/** Pads with one value. */
abstract class ConstantPadding extends Padding {
  readonly value: number;

  constructor(name: string, dims: number, padding: PaddingSize, value: number) {
    super(name, dims, padding, 'constant');
    checkNumber(name, 'value', value);
    this.value = value;
  }

  override forward(x: Tensor): Tensor {
    recording?.used(this);
    return pad(x, this.padding, 'constant', this.value);
  }

  override extraRepr(): string {
    return `padding=${super.extraRepr()}, value=${this.value}`;
  }
}

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
  constructor(padding: PaddingSize) {
    super('ReflectionPad1d', 1, padding, 'reflect');
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
  constructor(padding: PaddingSize) {
    super('ReflectionPad2d', 2, padding, 'reflect');
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
  constructor(padding: PaddingSize) {
    super('ReflectionPad3d', 3, padding, 'reflect');
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
  constructor(padding: PaddingSize) {
    super('ReplicationPad1d', 1, padding, 'replicate');
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
  constructor(padding: PaddingSize) {
    super('ReplicationPad2d', 2, padding, 'replicate');
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
  constructor(padding: PaddingSize) {
    super('ReplicationPad3d', 3, padding, 'replicate');
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
  constructor(padding: PaddingSize) {
    super('CircularPad1d', 1, padding, 'circular');
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
  constructor(padding: PaddingSize) {
    super('CircularPad2d', 2, padding, 'circular');
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
  constructor(padding: PaddingSize) {
    super('CircularPad3d', 3, padding, 'circular');
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
  constructor(padding: PaddingSize) {
    super('ZeroPad1d', 1, padding, 'constant');
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
  constructor(padding: PaddingSize) {
    super('ZeroPad2d', 2, padding, 'constant');
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
  constructor(padding: PaddingSize) {
    super('ZeroPad3d', 3, padding, 'constant');
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
  constructor(padding: PaddingSize, value: number) {
    super('ConstantPad1d', 1, padding, value);
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
  constructor(padding: PaddingSize, value: number) {
    super('ConstantPad2d', 2, padding, value);
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
  constructor(padding: PaddingSize, value: number) {
    super('ConstantPad3d', 3, padding, value);
  }
}
