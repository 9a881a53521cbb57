/** What one of `oneOrList` is, as an array. */
export const listed = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T]);

/** Whether each element of an array is what it should be. Unlike `every`, holes are looked at, and the first that is wrong ends it. */
export function allAre<T>(array: readonly unknown[], is: (value: unknown) => value is T): array is readonly T[] {
  for (let i = 0; i < array.length; i++) if (!is(array[i])) return false;
  return true;
}

/** Whether one can go through a value; a 0-d tensor has an iterator that is none. */
export const isIterable = (value: unknown): value is Iterable<unknown> =>
  typeof value === 'object' && value !== null && typeof Reflect.get(value, Symbol.iterator) === 'function';
