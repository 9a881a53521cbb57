import type { Amount } from '../questions/question.js';

/** A time in the unit in which it has one to three digits before the point. */
export function formatTime(seconds: number): string {
  const [unit, scale] = seconds < 1e-3 ? ['µs', 1e6] : seconds < 1 ? ['ms', 1e3] : ['s', 1];
  return `${threeDigits(seconds * scale)} ${unit}`;
}

/** A round time, as it stands at an axis. */
export const formatTick = (seconds: number): string => formatTime(seconds).replace(/\.0+ /, ' ');

/** GFLOP/s or GB/s; of instructions the time that each takes. */
export const formatRate = ({ unit, perIteration }: Amount, seconds: number): string =>
  unit === 'instruction'
    ? `${formatTime(seconds / perIteration)} each`
    : `${threeDigits(perIteration / seconds)} ${unit}/s`;

/** How many times as long `seconds` is as `reference`. */
export const formatFactor = (seconds: number, reference: number): string => `${threeDigits(seconds / reference)} x`;

export const formatShare = (share: number): string => `${Math.round(share * 100)} %`;

/** How much of the peak, in GFLOP/s, is used. */
export const shareOf = (peak: number | undefined, amount: Amount | undefined, seconds: number): string =>
  peak !== undefined && amount?.unit === 'GFLOP' ? formatShare(amount.perIteration / seconds / peak) : '';

function threeDigits(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return value.toFixed(value >= 10 ? 1 : 2);
}
