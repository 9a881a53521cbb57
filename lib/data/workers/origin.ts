import { statSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { types } from 'node:util';
import { defineAsync } from '../../arguments/define.js';
import type { ArgumentsOf, OptionsOf } from '../../arguments/forms.js';
import { kind } from '../../arguments/kind.js';
import { signature } from '../../arguments/signature.js';
import { describe } from '../../describe.js';
import { ValueError } from '../../errors.js';
import { absolutePath } from '../../path.js';
import { messageOf } from '../../realm.js';
import * as kinds from '../../tensor/kinds.js';
import type { IterableDataset } from '../combined.js';
import { type Dataset, dataset } from '../dataset.js';
import type { Origin } from './protocol.js';

const origins = new WeakMap<object, Origin>();

/** Where a data set came from, if `importDataset` made it. */
export const originOf = (made: object): Origin | undefined => origins.get(made);

const anArray = kind('an array', (value): value is readonly unknown[] => Array.isArray(value));

const importing = signature('module, name, *, args', {
  /** The module's URL, `new URL('./images.js', import.meta.url)`, or its path. */
  module: kinds.path,
  /** What it exports: a data set, a stream, a class of either, or a function that makes one. Default: 'default'. */
  name: kinds.text.default('default'),
  /** What the function or the class is called with; it must be what threads can send each other. Default: null, nothing. */
  args: anArray.optional(),
});

export interface ImportDatasetOptions extends OptionsOf<typeof importing> {}

type AnySource = Dataset<unknown, unknown> | IterableDataset<unknown>;

/** `importDataset<Images>(…)` says what it is that the module makes. */
export type ImportDataset = <D extends AnySource = Dataset<unknown, unknown>>(
  ...args: ArgumentsOf<typeof importing, ImportDatasetOptions>
) => Promise<D>;

/**
 * Imports a data set from a module of its own, so that workers can do the same: functions do not travel between threads. It is the data set itself
 * that comes back; a `DataLoader` with `numWorkers` knows where it is from.
 *
 * @example
 * ```ts no-run
 * // images.js: export class Images { constructor(folder) {…} get length() {…} get(index) {…} }
 * const images = await importDataset<Dataset<Tensor>>(new URL('./images.js', import.meta.url), 'Images', { args: ['photos'] });
 * const loader = new DataLoader(images, { batchSize: 32, shuffle: true, numWorkers: 2 });
 * for await (const batch of loader) console.log(batch.shape);
 * ```
 * @throws ValueError if the module does not export it, if it is no data set, and for arguments that threads cannot send each other; what the
 * module throws
 */
export const importDataset = defineAsync('importDataset', importing, async (module, name, args) => {
  const path = absolutePath('importDataset', module);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new ValueError(
      `importDataset: there is no module ${path}; new URL('./images.js', import.meta.url) is a file beside this one`,
    );
  }
  const origin = { module: pathToFileURL(path).href, name, args: cloned(args ?? []) };
  const made = await make(origin);
  origins.set(made, origin);
  return made;
}) as ImportDataset;

function cloned(args: readonly unknown[]): readonly unknown[] {
  try {
    return structuredClone(args);
  } catch (error) {
    throw new ValueError(`importDataset: args must be what threads can send each other: ${messageOf(error)}`);
  }
}

/** Imports and makes it. */
export async function make({ module, name, args }: Origin): Promise<AnySource> {
  const exported: unknown = exportOf(await imported(module), name, module);
  const made: unknown = typeof exported === 'function' ? await called(exported as Maker, args) : exported;
  if (dataset.accepts(made) || isStream(made)) return made;
  throw new ValueError(
    `importDataset: ${name} of ${module} must be or make a data set (an object with length and get) or an iterable of items, got ${describe(made)}`,
  );
}

async function imported(module: string): Promise<object> {
  try {
    return (await import(module)) as object;
  } catch (error) {
    const { code, name } = (error ?? {}) as NodeJS.ErrnoException;
    if (code !== 'ERR_UNKNOWN_FILE_EXTENSION' && name !== 'SyntaxError') throw error;
    throw new ValueError(`importDataset: Node cannot import ${module}: ${messageOf(error)}`);
  }
}

/** A function that a module exports. */
export function exportOf(module: object, name: string, url: string): unknown {
  if (name in module) return Reflect.get(module, name);
  const names = Object.keys(module).join(', ');
  throw new ValueError(`importDataset: ${url} exports no ${name}${names === '' ? '' : `; it exports ${names}`}`);
}

type Maker = (...args: readonly unknown[]) => unknown;

/** Classes must be called with `new`; functions may be async. */
const called = (maker: Maker, args: readonly unknown[]): unknown =>
  /^class\b/.test(Function.prototype.toString.call(maker)) && !types.isProxy(maker)
    ? Reflect.construct(maker, args)
    : maker(...args);

const isStream = (value: unknown): value is IterableDataset<unknown> =>
  typeof value === 'object' && value !== null && Symbol.iterator in value && !Array.isArray(value);
