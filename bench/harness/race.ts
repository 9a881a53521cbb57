import { setTimeout as sleep } from 'node:timers/promises';
import type { Contender } from './contender.js';
import { Driver, DriverError, DriverTimeout } from './driver.js';
import { compare } from './probe.js';
import { type Summary, summarize } from './statistics.js';
import type { Work } from './work.js';

/** How long each turn is meant to be: long against the clock's grain, short against what disturbs it. */
const TURN_SECONDS = 0.02;
/** Warming up goes by stretches of so long, until so many in a row were no faster than one before: V8 compiles what runs often again, and better. */
const WARM_SECONDS = 0.1;
const STEADY_STRETCHES = 2;
const MAX_STRETCHES = 20;
/** Less than this share of the time before is faster, and no chance. */
const FASTER = 0.97;
/** A contender whose turns are longer because one iteration is gets fewer of them. */
const BUDGET_SECONDS = 4;
/** Other libraries' idle threads spin a while before they sleep; they must not run during the next turn. */
const SETTLE_SECONDS = 0.02;

export type Outcome =
  | { readonly kind: 'timed'; readonly summary: Summary; readonly note?: string }
  /** One request took more than the contender's patience. */
  | { readonly kind: 'abandoned'; readonly seconds: number }
  | { readonly kind: 'unsupported' }
  | { readonly kind: 'failed'; readonly why: string };

/** A contender that has prepared the work in hand, and what its turns took. */
interface Entrant {
  readonly contender: Contender;
  readonly driver: Driver;
  readonly note: string | undefined;
  readonly iterations: number;
  readonly rounds: number;
  /** What is asked for, if it is not the mean; see `Case`. */
  readonly quantile: number | undefined;
  readonly samples: number[];
}

/**
 * The contenders' processes, which live from one piece of work to the next; one that fails is restarted. First all prepare, and
 * what they computed is compared with the first one's; then they take turns, so that what disturbs the machine disturbs all.
 */
export class Race {
  readonly #rounds: number;
  readonly #drivers = new Map<Contender, Driver>();
  #outcomes = new Map<Contender, Outcome>();
  #reference: readonly number[] | undefined;

  constructor(rounds: number) {
    this.#rounds = rounds;
  }

  async run(work: Work, contenders: readonly Contender[], quantile?: number): Promise<Map<Contender, Outcome>> {
    this.#outcomes = new Map();
    this.#reference = undefined;
    if (work.kind === 'load') await this.#load(contenders);
    else if (work.kind === 'firstCall') await this.#callOnce(work, contenders);
    else await this.#compete(work, contenders, quantile);
    return this.#outcomes;
  }

  async driverOf(contender: Contender): Promise<Driver> {
    let driver = this.#drivers.get(contender);
    if (driver === undefined) {
      driver = await Driver.start(contender);
      this.#drivers.set(contender, driver);
    }
    return driver;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#drivers.values()].map((driver) => driver.stop()));
  }

  async #compete(work: Work, contenders: readonly Contender[], quantile: number | undefined): Promise<void> {
    const entrants: Entrant[] = [];
    for (const contender of contenders) {
      await this.#attempt(contender, async () => {
        const entrant = await this.#enter(contender, work, quantile);
        if (entrant !== null) entrants.push(entrant);
      });
    }
    for (let round = 0; round < this.#rounds; round++) {
      for (const entrant of entrants) {
        if (round < entrant.rounds && !this.#outcomes.has(entrant.contender)) {
          await this.#attempt(entrant.contender, () => takeTurn(entrant));
        }
      }
    }
    for (const { contender, samples, note } of entrants) this.#conclude(contender, samples, note);
  }

  /** Prepares, compares and warms up; null if that settles the contender's outcome. */
  async #enter(contender: Contender, work: Work, quantile: number | undefined): Promise<Entrant | null> {
    const driver = await this.driverOf(contender);
    const answer = await driver.prepare(work);
    if ('unsupported' in answer) {
      this.#outcomes.set(contender, { kind: 'unsupported' });
      return null;
    }
    const { probe, note } = answer;
    this.#reference ??= probe;
    const difference = note === undefined ? compare(probe, this.#reference) : undefined;
    if (difference !== undefined) {
      this.#outcomes.set(contender, { kind: 'failed', why: difference });
      return null;
    }
    const each = await warmUp(driver);
    const iterations = Math.max(1, Math.round(TURN_SECONDS / each));
    const affordable = Math.floor(BUDGET_SECONDS / (each * iterations));
    const rounds = Math.max(1, Math.min(this.#rounds, affordable));
    return { contender, driver, note, iterations, rounds, quantile, samples: [] };
  }

  #load(contenders: readonly Contender[]): Promise<void> {
    return this.#eachAnew(contenders, async (contender) => {
      const driver = await Driver.start({ ...contender, args: contender.loadArgs ?? contender.args });
      await driver.stop();
      return driver.greeting.loadSeconds;
    });
  }

  #callOnce(work: Work, contenders: readonly Contender[]): Promise<void> {
    return this.#eachAnew(contenders, async (contender) => {
      const driver = await Driver.start(contender);
      const answer = await driver.prepare(work).finally(() => driver.stop());
      if ('unsupported' in answer || answer.cpuSeconds === undefined) return null;
      this.#reference ??= answer.probe;
      const difference = compare(answer.probe, this.#reference);
      if (difference !== undefined) throw new DriverError(difference);
      return answer.cpuSeconds;
    });
  }

  /** Rounds in which every contender starts a process of its own; `measure` says what it took, or null where it cannot. */
  async #eachAnew(
    contenders: readonly Contender[],
    measure: (contender: Contender) => Promise<number | null>,
  ): Promise<void> {
    const samples = new Map(contenders.map((contender) => [contender, [] as number[]]));
    for (let round = 0; round < this.#rounds; round++) {
      for (const [contender, times] of samples) {
        if (this.#outcomes.has(contender)) continue;
        await this.#attempt(contender, async () => {
          const seconds = await measure(contender);
          if (seconds === null) this.#outcomes.set(contender, { kind: 'unsupported' });
          else times.push(seconds);
        });
      }
    }
    for (const [contender, times] of samples) this.#conclude(contender, times);
  }

  /** Lets a contender do something that may fail; if it does, that is its outcome, and its process ends. */
  async #attempt(contender: Contender, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (error instanceof DriverTimeout) this.#outcomes.set(contender, { kind: 'abandoned', seconds: error.seconds });
      else if (error instanceof DriverError) this.#outcomes.set(contender, { kind: 'failed', why: error.message });
      else throw error;
      const driver = this.#drivers.get(contender);
      this.#drivers.delete(contender);
      await driver?.stop();
    }
  }

  #conclude(contender: Contender, samples: readonly number[], note?: string): void {
    if (this.#outcomes.has(contender)) return;
    const summary = summarize(samples);
    this.#outcomes.set(contender, { kind: 'timed', summary, ...(note !== undefined && { note }) });
  }
}

/** Runs until the speed is steady, and returns the time of one iteration. */
async function warmUp(driver: Driver): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  let steady = 0;
  for (let stretch = 0; stretch < MAX_STRETCHES && steady < STEADY_STRETCHES; stretch++) {
    const { iterations, seconds } = await driver.warm(WARM_SECONDS);
    const each = seconds / iterations;
    steady = each < best * FASTER ? 0 : steady + 1;
    best = Math.min(best, each);
    if (iterations === 1) break; // what takes so long does not wait for a compiler
  }
  return best;
}

/** An iteration that is not counted brings the operands back into the caches; then the turn. */
async function takeTurn({ driver, iterations, quantile, samples }: Entrant): Promise<void> {
  await sleep(SETTLE_SECONDS * 1000);
  if (iterations > 1) await driver.time(1);
  const timing = await (quantile === undefined ? driver.time(iterations) : driver.quantile(iterations, quantile));
  samples.push(timing.seconds / timing.iterations);
}
