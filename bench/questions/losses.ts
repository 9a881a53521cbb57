import { type LossName, lossNames } from '../harness/work.js';
import { type Case, type Question, sizeLabel } from './question.js';

const titles: Record<LossName, string> = {
  l1: 'L1',
  mse: 'MSE',
  smoothL1: 'Smooth L1',
  bceWithLogits: 'BCE with logits',
  crossEntropy: 'Cross-entropy',
};

const pointwise = lossNames.filter((name) => name !== 'crossEntropy');
const sizes = [300, 2 ** 15, 2 ** 20, 2 ** 24];

const ofElements = (loss: LossName, size: number): Case => ({
  label: `${titles[loss]}, ${sizeLabel(size)}`,
  work: { kind: 'loss', loss, rows: 1, columns: size },
  ...((size === 2 ** 20 || (size === 300 && loss === 'mse')) && { quick: true }),
  ...(size === 2 ** 20 && (loss === 'mse' || loss === 'smoothL1') && { headline: true }),
});

const ofClasses = (rows: number, columns: number, quick: boolean): Case => ({
  label: `${titles.crossEntropy}, ${rows} x ${columns}`,
  work: { kind: 'loss', loss: 'crossEntropy', rows, columns },
  ...(quick && { quick: true }),
  ...(columns === 1000 && { headline: true }),
});

export const losses: Question = {
  name: 'losses',
  title: 'Losses, forward and backward, elements',
  cases: [
    ...pointwise.flatMap((loss) => sizes.map((size) => ofElements(loss, size))),
    ofClasses(32, 10, true),
    ofClasses(128, 10, false),
    ofClasses(4096, 1000, true),
  ],
};
