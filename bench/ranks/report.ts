import type { Measured } from '../latency/measured.js';

export const LAYERS = [784, 512, 256, 10];
/** Of each rank. */
export const BATCH = 128;
export const STEPS = 200;
/** Numbers in exchanges that are timed by themselves. */
export const MESSAGES = [1, 1000, 10_000, 100_000, 535_818];

/** Of one step, in seconds and bytes: see `exchangeTimes`. */
export interface StepTimes {
  readonly seconds: number;
  readonly awaited: number;
  readonly waiting: number;
  readonly passing: number;
  readonly summing: number;
  readonly bytes: number;
}

/** What a rank found. */
export interface RankReport {
  readonly rank: number;
  /** A step without any of `nabla/distributed`; of a world of one. */
  readonly bare: StepTimes | null;
  readonly step: StepTimes;
  readonly messages: readonly { readonly count: number; readonly times: StepTimes }[];
  /** How late timers are while steps run in the background. */
  readonly late: Measured | null;
}
