import { type Contender, nameOf } from '../harness/contender.js';
import type { Machine } from '../harness/machine.js';
import type { Answered } from './results.js';

/** Everything that was measured, for other programs. Times are seconds per iteration. */
export function jsonReport(
  answers: readonly Answered[],
  versions: ReadonlyMap<Contender, string>,
  machine: Machine,
): string {
  const contenders = [...versions].map(([contender, version]) => {
    const { library, threads } = contender;
    return { name: nameOf(contender), library, threads, version };
  });
  const questions = answers.map(({ question: { name, title }, cases }) => ({
    name,
    title,
    cases: cases.map(({ case: { label, work, amount }, outcomes }) => ({
      label,
      work,
      amount,
      results: Object.fromEntries([...outcomes].map(([contender, outcome]) => [nameOf(contender), outcome])),
    })),
  }));
  return `${JSON.stringify({ machine, contenders, questions }, null, 1)}\n`;
}
