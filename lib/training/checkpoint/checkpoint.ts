import { defineAsync } from '../../arguments/define.js';
import type { FunctionOf, NamedOf, OptionsOf } from '../../arguments/forms.js';
import { kind } from '../../arguments/kind.js';
import { signature } from '../../arguments/signature.js';
import { describe } from '../../describe.js';
import { FormatError } from '../../errors.js';
import { type PlainData, pack, unpack } from '../../io/nest.js';
import { readTensors, tensorWriter } from '../../io/safetensors.js';
import { absolutePath, type Path } from '../../path.js';
import { isRecord } from '../../realm.js';
import * as kinds from '../../tensor/kinds.js';
import { isTensor } from '../../tensor/tensor.js';
import { loadingOf, type Parts, partKinds, statesOf } from './parts.js';

// The parameters of what saves and what loads: those of a manager are the same, without a path.

/** Anything: what is none, `pack` says with the place in it where it is. */
const plainData = kind('plain data', (_value): _value is unknown => true);

export const saving = signature('path, /, *, model, optimizer, schedulers, loader, generator, step, extra', {
  path: kinds.path,
  ...partKinds,
  /** How far training has come. Default: null, which says nothing. */
  step: kinds.integerFrom(0).optional(),
  /** Whatever else is to be kept: numbers, texts, tensors, arrays and objects of them. Default: null, nothing. */
  extra: plainData.default(null),
});

export const restoring = signature('path, /, *, model, optimizer, schedulers, loader, generator', {
  path: kinds.path,
  ...partKinds,
});

export interface SaveCheckpointOptions extends OptionsOf<typeof saving> {}
export interface LoadCheckpointOptions extends OptionsOf<typeof restoring> {}

/** What a checkpoint says beside the states that were loaded. */
export interface Checkpoint {
  /** How far training had come; null if it was not said. */
  readonly step: number | null;
  /** What was kept beside; null for nothing. */
  readonly extra: PlainData;
}

/** The version of the format that is written, and the latest that is read. */
const VERSION = 1;
/** Where metadata say so, and where they have the data. */
const VERSION_KEY = 'nabla.checkpoint';
const DATA_KEY = 'nabla.data';

/** Takes a checkpoint as things are now, for `op`, with further texts beside it, and gives what writes it. */
export function checkpointWriter(
  op: string,
  path: Path,
  { step, extra, ...parts }: Omit<NamedOf<typeof saving>, 'path'>,
  texts: Readonly<Record<string, string>>,
): () => Promise<void> {
  const { text, tensors } = pack(op, { ...statesOf(parts), step, extra });
  return tensorWriter(op, path, tensors, { [VERSION_KEY]: String(VERSION), [DATA_KEY]: text, ...texts });
}

/**
 * Writes all that training needs to go on, into one safetensors file: the states of models, optimizers, schedulers and loaders, streams of random
 * numbers, how far it has come, and what you add. The states are those at the call: they are copied before it returns. The write is
 * atomic: whatever happens, the path holds either what it held before or a whole checkpoint.
 *
 * The tensors of a model are named as in its `stateDict`, with `model.` before; numbers and texts are JSON in the metadata. There is no code in it.
 *
 * @param path a path, or a `file:` URL
 * @throws ValueError for `extra` that is no plain data, and for the path of a folder
 * @example
 * ```ts
 * const model = new nn.Linear(2, 1);
 * const optimizer = new optim.Adam(model.parameters());
 * await saveCheckpoint('last.safetensors', { model, optimizer, step: 100, extra: { losses: [0.5, 0.25] } });
 * const { step } = await loadCheckpoint('last.safetensors', { model, optimizer });
 * step; // 100
 * ```
 */
export const saveCheckpoint: FunctionOf<Promise<void>, typeof saving, SaveCheckpointOptions> = defineAsync(
  'saveCheckpoint',
  saving,
  (path, model, optimizer, schedulers, loader, generator, step, extra) =>
    checkpointWriter('saveCheckpoint', path, { model, optimizer, schedulers, loader, generator, step, extra }, {})(),
);

/** Reads a checkpoint, for `op`, into the parts that are given. */
export async function readCheckpoint(op: string, path: Path, parts: Parts): Promise<Checkpoint> {
  const file = absolutePath(op, path);
  const { tensors, metadata } = await readTensors(op, file);
  const { step = null, extra = null, ...saved } = dataIn(file, metadata, tensors);
  if (step !== null && typeof step !== 'number') throw new FormatError(`${file}: the step is ${describe(step)}`);
  loadingOf(file, parts, saved)();
  return { step, extra };
}

function dataIn(
  file: string,
  metadata: Readonly<Record<string, string>>,
  tensors: Parameters<typeof unpack>[1]['tensors'],
) {
  const version = metadata[VERSION_KEY];
  if (version === undefined) {
    throw new FormatError(
      `${file} is no checkpoint of nabla, but another safetensors file; loadSafetensors reads its tensors`,
    );
  }
  if (version !== String(VERSION)) {
    throw new FormatError(
      `${file} is a checkpoint of version ${describe(version)}, and this nabla reads version ${VERSION}; a newer one may read it`,
    );
  }
  const data = unpack(file, { text: metadata[DATA_KEY] ?? '', tensors });
  if (!isRecord(data) || isTensor(data)) throw new FormatError(`${file}: expected data by name, got ${describe(data)}`);
  return data as Readonly<Record<string, PlainData>>;
}

/**
 * Goes on from a checkpoint: loads the states of the parts that are given, and leaves alone what else the file has. All of it is looked at,
 * names, shapes and options, before anything changes. With no more than a model, `generator: null` leaves the random numbers as they are.
 *
 * @throws FormatError for a file that is foreign, damaged, or of a later version; ValueError for a part that the file does not have, and whatever
 *   `loadStateDict` of a part refuses
 * @example
 * ```ts
 * const model = new nn.Linear(2, 1);
 * await saveCheckpoint('trained.safetensors', { model, step: 7 });
 * const { step, extra } = await loadCheckpoint('trained.safetensors', { model, generator: null });
 * step; // 7
 * extra; // null
 * ```
 */
export const loadCheckpoint: FunctionOf<Promise<Checkpoint>, typeof restoring, LoadCheckpointOptions> = defineAsync(
  'loadCheckpoint',
  restoring,
  (path, model, optimizer, schedulers, loader, generator) =>
    readCheckpoint('loadCheckpoint', path, { model, optimizer, schedulers, loader, generator }),
);
