import type { FirstCallWork } from '../harness/work.js';
import { type Case, instructionsOf, type Question } from './question.js';

const count = (n: number): string => n.toLocaleString('en');

const BEFORE = 6;

/** In a process that has recorded nothing, and in one that has recorded others. */
const inBoth = (
  label: string,
  instructions: number,
  work: Pick<FirstCallWork, 'network' | 'length'>,
  quick = false,
): Case[] =>
  [0, BEFORE].map((before) => ({
    label: before === 0 ? label : `${label}, after others`,
    work: { kind: 'firstCall', ...work, before },
    amount: instructionsOf(instructions),
    ...(quick && { quick }),
  }));

const chain = (length: number): Case[] =>
  inBoth(`a chain of ${count(length)}`, length, { network: 'chain', length }, length === 300 || length === 3000);

/** What a step of the cell comes to; backward too, where the loss and the update take the place of gradients that the first step needs not. */
const INSTRUCTIONS_FORWARD = 12;
const INSTRUCTIONS_TRAINED = 34;

const unrolled = (steps: number): Case[] => [
  ...inBoth(`an LSTM cell over ${count(steps)} steps`, INSTRUCTIONS_FORWARD * steps, {
    network: 'lstm',
    length: steps,
  }),
  ...inBoth(`an LSTM cell over ${count(steps)} steps, trained`, INSTRUCTIONS_TRAINED * steps, {
    network: 'lstmStep',
    length: steps,
  }),
];

const results = (length: number): Case[] => inBoth(`${count(length)} results`, length, { network: 'results', length });

/**
 * What it takes to record a function and make a program of it, beside what its first call takes without that. It should grow as the function does; the
 * processes that have recorded before say so, in the others V8 runs what records slowly at first, and compiles it.
 */
export const recording: Question = {
  name: 'recording',
  title:
    "The first call of a captured function, in a new process and in one where six others were recorded: the processor's time, and that per instruction",
  cases: [...[100, 300, 800, 1000, 3000, 10_000].flatMap(chain), ...results(1000), ...unrolled(300)],
};
