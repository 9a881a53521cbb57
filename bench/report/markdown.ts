import { type Contender, nameOf } from '../harness/contender.js';
import { type Machine, machineLine } from '../harness/machine.js';
import { formatFactor, formatRate, formatTime } from './format.js';
import { type Answered, type AnsweredCase, fastest } from './results.js';

const ROUNDS = 'The fastest of several rounds, taken by turns; every contender in a process of its own.';

/**
 * The headline cases as one table: the first library's times and rates, and for each of the others how many times as long it takes on the
 * same number of threads.
 */
export function markdownTable(
  answers: readonly Answered[],
  contenders: readonly Contender[],
  machine: Machine,
): string {
  const rows = answers.flatMap(({ question, cases }) =>
    cases
      .filter((answered) => answered.case.headline)
      .map(
        (answered) => `| ${[`${question.name}: ${answered.case.label}`, ...cells(answered, contenders)].join(' | ')} |`,
      ),
  );
  return [
    `| | ${contenders.map(nameOf).join(' | ')} |`,
    `|---|${'---:|'.repeat(contenders.length)}`,
    ...rows,
    '',
    `${machineLine(machine)}; ${machine.date.slice(0, 10)}. ${ROUNDS}`,
  ].join('\n');
}

function cells({ case: { amount }, outcomes }: AnsweredCase, contenders: readonly Contender[]): string[] {
  const own = contenders[0]!.library;
  return contenders.map((contender) => {
    const seconds = fastest(outcomes.get(contender));
    if (seconds === undefined) return '';
    const time = formatTime(seconds);
    if (contender.library === own) return amount === undefined ? time : `${time}, ${formatRate(amount, seconds)}`;
    const rival = contenders.find(({ library, threads }) => library === own && threads === contender.threads);
    const reference = rival && fastest(outcomes.get(rival));
    return reference === undefined ? time : `${time} (${formatFactor(seconds, reference)})`;
  });
}

const START = '<!-- bench:start -->';
const END = '<!-- bench:end -->';

/** The page with `table` between its markers. */
export function insertTable(page: string, table: string): string {
  const [start, end] = [page.indexOf(START), page.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`README.md: expected ${START} and ${END} around the table`);
  return `${page.slice(0, start + START.length)}\n\n${table}\n\n${page.slice(end)}`;
}
