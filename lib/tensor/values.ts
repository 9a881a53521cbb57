import type { TypedArray } from '../backend/dtype.js';
import { convert } from './basics.js';
import { type Tensor, viewOf } from './tensor.js';

/** A copy of the values in row-major order, read on behalf of `reader`: an operation whose result's shape depends on them. */
export function valuesOf(x: Tensor, reader: string): TypedArray {
  const { storage, offset, dtype } = viewOf(x.isContiguous() ? x : convert(x.detach(), x.dtype));
  return storage.array(dtype, reader).slice(offset, offset + x.numel());
}
