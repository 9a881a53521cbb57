import type { Case, Question } from './question.js';

const layers = [784, 128, 10];

const quantile = (share: number, name: string): Case => ({
  label: `${layers.join('-')}, ${name}`,
  work: { kind: 'inference', layers, batch: 1 },
  quantile: share,
  headline: true,
});

/** What a server does for a request: the median of the calls, and that which one in a hundred takes longer than. */
export const inference: Question = {
  name: 'inference',
  title: 'What a classifier says of one image, from an array of numbers to an array of numbers',
  cases: [quantile(0.5, 'p50'), quantile(0.99, 'p99')],
};
