import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { type DType, isFloat } from '../backend/dtype.js';
import { DTypeError } from '../errors.js';
import * as kinds from '../tensor/kinds.js';
import { making } from '../tensor/parameters.js';
import type { Tensor } from '../tensor/tensor.js';
import { to } from './conversion.js';
import { arange, ones } from './creation.js';
import { abs, add, cos, div, mul, sqrt, square, sub } from './pointwise.js';
import { i0 } from './special-functions.js';

// Windows of signals. All are computed in doubles from x, which goes from 0 to 1 over the window.

const shaped = {
  windowLength: kinds.integerFrom(0),
  /** Leave out the last of one element more, so that windows follow each other evenly; otherwise the window is symmetric. Default: true. */
  periodic: kinds.boolean.default(true),
};

const plain = signature('windowLength, periodic, *, dtype, requiresGrad', { ...shaped, ...making });

const weighted = signature('windowLength, periodic, alpha, beta, *, dtype, requiresGrad', {
  ...shaped,
  /** The mean. Default: 0.54. */
  alpha: kinds.finite.default(0.54),
  /** How much of a cosine is taken off it. Default: 0.46. */
  beta: kinds.finite.default(0.46),
  ...making,
});

const peaked = signature('windowLength, periodic, beta, *, dtype, requiresGrad', {
  ...shaped,
  /** How narrow the window is. Default: 12. */
  beta: kinds.finite.default(12),
  ...making,
});

export interface WindowOptions extends OptionsOf<typeof plain> {}
export interface HammingWindowOptions extends OptionsOf<typeof weighted> {}
export interface KaiserWindowOptions extends OptionsOf<typeof peaked> {}

type Window = FunctionOf<Tensor, typeof plain, WindowOptions>;

/** A window of a function of x, float32 unless another type is asked for. */
function windowOf(
  op: string,
  length: number,
  periodic: boolean,
  dtype: DType | null,
  requiresGrad: boolean,
  of: (x: Tensor) => Tensor,
): Tensor {
  const made = dtype ?? 'float32';
  if (!isFloat(made)) throw new DTypeError(`${op}: expected a float dtype, got ${made}`);
  const steps = periodic ? length : length - 1;
  const values =
    length === 1 ? ones([1], { dtype: made }) : to(of(div(arange(length, { dtype: 'float64' }), steps)), made);
  return requiresGrad ? values.requiresGrad_() : values;
}

/** a₀ - a₁ cos(2πx) + a₂ cos(4πx) */
function cosines(x: Tensor, a0: number, a1: number, a2 = 0): Tensor {
  const wave = (a: number, times: number) => mul(cos(mul(x, 2 * Math.PI * times)), a);
  return add(sub(a0, wave(a1, 1)), wave(a2, 2));
}

/**
 * A triangle: 1 - |2x - 1|, of x from 0 to 1.
 *
 * @param windowLength how many elements
 * @throws DTypeError for a dtype of integers
 * @example
 * ```ts
 * bartlettWindow(4); // tensor([0.0000, 0.5000, 1.0000, 0.5000])
 * bartlettWindow(3, false); // tensor([0., 1., 0.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.bartlett_window.html
 */
export const bartlettWindow: Window = define('bartlettWindow', plain, (length, periodic, dtype, requiresGrad) =>
  windowOf('bartlettWindow', length, periodic, dtype, requiresGrad, (x) => sub(1, abs(sub(mul(x, 2), 1)))),
);

/**
 * 0.42 - 0.5 cos(2πx) + 0.08 cos(4πx), of x from 0 to 1.
 *
 * @param windowLength how many elements
 * @throws DTypeError for a dtype of integers
 * @example
 * ```ts
 * blackmanWindow(4).narrow(0, 1, 3); // tensor([0.3400, 1.0000, 0.3400])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.blackman_window.html
 */
export const blackmanWindow: Window = define('blackmanWindow', plain, (length, periodic, dtype, requiresGrad) =>
  windowOf('blackmanWindow', length, periodic, dtype, requiresGrad, (x) => cosines(x, 0.42, 0.5, 0.08)),
);

/**
 * alpha - beta cos(2πx), of x from 0 to 1.
 *
 * @param windowLength how many elements
 * @throws DTypeError for a dtype of integers
 * @example
 * ```ts
 * hammingWindow(4); // tensor([0.0800, 0.5400, 1.0000, 0.5400])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.hamming_window.html
 */
export const hammingWindow: FunctionOf<Tensor, typeof weighted, HammingWindowOptions> = define(
  'hammingWindow',
  weighted,
  (length, periodic, alpha, beta, dtype, requiresGrad) =>
    windowOf('hammingWindow', length, periodic, dtype, requiresGrad, (x) => cosines(x, alpha, beta)),
);

/**
 * 0.5 - 0.5 cos(2πx), of x from 0 to 1.
 *
 * @param windowLength how many elements
 * @throws DTypeError for a dtype of integers
 * @example
 * ```ts
 * hannWindow(4); // tensor([0.0000, 0.5000, 1.0000, 0.5000])
 * hannWindow(3, { periodic: false }); // tensor([0., 1., 0.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.hann_window.html
 */
export const hannWindow: Window = define('hannWindow', plain, (length, periodic, dtype, requiresGrad) =>
  windowOf('hannWindow', length, periodic, dtype, requiresGrad, (x) => cosines(x, 0.5, 0.5)),
);

/**
 * I₀(beta √(1 - (2x - 1)²)) / I₀(beta), of x from 0 to 1, with the modified Bessel function I₀.
 *
 * @param windowLength how many elements
 * @throws DTypeError for a dtype of integers
 * @example
 * ```ts
 * kaiserWindow(4, true, 3); // tensor([0.2049, 0.7269, 1.0000, 0.7269])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.kaiser_window.html
 */
export const kaiserWindow: FunctionOf<Tensor, typeof peaked, KaiserWindowOptions> = define(
  'kaiserWindow',
  peaked,
  (length, periodic, beta, dtype, requiresGrad) =>
    windowOf('kaiserWindow', length, periodic, dtype, requiresGrad, (x) => {
      const height = sqrt(sub(1, square(sub(mul(x, 2), 1))));
      return div(i0(mul(height, beta)), i0(mul(ones([], { dtype: 'float64' }), beta)));
    }),
);
