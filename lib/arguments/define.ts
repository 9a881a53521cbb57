import { hasNames } from '../realm.js';
import type { FunctionOf, Values } from './forms.js';
import type { Signature, Slot } from './signature.js';

/** A parameter list, as far as it says what there is. */
interface Listed {
  readonly text: string;
  readonly names: readonly string[];
  readonly kinds: unknown;
}

/** @internal What functions made here take, for tests that call them; `shifts` where the first parameter may be left out by position. */
export const declarations = new WeakMap<object, { readonly takes: Listed; readonly shifts: boolean }>();

function declared<F>(op: string, takes: Listed, fn: object, shifts = false): F {
  declarations.set(fn, { takes, shifts });
  return Object.defineProperty(fn, 'name', { value: op }) as F;
}

type Body<R> = (...values: readonly unknown[]) => R;

/**
 * A function that looks at its arguments before `body` gets their values. Where they are what they should be and given by position, nothing is
 * allocated for that.
 */
export function define<T extends string, K, R>(
  op: string,
  takes: Signature<T, K>,
  body: (...values: Values<T, K>) => R,
): FunctionOf<R, Signature<T, K>> {
  return declared(op, takes, checking(op, takes, body as Body<R>));
}

/**
 * The same where the first of two bounds may be left out by position, as in PyTorch's `randint(high, size)` and `arange(end)`.
 *
 * @param second the name of the other bound
 * @param before how many arguments come before the bounds
 */
export function defineBounds<T extends string, K, R>(
  op: string,
  takes: Signature<T, K>,
  second: keyof K & string,
  body: (...values: Values<T, K>) => R,
  before = 0,
): FunctionOf<R, Signature<T, K>> {
  const isOnly = (first: unknown, next: unknown): boolean =>
    typeof first === 'number' && typeof next !== 'number' && !(hasNames(next) && Object.hasOwn(next, second));
  const fn = (...args: readonly unknown[]) => {
    const isShort = isOnly(args[before], args[before + 1]);
    return body(...takes.read(op, isShort ? args.toSpliced(before, 0, undefined) : args));
  };
  return declared(op, takes, fn, true);
}

/** The same for a function that returns a promise: what it refuses rejects the promise. */
export function defineAsync<T extends string, K, R>(
  op: string,
  takes: Signature<T, K>,
  body: (...values: Values<T, K>) => Promise<R>,
): FunctionOf<Promise<R>, Signature<T, K>> {
  const fn = async (...args: readonly unknown[]) => body(...takes.read(op, args));
  return declared(op, takes, fn);
}

const fits = (slot: Slot, value: unknown): boolean => (value === undefined ? !slot.isRequired : slot.accepts(value));

const valueIn = (slot: Slot, value: unknown): unknown => (value === undefined ? slot.preset : value);

/** Where a function has no parameter, nothing is given. */
const NONE: Slot = { accepts: () => false, isRequired: false, preset: undefined };

/** Most functions have a few parameters, which are looked at without an array of them; with more than six an array takes no longer. */
function checking<T extends string, K, R>(op: string, takes: Signature<T, K>, body: Body<R>): Body<R> {
  const checked = (args: readonly unknown[]): R => body(...takes.read(op, args));
  const { length } = takes.names;
  const slot = (i: number): Slot => (i < length ? takes.slot(i)! : NONE);
  const [s0, s1, s2, s3, s4, s5] = [slot(0), slot(1), slot(2), slot(3), slot(4), slot(5)];
  switch (length) {
    case 0:
      return (...args) => (args.length === 0 ? body() : checked(args));
    case 1:
      return (a, ...more) => (more.length === 0 && fits(s0, a) ? body(valueIn(s0, a)) : checked([a, ...more]));
    case 2:
      return (a, b, ...more) =>
        more.length === 0 && fits(s0, a) && fits(s1, b)
          ? body(valueIn(s0, a), valueIn(s1, b))
          : checked([a, b, ...more]);
    case 3:
      return (a, b, c, ...more) =>
        more.length === 0 && fits(s0, a) && fits(s1, b) && fits(s2, c)
          ? body(valueIn(s0, a), valueIn(s1, b), valueIn(s2, c))
          : checked([a, b, c, ...more]);
    case 4:
      return (a, b, c, d, ...more) =>
        more.length === 0 && fits(s0, a) && fits(s1, b) && fits(s2, c) && fits(s3, d)
          ? body(valueIn(s0, a), valueIn(s1, b), valueIn(s2, c), valueIn(s3, d))
          : checked([a, b, c, d, ...more]);
    case 5:
    case 6:
      return (a, b, c, d, e, f, ...more) => {
        const fitting = fits(s0, a) && fits(s1, b) && fits(s2, c) && fits(s3, d) && fits(s4, e) && fits(s5, f);
        if (!fitting || more.length > 0) return checked([a, b, c, d, e, f, ...more]);
        return body(valueIn(s0, a), valueIn(s1, b), valueIn(s2, c), valueIn(s3, d), valueIn(s4, e), valueIn(s5, f));
      };
    default:
      return (...args) => checked(args);
  }
}
