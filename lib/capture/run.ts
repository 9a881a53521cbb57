import { isFloat } from '../backend/index.js';
import { type Dataset, Subset, TensorDataset } from '../data/dataset.js';
import { DataLoader, type DataLoaderOptions } from '../data/loader.js';
import { CaptureError, ValueError } from '../errors.js';
import { checkOptions } from '../options.js';
import { contiguous } from '../tensor/conversion.js';
import { tensor } from '../tensor/creation.js';
import { emptyOf } from '../tensor/empty.js';
import { indexSelect } from '../tensor/indexing.js';
import { checkInteger, describe } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { narrow } from '../tensor/views.js';
import type { Case } from './case.js';
import type { Steps } from './program.js';
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

export interface RunOptions
  extends Pick<DataLoaderOptions<unknown, unknown>, 'batchSize' | 'shuffle' | 'dropLast' | 'generator'> {
  /** How often to go through the source. Default: 1. */
  epochs?: number;
  /** Stops after the step under way; the promise is then rejected with the signal's reason. Default: none. */
  signal?: AbortSignal;
  /** Called every `progressInterval` milliseconds while it runs, and at the end. Default: none. */
  onProgress?: (progress: Progress) => void;
  /** Default: 200. */
  progressInterval?: number;
  /** Called after each epoch, when everything can be used: to validate, to change rates. If it returns false (or a promise of it), that was the last epoch. Default: none. */
  onEpoch?: (end: EpochEnd) => unknown;
}

/** Where batches come from: rows of tensors, a loader, or anything that gives batches one after the other. */
export type Source =
  | DataLoader<unknown, unknown>
  | TensorDataset<Tensor[]>
  | readonly Tensor[]
  | Iterable<unknown>
  | AsyncIterable<unknown>;

/** What a run needs of a captured function: the program for arguments, if there is one, and the call that else records it. */
export interface Steppable {
  readonly where: string;
  find(args: readonly unknown[]): Case<unknown> | null;
  call(args: readonly unknown[]): unknown;
}

const LOADER_OPTIONS = ['batchSize', 'shuffle', 'dropLast', 'generator'] as const;
const OPTIONS = [...LOADER_OPTIONS, 'epochs', 'signal', 'onProgress', 'progressInterval', 'onEpoch'];

/** Calls a captured function for every batch of every epoch, in the background. Resolves to the losses of all steps. */
export async function run(captured: Steppable, source: Source, options: RunOptions): Promise<Float64Array> {
  checkRunOptions(captured.where, options);
  const epoch = epochOf(captured.where, source, options);
  const run = new Run(captured, options);
  try {
    for (let i = 1; i <= (options.epochs ?? 1); i++) {
      const first = run.step;
      run.epoch = i;
      await epoch(run);
      const losses = run.losses().subarray(first);
      if (losses.length === 0) throw new ValueError(`${captured.where}: run: the source gave no batches in epoch ${i}`);
      const loss = losses.reduce((sum, one) => sum + one, 0) / losses.length;
      if ((await options.onEpoch?.({ epoch: i, losses, loss })) === false) break;
    }
  } finally {
    run.end();
  }
  return run.losses();
}

function checkRunOptions(where: string, options: RunOptions): void {
  checkOptions(`${where}: run`, options, OPTIONS);
  const { epochs = 1, progressInterval = 200, signal } = options;
  checkInteger(`${where}: run`, 'epochs', epochs, 1);
  checkInteger(`${where}: run`, 'progressInterval', progressInterval, 1);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new ValueError(`${where}: run: signal: expected an AbortSignal, got ${describe(signal)}`);
  }
}

/** What an epoch of a source is: rows that the background gathers by itself, or batches that are handed over. */
function epochOf(where: string, source: Source, options: RunOptions): (run: Run) => Promise<void> {
  const { batchSize, shuffle, dropLast, generator } = options;
  const given = Object.fromEntries(
    Object.entries({ batchSize, shuffle, dropLast, generator }).filter(([, value]) => value !== undefined),
  );
  const dataset = datasetOf(source);
  if (dataset !== null) return epochOfLoader(new DataLoader(dataset, given));
  const [extra] = Object.keys(given);
  if (extra !== undefined) {
    throw new ValueError(`${where}: run: ${extra} is for tensors and data sets; this source makes its own batches`);
  }
  if (source instanceof DataLoader) return epochOfLoader(source);
  if (typeof source === 'object' && source !== null && (Symbol.asyncIterator in source || Symbol.iterator in source)) {
    return (run) => run.batches(source as AsyncIterable<unknown>);
  }
  throw new ValueError(
    `${where}: run: expected tensors, a TensorDataset, a DataLoader or an iterable of batches, got ${describe(source)}`,
  );
}

function datasetOf(source: Source): Dataset<unknown, unknown> | null {
  if (source instanceof TensorDataset || source instanceof Subset) return source;
  const areRows = Array.isArray(source) && source.length > 0 && source.every((item) => item instanceof Tensor);
  return areRows ? new TensorDataset(...(source as Tensor[])) : null;
}

function epochOfLoader(loader: DataLoader<unknown, unknown>): (run: Run) => Promise<void> {
  const rows = loader.collate === undefined ? rowsOf(loader.dataset) : null;
  if (rows === null) return (run) => run.batches(loader);
  const tensors = rows.tensors.map(contiguous);
  return (run) => run.rows(tensors, loader.order().map(rows.at), loader.batchSize, loader.dropLast);
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
  return whole === null ? null : { tensors: whole.tensors, at: (index) => whole.at(dataset.indices[index]!) };
}

/** Calls of a new kind that are made here, where they are recorded, before the background must know them. */
const MOST_RECORDINGS = 4;

/** One call of `run`: the losses so far, and what stops it and reports of it. */
class Run {
  epoch = 1;
  readonly #captured: Steppable;
  readonly #options: RunOptions;
  #losses = new Float64Array(1024);
  #done = 0;
  /** The steps under way in the background, their losses, and how they are told to stop. */
  #current: { readonly control: Int32Array; readonly history: Tensor } | null = null;
  readonly #stop = (): void => {
    if (this.#current !== null) Atomics.store(this.#current.control, 0, 1);
  };
  readonly #timer: NodeJS.Timeout | undefined;
  #examples = 0;
  #reported = { examples: 0, time: performance.now() };
  #batchSize = 0;

  constructor(captured: Steppable, options: RunOptions) {
    this.#captured = captured;
    this.#options = options;
    options.signal?.throwIfAborted();
    options.signal?.addEventListener('abort', this.#stop);
    if (options.onProgress !== undefined) {
      this.#timer = setInterval(() => this.#report(), options.progressInterval ?? 200);
    }
  }

  end(): void {
    clearInterval(this.#timer);
    this.#options.signal?.removeEventListener('abort', this.#stop);
    if (this.step > 0) this.#report();
  }

  /** Steps done. */
  get step(): number {
    return this.#done + (this.#current === null ? 0 : Atomics.load(this.#current.control, 1));
  }

  losses(): Float64Array {
    return this.#losses.slice(0, this.#done);
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
    for (let i = 0; i < steps; i++) {
      this.#options.signal?.throwIfAborted();
      const args = tensors.map((x) => indexSelect(x, 0, narrow(order, 0, i * batchSize, batchSize)));
      const known = this.#captured.find(args);
      if (known !== null) {
        const feeds = tensors.map((rows, port) => ({ port, rows }));
        const rest = narrow(order, 0, i * batchSize, (steps - i) * batchSize);
        return await this.#background(known, args, { steps: steps - i, feeds, order: rest, batchSize });
      }
      if (i === MOST_RECORDINGS) throw neverTheSame(this.#captured.where);
      this.#here(args, batchSize);
    }
  }

  /** An epoch over batches that come one by one; the next is asked for while one is used. */
  async batches(source: AsyncIterable<unknown> | Iterable<unknown>): Promise<void> {
    const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
    let next = Promise.resolve(iterator.next());
    try {
      for (let batch = await next; batch.done !== true; batch = await next) {
        next = Promise.resolve(iterator.next());
        next.catch(() => {});
        await this.#batch(Array.isArray(batch.value) ? batch.value : [batch.value]);
      }
    } catch (error) {
      await iterator.return?.();
      throw error;
    }
  }

  async #batch(args: readonly unknown[]): Promise<void> {
    this.#options.signal?.throwIfAborted();
    const tensors = tensorsIn(args);
    const batchSize = tensors[0]?.shape[0] ?? 1;
    const known = this.#captured.find(args);
    if (known === null) this.#here(args, batchSize);
    else await this.#background(known, tensors, { steps: 1, feeds: [], order: emptyOf([0], 'int32'), batchSize });
  }

  #here(args: readonly unknown[], batchSize: number): void {
    const result = this.#captured.call(args);
    const loss = tensorsIn(result).find((x) => x.numel() === 1 && isFloat(x.dtype));
    this.#keep([loss?.item() ?? Number.NaN], batchSize);
  }

  async #background(known: Case<unknown>, inputs: readonly Tensor[], steps: BackgroundSteps): Promise<void> {
    const control = new Int32Array(2);
    const history = emptyOf([steps.steps], 'float64');
    this.#current = { control, history };
    this.#batchSize = steps.batchSize;
    try {
      await known.start(inputs, { ...steps, control, history: history.storage });
    } finally {
      this.#current = null;
      this.#keep(history.toTypedArray().subarray(0, control[1]), steps.batchSize);
    }
    this.#options.signal?.throwIfAborted();
  }

  #keep(losses: ArrayLike<number>, batchSize: number): void {
    const end = this.#done + losses.length;
    if (end > this.#losses.length) {
      const longer = new Float64Array(Math.max(end, 2 * this.#losses.length));
      longer.set(this.#losses);
      this.#losses = longer;
    }
    this.#losses.set(losses, this.#done);
    this.#done = end;
    this.#examples += losses.length * batchSize;
  }

  #report(): void {
    const step = this.step;
    if (step === 0) return;
    const running = step - this.#done;
    const loss = running > 0 ? this.#current!.history.storage.array('float64')[running - 1]! : this.#losses[step - 1]!;
    const examples = this.#examples + running * this.#batchSize;
    const time = performance.now();
    const examplesPerSecond = ((examples - this.#reported.examples) / (time - this.#reported.time)) * 1000;
    this.#reported = { examples, time };
    this.#options.onProgress?.({ step, epoch: this.epoch, loss, examplesPerSecond });
  }
}

type BackgroundSteps = Pick<Steps, 'steps' | 'feeds' | 'order' | 'batchSize'>;

const neverTheSame = (where: string): CaptureError =>
  new CaptureError(
    `${where}: run: ${MOST_RECORDINGS} calls were recorded, and none can be replayed: something it depends on changes with every call`,
  );
