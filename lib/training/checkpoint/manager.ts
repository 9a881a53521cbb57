import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArgumentsOf, NamedOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { FormatError, ValueError } from '../../errors.js';
import { loadSafetensorsMetadata } from '../../io/safetensors.js';
import { absolutePath } from '../../path.js';
import * as kinds from '../../tensor/kinds.js';
import { type Checkpoint, checkpointWriter, type LoadCheckpointOptions, readCheckpoint, saving } from './checkpoint.js';
import { partKinds } from './parts.js';

const managing = signature('folder, /, *, keepLast, mode', {
  folder: kinds.path,
  /** How many of the newest checkpoints stay. Default: 3. */
  keepLast: kinds.integerFrom(1).default(3),
  /** Whether the best metric is the lowest or the highest. Default: 'min'. */
  mode: kinds.choice('min', 'max').default('min'),
});

export interface CheckpointManagerOptions extends OptionsOf<typeof managing> {}

const managed = signature('*, model, optimizer, schedulers, loader, generator, step, extra, metric', {
  ...partKinds,
  /** Whatever else is to be kept: numbers, texts, tensors, arrays and objects of them. Default: null, nothing. */
  extra: saving.kinds.extra,
  /** How far training has come: it names the file. */
  step: kinds.integerFrom(0),
  /** How good the model is, so that the best one stays. Default: null, which says nothing. */
  metric: kinds.real.optional(),
});

const loadingLast = signature('*, model, optimizer, schedulers, loader, generator', partKinds);

export interface ManagedCheckpointOptions extends OptionsOf<typeof managed> {}

/** A checkpoint in a folder. */
export interface CheckpointFile {
  readonly path: string;
  readonly step: number;
  /** What was said of how good the model was. */
  readonly metric: number | null;
}

/** A checkpoint that was loaded, and where it was. */
export interface LoadedCheckpoint extends Checkpoint {
  readonly path: string;
}

const METRIC_KEY = 'nabla.metric';
const NAME = /^checkpoint-(\d+)\.safetensors$/;
/** So many digits that names are in order. */
const DIGITS = 10;

/**
 * The checkpoints of one training run, in a folder of their own: the newest few, and the one with the best metric, stay.
 *
 * @throws ValueError for options that make no sense
 * @example
 * ```ts
 * const model = new nn.Linear(2, 1);
 * const manager = new CheckpointManager('checkpoints', { keepLast: 1 });
 * for (const [i, loss] of [0.5, 0.2, 0.4].entries()) await manager.save({ model, step: i + 1, metric: loss });
 * (await manager.list()).map(({ step }) => step); // [2, 3]
 * (await manager.best())?.step; // 2
 * (await manager.load({ model }))?.step; // 3
 * ```
 */
export class CheckpointManager {
  readonly folder: string;
  readonly keepLast: number;
  readonly mode: 'min' | 'max';
  /** The last save, which the next one waits for. */
  #saved: Promise<unknown> = Promise.resolve();

  constructor(...args: ArgumentsOf<typeof managing, CheckpointManagerOptions>) {
    const { folder, keepLast, mode } = managing.named('CheckpointManager', args);
    this.folder = absolutePath('CheckpointManager', folder);
    this.keepLast = keepLast;
    this.mode = mode;
  }

  /**
   * Saves a checkpoint, as `saveCheckpoint` does, and then removes what need not stay. Gives its path.
   *
   * @throws ValueError if the folder has a checkpoint of a later step: it is of another run, or of one that should have gone on from there
   */
  async save(...args: ArgumentsOf<typeof managed, ManagedCheckpointOptions>): Promise<string> {
    const where = 'CheckpointManager.save';
    const write = this.#writing(where, managed.named(where, args));
    const saved = this.#saved.then(write, write);
    this.#saved = saved.catch(() => {});
    return saved;
  }

  /** Takes what is to be saved as it is now, and gives what writes it. */
  #writing(where: string, { metric, ...parts }: NamedOf<typeof managed>): () => Promise<string> {
    const path = join(this.folder, `checkpoint-${String(parts.step).padStart(DIGITS, '0')}.safetensors`);
    const write = checkpointWriter(where, path, parts, metric === null ? {} : { [METRIC_KEY]: String(metric) });
    return async () => {
      await mkdir(this.folder, { recursive: true });
      const later = await this.latest();
      if (later !== null && later.step > parts.step) {
        throw new ValueError(
          `${where}: ${this.folder} has a checkpoint of step ${later.step}, which is later than step ${parts.step}; go on from it, or use another folder`,
        );
      }
      await write();
      await this.#prune();
      return path;
    };
  }

  /** All whole checkpoints, the oldest first. */
  async list(): Promise<CheckpointFile[]> {
    const files = await Promise.all((await this.#steps()).map(withMetric));
    return files.filter((file) => file !== null);
  }

  /** The newest whole checkpoint; null if there is none. */
  async latest(): Promise<CheckpointFile | null> {
    return (await this.list()).at(-1) ?? null;
  }

  /** The one with the best metric, of equal ones the first; null if none has one. */
  async best(): Promise<CheckpointFile | null> {
    return this.#bestOf(await this.list());
  }

  /**
   * Goes on from the newest whole checkpoint, as `loadCheckpoint` does; files that are damaged are passed over. Null if there is none.
   *
   * @throws what `loadCheckpoint` throws for a whole file that does not fit the parts
   */
  async load(...args: ArgumentsOf<typeof loadingLast, LoadCheckpointOptions>): Promise<LoadedCheckpoint | null> {
    const parts = loadingLast.named('CheckpointManager.load', args);
    const newest = await this.latest();
    return newest && { path: newest.path, ...(await readCheckpoint('CheckpointManager.load', newest.path, parts)) };
  }

  #bestOf(files: readonly CheckpointFile[]): CheckpointFile | null {
    const sign = this.mode === 'min' ? 1 : -1;
    const measured = files.filter(({ metric }) => metric !== null);
    return measured.reduce<CheckpointFile | null>(
      (best, one) => (best === null || sign * one.metric! < sign * best.metric! ? one : best),
      null,
    );
  }

  async #prune(): Promise<void> {
    const files = await this.list();
    const best = this.#bestOf(files);
    const old = files.slice(0, -this.keepLast).filter((file) => file !== best);
    await Promise.all(old.map(({ path }) => rm(path, { force: true })));
  }

  /** Files by their names, the oldest first. */
  async #steps(): Promise<Omit<CheckpointFile, 'metric'>[]> {
    const names = await readdir(this.folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    return names
      .flatMap((name) => {
        const step = NAME.exec(name)?.[1];
        return step === undefined ? [] : [{ path: join(this.folder, name), step: Number(step) }];
      })
      .sort((a, b) => a.step - b.step);
  }
}

/** A file with the metric that it says; null if it is damaged, or gone meanwhile. */
async function withMetric({ path, step }: Omit<CheckpointFile, 'metric'>): Promise<CheckpointFile | null> {
  try {
    const metric = (await loadSafetensorsMetadata(path))[METRIC_KEY];
    return { path, step, metric: metric === undefined ? null : Number(metric) };
  } catch (error) {
    if (error instanceof FormatError || (error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
