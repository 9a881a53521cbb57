import { DTYPES, decodeValues } from './decode.js';
import type { ElementType, TensorRecord } from './format.js';
import type { Tensor } from './library.js';
import { Mismatch } from './outcome.js';

/** `actual` may differ from `expected` by `atol + rtol * |expected|`. */
export interface Tolerance {
  readonly atol: number;
  readonly rtol: number;
}

export const EXACT: Tolerance = { atol: 0, rtol: 0 };

const BASE = { out: { f32: 1e-5, f64: 1e-9 }, grad: { f32: 2e-5, f64: 1e-9 } } as const;

/** How far a value computed on such a sample may be off: the base of its type, or ten times PyTorch's own error. */
export function tolerance(
  kind: 'out' | 'grad',
  noise: number | null | undefined,
  base: Partial<BaseTolerance> = {},
): ToleranceOf {
  return (dtype) => {
    if (dtype !== 'f32' && dtype !== 'f64') return EXACT;
    const allowed = Math.max(base[dtype] ?? BASE[kind][dtype], 10 * (noise ?? 0));
    return { atol: allowed, rtol: allowed };
  };
}

export interface BaseTolerance {
  readonly f32: number;
  readonly f64: number;
}

/** The tolerance for an expected tensor of that type. */
export type ToleranceOf = (dtype: ElementType) => Tolerance;

function sameSpecial(actual: number, expected: number): boolean {
  return Object.is(actual, expected) || actual === expected || (Number.isNaN(actual) && Number.isNaN(expected));
}

/** The element that is furthest beyond the tolerance, if one is. NaN and infinities must stand in the same places. */
export function furthest(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { atol, rtol }: Tolerance,
): { index: number; error: number } | undefined {
  let worst: { index: number; error: number } | undefined;
  for (let index = 0; index < expected.length; index++) {
    const [a, e] = [actual[index] ?? NaN, expected[index] ?? NaN];
    if (sameSpecial(a, e)) continue;
    const error = Number.isFinite(a) && Number.isFinite(e) ? Math.abs(a - e) : Infinity;
    const isOff = error === Infinity || error > atol + rtol * Math.abs(e);
    if (isOff && error > (worst?.error ?? 0)) worst = { index, error };
  }
  return worst;
}

const show = (shape: readonly number[]) => `[${shape.join(', ')}]`;

/** Checks shape and element type, so that what follows can compare element by element. */
export function checkForm(what: string, actual: Tensor, expected: TensorRecord): void {
  const dtype = DTYPES[expected.dtype];
  if (actual.dtype !== dtype) throw new Mismatch(`${what}: dtype ${actual.dtype}, expected ${dtype}`);
  if (show(actual.shape) !== show(expected.shape)) {
    throw new Mismatch(`${what}: shape ${show(actual.shape)}, expected ${show(expected.shape)}`);
  }
}

/** Checks element by element against flat values in row-major order. */
export function checkValues(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  allowed: Tolerance,
): void {
  const worst = furthest(actual, expected, allowed);
  if (worst === undefined) return;
  const { index, error } = worst;
  throw new Mismatch(
    `${what}: element ${index} is ${actual[index]}, expected ${expected[index]}; ` +
      `error ${error.toExponential(2)}, allowed ${allowed.atol.toExponential(2)} (relative ${allowed.rtol.toExponential(2)})`,
  );
}

/** Checks a tensor against a recorded one: element type, shape, values. */
export function checkTensor(what: string, actual: Tensor, expected: TensorRecord, allowed: ToleranceOf): void {
  checkForm(what, actual, expected);
  checkValues(what, actual.toTypedArray(), decodeValues(expected), allowed(expected.dtype));
}
