import { isBool } from '../backend/dtype.js';
import { describe } from '../describe.js';
import { ValueError } from '../errors.js';
import { show } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';

/** What an option is where nobody gives it, and what it may be. */
export interface Option<T> {
  readonly initial: T;
  /** What is wrong with a value, as an error goes on after the option's name; null if it can be used. */
  refuse(value: unknown): string | null;
}

/** Every option of an optimizer. */
export type OptionTable<O> = { readonly [K in keyof O]-?: Option<O[K]> };

const isNumber = (value: unknown): value is number => typeof value === 'number' && !Number.isNaN(value);

const shown = (value: unknown): string =>
  value instanceof Tensor ? `a ${value.dtype} tensor of shape ${show(value.shape)}` : describe(value);

/** A number within bounds, which `bounds` says in words. */
export function number(initial: number, bounds = '', isWithin: (x: number) => boolean = () => true): Option<number> {
  return {
    initial,
    refuse: (value) => {
      if (!isNumber(value)) return ` must be a number, got ${shown(value)}`;
      return isWithin(value) ? null : ` must be a number ${bounds}, got ${value}`;
    },
  };
}

/** A number of at least 0. */
export const notNegative = (initial: number): Option<number> => number(initial, 'of at least 0', (x) => x >= 0);

/** A number from 0 up to but not including 1. */
export const fraction = (initial: number): Option<number> =>
  number(initial, 'of at least 0 and below 1', (x) => x >= 0 && x < 1);

/** A learning rate: a number of at least 0, or a tensor of one, whose value is looked at when it is used. */
export function rate(initial: number): Option<number | Tensor> {
  const { refuse } = notNegative(initial);
  return {
    initial,
    refuse: (value) => {
      if (value instanceof Tensor && value.numel() === 1 && !isBool(value.dtype)) return null;
      return isNumber(value) ? refuse(value) : ` must be a number, or a tensor of one, got ${shown(value)}`;
    },
  };
}

/** The value of a rate. */
export const rateOf = (lr: number | Tensor): number => (typeof lr === 'number' ? lr : lr.item());

const NO_RATES: readonly Tensor[] = [];

/** The rates of groups that are tensors. */
export function ratesIn(groups: readonly object[]): readonly Tensor[] {
  let found = NO_RATES;
  for (const group of groups) {
    const lr: unknown = Reflect.get(group, 'lr');
    if (lr instanceof Tensor) found = [...found, lr];
  }
  return found;
}

/** Several numbers, each within its bounds. */
export function numbers<const T extends readonly number[]>(...options: { [K in keyof T]: Option<T[K]> }): Option<T> {
  return {
    initial: options.map(({ initial }) => initial) as unknown as T,
    refuse: (value) => {
      if (!Array.isArray(value) || value.length !== options.length) {
        return ` must be an array of ${options.length} numbers, got ${shown(value)}`;
      }
      const reasons = options.map(({ refuse }, i) => refuse(value[i]));
      const wrong = reasons.findIndex((reason) => reason !== null);
      return wrong < 0 ? null : `[${wrong}]${reasons[wrong]}`;
    },
  };
}

/** True or false. */
export const flag = (initial: boolean): Option<boolean> => ({
  initial,
  refuse: (value) => (typeof value === 'boolean' ? null : `: expected true or false, got ${describe(value)}`),
});

/** True, for a reason. */
export const always = (reason: string): Option<boolean> => ({
  initial: true,
  refuse: (value) => (value === true ? null : `: expected true, got ${describe(value)}; ${reason}`),
});

/** What options are where nobody gives any. */
export const defaultsOf = <O extends object>(table: OptionTable<O>): O =>
  Object.fromEntries(Object.entries<Option<unknown>>(table).map(([name, { initial }]) => [name, initial])) as O;

/** Refuses options that cannot be used. @param where what an error starts with; asked for only then */
export function checkValues<O extends object>(where: () => string, table: OptionTable<O>, options: O): void {
  for (const name in table) {
    const reason = table[name].refuse(options[name]);
    if (reason !== null) throw new ValueError(`${where()}: ${name}${reason}`);
  }
}
