/** Maps values to pixels, and says where its ticks are. */
export interface Scale {
  readonly ticks: readonly number[];
  at(value: number): number;
}

/** A scale from `low` to `high` in even steps. */
export function linearScale(low: number, high: number, from: number, to: number, ticks: readonly number[]): Scale {
  const span = high - low || 1;
  return { ticks, at: (value) => from + ((value - low) / span) * (to - from) };
}

/** A scale in even ratios; what lies below `low` (which is above 0) is drawn at `low`. */
export function logScale(low: number, high: number, from: number, to: number): Scale {
  const scale = linearScale(Math.log(low), Math.log(high), from, to, logTicks(low, high));
  return { ticks: scale.ticks, at: (value) => scale.at(Math.log(Math.max(value, low))) };
}

/** Multiples of 1, 2 or 5 times a power of ten that divide [low, high] into about `count` steps. */
export function linearTicks(low: number, high: number, count: number): number[] {
  const raw = (high - low || 1) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5].find((multiple) => multiple * power >= raw * 0.999) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** 1, 2 and 5 times every power of ten within [low, high]; only the powers where these would be too many. */
export function logTicks(low: number, high: number): number[] {
  const first = Math.floor(Math.log10(low));
  const powers = Array.from({ length: Math.floor(Math.log10(high)) - first + 1 }, (_, i) => first + i);
  const multiples = powers.length > 4 ? [1] : [1, 2, 5];
  return powers
    .flatMap((power) => multiples.map((multiple) => Number(`${multiple}e${power}`)))
    .filter((tick) => tick >= low && tick <= high);
}
