import type { Question } from './question.js';

const STEPS = 100;

/** A server with a small model per customer. */
export const many: Question = {
  name: 'many',
  title: `Many models at once: ${STEPS} steps of each, 8-32-1, batch 32`,
  cases: [1, 32, 1000].map((models) => ({
    label: models === 1 ? 'one model' : `${models.toLocaleString('en')} models`,
    work: { kind: 'many', models, layers: [8, 32, 1], steps: STEPS },
    amount: { unit: 'k steps', perIteration: (models * STEPS) / 1e3 },
    ...(models === 32 && { quick: true }),
  })),
};
