import type { Contender } from '../harness/contender.js';
import type { Outcome } from '../harness/race.js';
import type { Case, Question } from '../questions/question.js';

/** A question and what came of its cases. */
export interface Answered {
  readonly question: Question;
  readonly rows: readonly AnsweredCase[];
}

export interface AnsweredCase {
  readonly case: Case;
  readonly outcomes: ReadonlyMap<Contender, Outcome>;
}

export const fastest = (outcome: Outcome | undefined): number | undefined =>
  outcome?.kind === 'timed' ? outcome.summary.minimum : undefined;
