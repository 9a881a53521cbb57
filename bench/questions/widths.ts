import type { Question } from './question.js';

/** 1 to 2048, and the neighbours of every power of two from 256 on: where a path through the core ends, a cliff would show. */
const widths = Array.from({ length: 12 }, (_, i) => 2 ** i).flatMap((width) =>
  width < 256 ? [width] : [width - 1, width, width + 1],
);

export const layerWidths: Question = {
  name: 'widths',
  title: 'A step of training by the width of its hidden layer: 64-width-10, batch 64',
  sweep: 'width of the hidden layer',
  cases: widths.map((width) => ({
    label: String(width),
    at: width,
    work: { kind: 'training', network: 'classifier', layers: [64, width, 10], batch: 64 },
  })),
};
