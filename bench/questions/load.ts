import type { Question } from './question.js';

export const load: Question = {
  name: 'load',
  title: 'Loading the library, in a new process',
  cases: [{ label: 'import', work: { kind: 'load' }, quick: true }],
};
