import { unpack } from './parcel.js';
import { failed, type WorkerPool } from './pool.js';

/** What came for a task: a batch, nothing as its stream is over, or an error. */
type Result = { readonly batch: unknown } | { readonly error: unknown } | null;

/** Who the batches are for. */
export interface Taker {
  /** What is given of what a worker made. */
  take(made: unknown): unknown;
  /** Called once, when no more are wanted: as there are no more, or before. */
  end(isWhole: boolean): void;
}

/**
 * The batches of an epoch, made by workers in turns and given in order. A few more than were asked for are under way or wait here.
 *
 * @see https://pytorch.org/docs/stable/data.html#multi-process-data-loading
 */
export class Delivery implements AsyncIterableIterator<unknown> {
  readonly #pool: WorkerPool;
  readonly #epoch: number;
  /** Items of each batch; null, for ever, for a stream. */
  readonly #tasks: Iterator<Int32Array | null>;
  readonly #most: number;
  readonly #taker: Taker;
  /** Workers whose stream goes on, in the order of their turns. */
  readonly #active: number[];
  readonly #results = new Map<number, Result>();
  #sent = 0;
  #taken = 0;
  #turn = 0;
  #gone: Error | null = null;
  #isAskedOut = false;
  #isOver = false;
  #wake: (() => void) | null = null;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * @param ahead how many batches per worker may be under way
   */
  constructor(pool: WorkerPool, tasks: Iterator<Int32Array | null>, ahead: number, taker: Taker) {
    this.#pool = pool;
    this.#tasks = tasks;
    this.#most = ahead * pool.size;
    this.#taker = taker;
    this.#active = Array.from({ length: pool.size }, (_, id) => id);
    this.#epoch = pool.begin((id, answer) => {
      if ('error' in answer) this.#gone = answer.error;
      else if (answer.epoch !== this.#epoch) return;
      else if (answer.kind === 'batch') this.#results.set(answer.task, { batch: unpack(answer.parcel) });
      else if (answer.kind === 'failed') this.#results.set(answer.task, { error: failed(id, answer.failure) });
      else this.#streamOver(id, answer.task);
      this.#wake?.();
    });
    this.#fill();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<unknown>> {
    const next = this.#last.then(() => this.#take());
    this.#last = next.catch(() => {});
    return next;
  }

  /** No more are wanted: not the one either that is waited for. */
  async return(): Promise<IteratorResult<unknown>> {
    this.#finish(false);
    return { done: true, value: undefined };
  }

  #streamOver(id: number, task: number): void {
    const at = this.#active.indexOf(id);
    if (at >= 0) {
      this.#active.splice(at, 1);
      if (at < this.#turn) this.#turn--;
    }
    this.#results.set(task, null);
  }

  async #take(): Promise<IteratorResult<unknown>> {
    while (!this.#isOver) {
      this.#fill();
      if (this.#taken === this.#sent) {
        this.#finish(true);
        break;
      }
      const result = await this.#arrival();
      if (result === undefined) break;
      this.#results.delete(this.#taken++);
      if (result === null) continue;
      this.#fill();
      return { done: false, value: this.#given(result) };
    }
    return { done: true, value: undefined };
  }

  #given(result: NonNullable<Result>): unknown {
    try {
      if ('error' in result) throw result.error;
      return this.#taker.take(result.batch);
    } catch (error) {
      this.#finish(false);
      throw error;
    }
  }

  /** What comes for the next task; undefined if nobody waits any more. */
  async #arrival(): Promise<Result | undefined> {
    if (!this.#results.has(this.#taken)) this.#pool.hold();
    while (!this.#isOver) {
      const result = this.#results.get(this.#taken) ?? null;
      if (result !== null || this.#results.has(this.#taken)) {
        this.#pool.letGo();
        return result;
      }
      if (this.#gone !== null) return { error: this.#gone };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return undefined;
  }

  /** Sends tasks to the workers in turns. */
  #fill(): void {
    while (this.#sent - this.#taken < this.#most && this.#active.length > 0) {
      const task = this.#nextTask();
      if (task === undefined) return;
      const id = this.#active[this.#turn % this.#active.length]!;
      this.#turn = (this.#turn + 1) % this.#active.length;
      this.#pool.send(id, { task: this.#sent++, epoch: this.#epoch, indices: task });
    }
  }

  /** Undefined where there are no more. What goes wrong in asking is told when its batch would be. */
  #nextTask(): Int32Array | null | undefined {
    if (this.#isAskedOut) return undefined;
    try {
      const { done, value } = this.#tasks.next();
      this.#isAskedOut = done === true;
      return this.#isAskedOut ? undefined : (value as Int32Array | null);
    } catch (error) {
      this.#isAskedOut = true;
      this.#results.set(this.#sent++, { error });
      return undefined;
    }
  }

  #finish(isWhole: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#results.clear();
    this.#pool.letGo();
    this.#taker.end(isWhole);
    this.#wake?.();
  }
}
