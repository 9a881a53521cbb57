import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import type { AnyProperty } from './property.js';

/** Something that is wrong, as small as it could be made. */
export interface Failure {
  readonly message: string;
  readonly script: string;
  /** What brings it back: `--property NAME --seed SEED --path PATH`. */
  readonly seed: number;
  readonly path: string;
}

export interface Totals {
  readonly programs: number;
  readonly refused: number;
  /** How often what was refused, by the start of the message. */
  readonly reasons: Readonly<Record<string, number>>;
  readonly failure?: Failure;
}

export interface SearchOptions {
  readonly seed: number;
  /** Where to begin: what was printed with a failure. */
  readonly path?: string;
  /** At most so many programs. */
  readonly programs?: number;
  /** No new programs after so many milliseconds. */
  readonly milliseconds?: number;
  /** A file that always has the program under way: it is there even if the process is not. */
  readonly journal?: string;
  readonly onProgress?: (programs: number) => void;
}

const ENDLESS = 1e9;
/** Making a program smaller must not take longer than it is worth. */
const SHRINKING = 20_000;

/** Tries random programs until one shows that something is wrong, or time is up. */
export async function search(property: AnyProperty, options: SearchOptions): Promise<Totals> {
  const counts = { programs: 0, refused: 0, reasons: {} as Record<string, number> };
  const start = Date.now();
  let failedAt: number | undefined;
  const tried = fc.asyncProperty(property.arbitrary, async (random) => {
    if (failedAt !== undefined && Date.now() - failedAt > SHRINKING) return;
    try {
      const program = property.write(random);
      if (options.journal !== undefined) writeFileSync(options.journal, property.script(program));
      const { refused } = await property.check(program);
      if (failedAt !== undefined) return;
      counts.programs++;
      if (refused !== undefined) note(counts, refused);
      options.onProgress?.(counts.programs);
    } catch (error) {
      failedAt ??= Date.now();
      throw error;
    }
  });
  const details = await fc.check(tried, {
    seed: options.seed,
    ...(options.path !== undefined && { path: options.path, endOnFailure: false }),
    numRuns: options.programs ?? ENDLESS,
    ...(options.milliseconds !== undefined && { interruptAfterTimeLimit: options.milliseconds - (Date.now() - start) }),
    markInterruptAsFailure: false,
  });
  if (!details.failed || details.counterexample === null) return counts;
  const failure = await smallest(property, details.counterexample[0], messageOf(details.errorInstance));
  return { ...counts, failure: { ...failure, seed: details.seed, path: indexOf(details.counterexamplePath) } };
}

/** Which of all programs of a seed it was, without the long way from there to a smaller one. */
const indexOf = (path: string | null): string => (path ?? '').split(':')[0]!;

function note(counts: { refused: number; reasons: Record<string, number> }, refused: string): void {
  counts.refused++;
  const reason = refused.replace(/\d+/g, 'N').slice(0, 90);
  counts.reasons[reason] = (counts.reasons[reason] ?? 0) + 1;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // What is no Finding was thrown by the library, or by the search itself: where says which.
  return error.name === 'Finding' ? `Finding: ${error.message}` : (error.stack ?? `${error.name}: ${error.message}`);
}

/** Leaves out lines for as long as the same kind of thing stays wrong. */
async function smallest(
  property: AnyProperty,
  random: unknown,
  message: string,
): Promise<Pick<Failure, 'message' | 'script'>> {
  const start = Date.now();
  let best: unknown;
  try {
    best = property.write(random);
  } catch {
    return { message, script: '// It failed while the program was written.' };
  }
  let said = message;
  for (let found = true; found && Date.now() - start < SHRINKING; ) {
    found = false;
    for (const candidate of property.smaller?.(best) ?? []) {
      const wrong = await complaint(property, candidate);
      if (wrong === undefined || kindOf(wrong) !== kindOf(message)) continue;
      best = candidate;
      said = wrong;
      found = true;
      break;
    }
  }
  return { message: said, script: property.script(best) };
}

/** A line that another needs is not to be left out: that would be a failure of its own. */
const kindOf = (message: string): string =>
  /^\w+: \D{0,12}/.exec(message.replace(/call \d+: |result\[\d\] |state \d+ |gradient \d+ /g, ''))?.[0] ?? '';

async function complaint(property: AnyProperty, program: unknown): Promise<string | undefined> {
  try {
    await property.check(program);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
