import { recording } from '../backend/recording.js';
import type { Tensor } from './tensor.js';

/**
 * Throws `error` if the one element of `flag` (float64) is not 0. In a captured function it throws `again` whenever that is so in a
 * replay, from where the values that were looked at are no longer there to be named.
 */
export function refuseIf(flag: Tensor, error: () => Error, again = error): void {
  if (recording !== null) recording.check(flag, again);
  else if (flag.item() !== 0) throw error();
}
