import { recording } from '../backend/index.js';
import { CaptureError, ValueError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { capturedFunctionOf } from './capture.js';
import type { Case } from './case.js';
import type { InstructionText } from './print.js';
import type { Timed } from './timed.js';
import type { Place } from './watch.js';

/** What there is to tell of a program that was run one instruction at a time. */
export interface Profiled {
  /** What messages call the function. */
  readonly where: string;
  readonly instructions: readonly InstructionText[];
  /** What each of them is for: of several, if it was merged of several. */
  readonly places: readonly (readonly Place[])[];
  readonly runs: Timed['runs'];
  /** How long whole replays took, in one call each, in milliseconds. */
  readonly replays: readonly number[];
}

/** How many calls a function may take until one is like the one before: the first makes an optimizer's state. */
const MOST_CALLS = 8;

/** Calls a captured function `steps` times in whole and `steps` times one instruction at a time, after the calls that make it steady. */
export function profiled(op: string, step: unknown, args: readonly unknown[], steps: number): Profiled {
  const captured = capturedFunctionOf(step)?.watched();
  if (captured === undefined) throw new ValueError(`${op}: step must be a captured function; make one by capture(fn)`);
  recording?.refuse(
    new CaptureError(`${op}: it cannot be called in a captured function, whose replays do not run JavaScript`),
  );
  const tensors: Tensor[] = [];
  const steady = (): Case<unknown> => {
    for (let calls = 0; calls < MOST_CALLS; calls++) {
      const found = captured.caseOf(args, tensors);
      if (found?.isSteady) return found;
      captured.call(args);
    }
    throw new CaptureError(
      `${captured.where}: ${op}: ${MOST_CALLS} calls in a row were each recorded again, so that there is no program to look at; ` +
        'something outside of the function changes with every call',
    );
  };
  const replay = (one: Case<unknown>, by?: Timed): void => {
    one.matches(args, tensors);
    if (one.replay(tensors, by) === null)
      throw new CaptureError(`${captured.where}: ${op}: options of an optimizer changed`);
  };
  const one = steady();
  const replays = Array.from({ length: steps }, () => {
    const start = performance.now();
    replay(one);
    return performance.now() - start;
  });
  const timed = one.program.timed();
  for (let i = 0; i < steps; i++) replay(one, timed);
  return {
    where: captured.where,
    instructions: one.describe(),
    places: one.program.places!,
    runs: timed.runs,
    replays,
  };
}
