import type { Contender } from '../harness/contender.js';
import type { Outcome } from '../harness/race.js';
import type { Amount, Question } from '../questions/question.js';
import { formatFactor, formatRate, formatShare, formatTime, shareOf } from './format.js';
import { type AnsweredCase, fastest, type Line, librariesOf, linesOf, speedup } from './results.js';

/** Time, rate, share of the peak, times as fast as one thread, how far the median lies above. */
const FULL = [9, 14, 7, 9, 7] as const;
/** Time, and how many times the first library's it is. */
const BRIEF = [11, 9] as const;
const THREADS_WIDTH = ', 2 threads'.length;
const sum = (widths: readonly number[]) => widths.reduce((a, b) => a + b);

/** A table that is printed line by line, while the rest of it is still being measured. */
export class TerminalTable {
  readonly #question: Question;
  readonly #contenders: readonly Contender[];
  readonly #peaks: ReadonlyMap<number, number>;
  readonly #labelWidth: number;

  /** `peaks`: GFLOP/s that the machine can reach, by number of threads. */
  constructor(question: Question, contenders: readonly Contender[], peaks: ReadonlyMap<number, number>) {
    this.#question = question;
    this.#contenders = contenders;
    this.#peaks = peaks;
    this.#labelWidth = Math.max(...question.cases.map(({ label }) => label.length)) + THREADS_WIDTH;
  }

  /** The title over the names of the libraries. */
  heading(): string {
    const names = librariesOf(this.#contenders).map((name, i) => name.padStart(sum(i === 0 ? FULL : BRIEF)));
    return `\n${this.#question.title}\n  ${''.padEnd(this.#labelWidth)}${names.join('')}`;
  }

  rows(answered: AnsweredCase): string {
    const lines = linesOf(answered, this.#contenders).filter(({ outcomes }) => outcomes.some(Boolean));
    return lines.map((line) => this.#row(line, answered.case.amount, speedup(line, lines))).join('\n');
  }

  #row({ label, threads, outcomes }: Line, amount: Amount | undefined, gain: number | undefined): string {
    const reference = fastest(outcomes[0]);
    const first = fullCell(outcomes[0], amount, this.#peaks.get(threads), gain);
    const others = outcomes.slice(1).map((outcome) => briefCell(outcome, reference));
    return `  ${label.padEnd(this.#labelWidth)}${first}${others.join('')}`;
  }
}

function fullCell(
  outcome: Outcome | undefined,
  amount: Amount | undefined,
  peak: number | undefined,
  gain: number | undefined,
): string {
  if (outcome?.kind !== 'timed') return exception(outcome).padStart(sum(FULL));
  const { minimum, spread } = outcome.summary;
  const parts = [
    formatTime(minimum),
    amount === undefined ? '' : formatRate(amount, minimum),
    shareOf(peak, amount, minimum),
    gain === undefined ? '' : `(${gain.toFixed(2)} x)`,
    `+${formatShare(spread)}`,
  ];
  return parts.map((text, i) => text.padStart(FULL[i]!)).join('');
}

function briefCell(outcome: Outcome | undefined, reference: number | undefined): string {
  const seconds = fastest(outcome);
  if (seconds === undefined) return exception(outcome).padStart(sum(BRIEF));
  const parts = [formatTime(seconds), reference === undefined ? '' : formatFactor(seconds, reference)];
  return parts.map((text, i) => text.padStart(BRIEF[i]!)).join('');
}

/** What stands in place of a time. */
function exception(outcome: Outcome | undefined): string {
  if (outcome?.kind === 'abandoned') return `> ${outcome.seconds} s`;
  return outcome?.kind === 'failed' ? 'failed' : '';
}
