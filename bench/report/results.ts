import { type Contender, threadsLabel } from '../harness/contender.js';
import type { Outcome } from '../harness/race.js';
import type { Case, Question } from '../questions/question.js';

/** A question and what came of its cases. */
export interface Answered {
  readonly question: Question;
  readonly contenders: readonly Contender[];
  readonly cases: readonly AnsweredCase[];
}

export interface AnsweredCase {
  readonly case: Case;
  readonly outcomes: ReadonlyMap<Contender, Outcome>;
}

/** One line of a table: a case on so many threads, and what each library made of it. */
export interface Line {
  readonly label: string;
  readonly threads: number;
  readonly outcomes: readonly (Outcome | undefined)[];
}

/** The columns of a table; the first is what the others are compared with. */
export const librariesOf = (contenders: readonly Contender[]): string[] => [
  ...new Set(contenders.map(({ library }) => library)),
];

/** A case as lines, one for each number of threads. */
export function linesOf({ case: { label }, outcomes }: AnsweredCase, contenders: readonly Contender[]): Line[] {
  const libraries = librariesOf(contenders);
  const counts = [...new Set(contenders.map(({ threads }) => threads))];
  return counts.map((threads) => ({
    label: counts.length === 1 ? label : `${label}, ${threadsLabel(threads)}`,
    threads,
    outcomes: libraries.map((library) => {
      const contender = contenders.find((each) => each.library === library && each.threads === threads);
      return contender && outcomes.get(contender);
    }),
  }));
}

/** How many times as fast the first library is on the line's threads as on one. */
export function speedup(line: Line, lines: readonly Line[]): number | undefined {
  const one = fastest(lines.find(({ threads }) => threads === 1)?.outcomes[0]);
  const several = fastest(line.outcomes[0]);
  return line.threads === 1 || one === undefined || several === undefined ? undefined : one / several;
}

export const fastest = (outcome: Outcome | undefined): number | undefined =>
  outcome?.kind === 'timed' ? outcome.summary.minimum : undefined;

/** GFLOP/s of the multiply-add loop by number of threads, where it was measured. */
export function peaksOf(answers: readonly Answered[]): Map<number, number> {
  const peaks = new Map<number, number>();
  for (const {
    case: { work, amount },
    outcomes,
  } of answers.flatMap(({ cases }) => cases)) {
    if (work.kind !== 'peak') continue;
    for (const [{ threads }, outcome] of outcomes) {
      const seconds = fastest(outcome);
      if (seconds !== undefined && amount !== undefined) peaks.set(threads, amount.perIteration / seconds);
    }
  }
  return peaks;
}

/** From one value of a sweep to the next, the step at which the first library's time grows most beyond what the value does. */
export interface Cliff {
  readonly threads: number;
  readonly from: string;
  readonly to: string;
  readonly factor: number;
}

/** The worst of the steps between neighbours of a sweep, for each number of threads. */
export function cliffsOf({ contenders, cases }: Answered): Cliff[] {
  const own = contenders.filter(({ library }) => library === contenders[0]!.library);
  return own.flatMap((contender) => {
    const steps = cases.slice(1).flatMap(({ case: to, outcomes }, i) => {
      const { case: from, outcomes: before } = cases[i]!;
      const [first, second] = [fastest(before.get(contender)), fastest(outcomes.get(contender))];
      if (first === undefined || second === undefined) return [];
      const factor = second / first / Math.max(1, to.at! / from.at!);
      return [{ threads: contender.threads, from: from.label, to: to.label, factor }];
    });
    return steps.length === 0 ? [] : [steps.reduce((worst, step) => (step.factor > worst.factor ? step : worst))];
  });
}
