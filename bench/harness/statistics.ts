/** What the rounds say of the time of one iteration, in seconds. */
export interface Summary {
  readonly rounds: number;
  readonly minimum: number;
  readonly median: number;
  /** How far the median lies above the minimum, as a share of it: what else the machine was doing. */
  readonly spread: number;
}

export function summarize(samples: readonly number[]): Summary {
  const sorted = [...samples].sort((a, b) => a - b);
  const minimum = sorted[0]!;
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
  return { rounds: sorted.length, minimum, median, spread: median / minimum - 1 };
}
