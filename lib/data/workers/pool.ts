import { createRequire } from 'node:module';
import type { Worker } from 'node:worker_threads';
import { builtin } from '../../builtin.js';
import { NablaError } from '../../errors.js';
import { messageOf } from '../../realm.js';
import type { Answer, Failure, Request, Start } from './protocol.js';

/** A worker that is gone, or did not begin. */
interface Gone {
  readonly id: number;
  readonly error: Error;
}

type Listener = (id: number, answer: Answer | Gone) => void;

/** Workers of a DataLoader. They keep the process alive only while somebody waits for them. */
export class WorkerPool {
  readonly size: number;
  readonly #workers: readonly Worker[];
  #listener: Listener = () => {};
  #gone: Gone | null = null;
  #epoch = 0;

  constructor(starts: readonly Start[]) {
    this.size = starts.length;
    this.#workers = starts.map((start) => this.#started(start));
  }

  #started(start: Start): Worker {
    const { id } = start;
    const worker = new (builtin('node:worker_threads').Worker)(program(), { workerData: start });
    const lost = (error: Error) => {
      this.#gone ??= { id, error };
      this.#listener(id, this.#gone);
    };
    worker.on('message', (answer: Answer) => this.#listener(id, answer));
    worker.on('messageerror', lost);
    worker.on('error', (error) => lost(workerError(id, messageOf(error), error)));
    worker.on('exit', (code) => lost(workerError(id, `it ended, with exit code ${code}`)));
    worker.unref();
    return worker;
  }

  /** Whose epoch begins gets all answers from now on. Returns its number. */
  begin(listener: Listener): number {
    this.#listener = listener;
    if (this.#gone !== null) listener(this.#gone.id, this.#gone);
    return ++this.#epoch;
  }

  send(id: number, request: Request): void {
    this.#workers[id]!.postMessage(request);
  }

  hold(): void {
    for (const worker of this.#workers) worker.ref();
  }

  letGo(): void {
    for (const worker of this.#workers) worker.unref();
  }

  /** Whether all workers are there. */
  get isWhole(): boolean {
    return this.#gone === null;
  }

  end(): void {
    this.#listener = () => {};
    for (const worker of this.#workers) void worker.terminate();
  }
}

/** The file that workers run: the package's own, as a program that was bundled into one file has no other to begin with. */
function program(): string {
  try {
    return createRequire(import.meta.url).resolve('nabla/data/worker');
  } catch (error) {
    const missing =
      'DataLoader: numWorkers: there is no nabla/data/worker for workers to run: install nabla where this program runs';
    throw Object.assign(new NablaError(missing, 'ERR_NABLA_WORKER'), { cause: error });
  }
}

/** What a worker says, in its words. */
export const failed = (id: number, { name, message, stack }: Failure): NablaError =>
  workerError(id, `${name}: ${message}`, stack);

function workerError(id: number, message: string, cause?: unknown): NablaError {
  const error = new NablaError(`DataLoader: worker ${id}: ${message}`, 'ERR_NABLA_WORKER');
  if (cause !== undefined) error.cause = cause;
  return error;
}
