import { CapturedFunction } from '../capture/capture.js';
import { datasetOf, type Outcome, type Progress, run as runCaptured } from '../capture/run.js';
import { DataLoader } from '../data/loader.js';
import { FormatError, ValueError } from '../errors.js';
import type { PlainData } from '../io/nest.js';
import type { StateDict } from '../nn/module.js';
import { clipGradNorm_, clipGradValue_ } from '../nn/utils/clip-grad.js';
import { tensor } from '../ops/creation.js';
import { chunk } from '../ops/views.js';
import type { LRScheduler } from '../optim/lr-scheduler/lr-scheduler.js';
import { ReduceLROnPlateau } from '../optim/lr-scheduler/plateau.js';
import type { AnyOptimizer, Scheduler } from '../optim/lr-scheduler/scheduler.js';
import { isRecord } from '../realm.js';
import { isTensor, shapeOf, type Tensor } from '../tensor/tensor.js';
import { CheckpointManager } from './checkpoint/manager.js';
import type { AnyLoader } from './checkpoint/parts.js';
import { measuring } from './measuring.js';
import { LearningModes, modesOf } from './modes.js';
import { ProgressBar } from './progress.js';
import type { EpochResult, TrainSettings } from './train.js';

/** How far a training has come: what its checkpoints keep beside the states of its parts. */
interface Standing {
  /** What the epochs that are over came to. */
  readonly history: EpochResult[];
  /** The losses of the steps of the epoch under way, and whether these are all. */
  readonly losses: number[];
  readonly isOver: boolean;
  /** Steps of all epochs. */
  readonly steps: number;
  readonly best: Best;
}

/** The best epoch so far; 0 for none. */
interface Best {
  readonly epoch: number;
  readonly value: number;
  readonly weights: StateDict | null;
}

const listed = <T extends object>(given: T | readonly T[]): readonly T[] =>
  Array.isArray(given) ? given : [given as T];

/** One call of `train`. */
export class Training {
  readonly #settings: TrainSettings;
  readonly #loader: AnyLoader | null;
  readonly #step: CapturedFunction<[Tensor, Tensor], Tensor>;
  readonly #measure: ReturnType<typeof measuring>;
  readonly #manager: CheckpointManager | null;
  readonly #modes: LearningModes;
  #standing: Standing;
  /** The steps of the last checkpoint. */
  #saved: number | null = null;

  constructor(settings: TrainSettings) {
    this.#settings = settings;
    this.#loader = loaderOf(settings);
    if (settings.checkpointEvery !== null && this.#loader === null) {
      throw new ValueError(
        'train: checkpointEvery needs tensors, a data set or a loader of one: what is left of an iterable in the middle of an epoch is not known',
      );
    }
    this.#step = new CapturedFunction(stepOf(settings), 'train');
    this.#measure = measuring(settings);
    this.#modes = new LearningModes(settings.model);
    const { checkpoints, mode } = settings;
    const isMade = checkpoints === null || checkpoints instanceof CheckpointManager;
    this.#manager = isMade ? checkpoints : new CheckpointManager(checkpoints, { mode });
    const value = mode === 'min' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
    this.#standing = { history: [], losses: [], isOver: false, steps: 0, best: { epoch: 0, value, weights: null } };
  }

  async run(): Promise<EpochResult[]> {
    await this.#begin();
    const { signal, model } = this.#settings;
    // A model that came in evaluation mode goes so again.
    const back = model.training ? () => {} : modesOf(model);
    try {
      for (let goOn: unknown = true; goOn !== false && this.#goesOn(); signal?.throwIfAborted())
        goOn = await this.#epoch();
    } catch (error) {
      if (signal?.aborted === true && this.#canSave()) await this.#save(null);
      throw error;
    } finally {
      back();
    }
    const { best, history } = this.#standing;
    if (best.weights !== null) model.loadStateDict(best.weights);
    return history;
  }

  /** Goes on from a checkpoint, or sees that there is none. */
  async #begin(): Promise<void> {
    const manager = this.#manager;
    if (manager === null) return;
    if (!this.#settings.resume && (await manager.latest()) !== null) {
      throw new ValueError(
        `train: ${manager.folder} has checkpoints of a training before; go on from them with resume: true, or use another folder`,
      );
    }
    // What train itself keeps is looked at before the states of the parts change anything.
    const saved = await manager.load({ generator: null });
    if (saved === null) return;
    this.#standing = standingIn(saved.path, saved.extra);
    await manager.load(this.#parts());
    this.#saved = saved.step;
  }

  #goesOn(): boolean {
    const { history, best } = this.#standing;
    const { epochs, patience } = this.#settings;
    if (history.length >= epochs) return false;
    return patience === null || history.length === 0 || history.length - best.epoch < patience;
  }

  async #epoch(): Promise<unknown> {
    const { validation, onEpoch, loggers } = this.#settings;
    const epoch = this.#standing.history.length + 1;
    const bar = this.#bar(epoch);
    if (!this.#standing.isOver) await this.#steps(epoch, bar);
    const { losses } = this.#standing;
    const loss = losses.reduce((sum, one) => sum + one, 0) / losses.length;
    const measured = validation === null ? {} : await this.#measure(validation);
    const result: EpochResult = { epoch, loss, ...measured };
    const monitored = this.#monitored(result);
    for (const scheduler of listed<Scheduler>(this.#settings.epochSchedulers)) {
      if (scheduler instanceof ReduceLROnPlateau) scheduler.step(monitored ?? loss);
      else (scheduler as LRScheduler).step();
    }
    this.#standing = {
      ...this.#standing,
      history: [...this.#standing.history, result],
      losses: [],
      isOver: false,
      best: this.#betterOf(epoch, monitored),
    };
    bar?.finish(fieldsOf(result));
    for (const logger of listed(loggers)) await logger.log(result);
    const goOn = await onEpoch?.(result);
    await this.#save(monitored);
    return goOn;
  }

  /** The steps that are left of an epoch, with a checkpoint after every so many. */
  async #steps(epoch: number, bar: ProgressBar | null): Promise<void> {
    const { checkpointEvery } = this.#settings;
    this.#modes.set();
    for (;;) {
      const most = checkpointEvery === null ? Number.POSITIVE_INFINITY : this.#untilNext(checkpointEvery);
      await this.#someSteps(epoch, bar, most);
      if (this.#standing.isOver) return;
      await this.#save(null);
      // The next time it is gone through goes on from here.
      this.#loader!.loadStateDict(this.#loader!.stateDict());
      this.#settings.signal?.throwIfAborted();
    }
  }

  #untilNext(every: number): number {
    return every - (this.#standing.steps % every);
  }

  async #someSteps(epoch: number, bar: ProgressBar | null, most: number): Promise<void> {
    const { data, signal, onProgress, progressInterval } = this.#settings;
    const before = this.#standing;
    const done = before.losses.length;
    const told = (progress: Progress): unknown => {
      bar?.update(done + progress.step, () => ({ loss: progress.loss }));
      return onProgress?.({ ...progress, epoch, step: before.steps + progress.step });
    };
    const listens = bar !== null || onProgress !== null;
    const options = { signal, progressInterval, onProgress: listens ? told : null };
    const ended = ({ losses }: Outcome): void => {
      const isOver = losses.length > 0 && this.#loader !== null && this.#loader.stateDict().order === null;
      this.#standing = {
        ...before,
        losses: [...before.losses, ...losses],
        steps: before.steps + losses.length,
        isOver,
      };
    };
    await runCaptured(this.#step, [this.#loader ?? data, options], ended, most);
    // Of an iterable only its end is known.
    if (this.#loader === null) this.#standing = { ...this.#standing, isOver: true };
  }

  #bar(epoch: number): ProgressBar | null {
    if (!this.#settings.progress) return null;
    if (this.#loader === null)
      throw new ValueError('train: progress needs a source that knows how many batches it has; got an iterable');
    return new ProgressBar(`epoch ${epoch}/${this.#settings.epochs}`, this.#loader.length);
  }

  /** What says how good an epoch was; null without validation data. */
  #monitored({ validationLoss, metrics }: EpochResult): number | null {
    const { monitor } = this.#settings;
    if (validationLoss === undefined || monitor === 'loss') return validationLoss ?? null;
    const value = metrics![monitor];
    if (typeof value === 'number') return value;
    throw new ValueError(`train: the metric '${monitor}' is monitored, but gives no number`);
  }

  #betterOf(epoch: number, value: number | null): Best {
    const { best } = this.#standing;
    const { mode, model } = this.#settings;
    if (value === null || !(mode === 'min' ? value < best.value : value > best.value)) return best;
    return { epoch, value, weights: copyOf(model.stateDict()) };
  }

  #parts() {
    const { model, optimizer, schedulers, epochSchedulers } = this.#settings;
    return {
      model,
      optimizer,
      schedulers: [...listed<Scheduler>(schedulers), ...listed<Scheduler>(epochSchedulers)],
      loader: this.#loader as never,
    };
  }

  /** Whether there is anything new to save. In the middle of an epoch, what is left of an iterable is not known. */
  #canSave(): boolean {
    if (this.#standing.steps === (this.#saved ?? 0)) return false;
    return this.#loader !== null || this.#standing.losses.length === 0 || this.#standing.isOver;
  }

  async #save(metric: number | null): Promise<void> {
    const { steps, losses, ...rest } = this.#standing;
    const extra = { train: { ...rest, steps, losses: tensor(Float64Array.from(losses)) } };
    const isNumber = metric !== null && !Number.isNaN(metric);
    await this.#manager?.save({ ...this.#parts(), step: steps, extra, metric: isNumber ? metric : null });
    this.#saved = steps;
  }
}

/** The batches of data that can be gone on with in the middle; null for an iterable that makes its own, and for a stream. */
function loaderOf({ data, validation, batchSize, shuffle, dropLast, generator }: TrainSettings): AnyLoader | null {
  const given = Object.entries({ batchSize, shuffle, dropLast, generator }).filter(([, value]) => value !== null);
  const dataset = datasetOf(data);
  if (dataset !== null) return new DataLoader(dataset, Object.fromEntries(given)) as AnyLoader;
  const isForValidation = validation !== null && datasetOf(validation) !== null;
  const extra = given.find(([name]) => !(name === 'batchSize' && isForValidation));
  if (extra !== undefined) {
    throw new ValueError(`train: ${extra[0]} is for tensors and data sets; this source makes its own batches`);
  }
  return data instanceof DataLoader && !data.isStream ? data : null;
}

/** What a step does: the loss of a batch, in parts, and an update. */
function stepOf({ model, loss, optimizer, schedulers, clipNorm, clipValue, accumulate }: TrainSettings) {
  const parameters = (optimizer as AnyOptimizer).paramGroups.flatMap(({ params }) => params);
  return (x: Tensor, y: Tensor): Tensor => {
    optimizer.zeroGrad();
    const value = accumulate === 1 ? learnt(loss(model.forward(x), y), 1) : inParts(x, y);
    if (clipNorm !== null) clipGradNorm_(parameters, clipNorm);
    if (clipValue !== null) clipGradValue_(parameters, clipValue);
    optimizer.step();
    for (const scheduler of listed<Scheduler>(schedulers)) (scheduler as LRScheduler).step();
    return value;
  };

  /** Adds the gradients of a part of the whole, and gives its share of the loss. */
  function learnt(value: Tensor, share: number): Tensor {
    const part = share === 1 ? value : value.mul(share);
    part.backward();
    return part;
  }

  function inParts(x: Tensor, y: Tensor): Tensor {
    const [xs, ys] = [chunk(x, accumulate), chunk(y, accumulate)];
    const count = shapeOf(x)[0]!;
    const losses = xs.map((part, i) => learnt(loss(model.forward(part), ys[i]!), shapeOf(part)[0]! / count).detach());
    return losses.reduce((sum, one) => sum.add(one));
  }
}

const copyOf = (state: StateDict): StateDict =>
  Object.fromEntries(Object.entries(state).map(([name, one]) => [name, one.clone()]));

/** What is shown of an epoch: its numbers. */
function fieldsOf({ loss, validationLoss, metrics = {} }: EpochResult): Record<string, number> {
  const all = { loss, ...(validationLoss !== undefined && { validation: validationLoss }), ...metrics };
  return Object.fromEntries(
    Object.entries(all).filter((field): field is [string, number] => typeof field[1] === 'number'),
  );
}

const isResult = (value: unknown): value is EpochResult =>
  isRecord(value) && typeof value.epoch === 'number' && typeof value.loss === 'number';

const isBest = (value: unknown): value is Best =>
  isRecord(value) &&
  typeof value.epoch === 'number' &&
  typeof value.value === 'number' &&
  (value.weights === null || (isRecord(value.weights) && Object.values(value.weights).every(isTensor)));

function standingIn(file: string, extra: PlainData): Standing {
  const saved: unknown = isRecord(extra) ? extra.train : undefined;
  if (!isRecord(saved)) throw new FormatError(`${file} is no checkpoint of train: it says nothing of epochs`);
  const { history, losses, isOver, steps, best } = saved;
  const isWhole = Array.isArray(history) && history.every(isResult) && isTensor(losses) && losses.ndim === 1;
  if (!isWhole || typeof isOver !== 'boolean' || typeof steps !== 'number' || !isBest(best))
    throw new FormatError(`${file}: what train keeps of its epochs is not as train writes it`);
  return { history, losses: [...losses.toTypedArray()], isOver, steps, best };
}
