import { define } from '../arguments/define.js';
import { callback } from '../arguments/kinds.js';
import { nothing, signature } from '../arguments/signature.js';
import { AutogradError } from '../errors.js';
import { isPromise } from '../realm.js';

let enabled = true;

/** `isGradEnabled` for the library, which asks in every operation. */
export const recordsGradients = (): boolean => enabled;

/** A function to run. */
export const calling = signature('fn, /', {
  fn: callback<() => unknown>(),
});

/** What runs a function, and gives what it gives. */
export type Running = <T>(fn: () => T) => T;

/** Whether operations are being recorded for `backward`. @example noGrad(() => isGradEnabled()); // false */
export const isGradEnabled: () => boolean = define('isGradEnabled', nothing, recordsGradients);

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
export const noGrad: Running = define('noGrad', calling, (fn) => withGrad(false, fn)) as Running;

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
export const enableGrad: Running = define('enableGrad', calling, (fn) => withGrad(true, fn)) as Running;

/** Runs a function with recording on or off. */
export function withGrad<T>(on: boolean, fn: () => T): T {
  const before = enabled;
  enabled = on;
  try {
    return synchronous(on ? 'enableGrad' : 'noGrad', fn());
  } finally {
    enabled = before;
  }
}

/** Refuses a promise: what is on or off for a function would be so for whatever runs between its awaits. */
export function synchronous<T>(op: string, result: T): T {
  if (!isPromise(result)) return result;
  throw new AutogradError(`${op}: the function must be synchronous, but it returned a promise`);
}
