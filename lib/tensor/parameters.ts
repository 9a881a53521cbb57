import type { FunctionOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import * as kinds from './kinds.js';
import type { Tensor } from './tensor.js';

// Parameters that many functions have, with what users read of them.

/** Where random numbers come from. */
export const drawing = {
  /** The stream to draw from. Default: null, the one that `manualSeed` starts. */
  generator: kinds.generator.optional(),
};

/** What becomes of a new tensor. */
export const making = {
  /** Element type. Default: null, what the values need: mostly float32, int32 for indices. */
  dtype: kinds.dtype.optional(),
  /** Whether gradients are accumulated for this tensor. Default: false. */
  requiresGrad: kinds.boolean.default(false),
};

/** A tensor, and nothing else. */
export const single = signature('input, /', { input: kinds.tensor });
export type Single<R = Tensor> = FunctionOf<R, typeof single>;
