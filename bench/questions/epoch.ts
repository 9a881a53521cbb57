import type { Question } from './question.js';

export const epoch: Question = {
  name: 'epoch',
  title: 'An epoch of MNIST: 60,000 images, shuffled, in batches of 128',
  cases: [{ label: '784-256-10', work: { kind: 'epoch', images: 60_000, hidden: 256, batch: 128 }, headline: true }],
};
