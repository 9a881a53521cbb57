import type { Contender } from '../harness/contender.js';
import type { Outcome } from '../harness/race.js';
import type { Amount, Case, Question } from '../questions/question.js';
import { formatFactor, formatRate, formatTime } from './format.js';
import { fastest } from './results.js';

/** time, rate, distance of the median, factor */
const WIDTHS = [9, 14, 7, 9] as const;
const COLUMN_WIDTH = WIDTHS.reduce((sum, width) => sum + width, 2);

/** A table that is printed row by row, while the rest of it is still being measured. */
export class TerminalTable {
  readonly #question: Question;
  readonly #contenders: readonly Contender[];
  readonly #labelWidth: number;

  constructor(question: Question, contenders: readonly Contender[]) {
    this.#question = question;
    this.#contenders = contenders;
    this.#labelWidth = Math.max(...question.cases.map(({ label }) => label.length));
  }

  /** The title over the names of the contenders. */
  heading(): string {
    const names = this.#contenders.map(({ name }) => name.padStart(COLUMN_WIDTH)).join('');
    return `\n${this.#question.title}\n  ${''.padEnd(this.#labelWidth)}${names}`;
  }

  /** Each contender's fastest turn, its rate, how far the median lies above, and how many times the first contender's that is. */
  row({ label, amount }: Case, outcomes: ReadonlyMap<Contender, Outcome>): string {
    const reference = fastest(outcomes.get(this.#contenders[0]!));
    const cells = this.#contenders.map((contender, i) =>
      cell(outcomes.get(contender), amount, i === 0 ? undefined : reference),
    );
    return `  ${label.padEnd(this.#labelWidth)}${cells.map((text) => text.padStart(COLUMN_WIDTH)).join('')}`;
  }
}

function cell(outcome: Outcome | undefined, amount: Amount | undefined, reference: number | undefined): string {
  if (outcome?.kind !== 'timed') return outcome?.kind === 'failed' ? 'failed' : '-';
  const { minimum, spread } = outcome.summary;
  const parts = [
    formatTime(minimum),
    amount === undefined ? '' : formatRate(amount, minimum),
    `+${Math.round(spread * 100)}%`,
    reference === undefined ? '' : formatFactor(minimum, reference),
  ];
  return parts.map((text, i) => text.padStart(WIDTHS[i]!)).join('');
}
