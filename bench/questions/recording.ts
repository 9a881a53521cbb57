import { type Case, instructionsOf, type Question } from './question.js';

const count = (n: number): string => n.toLocaleString('en');

const chain = (length: number): Case => ({
  label: `a chain of ${count(length)}`,
  work: { kind: 'firstCall', network: 'chain', length },
  amount: instructionsOf(length),
  ...((length === 300 || length === 3000) && { quick: true }),
});

/** What a step of the cell comes to, forward and backward: the loss and the update take the place of gradients that the first step needs not. */
const INSTRUCTIONS_PER_STEP = 34;

const unrolled = (steps: number): Case => ({
  label: `an LSTM cell over ${count(steps)} steps, trained`,
  work: { kind: 'firstCall', network: 'lstm', length: steps },
  amount: instructionsOf(INSTRUCTIONS_PER_STEP * steps),
});

const results = (length: number): Case => ({
  label: `${count(length)} results`,
  work: { kind: 'firstCall', network: 'results', length },
  amount: instructionsOf(length),
});

/** What it takes to record a function and make a program of it, beside what its first call takes without that. It should grow as the function does. */
export const recording: Question = {
  name: 'recording',
  title: "The first call of a captured function, in a new process: the processor's time, and that per instruction",
  cases: [...[100, 300, 800, 1000, 3000, 10_000].map(chain), results(1000), unrolled(300)],
};
