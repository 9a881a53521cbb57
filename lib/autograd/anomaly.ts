import { define } from '../arguments/define.js';
import { nothing } from '../arguments/signature.js';
import { recording } from '../backend/recording.js';
import { AutogradError, CaptureError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { calling, type Running, synchronous } from './mode.js';

let detecting = false;

/** `isAnomalyDetected` for the library, which asks whenever it records. */
export const detectsAnomaly = (): boolean => detecting;

/** Whether backward passes look for NaN. @example autograd.isAnomalyDetected(); // false */
export const isAnomalyDetected: () => boolean = define('isAnomalyDetected', nothing, detectsAnomaly);

/**
 * Runs `fn`, and refuses a gradient that is NaN in a backward pass within: the error names the operation whose derivative it is, and says where
 * that operation was called. For finding faults: it makes every pass slow.
 *
 * @throws AutogradError when a gradient becomes NaN; ValueError if `fn` is no function, or not synchronous
 * @example
 * ```ts
 * const x = tensor(0, { requiresGrad: true });
 * autograd.detectAnomaly(() => x.mul(0).div(x).backward()); // AutogradError: … Div …
 * ```
 * @see https://pytorch.org/docs/stable/autograd.html#anomaly-detection
 */
export const detectAnomaly: Running = define('detectAnomaly', calling, (fn) => {
  recording?.refuse(
    new CaptureError(
      'detectAnomaly: a captured function cannot look for NaN when it is replayed; call the plain function',
    ),
  );
  const before = detecting;
  detecting = true;
  try {
    return synchronous('detectAnomaly', fn());
  } finally {
    detecting = before;
  }
}) as Running;

/** Frames above an operation: its own functions are some ten of them. */
const FRAMES = 60;

/** The folder of the library, as traces have it: of its sources, or of its package's modules; undefined where it is part of a bundle. */
const LIBRARY = /([^\s()]*)\/(?:autograd\/anomaly\.[jt]s|(?<=\/dist\/)core\.js)/.exec(
  new Error('here').stack ?? '',
)?.[1];

/** Where an operation was called: the frames of a trace that are not the library's own. */
export function placeOfCall(): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES;
  const lines = (new Error('here').stack ?? '').split('\n').slice(1);
  Error.stackTraceLimit = limit;
  const own = lines.filter((line) => LIBRARY === undefined || !line.includes(`${LIBRARY}/`));
  return (own.length > 0 ? own : lines).join('\n');
}

/** Refuses gradients that are NaN, and names what they are the gradients of, and where that was called. */
export function checkAnomaly(name: string, place: string | undefined, grads: readonly (Tensor | null)[]): void {
  const bad = grads.findIndex((grad) => grad?.toTypedArray().some(Number.isNaN) ?? false);
  if (bad < 0) return;
  const where = place === undefined ? 'which was called outside of detectAnomaly' : `called here:\n${place}`;
  throw new AutogradError(`backward: the gradient of input ${bad} of ${name} is NaN; ${where}`);
}
