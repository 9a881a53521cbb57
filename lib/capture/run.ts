import type { ArgumentsOf, NamedOf, OptionsOf } from '../arguments/forms.js';
import { type Kind, kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import { type Dataset, Subset, TensorDataset } from '../data/dataset.js';
import { checkIndex } from '../data/indices.js';
import { DataLoader } from '../data/loader.js';
import { CaptureError, ValueError } from '../errors.js';
import { contiguous } from '../ops/conversion.js';
import { tensor } from '../ops/creation.js';
import { indexSelect } from '../ops/indexing.js';
import { narrow } from '../ops/views.js';
import { isPromise } from '../realm.js';
import { emptyOf } from '../tensor/empty.js';
import * as kinds from '../tensor/kinds.js';
import { isTensor, storageOf, type Tensor, viewOf } from '../tensor/tensor.js';
import { type Case, lossIn } from './case.js';
import type { Lookahead } from './host.js';
import type { LoopParts } from './program.js';
import { tensorsIn } from './tree.js';

/** How far a run has come. */
export interface Progress {
  /** Steps done, in this epoch and before. */
  readonly step: number;
  /** The epoch under way, from 1. */
  readonly epoch: number;
  /** The loss of the last step. */
  readonly loss: number;
  /** Since the last report. */
  readonly examplesPerSecond: number;
}

/** An epoch that is over. */
export interface EpochEnd {
  /** From 1. */
  readonly epoch: number;
  /** The losses of its steps. */
  readonly losses: Float64Array;
  /** Their mean. */
  readonly loss: number;
}

/** Where batches come from: rows of tensors, a loader, or anything that gives batches one after the other. */
export type Source =
  | DataLoader<unknown, unknown>
  | TensorDataset<Tensor[]>
  | readonly Tensor[]
  | Iterable<unknown>
  | AsyncIterable<unknown>;

/** What batches are made of. */
export const source: Kind<Source> = kind(
  'tensors, a TensorDataset, a DataLoader or an iterable of batches',
  (value): value is Source =>
    typeof value === 'object' &&
    value !== null &&
    !isTensor(value) &&
    (Symbol.iterator in value ||
      Symbol.asyncIterator in value ||
      value instanceof TensorDataset ||
      value instanceof Subset),
);

/** How to go through a source. */
export const repeating = {
  /** How often to go through the source. Default: 1. */
  epochs: kinds.integerFrom(1).default(1),
  /** Examples per batch, where the source is tensors or a data set. Default: null, 1. */
  batchSize: kinds.integerFrom(1).optional(),
  /** Whether these come in another random order each epoch. Default: null, false. */
  shuffle: kinds.boolean.optional(),
  /** Whether to leave out a last batch of these that is not full. Default: null, false. */
  dropLast: kinds.boolean.optional(),
  /** Where their order is drawn from. Default: null, the stream that `manualSeed` starts. */
  generator: kinds.generator.optional(),
  /** Stops after the step under way; the promise is then rejected with the signal's reason. Default: null, nothing does. */
  signal: kinds.signal.optional(),
  /** Called every `progressInterval` milliseconds while it runs, and at the end. An error in it stops the run, which is then rejected with it. Default: null. */
  onProgress: kinds.callback<(progress: Progress) => unknown>().optional(),
  /** In milliseconds. Default: 200. */
  progressInterval: kinds.integerFrom(1, 2 ** 31 - 1).default(200),
};

const running = signature(
  'source, /, *, epochs, batchSize, shuffle, dropLast, generator, signal, onProgress, progressInterval, onEpoch',
  {
    source,
    ...repeating,
    /** Called after each epoch, when everything can be used: to validate, to change rates. If it returns false (or a promise of it), that was the last epoch. Default: null. */
    onEpoch: kinds.callback<(end: EpochEnd) => unknown>().optional(),
  },
);

export interface RunOptions extends OptionsOf<typeof running> {}

/** What `run` takes. */
export type RunArguments = ArgumentsOf<typeof running, RunOptions>;

type Settings = NamedOf<typeof running>;

/** A program for a call, and what JavaScript does in it and in calls to come. */
export interface Found {
  readonly known: Case<unknown>;
  readonly ahead: Lookahead;
}

/** What a run needs of a captured function: the program for arguments and up to so many steps, if there is one, and the call that else records it. */
export interface Steppable {
  readonly where: string;
  find(args: readonly unknown[], steps: number): Found | null;
  call(args: readonly unknown[]): unknown;
}

/** The losses of all steps, and how many examples each was of. */
export interface Outcome {
  readonly losses: Float64Array;
  readonly sizes: Float64Array;
}

/**
 * Calls a captured function for every batch of every epoch, in the background.
 *
 * @param ended is told what was done, however it ended
 * @param mostSteps after which it ends, in the middle of an epoch too
 */
export async function run(
  captured: Steppable,
  args: RunArguments,
  ended: (outcome: Outcome) => void = () => {},
  mostSteps = Number.POSITIVE_INFINITY,
): Promise<Outcome> {
  const settings = running.named(`${captured.where}: run`, args);
  const epoch = epochOf(captured.where, settings);
  const run = new Run(captured, settings, mostSteps);
  try {
    await runEpochs(run, epoch, captured.where, settings);
    await run.finish();
  } finally {
    run.end();
    ended(run.outcome());
  }
  return run.outcome();
}

async function runEpochs(run: Run, epoch: (run: Run) => Promise<void>, where: string, settings: Settings) {
  for (let i = 1; i <= settings.epochs; i++) {
    const first = run.step;
    run.epoch = i;
    await epoch(run);
    const losses = run.losses(first);
    if (losses.length === 0) throw new ValueError(`${where}: run: the source gave no batches in epoch ${i}`);
    const loss = losses.reduce((sum, one) => sum + one, 0) / losses.length;
    const goOn = await settings.onEpoch?.({ epoch: i, losses, loss });
    run.throwIfStopped();
    if (goOn === false || run.left === 0) return;
  }
}

/** What an epoch of a source is: rows that the background gathers by itself, or batches that are handed over. */
function epochOf(where: string, settings: Settings): (run: Run) => Promise<void> {
  const { source, batchSize, shuffle, dropLast, generator } = settings;
  const given = Object.fromEntries(
    Object.entries({ batchSize, shuffle, dropLast, generator }).filter(([, value]) => value !== null),
  );
  const dataset = datasetOf(source);
  if (dataset !== null) return epochOfLoader(where, new DataLoader(dataset, given));
  const [extra] = Object.keys(given);
  if (extra !== undefined) {
    throw new ValueError(`${where}: run: ${extra} is for tensors and data sets; this source makes its own batches`);
  }
  if (source instanceof DataLoader && !source.isStream) return epochOfLoader(where, source);
  return (run) => run.batches(source as Iterable<unknown> | AsyncIterable<unknown>);
}

/** The data set that a source is, from which batches are made here. */
export function datasetOf(source: Source): Dataset<unknown, unknown> | null {
  if (source instanceof TensorDataset || source instanceof Subset) return source;
  const areRows = Array.isArray(source) && source.length > 0 && source.every(isTensor);
  return areRows ? new TensorDataset(...(source as Tensor[])) : null;
}

function epochOfLoader(where: string, loader: DataLoader<unknown, unknown>): (run: Run) => Promise<void> {
  const rows = loader.collateFn === null ? rowsOf(loader.dataset) : null;
  return async (run) => {
    const epoch = loader.begin();
    const [first, { visited }] = [run.step, epoch];
    try {
      if (rows === null) await run.batches(loader.batches(epoch));
      else await runRows(run, where, rows, loader, epoch.order.subarray(visited));
    } finally {
      // Of batches that come one by one, the next was asked for already.
      loader.reach(epoch, Math.min(visited + (run.step - first) * loader.batchSize, epoch.order.length));
    }
  };
}

async function runRows(
  run: Run,
  where: string,
  rows: Rows,
  { batchSize, dropLast }: DataLoader<unknown, unknown>,
  items: Int32Array,
): Promise<void> {
  const order = items.map(rows.at);
  // Detached, they stay the memory that the order was checked against, whatever becomes of the tensors' data meanwhile.
  const tensors = rows.tensors.map((x) => contiguous(x.requiresGrad ? x : x.detach()));
  checkRows(where, order, tensors);
  await run.rows(tensors, order, batchSize, dropLast);
}

/** The background gathers rows unseen: none may be beyond the tensors as they are now. */
function checkRows(where: string, order: Int32Array, tensors: readonly Tensor[]): void {
  const count = Math.min(...tensors.map((x) => x.shape[0] ?? 0));
  for (let at = 0; at < order.length; at++) checkIndex(`${where}: run: rows`, at, order[at], count);
}

interface Rows {
  readonly tensors: readonly Tensor[];
  /** The row of the tensors that an item of the data set is. */
  readonly at: (index: number) => number;
}

function rowsOf(dataset: Dataset<unknown, unknown>): Rows | null {
  if (dataset instanceof TensorDataset) return { tensors: dataset.tensors, at: (index) => index };
  if (!(dataset instanceof Subset)) return null;
  const whole = rowsOf(dataset.dataset);
  return whole === null ? null : { tensors: whole.tensors, at: (index) => whole.at(dataset.place(index)) };
}

/** Calls of a new kind that are made here, where they are recorded, before the background must know them. */
const MOST_RECORDINGS = 4;

/** One call of `run`: the losses so far, and what stops it and reports of it. */
class Run {
  epoch = 1;
  readonly #captured: Steppable;
  readonly #settings: Settings;
  readonly #mostSteps: number;
  #losses = new Float64Array(1024);
  #sizes = new Float64Array(1024);
  #done = 0;
  /** What a callback threw. */
  #failure: { readonly error: unknown } | null = null;
  /** Callbacks that have returned a promise. */
  readonly #waiting = new Set<Promise<void>>();
  /** The steps under way in the background, their losses, and how they are told to stop. */
  #current: { readonly control: Int32Array; readonly history: Tensor; readonly ahead: Lookahead } | null = null;
  /** Ends the wait for a source. */
  #interrupt: ((reason: unknown) => void) | null = null;
  readonly #stop = (): void => {
    this.#interrupt?.(this.#failure === null ? this.#settings.signal?.reason : this.#failure.error);
    if (this.#current !== null) Atomics.store(this.#current.control, 0, 1);
  };
  readonly #timer: NodeJS.Timeout | undefined;
  #finished = false;
  #examples = 0;
  #reported = { examples: 0, time: performance.now() };
  #batchSize = 0;

  constructor(captured: Steppable, settings: Settings, mostSteps: number) {
    this.#captured = captured;
    this.#settings = settings;
    this.#mostSteps = mostSteps;
    settings.signal?.throwIfAborted();
    settings.signal?.addEventListener('abort', this.#stop);
    if (settings.onProgress !== null) {
      this.#timer = setInterval(() => this.#tell(), settings.progressInterval);
    }
  }

  /** Reports for the last time, and waits for what callbacks do. */
  async finish(): Promise<void> {
    clearInterval(this.#timer);
    this.#tell();
    await Promise.all(this.#waiting);
    this.throwIfStopped();
    this.#finished = true;
  }

  end(): void {
    clearInterval(this.#timer);
    this.#settings.signal?.removeEventListener('abort', this.#stop);
    if (!this.#finished && this.#failure === null) this.#tell();
  }

  /** Throws what a callback threw, or the reason of the signal. */
  throwIfStopped(): void {
    if (this.#failure !== null) throw this.#failure.error;
    this.#settings.signal?.throwIfAborted();
  }

  /** Steps done. */
  get step(): number {
    return this.#done + (this.#current === null ? 0 : Atomics.load(this.#current.control, 1));
  }

  /** Of the steps from `first` on. */
  losses(first: number): Float64Array {
    return this.#losses.slice(first, this.#done);
  }

  /** Steps that it may still do. */
  get left(): number {
    return this.#mostSteps - this.#done;
  }

  outcome(): Outcome {
    return { losses: this.losses(0), sizes: this.#sizes.slice(0, this.#done) };
  }

  /** An epoch over rows of tensors. */
  async rows(tensors: readonly Tensor[], order: Int32Array, batchSize: number, dropLast: boolean): Promise<void> {
    const indices = tensor(order);
    const full = Math.floor(order.length / batchSize);
    await this.#segment(tensors, narrow(indices, 0, 0, full * batchSize), batchSize);
    const rest = order.length - full * batchSize;
    if (rest > 0 && !dropLast) await this.#segment(tensors, narrow(indices, 0, full * batchSize, rest), rest);
  }

  /** Batches of one size: here until there is a program for them, then in the background. */
  async #segment(tensors: readonly Tensor[], order: Tensor, batchSize: number): Promise<void> {
    const steps = order.numel() / batchSize;
    const part = (first: number, count: number) => narrow(order, 0, first * batchSize, count * batchSize);
    for (let i = 0, recorded = 0; i < steps && this.left > 0; ) {
      this.throwIfStopped();
      const args = tensors.map((x) => indexSelect(x, 0, part(i, 1)));
      const found = this.#captured.find(args, Math.min(steps - i, this.left));
      if (found === null) {
        if (++recorded > MOST_RECORDINGS) throw neverTheSame(this.#captured.where);
        this.#here(args, batchSize);
        i++;
        continue;
      }
      const count = found.ahead.calls;
      const feeds = tensors.map((rows, port) => ({ port, rows: viewOf(rows) }));
      await this.#background(found, args, { feeds, order: viewOf(part(i, count)), batchSize });
      i += count;
      recorded = 0;
    }
  }

  /** An epoch over batches that come one by one; the next is asked for while one is used. */
  async batches(source: AsyncIterable<unknown> | Iterable<unknown>): Promise<void> {
    const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
    let next = Promise.resolve(iterator.next());
    next.catch(() => {});
    let done = Promise.resolve();
    try {
      for (let batch = await this.#before(next); batch.done !== true; batch = await this.#before(next)) {
        // It is on its way before the next is asked for: a source that fills one tensor again and again is refused, not misread.
        done = this.#batch(Array.isArray(batch.value) ? batch.value : [batch.value]);
        done.catch(() => {});
        const isLast = this.left <= 1;
        next = isLast ? END : Promise.resolve(iterator.next());
        next.catch(() => {});
        await done;
        if (isLast) await iterator.return?.();
      }
    } catch (error) {
      await done.catch(() => {});
      // Not awaited: a source that is still at work on the next batch would keep the error back, for ever maybe.
      new Promise((resolve) => resolve(iterator.return?.())).catch(() => {});
      throw error;
    }
  }

  /** What a promise gives, unless the run is stopped before. */
  async #before<T>(promise: Promise<T>): Promise<T> {
    const stopped = new Promise<never>((_, reject) => {
      this.#interrupt = reject;
    });
    try {
      this.throwIfStopped();
      return await Promise.race([promise, stopped]);
    } finally {
      this.#interrupt = null;
    }
  }

  async #batch(args: readonly unknown[]): Promise<void> {
    this.throwIfStopped();
    const tensors = tensorsIn(args);
    const batchSize = tensors[0]?.shape[0] ?? 1;
    const found = this.#captured.find(args, 1);
    if (found === null) this.#here(args, batchSize);
    else await this.#background(found, tensors, { feeds: [], order: viewOf(emptyOf([0], 'int32')), batchSize });
  }

  #here(args: readonly unknown[], batchSize: number): void {
    const loss = lossIn(this.#captured.call(args), this.#captured.where);
    this.#keep([loss.item()], batchSize);
  }

  async #background({ known, ahead }: Found, inputs: readonly Tensor[], steps: BackgroundSteps): Promise<void> {
    const control = new Int32Array(2);
    const history = emptyOf([ahead.calls], 'float64');
    this.#current = { control, history, ahead };
    this.#batchSize = steps.batchSize;
    try {
      await known.start(inputs, ahead, { ...steps, control, history: storageOf(history) });
    } finally {
      this.#current = null;
      ahead.reach(control[1]!);
      this.#keep(history.toTypedArray().subarray(0, control[1]), steps.batchSize);
    }
    this.throwIfStopped();
  }

  #keep(losses: ArrayLike<number>, batchSize: number): void {
    const end = this.#done + losses.length;
    if (end > this.#losses.length) {
      this.#losses = lengthened(this.#losses, end);
      this.#sizes = lengthened(this.#sizes, end);
    }
    this.#losses.set(losses, this.#done);
    this.#sizes.fill(batchSize, this.#done, end);
    this.#done = end;
    this.#examples += losses.length * batchSize;
  }

  /** Reports; an error in that stops the run. */
  #tell(): void {
    const fail = (error: unknown): void => {
      this.#failure ??= { error };
      this.#stop();
    };
    try {
      const returned = this.#report();
      if (!isPromise(returned)) return;
      const waiting = Promise.resolve(returned)
        .then(() => {}, fail)
        .finally(() => this.#waiting.delete(waiting));
      this.#waiting.add(waiting);
    } catch (error) {
      fail(error);
    }
  }

  #report(): unknown {
    const step = this.step;
    if (step === 0) return undefined;
    const running = step - this.#done;
    this.#current?.ahead.reach(running);
    const loss =
      running > 0 ? storageOf(this.#current!.history).array('float64')[running - 1]! : this.#losses[step - 1]!;
    const examples = this.#examples + running * this.#batchSize;
    const time = performance.now();
    const examplesPerSecond = ((examples - this.#reported.examples) / (time - this.#reported.time)) * 1000;
    this.#reported = { examples, time };
    return this.#settings.onProgress?.({ step, epoch: this.epoch, loss, examplesPerSecond });
  }
}

/** What a source that was asked for enough gives. */
const END: Promise<IteratorResult<unknown>> = Promise.resolve({ done: true, value: undefined });

function lengthened(values: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const longer = new Float64Array(Math.max(length, 2 * values.length));
  longer.set(values);
  return longer;
}

type BackgroundSteps = Pick<LoopParts, 'feeds' | 'order' | 'batchSize'>;

const neverTheSame = (where: string): CaptureError =>
  new CaptureError(
    `${where}: run: ${MOST_RECORDINGS} calls were recorded, and none can be replayed: something it depends on changes with every call`,
  );
