/** What a series of waiting times says, in milliseconds. */
export interface Measured {
  readonly samples: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export function measured(times: readonly number[]): Measured {
  const sorted = [...times].sort((a, b) => a - b);
  const quantile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return { samples: sorted.length, p50: quantile(0.5), p99: quantile(0.99), max: sorted.at(-1)! };
}
