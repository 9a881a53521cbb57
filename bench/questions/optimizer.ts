import { type Question, sizeLabel, traffic } from './question.js';

/** Reads weight, gradient and buffer; writes weight and buffer. */
const OPERANDS = 5;

export const optimizer: Question = {
  name: 'optimizer',
  title: 'SGD with momentum, one parameter of so many elements',
  cases: [300, 2 ** 15, 2 ** 20, 2 ** 24].map((size) => ({
    label: sizeLabel(size),
    work: { kind: 'momentum', size },
    amount: traffic(OPERANDS * size),
    ...(size === 2 ** 20 && { quick: true }),
  })),
};
