/** The seeds of the operands, alike in every driver. Layer i of a network has `weight + i` and `bias + i`. */
export const seeds = { x: 1, y: 2, weight: 10, bias: 30 } as const;

/** Element `i` of the stream with this seed: 24 bits of a 32-bit hash, as a number in [0, 1). Exact in float32, easy in any language. */
export function unit(i: number, seed: number): number {
  let h = Math.imul(i + 1, 0x9e3779b1) ^ Math.imul(seed, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 16), 0x45d9f3b);
  h = Math.imul(h ^ (h >>> 16), 0x45d9f3b);
  return ((h ^ (h >>> 16)) >>> 8) / 2 ** 24;
}

/** Values evenly distributed in [low, high). */
export function uniform(size: number, seed: number, low = -1, high = 1): Float32Array {
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) values[i] = low + (high - low) * unit(i, seed);
  return values;
}

/** Class numbers from 0 to `classes` - 1. */
export function labels(size: number, seed: number, classes: number): Int32Array {
  return Int32Array.from({ length: size }, (_, i) => Math.floor(classes * unit(i, seed)));
}

/** Sixteen places spread over `size` values, the last not at the end: what a probe looks at. */
export const probePlaces = (size: number): number[] =>
  Array.from({ length: 16 }, (_, i) => Math.floor((i * size) / 16));

/** The values at these places, times `scale`. */
export const probe = (values: ArrayLike<number>, scale = 1): number[] =>
  probePlaces(values.length).map((at) => values[at]! * scale);
