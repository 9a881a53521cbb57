import { setTimeout as sleep } from 'node:timers/promises';
import type { Case } from '../questions/question.js';
import type { Contender } from './contender.js';
import { Driver, DriverError } from './driver.js';
import { type Summary, summarize } from './statistics.js';

/** How long each turn is meant to be: long against the clock's grain, short against what disturbs it. */
const TURN_SECONDS = 0.02;
const WARM_SECONDS = 0.15;
/** A contender whose turns are longer because one iteration is gets fewer of them. */
const BUDGET_SECONDS = 4;
/** Other libraries' idle threads spin a while before they sleep; they must not run during the next turn. */
const SETTLE_SECONDS = 0.02;
/** How far probes may lie apart, in float32, for values of the order of 1. */
const TOLERANCE = 2e-4;

export type Outcome =
  | { readonly kind: 'timed'; readonly summary: Summary; readonly note?: string }
  | { readonly kind: 'skipped'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string };

interface Entrant {
  readonly driver: Driver;
  readonly note: string | undefined;
  readonly iterations: number;
  readonly rounds: number;
  readonly samples: number[];
}

/** The contenders' processes, which live from question to question. One that failed is started anew for the next. */
export class Race {
  readonly #rounds: number;
  readonly #drivers = new Map<Contender, Driver>();

  constructor(rounds: number) {
    this.#rounds = rounds;
  }

  async driverOf(contender: Contender): Promise<Driver> {
    let driver = this.#drivers.get(contender);
    if (driver === undefined) {
      driver = await Driver.start(contender);
      this.#drivers.set(contender, driver);
    }
    return driver;
  }

  /** Lets every contender do the case: first all prepare and are compared with the first, then they take turns. */
  async run({ work }: Case, contenders: readonly Contender[]): Promise<Map<Contender, Outcome>> {
    const outcomes = new Map<Contender, Outcome>();
    const entrants = new Map<Contender, Entrant>();
    let reference: readonly number[] | undefined;
    const attempt = async (contender: Contender, turn: () => Promise<void>) => {
      try {
        await turn();
      } catch (error) {
        if (!(error instanceof DriverError)) throw error;
        entrants.delete(contender);
        outcomes.set(contender, { kind: 'failed', why: error.message });
        await this.#discard(contender);
      }
    };

    for (const contender of contenders) {
      await attempt(contender, async () => {
        const driver = await this.driverOf(contender);
        const answer = await driver.prepare(work);
        if ('unsupported' in answer) {
          outcomes.set(contender, { kind: 'skipped', why: answer.unsupported });
          return;
        }
        reference ??= answer.probe;
        const difference = answer.note === undefined ? compare(answer.probe, reference) : undefined;
        if (difference !== undefined) outcomes.set(contender, { kind: 'failed', why: difference });
        else entrants.set(contender, await this.#enter(driver, answer.note));
      });
    }
    for (let round = 0; round < this.#rounds; round++) {
      for (const [contender, entrant] of entrants) {
        if (round >= entrant.rounds) continue;
        await attempt(contender, () => takeTurn(entrant));
      }
    }
    for (const [contender, { samples, note }] of entrants) {
      outcomes.set(contender, { kind: 'timed', summary: summarize(samples), ...(note !== undefined && { note }) });
    }
    return outcomes;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#drivers.values()].map((driver) => driver.stop()));
  }

  async #enter(driver: Driver, note: string | undefined): Promise<Entrant> {
    const warm = await driver.warm(WARM_SECONDS);
    const each = warm.seconds / warm.iterations;
    const iterations = Math.max(1, Math.round(TURN_SECONDS / each));
    const affordable = Math.floor(BUDGET_SECONDS / (each * iterations));
    return { driver, note, iterations, rounds: Math.max(1, Math.min(this.#rounds, affordable)), samples: [] };
  }

  async #discard(contender: Contender): Promise<void> {
    const driver = this.#drivers.get(contender);
    this.#drivers.delete(contender);
    await driver?.stop();
  }
}

/** An iteration that is not counted brings the operands back into the caches; then the turn. */
async function takeTurn({ driver, iterations, samples }: Entrant): Promise<void> {
  await sleep(SETTLE_SECONDS * 1000);
  if (iterations > 1) await driver.time(1);
  const { seconds } = await driver.time(iterations);
  samples.push(seconds / iterations);
}

/** How a probe differs from the one it should equal, if it does. */
export function compare(probe: readonly number[], reference: readonly number[]): string | undefined {
  if (probe.length !== reference.length) return `computes ${probe.length} values, not ${reference.length}`;
  const at = probe.findIndex((value, i) => !close(value, reference[i]!));
  return at < 0 ? undefined : `computes something else: value ${at} is ${probe[at]}, not ${reference[at]}`;
}

const close = (value: number, expected: number): boolean =>
  Math.abs(value - expected) <= TOLERANCE * Math.max(1, Math.abs(expected));
