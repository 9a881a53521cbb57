import { gflop, type Question, sizeLabel, traffic } from './question.js';

const PEAK_FLOPS = 1e8;

/** What the machine itself can do, by loops in C: shares of the peak in other tables are shares of the first row. */
export const limits: Question = {
  name: 'limits',
  title: 'The machine: independent fused multiply-adds, and plain copies of so many float32',
  cases: [
    { label: 'multiply-add', work: { kind: 'peak', flops: PEAK_FLOPS }, amount: gflop(PEAK_FLOPS) },
    ...[2 ** 15, 2 ** 20, 2 ** 24].map((size) => ({
      label: `copy, ${sizeLabel(size)}`,
      work: { kind: 'copy', size } as const,
      amount: traffic(2 * size),
    })),
  ],
};
