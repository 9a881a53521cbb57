import { mapOps } from '../harness/work.js';
import type { Question } from './question.js';

const SIZE = 300;

/** So few elements that the call costs more than they do. */
export const calls: Question = {
  name: 'calls',
  title: `An elementwise operation on ${SIZE} elements, its backward pass recorded`,
  cases: mapOps.map((op) => ({ label: op, work: { kind: 'recorded', op, size: SIZE } })),
};
