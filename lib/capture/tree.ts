import { types } from 'node:util';
import { CaptureError } from '../errors.js';
import { isModule } from '../nn/module.js';
import { isOptimizer } from '../optim/optimizer.js';
import { isPlainObject } from '../realm.js';
import { isGenerator } from '../tensor/generator.js';
import { NamedResults } from '../tensor/results.js';
import { isTensor, isTensorOperand, type Tensor, viewOf } from '../tensor/tensor.js';

// Arguments and results are trees of arrays, plain objects, maps, sets and several results, with tensors and other values as leaves.

const MOST_LEVELS = 1000;

/** The same tree with every tensor replaced. */
export function mapTensors<T>(value: T, change: (tensor: Tensor) => unknown, level = 0): T {
  if (isTensor(value)) return change(value) as T;
  if (level > MOST_LEVELS)
    throw new CaptureError(
      `capture: arguments and results must not be nested more than ${MOST_LEVELS} deep, or in themselves`,
    );
  const map = <V>(item: V): V => mapTensors(item, change, level + 1);
  if (Array.isArray(value)) return value.map(map) as T;
  if (types.isMap(value)) return new Map([...value].map(([key, item]) => [key, map(item)])) as T;
  if (types.isSet(value)) return new Set([...value].map(map)) as T;
  if (value instanceof NamedResults) return value.map(map) as T;
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, map(item)])) as T;
}

/** Whether a value has its items by names. */
const isNamed = (value: unknown): value is Record<string, unknown> =>
  isPlainObject(value) || value instanceof NamedResults;

const isTree = (value: unknown): boolean =>
  Array.isArray(value) || types.isMap(value) || types.isSet(value) || isNamed(value);

export function tensorsIn(value: unknown): Tensor[] {
  const found: Tensor[] = [];
  mapTensors(value, (tensor) => found.push(tensor));
  return found;
}

/** What of a result may have tensors that `mapTensors` does not reach, in words; null if there is nothing of the kind. */
export function unreachable(value: unknown, seen = new Set<unknown>()): string | null {
  if (typeof value === 'function') return 'a function';
  if (isTensor(value)) return null;
  if (typeof value !== 'object' || value === null || isData(value) || seen.has(value)) return null;
  seen.add(value);
  if (types.isMap(value) && [...value.keys()].some((key) => isTensor(key))) return 'a Map with tensors as keys';
  if (!isTree(value)) return `an object of the class ${value.constructor?.name ?? 'null'}`;
  const items = types.isMap(value) || types.isSet(value) ? value.values() : Object.values(value);
  for (const item of items) {
    const found = unreachable(item, seen);
    if (found !== null) return found;
  }
  return null;
}

const isData = (value: object): boolean =>
  ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value) || types.isDate(value) || types.isRegExp(value);

/** Whether a value is what this one is now: the items of arrays, plain objects, maps and sets by value, tensors and modules by identity. */
export function sameAs(example: unknown): (value: unknown) => boolean {
  if (!isTree(example)) return (value) => Object.is(value, example);
  const matches = matcher(example, { tensor: same, seen: new Set() });
  return (value) => matches(value, []);
}

/**
 * What distinguishes one case of a captured function from another: how its arguments are nested; shapes, strides and element types of the
 * tensors; and all else by value, which is copied: it may be changed in place afterwards.
 */
export class Pattern {
  readonly #matches: Matcher;

  constructor(example: unknown) {
    this.#matches = matcher(example, { tensor: tensorMatcher, seen: null });
  }

  /** Whether a value is such; its tensors are put into `found`, in order. */
  matches(value: unknown, found: Tensor[]): boolean {
    if (found.length > 0) found.length = 0;
    return this.#matches(value, found);
  }
}

type Matcher = (value: unknown, found: Tensor[]) => boolean;

/** What making a matcher goes by. */
interface Context {
  /** How tensors are told apart: among arguments by what a program depends on, within other objects by identity. */
  readonly tensor: (example: Tensor) => Matcher;
  /** Within other objects: what was looked into, so that none is twice, nor one that contains itself for ever. */
  readonly seen: Set<unknown> | null;
}

/** Objects that are looked into at most; others are told apart by identity. */
const MOST_OBJECTS = 10_000;

function matcher(example: unknown, context: Context): Matcher {
  if (isTensor(example)) return context.tensor(example);
  if (typeof example !== 'object' || example === null || keepsItsOwnState(example)) return same(example);
  if (context.seen?.has(example) || context.seen?.size === MOST_OBJECTS) return same(example);
  context.seen?.add(example);
  if (Array.isArray(example)) return listMatcher(Array.isArray, example, context);
  if (types.isSet(example)) return listMatcher(types.isSet, [...example], context);
  if (types.isMap(example)) return mapMatcher(example, context);
  if (isNamed(example)) return namedMatcher(example, context);
  if (types.isDate(example)) return dateMatcher(example.getTime());
  if (ArrayBuffer.isView(example) || types.isAnyArrayBuffer(example)) return bytesMatcher(example);
  return instanceMatcher(example, context);
}

/** Whether what is read of an object is reported to the recorder, or is in memory that instructions read. */
const keepsItsOwnState = (value: object): boolean => isModule(value) || isOptimizer(value) || isGenerator(value);

const same =
  (example: unknown): Matcher =>
  (value) =>
    Object.is(value, example);

function tensorMatcher(example: Tensor): Matcher {
  const { shape, strides, dtype } = viewOf(example);
  const rank = shape.length;
  return (value, found) => {
    if (!isTensorOperand(value)) return false;
    const given = viewOf(value);
    if (given.dtype !== dtype || given.shape.length !== rank || value.requiresGrad) {
      return false;
    }
    for (let i = 0; i < rank; i++) {
      const size = shape[i];
      if (given.shape[i] !== size || (size !== 1 && given.strides[i] !== strides[i])) return false;
    }
    found.push(value);
    return true;
  };
}

function listMatcher(isSuch: (value: unknown) => boolean, example: readonly unknown[], context: Context): Matcher {
  const items = Array.from(example, (item) => matcher(item, context));
  return (value, found) => {
    if (!isSuch(value)) return false;
    const list = Array.isArray(value) ? value : [...(value as Set<unknown>)];
    if (list.length !== items.length) return false;
    for (let i = 0; i < items.length; i++) if (!items[i]!(list[i], found)) return false;
    return true;
  };
}

function mapMatcher(example: ReadonlyMap<unknown, unknown>, context: Context): Matcher {
  const keys = [...example.keys()];
  const matchesValues = listMatcher(Array.isArray, [...example.values()], context);
  return (value, found) => {
    if (!types.isMap(value) || value.size !== keys.length) return false;
    const own = [...value.keys()];
    return keys.every((key, i) => Object.is(key, own[i])) && matchesValues([...value.values()], found);
  };
}

function namedMatcher(example: Record<string, unknown>, context: Context): Matcher {
  const entries = Object.entries(example).map(([key, item]) => [key, matcher(item, context)] as const);
  const keys = entries.map(([key]) => key);
  const isResults = example instanceof NamedResults;
  return (value, found) =>
    isNamed(value) &&
    value instanceof NamedResults === isResults &&
    hasKeys(value, keys) &&
    entries.every(([key, matches]) => matches(value[key], found));
}

const dateMatcher =
  (time: number): Matcher =>
  (value) =>
    types.isDate(value) && Object.is(value.getTime(), time);

/** Whether these are the names of an object's properties, in this order, which a function may go by. */
function hasKeys(value: object, keys: readonly string[]): boolean {
  const own = Object.keys(value);
  if (own.length !== keys.length) return false;
  for (let i = 0; i < keys.length; i++) if (own[i] !== keys[i]) return false;
  return true;
}

/** Typed arrays and buffers of any length: with more bytes than fit a comparison at each call they should be tensors. */
function bytesMatcher(example: ArrayBufferView | ArrayBufferLike): Matcher {
  const tag = Object.prototype.toString.call(example);
  const bytes = Buffer.from(bytesOf(example));
  return (value) =>
    (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) &&
    Object.prototype.toString.call(value) === tag &&
    bytes.equals(bytesOf(value));
}

const bytesOf = (value: ArrayBufferView | ArrayBufferLike): Uint8Array =>
  ArrayBuffer.isView(value) ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(value);

/** One that stays the same object, and whose own properties stay what they are. */
function instanceMatcher(example: object, context: Context): Matcher {
  const inner = { tensor: same, seen: context.seen ?? new Set([example]) };
  const properties = Object.entries(Object.getOwnPropertyDescriptors(example))
    .filter(([, descriptor]) => 'value' in descriptor)
    .map(([key, { value }]) => [key, matcher(value, inner)] as const);
  return (value, found) =>
    value === example && properties.every(([key, matches]) => matches(Reflect.get(example, key), found));
}
