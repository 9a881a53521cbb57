import { type Contender, nameOf, threadsLabel } from '../harness/contender.js';
import { type Machine, machineLine } from '../harness/machine.js';
import { formatFactor, formatRate, formatTime, shareOf } from './format.js';
import {
  type Answered,
  type AnsweredCase,
  cliffsOf,
  fastest,
  type Line,
  librariesOf,
  linesOf,
  speedup,
} from './results.js';

const ROUNDS = 'The fastest of several rounds, taken by turns; every contender in a process of its own.';

/**
 * The headline cases as one table: times and rates of the first library that can do it, and for each of the others how many times as long
 * it takes on the same number of threads.
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
  const able = contenders.filter((contender) => fastest(outcomes.get(contender)) !== undefined);
  const own = able[0]?.library;
  return contenders.map((contender) => {
    const seconds = fastest(outcomes.get(contender));
    if (seconds === undefined) return '';
    const time = formatTime(seconds);
    if (contender.library === own) return amount === undefined ? time : `${time}, ${formatRate(amount, seconds)}`;
    const rival = able.find(({ library, threads }) => library === own && threads === contender.threads);
    const reference = rival && fastest(outcomes.get(rival));
    return reference === undefined ? time : `${time} (${formatFactor(seconds, reference)})`;
  });
}

/** All that a question's lines say; columns in which nothing stands are left out. */
export function questionTable(answered: Answered, peaks: ReadonlyMap<number, number>, command: string): string {
  const { question, contenders, cases } = answered;
  const [own, ...others] = librariesOf(contenders);
  const heading = ['', own!, 'median', 'rate', 'of peak', 'by one thread', ...others];
  const rows = cases.flatMap((each) => {
    const lines = linesOf(each, contenders).filter(({ outcomes }) => fastest(outcomes[0]) !== undefined);
    return lines.map((line) => questionRow(line, each, peaks, speedup(line, lines)));
  });
  const used = heading.map((_, column) => rows.some((row) => row[column] !== ''));
  const markdown = (row: readonly string[]) => `| ${row.filter((_, column) => used[column]).join(' | ')} |`;
  const rule = markdown(heading.map((_, column) => (column === 0 ? '---' : '---:')));
  const cliffs = question.sweep === undefined ? [] : ['', cliffsLine(answered)];
  return [`${question.title}. \`${command}\``, '', markdown(heading), rule, ...rows.map(markdown), ...cliffs].join(
    '\n',
  );
}

function questionRow(
  { label, threads, outcomes }: Line,
  { case: { amount } }: AnsweredCase,
  peaks: ReadonlyMap<number, number>,
  gain: number | undefined,
): string[] {
  const [own, ...others] = outcomes;
  const seconds = fastest(own)!;
  return [
    label,
    formatTime(seconds),
    own?.kind === 'timed' ? formatTime(own.summary.median) : '',
    amount === undefined ? '' : formatRate(amount, seconds),
    shareOf(peaks.get(threads), amount, seconds),
    gain === undefined ? '' : formatFactor(gain, 1),
    ...others.map((other) => {
      const theirs = fastest(other);
      return theirs === undefined ? '' : `${formatTime(theirs)}, ${formatFactor(theirs, seconds)}`;
    }),
  ];
}

/** The steepest steps of a sweep, as a sentence. */
export const cliffsLine = (answered: Answered): string =>
  `Steepest step beyond proportion: ${cliffsOf(answered)
    .map(
      ({ threads, from, to, factor }) => `${formatFactor(factor, 1)} from ${from} to ${to} (${threadsLabel(threads)})`,
    )
    .join(', ')}.`;

/** The page with `table` between the markers called `name`. */
export function insertTable(page: string, name: string, table: string): string {
  const [open, close] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`];
  const [start, end] = [page.indexOf(open), page.indexOf(close)];
  if (start < 0 || end < start) throw new Error(`expected ${open} and ${close} around the table`);
  return `${page.slice(0, start + open.length)}\n\n${table}\n\n${page.slice(end)}`;
}
