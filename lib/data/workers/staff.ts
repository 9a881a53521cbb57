import { ValueError } from '../../errors.js';
import type { IterableDataset } from '../combined.js';
import { type Dataset, Subset } from '../dataset.js';
import { Delivery } from './delivery.js';
import { originOf } from './origin.js';
import { WorkerPool } from './pool.js';
import type { Start } from './protocol.js';

/** What a DataLoader says of its workers, and of the batches that they make. */
export interface Hiring {
  readonly numWorkers: number;
  readonly workerInit: string | null;
  readonly prefetchFactor: number | null;
  readonly persistentWorkers: boolean;
  readonly batchSize: number;
  readonly dropLast: boolean;
}

type Source = Dataset<unknown, unknown> | IterableDataset<unknown>;

/** Batches that each worker makes ahead, as in PyTorch. */
const AHEAD = 2;

/** Ends the workers of loaders that nobody has any more. */
const forgotten = new FinalizationRegistry((pool: WorkerPool) => pool.end());

/** The workers of a DataLoader: new ones for each epoch, or those that stay. */
export class Staff {
  readonly #starts: readonly Omit<Start, 'seed'>[];
  /** The item of the imported data set that an item of the loader's is. */
  readonly #place: (index: number) => number;
  readonly #ahead: number;
  readonly #persistent: boolean;
  #pool: WorkerPool | null = null;
  /** Whether an epoch has the workers that stay. */
  #isTaken = false;

  /** Null where there are to be no workers. */
  static of(source: object, hiring: Hiring, batches: boolean): Staff | null {
    const { numWorkers, workerInit, prefetchFactor, persistentWorkers } = hiring;
    if (numWorkers > 0) return new Staff(source as Source, hiring, batches);
    const idle = Object.entries({ workerInit, prefetchFactor, persistentWorkers: persistentWorkers || null });
    const [extra] = idle.filter(([, value]) => value !== null).map(([name]) => name);
    if (extra === undefined) return null;
    throw new ValueError(`DataLoader: ${extra} is for loaders with workers: set numWorkers to 1 or more`);
  }

  private constructor(source: Source, hiring: Hiring, batches: boolean) {
    const { numWorkers, workerInit, prefetchFactor, persistentWorkers, batchSize, dropLast } = hiring;
    const { whole, place } = wholeOf(source);
    const origin = originOf(whole);
    if (origin === undefined) {
      throw new ValueError(
        'DataLoader: numWorkers: functions do not travel between threads, so workers make the data set again: get it by importDataset(module, name), or make batches in this thread (numWorkers: 0)',
      );
    }
    this.#starts = Array.from({ length: numWorkers }, (_, id) => {
      return { ...origin, id, numWorkers, batchSize, dropLast, batches, init: workerInit };
    });
    this.#place = place;
    this.#ahead = prefetchFactor ?? AHEAD;
    this.#persistent = persistentWorkers;
  }

  /**
   * The batches of an epoch.
   *
   * @param parts the items of each; null for a stream
   */
  deliver(
    seed: number,
    parts: Iterable<Int32Array> | null,
    take: (made: unknown) => unknown,
    over: () => void,
  ): Delivery {
    const { pool, leave } = this.#hired(seed);
    const end = (isWhole: boolean) => {
      leave();
      if (isWhole) over();
    };
    return new Delivery(pool, parts === null ? endless() : this.#placed(parts), this.#ahead, { take, end });
  }

  *#placed(parts: Iterable<Int32Array>): Iterator<Int32Array> {
    for (const part of parts) yield part.map(this.#place);
  }

  #hired(seed: number): { readonly pool: WorkerPool; readonly leave: () => void } {
    if (!this.#persistent || this.#isTaken) {
      const pool = this.#started(seed);
      return { pool, leave: () => pool.end() };
    }
    if (this.#pool?.isWhole !== true) {
      this.#pool?.end();
      this.#pool = this.#started(seed);
      forgotten.register(this, this.#pool);
    }
    this.#isTaken = true;
    const leave = () => {
      this.#isTaken = false;
    };
    return { pool: this.#pool, leave };
  }

  #started(seed: number): WorkerPool {
    return new WorkerPool(this.#starts.map((start) => ({ ...start, seed: (seed + start.id) % 2 ** 32 })));
  }
}

/** The data set that parts are of. */
function wholeOf(source: Source): { readonly whole: Source; readonly place: (index: number) => number } {
  if (!(source instanceof Subset)) return { whole: source, place: (index) => index };
  const { whole, place } = wholeOf(source.dataset);
  return { whole, place: (index) => place(source.place(index)) };
}

function* endless(): Iterator<null> {
  for (;;) yield null;
}
