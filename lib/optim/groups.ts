import { unknownName } from '../arguments/unknown-name.js';
import { describe } from '../describe.js';
import { ValueError } from '../errors.js';
import { isTensor, type Tensor } from '../tensor/tensor.js';

/** Options, all of them. */
export type Full<O> = { -readonly [K in keyof O]-?: Exclude<O[K], undefined> };

/** Parameters with options of their own; what is not given is the optimizer's. */
export type ParamGroup<O> = { params: Iterable<Tensor> | Iterable<[string, Tensor]> } & Partial<O> & Scheduled;

/** What an optimizer takes: parameters, named parameters, or groups of them. */
export type Params<O> = Iterable<Tensor> | Iterable<[string, Tensor]> | readonly ParamGroup<O>[];

/** What schedulers note in a group. */
export interface Scheduled {
  /** The rate at first. */
  initialLr?: number;
}

/** The names of what schedulers note. */
const SCHEDULED: readonly string[] = ['initialLr'] satisfies (keyof Scheduled)[];

/** Refuses options of a group that there are not. */
export function checkNames(where: string, options: object, { takes }: { takes: { options: readonly string[] } }): void {
  const known = [...takes.options, ...SCHEDULED];
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new ValueError(`${where}: ${unknownName('option', unknown, known)}`);
}

/** Refuses what is no number. */
export function checkScheduled(where: () => string, group: Scheduled): void {
  for (const name in group) {
    if (!SCHEDULED.includes(name)) continue;
    const value: unknown = Reflect.get(group, name);
    if (typeof value === 'number' && !Number.isNaN(value)) continue;
    throw new ValueError(`${where()}: ${name} must be a number, got ${describe(value)}`);
  }
}

/** A group as the optimizer keeps it: every option is there and can be changed between steps. */
export type Group<O> = { params: Tensor[]; names?: string[] } & Full<O> & Scheduled;

export const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

export const isGroup = (group: unknown): group is { params: unknown[] } =>
  isObject(group) && Array.isArray(Reflect.get(group, 'params'));

/** The groups among what an optimizer is given. */
export function groupsOf<O>(name: string, params: Params<O>): ParamGroup<O>[] {
  const list = entriesOf(name, params);
  if (list.length === 0) throw new ValueError(`${name}: got an empty list of parameters`);
  const isGiven = (entry: unknown) => isObject(entry) && !Array.isArray(entry) && 'params' in entry;
  return list.every(isGiven)
    ? (list as ParamGroup<O>[])
    : [{ params: list as Tensor[] } as { params: Tensor[] } & Partial<O>];
}

/** The parameters of a group, and their names if they have any. */
export function parametersOf(name: string, params: unknown): { names: string[] | null; parameters: unknown[] } {
  const list = isTensor(params) ? [params] : entriesOf(name, params);
  if (list.length === 0 || !list.every(isNamed)) return { names: null, parameters: list };
  return { names: list.map(([name]) => name), parameters: list.map(([, parameter]) => parameter) };
}

const isNamed = (entry: unknown): entry is [string, unknown] =>
  Array.isArray(entry) && entry.length === 2 && typeof entry[0] === 'string';

/** What is iterated over, each looked at before the next: an array may have more holes than memory. */
function entriesOf(name: string, params: unknown): unknown[] {
  const entries: unknown[] = [];
  for (const entry of iterable(name, params)) {
    if (!isObject(entry)) {
      throw new ValueError(`${name}: parameter ${entries.length} must be a Tensor, got ${describe(entry)}`);
    }
    entries.push(entry);
  }
  return entries;
}

function iterable(name: string, params: unknown): Iterable<unknown> {
  if (isObject(params) && Symbol.iterator in params && !isTensor(params)) return params as Iterable<unknown>;
  throw new ValueError(
    `${name}: expected an iterable of tensors or of parameter groups, got ${describe(params)}; pass model.parameters()`,
  );
}
