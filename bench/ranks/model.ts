/** What a model of steps on several ranks starts from, in seconds and bytes. */
export interface Setting {
  /** A step of one rank by itself. */
  readonly compute: number;
  /** What share of it is the backward pass, beside which exchanges can go on. */
  readonly backward: number;
  /** Of all gradients. */
  readonly bytes: number;
  /** When buckets are there, as shares of the backward pass, with their shares of the bytes. */
  readonly buckets: readonly { readonly at: number; readonly share: number }[];
  /** Until a message without content is there. */
  readonly latency: number;
  /** Bytes a second, to and from a rank at the same time. */
  readonly bandwidth: number;
  /** Seconds a byte that is added up. */
  readonly summing: number;
}

export type Algorithm = 'ring' | 'halving-doubling';

/** Of one exchange of so many bytes: latencies, what goes over the line, what is added up. */
export function exchangeTime(algorithm: Algorithm, ranks: number, bytes: number, setting: Setting): number {
  if (ranks === 1) return 0;
  const rounds = algorithm === 'ring' ? 2 * (ranks - 1) : 2 * Math.ceil(Math.log2(ranks));
  const moved = ((ranks - 1) / ranks) * bytes;
  return rounds * setting.latency + (2 * moved) / setting.bandwidth + moved * setting.summing;
}

/** A step: exchanges one after the other, each as soon as its bucket is there, or all in one after the backward pass. */
export function stepTime(algorithm: Algorithm, ranks: number, overlaps: boolean, setting: Setting): number {
  const { compute, backward, bytes, buckets } = setting;
  if (!overlaps) return compute + exchangeTime(algorithm, ranks, bytes, setting);
  const start = compute * (1 - backward);
  let free = 0;
  for (const { at, share } of buckets) {
    free = Math.max(free, start + at * backward * compute) + exchangeTime(algorithm, ranks, share * bytes, setting);
  }
  return Math.max(compute, free);
}

/** Latency, and seconds a byte, of the straight line closest to times of exchanges of two ranks: each of two messages one after the other. */
export function fitted(exchanges: readonly { readonly bytes: number; readonly seconds: number }[]): {
  readonly latency: number;
  readonly perByte: number;
} {
  const smallest = exchanges.reduce((a, b) => (a.bytes < b.bytes ? a : b));
  const largest = exchanges.reduce((a, b) => (a.bytes > b.bytes ? a : b));
  const perByte = (largest.seconds - smallest.seconds) / (largest.bytes - smallest.bytes);
  return { latency: smallest.seconds / 2, perByte };
}
