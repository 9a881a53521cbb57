import { type Kind, kind } from '../../arguments/kind.js';
import { sameShape } from '../../backend/view.js';
import { DTypeError, ShapeError } from '../../errors.js';
import { NamedResults, type Results, results } from '../../tensor/results.js';
import { type Shape, show } from '../../tensor/shape.js';
import { isTensor, shapeOf, type Tensor } from '../../tensor/tensor.js';
import type { State } from './steps.js';

/** The state of an LSTM: `{ hn, cn }`, `[hn, cn]`. */
export type LSTMState = Results<['hn', 'cn']>;

/** What an LSTM takes as its state: two tensors, or the state that an LSTM gave. */
export type LSTMStateLike = LSTMState | readonly [h: Tensor, c: Tensor];

export const lstmState = (op: string, [h, c]: State): LSTMState => results(op, ['hn', 'cn'], [h!, c!]);

export const stateKind: Kind<LSTMStateLike> = kind(
  'an array of two tensors, [h, c], or the state that an LSTM gave',
  (value): value is LSTMStateLike => {
    if (!Array.isArray(value) && !(value instanceof NamedResults)) return false;
    const parts: unknown[] = [...value];
    return parts.length === 2 && parts.every(isTensor);
  },
);

/** Refuses an input or a state that does not go with the weights. */
export function checkShape(op: string, what: string, x: Tensor, shape: Shape): void {
  if (sameShape(shapeOf(x), shape)) return;
  throw new ShapeError(`${op}: ${what} must have shape ${show(shape)}, got ${show(x.shape)}`);
}

export function checkType(op: string, what: string, x: Tensor, weight: Tensor): void {
  if (x.dtype === weight.dtype) return;
  throw new DTypeError(
    `${op}: ${what} must be ${weight.dtype} as the weights are, got ${x.dtype}; convert it with .to(), or the module`,
  );
}

export function checkInput(op: string, x: Tensor, dims: readonly [number, number], size: number): void {
  if (!dims.includes(x.ndim)) {
    throw new ShapeError(`${op}: the input must have ${dims.join(' or ')} dimensions, got ${show(x.shape)}`);
  }
  if (x.shape.at(-1) === size) return;
  throw new ShapeError(`${op}: the input must have ${size} features (inputSize), got ${show(x.shape)}`);
}
