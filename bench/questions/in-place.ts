import type { InPlaceWork } from '../harness/work.js';
import { type Case, type Question, sizeLabel, traffic } from './question.js';

const ops: readonly InPlaceWork['op'][] = ['add', 'relu', 'sigmoid', 'tanh'];
const sizes = [300, 2 ** 15, 2 ** 20, 2 ** 24];

const applied = (op: InPlaceWork['op'], size: number): Case => ({
  label: `${op}_, ${sizeLabel(size)}`,
  work: { kind: 'inPlace', op, size },
  amount: traffic(size * (op === 'add' ? 3 : 2)),
});

export const inPlace: Question = {
  name: 'in-place',
  title: 'Elementwise operations in place (no memory is asked for), elements',
  cases: ops.flatMap((op) => sizes.map((size) => applied(op, size))),
};
