import type { Tensor } from 'nabla';

const SHADES = ' .:-=+*#%@';

/** A matrix as text: a character for each element, darker for larger ones, from `low` to `high`. */
export function shades(image: Tensor, low = 0, high = 1): string {
  const level = (value: number) => Math.floor(((value - low) / (high - low)) * SHADES.length);
  const shade = (value: number) => SHADES[Math.min(Math.max(level(value), 0), SHADES.length - 1)];
  return (image.toArray() as number[][]).map((row) => row.map((value) => shade(value)!.repeat(2)).join('')).join('\n');
}
