import { type UpdateRule, updateRules } from '../harness/work.js';
import { type Question, sizeLabel, traffic } from './question.js';

const SIZE = 2 ** 20;

/** How often each element's worth of memory is read or written. */
const OPERANDS: Readonly<Record<UpdateRule, number>> = { copy: 2, sgd: 5, adam: 7, adamw: 7, rmsprop: 5, adagrad: 5 };

/** A copy moves as much as an update of half as many operands: its rate is what the others can reach. */
export const updates: Question = {
  name: 'updates',
  title: `Updates of ${sizeLabel(SIZE)} parameters, and a copy of as much memory as most of them touch`,
  cases: updateRules.map((rule) => {
    const size = rule === 'copy' ? 2.5 * SIZE : SIZE;
    return {
      label: rule,
      work: { kind: 'update', rule, size },
      amount: traffic(OPERANDS[rule] * size),
      quick: true,
    };
  }),
};
