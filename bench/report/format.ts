import type { Amount } from '../questions/question.js';

/** A time in the unit in which it has one to three digits before the point. */
export function formatTime(seconds: number): string {
  const [unit, scale] = seconds < 1e-3 ? ['µs', 1e6] : seconds < 1 ? ['ms', 1e3] : ['s', 1];
  return `${threeDigits(seconds * scale)} ${unit}`;
}

/** GFLOP/s or GB/s. */
export const formatRate = ({ unit, perIteration }: Amount, seconds: number): string =>
  `${threeDigits(perIteration / seconds)} ${unit}/s`;

/** How many times as long `seconds` is as `reference`. */
export const formatFactor = (seconds: number, reference: number): string => `${threeDigits(seconds / reference)} x`;

export const formatShare = (share: number): string => `${Math.round(share * 100)} %`;

function threeDigits(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return value.toFixed(value >= 10 ? 1 : 2);
}
