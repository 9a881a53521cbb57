import * as kinds from '../../tensor/kinds.js';

/** How the losses of the elements are reduced: not at all, their sum divided by the number of elements, or their sum. */
export type Reduction = 'none' | 'mean' | 'sum';

/** What losses have beside others. */
export const reducing = {
  /** How the losses of the elements are reduced: `'mean'`, `'sum'`, or `'none'` to keep them. Default: `'mean'`. */
  reduction: kinds.choice('none', 'mean', 'sum').default('mean'),
};
