import { recording } from '../backend/recording.js';
import { CaptureError } from '../errors.js';
import type { Generator } from '../tensor/generator.js';
import type { Shape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { empty, tensor } from './creation.js';

// Draws in JavaScript, for samplers that draw until something fits: how much they take from the stream depends on what came.

/** One number after the other from a stream. */
export interface Draws {
  uniform(): number;
  normal(): number;
}

export function drawsOf(generator: Generator | null): Draws {
  const one = empty([1], { dtype: 'float64' });
  return {
    uniform: () => one.uniform_(0, 1, { generator }).item(),
    normal: () => one.normal_(0, 1, { generator }).item(),
  };
}

/** Computes a tensor element by element from others, which are broadcast to its shape. */
export function fill(
  op: string,
  shape: Shape,
  operands: readonly Tensor[],
  of: (...values: number[]) => number,
): Tensor {
  recording?.refuse(
    new CaptureError(
      `${op}: a captured function cannot draw these samples, which take a number of draws that depends on values; draw them before the call`,
    ),
  );
  const columns = operands.map((x) => x.detach().expand(shape).toTypedArray());
  const size = shape.reduce((product, length) => product * length, 1);
  const values = Float64Array.from({ length: size }, (_, i) => of(...columns.map((column) => column[i]!)));
  return tensor(values).to(operands[0]!.dtype).reshape(shape);
}
