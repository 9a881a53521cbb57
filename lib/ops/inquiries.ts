import { define } from '../arguments/define.js';
import { dtypes, isFloat } from '../backend/dtype.js';
import { ShapeError } from '../errors.js';
import { type Single, single } from '../tensor/parameters.js';
import { show } from '../tensor/shape.js';
import { aboutToRead } from '../tensor/values.js';

// What there is to ask of a tensor, but for its shape.

/** Whether elements are float32 or float64. @example isFloatingPoint(tensor([1])); // true */
export const isFloatingPoint: Single<boolean> = define('isFloatingPoint', single, ({ dtype }) => isFloat(dtype));

/** How many bytes an element takes. @example elementSize(tensor([1], { dtype: 'float64' })); // 8 */
export const elementSize: Single<number> = define('elementSize', single, ({ dtype }) => dtypes[dtype].size);

/**
 * Whether the one element is not 0, as Python's `if` asks.
 *
 * @throws ShapeError for a tensor that has not one element
 * @example
 * ```ts
 * isNonzero(tensor([0])); // false
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.is_nonzero.html
 */
export const isNonzero: Single<boolean> = define('isNonzero', single, (x) => {
  if (x.numel() !== 1) throw new ShapeError(`isNonzero: expected a tensor of one element, got shape ${show(x.shape)}`);
  aboutToRead('isNonzero', 'return the tensor and ask outside, or choose between values with where()');
  return Boolean(x.item()) || Number.isNaN(x.item());
});
