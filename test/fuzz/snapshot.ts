import { AutogradError, Tensor } from 'nabla';

/** What a tensor was at some time. */
export interface Snapshot {
  readonly dtype: string;
  readonly shape: string;
  readonly values: ReturnType<Tensor['toTypedArray']>;
}

export const snapshot = (x: Tensor): Snapshot => {
  return { dtype: x.dtype, shape: `[${x.shape.join(', ')}]`, values: x.toTypedArray() };
};

/** Snapshots of the tensors in something, by where they are. */
export function snapshots(value: unknown, path = 'result', found = new Map<string, Snapshot>()): Map<string, Snapshot> {
  if (value instanceof Tensor) found.set(path, snapshot(value));
  else if (Array.isArray(value)) for (const [i, item] of value.entries()) snapshots(item, `${path}[${i}]`, found);
  return found;
}

/** The gradient of a tensor; undefined where it is in registers of a captured function, and so cannot be read. */
export function gradientOf(x: Tensor): Tensor | null | undefined {
  try {
    return x.grad;
  } catch (error) {
    if (error instanceof AutogradError) return undefined;
    throw error;
  }
}

/** How far apart two values may be. */
export type Tolerance = (actual: number, expected: number) => boolean;

const exactly: Tolerance = Object.is;

/** What is different, in words. */
export function differenceOf(actual: Snapshot, expected: Snapshot, close: Tolerance = exactly): string | undefined {
  if (actual.dtype !== expected.dtype) return `is ${actual.dtype}, expected ${expected.dtype}`;
  if (actual.shape !== expected.shape) return `has shape ${actual.shape}, expected ${expected.shape}`;
  const { values } = expected;
  let first = -1;
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    if (close(actual.values[i]!, values[i]!)) continue;
    if (first < 0) first = i;
    count++;
  }
  if (first < 0) return undefined;
  return `differs in ${count} of ${values.length} elements, first at ${first}: ${actual.values[first]}, expected ${values[first]}`;
}
