import type { Work } from '../harness/work.js';

/** How much is done, in the unit in which people compare it. */
export interface Amount {
  readonly unit: 'GFLOP' | 'GB' | 'instruction' | 'k steps';
  readonly perIteration: number;
}

/** One row of a table. */
export interface Case {
  readonly label: string;
  readonly work: Work;
  /** Each iteration is timed by itself, and the time below which this share of them lies is what counts. Else their mean does. */
  readonly quantile?: number;
  readonly amount?: Amount;
  /** Asked by the quick run too. */
  readonly quick?: true;
  /** Worth a row in the README. */
  readonly headline?: true;
  /** Its place on the axis of a sweep. */
  readonly at?: number;
}

export interface Question {
  /** What `--only` takes. */
  readonly name: string;
  readonly title: string;
  readonly cases: readonly Case[];
  /** What the cases go through, one value each: the horizontal axis of the chart. */
  readonly sweep?: string;
}

export const gflop = (flops: number): Amount => ({ unit: 'GFLOP', perIteration: flops / 1e9 });

/** What float32 operands and results weigh that have to be read or written at least once. */
export const traffic = (elements: number): Amount => ({ unit: 'GB', perIteration: (4 * elements) / 1e9 });

export const instructionsOf = (count: number): Amount => ({ unit: 'instruction', perIteration: count });

/** 300, 2^15: powers of two are easier to read as such. */
export function sizeLabel(size: number): string {
  const exponent = Math.log2(size);
  return Number.isInteger(exponent) && exponent >= 10 ? `2^${exponent}` : size.toLocaleString('en');
}
