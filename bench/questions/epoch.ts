import type { Question } from './question.js';

export const epoch: Question = {
  name: 'epoch',
  title: 'An epoch of MNIST: 60,000 images, shuffled, in batches of 128',
  cases: [
    [784, 256, 10],
    [784, 512, 256, 10],
  ].map((layers) => ({
    label: layers.join('-'),
    work: { kind: 'epoch', images: 60_000, layers, batch: 128 },
    headline: true,
  })),
};
