import type { Work } from './work.js';

/**
 * A driver is a process that reads requests, one JSON object per line, from standard input, and answers each with one line on
 * file descriptor 3. It greets first, and ends when its input does. What it prints is shown only if it fails.
 */
export type Request =
  /** Makes the operands, does the work for the first time, and answers with a probe of what came out. */
  | { readonly do: 'prepare'; readonly work: Work }
  /** Does the work again and again, for at least so many seconds. */
  | { readonly do: 'warm'; readonly seconds: number }
  | { readonly do: 'time'; readonly iterations: number }
  /** Times each iteration by itself, and answers as if there had been one: the time below which that share of them lies. */
  | { readonly do: 'quantile'; readonly iterations: number; readonly share: number };

export interface Greeting {
  readonly name: string;
  readonly version: string;
  /** What it took to load the library. */
  readonly loadSeconds: number;
}

export interface Prepared {
  /** Some of the values that came out, of the order of 1, by which drivers are compared. */
  readonly probe: readonly number[];
  /** What that first time took of the processor, on all threads. Drivers say it that can be asked for first calls. */
  readonly cpuSeconds?: number;
  /** How the work differs from the question, where it has to. Its probe is not compared then. */
  readonly note?: string;
}

export interface Unsupported {
  /** The library cannot do this work. */
  readonly unsupported: string;
}

export interface Timing {
  readonly iterations: number;
  readonly seconds: number;
}
