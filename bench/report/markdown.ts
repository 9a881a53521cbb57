import type { Contender } from '../harness/contender.js';
import { type Machine, machineLine } from '../harness/machine.js';
import { formatFactor, formatRate, formatTime } from './format.js';
import { type Answered, type AnsweredCase, fastest } from './results.js';

/** The headline cases as a Markdown table: times, and how many times as fast the fastest of nabla is as the last contender. */
export function markdownTable(
  answers: readonly Answered[],
  contenders: readonly Contender[],
  machine: Machine,
): string {
  const rows = answers.flatMap(({ question, rows }) =>
    rows.filter((row) => row.case.headline).map((row) => tableRow(question.name, row, contenders)),
  );
  const names = contenders.map(({ name }) => name);
  return [
    `| | ${[...names, 'faster by'].join(' | ')} |`,
    `|---|${'---:|'.repeat(names.length + 1)}`,
    ...rows,
    '',
    `${machineLine(machine)}; ${machine.date.slice(0, 10)}. The fastest of several rounds, by turns, each contender in a process of its own.`,
  ].join('\n');
}

function tableRow(
  question: string,
  { case: { label, amount }, outcomes }: AnsweredCase,
  contenders: readonly Contender[],
) {
  const times = contenders.map((contender) => fastest(outcomes.get(contender)));
  const cells = times.map((seconds) => {
    if (seconds === undefined) return '';
    return amount === undefined ? formatTime(seconds) : `${formatTime(seconds)} (${formatRate(amount, seconds)})`;
  });
  const last = times.at(-1);
  const own = Math.min(...times.slice(0, -1).filter((seconds) => seconds !== undefined));
  const factor = last === undefined || !Number.isFinite(own) ? '' : formatFactor(last, own);
  return `| ${question}: ${label} | ${[...cells, factor].join(' | ')} |`;
}

const START = '<!-- bench:start -->';
const END = '<!-- bench:end -->';

/** The page with `table` between its markers. */
export function insertTable(page: string, table: string): string {
  const [start, end] = [page.indexOf(START), page.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`README.md: expected ${START} and ${END} around the table`);
  return `${page.slice(0, start + START.length)}\n\n${table}\n\n${page.slice(end)}`;
}
