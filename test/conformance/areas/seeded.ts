import type { Adapter } from '../adapter.js';
import type { CaseValues } from '../case-values.js';
import { checkForm, checkTensor, checkValues, EXACT, furthest, type Tolerance } from '../compare.js';
import { decodeValues } from '../decode.js';
import type { ScalarAlternative, TensorRef } from '../format.js';
import type { Tensor } from '../library.js';

/**
 * Checks a drawn tensor. Where PyTorch's scalar kernels give other last bits than its vector kernels, either is right; the
 * alternative is tried when the first does not fit.
 */
export function checkDrawn(
  what: string,
  actual: Tensor,
  expected: TensorRef,
  values: CaseValues,
  allowed: Tolerance,
  alternatives: readonly ScalarAlternative[] = [],
): void {
  const record = values.record(expected.t);
  checkForm(what, actual, record);
  const drawn = actual.toTypedArray();
  const others = alternatives.filter(({ of }) => of === expected.t).map(({ t }) => decodeValues(values.record(t)));
  if (others.some((other) => furthest(drawn, other, allowed) === undefined)) return;
  checkValues(what, drawn, decodeValues(record), allowed);
}

/** Checks that the stream was consumed to the same place: the next uniform is PyTorch's, exactly. */
export function checkNextUniform(next: TensorRef | undefined, values: CaseValues, adapter: Adapter): void {
  if (next === undefined) return;
  checkTensor('the next uniform', adapter.nabla.rand([1]), values.record(next.t), () => EXACT);
}

/** One unit in the last place of the largest value: for values that PyTorch makes from uniforms with one rounding. */
export function ulpOfLargest(expected: ArrayLike<number>, dtype: string): Tolerance {
  const largest = Math.max(...Array.from(expected, Math.abs), 2 ** -126);
  return { atol: 2 ** (Math.floor(Math.log2(largest)) - (dtype === 'f64' ? 52 : 23)), rtol: 0 };
}

/** 5e-6 of the deviation from the mean, zeros (which `sparse_` writes) apart: for values that PyTorch makes from normals. */
export function shareOfDeviation(expected: ArrayLike<number>): Tolerance {
  const drawn = Array.from(expected).filter((value) => value !== 0);
  const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
  const variance = drawn.reduce((sum, value) => sum + (value - mean) ** 2, 0) / drawn.length;
  return { atol: 5e-6 * Math.sqrt(variance), rtol: 0 };
}
