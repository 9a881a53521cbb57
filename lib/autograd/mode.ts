import { describe } from '../describe.js';
import { AutogradError, ValueError } from '../errors.js';
import { isPromise } from '../realm.js';

let enabled = true;

/** Whether operations are being recorded for `backward`. @example noGrad(() => isGradEnabled()); // false */
export const isGradEnabled = (): boolean => enabled;

/**
 * Runs `fn` without recording: nothing inside needs or gets a gradient. Restored when `fn` returns or throws.
 *
 * `fn` must be synchronous, because what else runs between its awaits would not be recorded either.
 *
 * @example
 * ```ts
 * const w = ones([2], { requiresGrad: true });
 * noGrad(() => w.mul(2)).requiresGrad; // false
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.no_grad.html
 */
export const noGrad = <T>(fn: () => T): T => withGrad(false, fn);

/**
 * Runs `fn` with recording on, inside `noGrad`.
 *
 * @example
 * ```ts
 * const w = ones([2], { requiresGrad: true });
 * noGrad(() => enableGrad(() => w.mul(2))).requiresGrad; // true
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.enable_grad.html
 */
export const enableGrad = <T>(fn: () => T): T => withGrad(true, fn);

export function withGrad<T>(on: boolean, fn: () => T): T {
  if (typeof fn !== 'function') {
    throw new ValueError(`${on ? 'enableGrad' : 'noGrad'}: expected a function, got ${describe(fn)}`);
  }
  const before = enabled;
  enabled = on;
  try {
    const result = fn();
    if (isPromise(result)) {
      throw new AutogradError(
        `${on ? 'enableGrad' : 'noGrad'}: the function must be synchronous, but it returned a promise`,
      );
    }
    return result;
  } finally {
    enabled = before;
  }
}
