import { types } from 'node:util';

// Code under jest, vitest's vmThreads or `vm` runs in a realm of its own, whose arrays, errors and promises are no instances of ours:
// what a value is, is asked of the value here, and nowhere by `instanceof`.

const typedArray: object = Object.getPrototypeOf(Uint8Array.prototype);
const tagOf = Object.getOwnPropertyDescriptor(typedArray, Symbol.toStringTag)!.get!;
const firstOf = Uint8Array.prototype.at as (this: object, at: number) => unknown;
const lengthOf = Object.getOwnPropertyDescriptor(typedArray, 'length')!.get!;

/** `'Float32Array'` and the like for a typed array of any realm, `Float16Array` of newer releases included; undefined for all else. */
export const typedArrayName = (value: unknown): string | undefined => tagOf.call(value) as string | undefined;

/** How many elements a typed array of any realm has, whatever properties it was given. */
export const typedArrayLength = (value: object): number => lengthOf.call(value) as number;

/** Whether the buffer of a typed array of any realm was transferred: it has no elements then, and throws where it is read. */
export function isDetached(value: object): boolean {
  try {
    firstOf.call(value, 0);
    return false;
  } catch {
    return true;
  }
}

/** Whether a value is an object as `{}` makes them, in any realm, or one without a prototype. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf');
}

/** Whether a value can hold others by name: objects of classes of the caller's own can, but a Map, a Date or an array cannot. */
export function hasNames(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return isPlainObject(value) || Object.keys(value).length > 0;
}

/**
 * Whether a value holds others by name, as options, state dicts and the like do: an object of the caller's own class can, but not one of the
 * library's, nor a typed array, whose indices are names.
 */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  isPlainObject(value) || (hasNames(value) && !('uncloneable' in value) && !ArrayBuffer.isView(value));

/** Whether a value is what an async function returns, or stands for it. */
export const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  types.isPromise(value) || (typeof value === 'object' && value !== null && 'then' in value && isFunction(value.then));

const isFunction = (value: unknown): boolean => typeof value === 'function';

/** What an `AbortController` has as its `signal`. Declared here, so that the typings need neither those of Node nor those of browsers. */
export interface Signal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Whether a value is an AbortSignal of any realm. */
export const isAbortSignal = (value: unknown): value is Signal =>
  Object.prototype.toString.call(value) === '[object AbortSignal]' && 'addEventListener' in (value as object);

/** What went wrong, in words, whatever was thrown. */
export const messageOf = (error: unknown): string => (types.isNativeError(error) ? error.message : String(error));
