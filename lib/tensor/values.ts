import type { TypedArray } from '../backend/dtype.js';
import { recording } from '../backend/recording.js';
import { CaptureError } from '../errors.js';
import { convert } from './basics.js';
import { type Tensor, viewOf } from './tensor.js';

/**
 * A copy of the values in row-major order, read on behalf of `reader`: an operation whose result's shape depends on them.
 *
 * @param advice what to do instead in a captured function, which refuses this
 */
export function valuesOf(x: Tensor, reader: string, advice?: string): TypedArray {
  if (advice !== undefined) aboutToRead(reader, advice);
  const { storage, offset, dtype } = viewOf(x.isContiguous() ? x : convert(x.detach(), x.dtype));
  return storage.array(dtype, reader).slice(offset, offset + x.numel());
}

/** Refuses by name, in a captured function, what goes by the values of a tensor. */
export function aboutToRead(reader: string, advice: string): void {
  recording?.refuse(
    new CaptureError(
      `${reader}: what it does depends on the values of a tensor, which replays of a captured function do not read; ${advice}`,
    ),
  );
}
