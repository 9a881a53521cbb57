import type { Contender } from '../harness/contender.js';
import type { Machine } from '../harness/machine.js';
import type { Answered } from './results.js';

/** Everything that was measured, for other programs. Times are seconds per iteration. */
export function jsonReport(
  answers: readonly Answered[],
  versions: ReadonlyMap<Contender, string>,
  machine: Machine,
): string {
  const contenders = [...versions].map(([{ name, threads }, version]) => ({ name, threads, version }));
  const questions = answers.map(({ question, rows }) => ({
    name: question.name,
    title: question.title,
    cases: rows.map(({ case: { label, work, amount }, outcomes }) => ({
      label,
      work,
      amount,
      results: Object.fromEntries([...outcomes].map(([{ name }, outcome]) => [name, outcome])),
    })),
  }));
  return `${JSON.stringify({ machine, contenders, questions }, null, 1)}\n`;
}
