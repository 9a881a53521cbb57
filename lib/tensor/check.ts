import { recording } from '../backend/recording.js';
import { DTypeError, ValueError } from '../errors.js';
import { operandOf, type Tensor } from './tensor.js';

/**
 * Throws `error` if the one element of `flag` (float64) is not 0. In a captured function it throws `again` whenever that is so in a
 * replay, from where the values that were looked at are no longer there to be named.
 */
export function refuseIf(flag: Tensor, error: () => Error, again = error): void {
  if (recording !== null) recording.check(operandOf(flag), again);
  else if (flag.item() !== 0) throw error();
}

/** The error of a result that int32 does not hold. */
export function misfit(op: string, where?: string): ValueError {
  const what = /\bdiv\b/.test(op)
    ? 'a divisor is 0, or a quotient does not fit int32'
    : 'a result does not fit int32, or is NaN';
  const place = where === undefined ? '' : `, in ${where}`;
  return new ValueError(`${op}: ${what}${place}; convert the operands to float64 first, with .double()`);
}

/** Refuses a number that int32 cannot hold; of others the integer part is what is stored. */
export function requireInt32(op: string, value: number): void {
  if (value > -2147483649 && value < 2147483648) return;
  throw new ValueError(
    `${op}: ${value} does not fit int32, which holds -2147483648 to 2147483647; use float64, as with .double()`,
  );
}

/** Refuses operands of several element types. */
export function requireOneType(op: string, first: Tensor, ...rest: readonly Tensor[]): void {
  for (const { dtype } of rest) {
    if (dtype !== first.dtype)
      throw new DTypeError(`${op}: operands must have one dtype, got ${first.dtype} and ${dtype}; convert with .to()`);
  }
}
