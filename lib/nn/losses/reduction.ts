import type { OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { sum } from '../../ops/reductions.js';
import { averageOver } from '../../tensor/formula.js';
import * as kinds from '../../tensor/kinds.js';
import type { Operand } from '../../tensor/promotion.js';
import { allAxes } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';

/** How the losses of the elements are reduced: not at all, their sum divided by the number of elements, or their sum. */
export type Reduction = 'none' | 'mean' | 'sum';

/** What losses have beside others. */
export const reducing = {
  /** How the losses of the elements are reduced: `'mean'`, `'sum'`, or `'none'` to keep them. Default: `'mean'`. */
  reduction: kinds.choice('none', 'mean', 'sum').default('mean'),
};

export const reductionSignature = signature('reduction', reducing);

export interface ReductionOptions extends OptionsOf<typeof reductionSignature> {}

/** Reduces losses that come one per sample; the mean divides by their number, unless something else counts. */
export function reduceRows(rows: Tensor, reduction: Reduction, divisor: () => Operand = () => rows.numel()): Tensor {
  if (reduction === 'none') return rows;
  if (reduction === 'sum') return sum(rows);
  const frame = { shape: shapeOf(rows), axes: allAxes(shapeOf(rows).length), keepdim: false };
  return averageOver(rows, rows.dtype, divisor(), frame);
}
