import { kind } from '../../arguments/kind.js';
import { DataLoader } from '../../data/loader.js';
import { describe } from '../../describe.js';
import { FormatError, ValueError } from '../../errors.js';
import type { PlainData } from '../../io/nest.js';
import { isModule, loadingInto, type Module, type StateDict } from '../../nn/module.js';
import { tensor } from '../../ops/creation.js';
import { type AnyOptimizer, Scheduler, type SchedulerState } from '../../optim/lr-scheduler/scheduler.js';
import { isOptimizer } from '../../optim/optimizer.js';
import { isRecord } from '../../realm.js';
import { defaultGenerator, Generator } from '../../tensor/generator.js';
import * as kinds from '../../tensor/kinds.js';
import { isTensor } from '../../tensor/tensor.js';

/** A loader of any kind. */
export type AnyLoader = DataLoader<unknown, unknown>;

const oneOrMore = <T>(what: string, accepts: (value: unknown) => value is T) =>
  kinds.oneOrList(`${what}, or an array of them`, kind(what, accepts));

/** An optimizer of any kind, by what a checkpoint needs of it: options and state of each are of its own type. */
export type SavedOptimizer = Pick<AnyOptimizer, 'zeroGrad' | 'step'>;

/** A loader by what a checkpoint needs of it. */
export type SavedLoader = Pick<DataLoader<never, unknown>, 'stateDict' | 'loadStateDict'>;

/** What a checkpoint is made of, and given to. */
export const partKinds = {
  /** The model, or several. Default: null, none. */
  model: oneOrMore('a Module', (value): value is Module => isModule(value)).optional(),
  /** The optimizer, or several: options and state. Default: null, none. */
  optimizer: oneOrMore('an Optimizer', (value): value is SavedOptimizer => isOptimizer(value)).optional(),
  /** Schedulers, one or several. Default: null, none. */
  schedulers: oneOrMore('a scheduler', (value): value is Scheduler => value instanceof Scheduler).optional(),
  /** The loader, or several: what is left of the epoch, and the stream of its own generator. Default: null, none. */
  loader: oneOrMore('a DataLoader', (value): value is SavedLoader => value instanceof DataLoader).optional(),
  /** Generators beside the one that `manualSeed` starts, which always belongs to it. Default: [], none; null for not even that one. */
  generator: kinds.oneOrList('a Generator, or an array of them', kinds.generator).orNull().default([]),
};

/** The parts by name, as a call gives them. */
export type Parts = { readonly [N in keyof typeof partKinds]: (typeof partKinds)[N]['type'] };

/** How one part is saved, and looked at before it is loaded. */
interface PartKind<T> {
  readonly state: (part: T) => unknown;
  readonly loading: (where: string, part: T, saved: PlainData) => () => void;
}

const partKind = <T>(parts: PartKind<T>): PartKind<unknown> => parts as PartKind<unknown>;

const rows: Readonly<Record<keyof Parts, PartKind<unknown>>> = {
  model: partKind<Module>({
    state: (model) => model.stateDict(),
    loading: (where, model, saved) => {
      if (!isRecord(saved)) throw new FormatError(`${where}: expected tensors by name, got ${describe(saved)}`);
      return loadingInto(model, saved as StateDict);
    },
  }),
  optimizer: partKind<AnyOptimizer>({
    state: (optimizer) => optimizer.stateDict(),
    loading: (where, optimizer, saved) => optimizer.loading(where, saved),
  }),
  schedulers: partKind<Scheduler>({
    state: (scheduler) => scheduler.stateDict(),
    loading: (where, scheduler, saved) => {
      scheduler.checkState(where, saved as SchedulerState);
      return () => scheduler.take(saved as SchedulerState);
    },
  }),
  loader: partKind<AnyLoader>({
    state: (loader) => loader.stateDict(),
    loading: (where, loader, saved) => loader.loading(where, saved),
  }),
  generator: partKind<Generator>({
    state: (generator) => tensor(generator.getState()),
    loading: (where, generator, saved) => {
      const words = isTensor(saved) ? saved.toTypedArray() : saved;
      try {
        new Generator().setState(words as Int32Array);
      } catch (error) {
        throw new FormatError(`${where}: ${(error as Error).message}`);
      }
      return () => generator.setState(words as Int32Array);
    },
  }),
};

const NAMES = Object.keys(rows) as (keyof Parts)[];

/** What stands in a checkpoint for the stream that `manualSeed` starts. */
const DEFAULT_STREAM = 'random';

const listOf = (part: Parts[keyof Parts]): readonly unknown[] => (Array.isArray(part) ? part : [part]);

const isGiven = (part: Parts[keyof Parts]): boolean => part !== null && !(Array.isArray(part) && part.length === 0);

/** The states of the parts that are given, by name: one state, or as many as there are. */
export function statesOf(parts: Parts): Record<string, unknown> {
  const states = NAMES.filter((name) => isGiven(parts[name])).map((name) => {
    const list = listOf(parts[name]).map((one) => rows[name].state(one));
    return [name, Array.isArray(parts[name]) ? list : list[0]] as const;
  });
  const stream = parts.generator === null ? {} : { [DEFAULT_STREAM]: rows.generator.state(defaultGenerator) };
  return { ...Object.fromEntries(states), ...stream };
}

/** Looks at the states for all the parts that are given, and gives what loads them. */
export function loadingOf(file: string, parts: Parts, saved: Readonly<Record<string, PlainData>>): () => void {
  const loads = NAMES.filter((name) => isGiven(parts[name])).flatMap((name) => {
    const list = listOf(parts[name]);
    const states = statesIn(file, saved, name, list.length);
    const where = (i: number) => `${file}: ${name}${list.length > 1 ? `[${i}]` : ''}`;
    return list.map((one, i) => rows[name].loading(where(i), one, states[i]!));
  });
  if (parts.generator !== null) {
    const [stream] = statesIn(file, saved, DEFAULT_STREAM, 1);
    loads.push(rows.generator.loading(`${file}: ${DEFAULT_STREAM}`, defaultGenerator, stream!));
  }
  return () => {
    for (const load of loads) load();
  };
}

function statesIn(
  file: string,
  saved: Readonly<Record<string, PlainData>>,
  name: string,
  count: number,
): readonly PlainData[] {
  if (!Object.hasOwn(saved, name)) {
    const way = name === DEFAULT_STREAM ? 'load it with generator: null' : `load it without ${name}`;
    throw new ValueError(`${file} has no ${name}, but ${Object.keys(saved).join(', ')}; ${way}`);
  }
  const states = saved[name]!;
  const list: readonly PlainData[] = Array.isArray(states) ? states : [states];
  if (list.length === count) return list;
  throw new ValueError(`${file} has ${list.length} of ${name}, and is to be loaded into ${count}`);
}
