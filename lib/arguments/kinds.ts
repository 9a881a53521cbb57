import { ShapeError, ValueError } from '../errors.js';
import { isPath, type Path } from '../path.js';
import { isAbortSignal, isRecord, type Signal, typedArrayName } from '../realm.js';
import { allAre } from './elements.js';
import { type Kind, kind } from './kind.js';
import { unknownName } from './unknown-name.js';

// The kinds of parameters that know nothing of tensors; `lib/tensor/kinds.ts` has the others, and these too.

/** Any number, NaN and the infinities included. */
export const number: Kind<number> = kind('a number', (value) => typeof value === 'number');

/** A number but NaN. */
export const real: Kind<number> = kind(
  'a number',
  (value): value is number => typeof value === 'number' && !Number.isNaN(value),
);

/** A number but NaN and the infinities. */
export const finite: Kind<number> = kind('a finite number', (value): value is number => Number.isFinite(value));

/** A number of at least `low`. */
export const atLeast = (low: number): Kind<number> =>
  kind(`at least ${low}`, (value): value is number => typeof value === 'number' && value >= low);

/** A number above `low`. */
export const above = (low: number): Kind<number> =>
  kind(`above ${low}`, (value): value is number => typeof value === 'number' && value > low);

/** Any number but 0. */
export const nonzero: Kind<number> = kind(
  'a number other than 0',
  (value): value is number => typeof value === 'number' && Math.abs(value) > 0,
);

/** A number in (low, high). */
export const between = (low: number, high: number): Kind<number> =>
  kind(`in (${low}, ${high})`, (value): value is number => typeof value === 'number' && value > low && value < high);

/** A number in [low, high]. */
export const within = (low: number, high: number): Kind<number> =>
  kind(`in [${low}, ${high}]`, (value): value is number => typeof value === 'number' && value >= low && value <= high);

/** An integer, as far as JavaScript counts exactly. */
export const integer: Kind<number> = kind('an integer', (value): value is number => Number.isSafeInteger(value));

/** A dimension, counted from the end when negative. Whether a tensor has it, `normalizeDim` says. */
export const dim: Kind<number> = kind('an integer', (value) => typeof value === 'number', { error: ShapeError });

/** An integer of at least `low`, and of at most `high` if that is given. */
export const integerFrom = (low: number, high = Number.MAX_SAFE_INTEGER): Kind<number> =>
  kind(
    high === Number.MAX_SAFE_INTEGER ? `an integer, at least ${low}` : `an integer, between ${low} and ${high}`,
    (value): value is number => Number.isSafeInteger(value) && (value as number) >= low && (value as number) <= high,
  );

/** True or false. */
export const boolean: Kind<boolean> = kind('true or false', (value) => typeof value === 'boolean');

/** Any text. */
export const text: Kind<string> = kind('a text', (value) => typeof value === 'string');

/** One of some texts. */
export const choice = <const C extends string>(...texts: readonly C[]): Kind<C> =>
  kind(
    texts.length === 1 ? `'${texts[0]}'` : `one of ${texts.map((one) => `'${one}'`).join(', ')}`,
    (value): value is C => (texts as readonly unknown[]).includes(value),
    {
      explain: (op, name, value) => {
        if (typeof value === 'string') throw new ValueError(`${op}: ${unknownName(name, value, texts)}`);
      },
    },
  );

/** Names the first element of an array that is not what it should be. */
const explainList =
  (one: Kind<unknown>) =>
  (op: string, name: string, value: unknown): void => {
    if (!Array.isArray(value)) return;
    const wrong = value.findIndex((item) => !one.accepts(item));
    one.refuse(op, `${name}[${wrong}]`, value[wrong]);
  };

/** An array of any number of one kind of thing. */
export const listOf = <T>(expected: string, one: Kind<T>): Kind<readonly T[]> =>
  kind(expected, (value): value is readonly T[] => Array.isArray(value) && allAre(value, one.accepts), {
    explain: explainList(one),
  });

/** One thing of a kind, or an array of them. `listed` gives an array of either. */
export const oneOrList = <T>(expected: string, one: Kind<T>): Kind<T | readonly T[]> =>
  kind(
    expected,
    (value): value is T | readonly T[] => one.accepts(value) || (Array.isArray(value) && allAre(value, one.accepts)),
    { explain: explainList(one) },
  );

/** An object whose values are all of one kind. */
export const recordOf = <T>(expected: string, one: Kind<T>): Kind<Readonly<Record<string, T>>> =>
  kind(
    expected,
    (value): value is Readonly<Record<string, T>> => isRecord(value) && allAre(Object.values(value), one.accepts),
    {
      explain: (op, name, value) => {
        if (!isRecord(value)) return;
        const wrong = Object.keys(value).find((key) => !one.accepts(value[key]))!;
        one.refuse(op, `${name}.${wrong}`, value[wrong]);
      },
    },
  );

/** A path, or a `file:` URL. Whether a file can have it, `absolutePath` says. */
export const path: Kind<Path> = kind('a path as a text or a file: URL', isPath);

/** Bytes; a Buffer is such an array. */
export const bytes: Kind<Uint8Array> = kind(
  'a Uint8Array',
  (value): value is Uint8Array => typedArrayName(value) === 'Uint8Array',
);

/** What stops something that is under way. */
export const signal: Kind<Signal> = kind('an AbortSignal', isAbortSignal);

/** A function. What it takes and gives, only calling it shows: the declaration says so, as in `callback<() => number>()`. */
export const callback = <F extends (...args: never[]) => unknown>(): Kind<F> =>
  kind('a function', (value): value is F => typeof value === 'function');
