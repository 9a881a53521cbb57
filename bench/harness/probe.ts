/** How far probes may lie apart, in float32, for values of the order of 1. */
const TOLERANCE = 2e-4;

/** How a probe differs from the one it should equal, if it does. */
export function compare(probe: readonly number[], reference: readonly number[]): string | undefined {
  if (probe.length !== reference.length) return `computes ${probe.length} values, not ${reference.length}`;
  const at = probe.findIndex((value, i) => !close(value, reference[i]!));
  return at < 0 ? undefined : `computes something else: value ${at} is ${probe[at]}, not ${reference[at]}`;
}

const close = (value: number, expected: number): boolean =>
  Math.abs(value - expected) <= TOLERANCE * Math.max(1, Math.abs(expected));
