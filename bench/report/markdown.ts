import type { Contender } from '../harness/contender.js';
import { type Machine, machineLine } from '../harness/machine.js';
import type { Amount } from '../questions/question.js';
import { formatFactor, formatRate, formatTime } from './format.js';
import { type Answered, fastest, type Line, librariesOf, linesOf } from './results.js';

const ROUNDS = 'The fastest of several rounds, taken by turns; every contender in a process of its own.';

/** The headline cases as one table: nabla's time and rate, and for each of the others how many times as long it takes. */
export function markdownTable(
  answers: readonly Answered[],
  contenders: readonly Contender[],
  machine: Machine,
): string {
  const libraries = librariesOf(contenders);
  const rows = answers.flatMap(({ question, cases }) =>
    cases
      .filter((answered) => answered.case.headline)
      .flatMap((answered) =>
        linesOf(answered, contenders)
          .filter(({ outcomes }) => fastest(outcomes[0]) !== undefined)
          .map((line) => tableRow(question.name, line, answered.case.amount)),
      ),
  );
  return [
    `| | ${libraries.join(' | ')} |`,
    `|---|${'---:|'.repeat(libraries.length)}`,
    ...rows,
    '',
    `${machineLine(machine)}; ${machine.date.slice(0, 10)}. ${ROUNDS}`,
  ].join('\n');
}

function tableRow(question: string, { label, outcomes }: Line, amount: Amount | undefined): string {
  const reference = fastest(outcomes[0])!;
  const first =
    amount === undefined ? formatTime(reference) : `${formatTime(reference)}, ${formatRate(amount, reference)}`;
  const others = outcomes.slice(1).map((outcome) => {
    const seconds = fastest(outcome);
    return seconds === undefined ? '' : `${formatTime(seconds)} (${formatFactor(seconds, reference)})`;
  });
  return `| ${question}: ${label} | ${[first, ...others].join(' | ')} |`;
}

const START = '<!-- bench:start -->';
const END = '<!-- bench:end -->';

/** The page with `table` between its markers. */
export function insertTable(page: string, table: string): string {
  const [start, end] = [page.indexOf(START), page.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`README.md: expected ${START} and ${END} around the table`);
  return `${page.slice(0, start + START.length)}\n\n${table}\n\n${page.slice(end)}`;
}
