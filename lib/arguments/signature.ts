import { describe } from '../describe.js';
import { ValueError } from '../errors.js';
import { isRecord } from '../realm.js';
import type { KindsOf, Named, Nameless, Values } from './forms.js';
import type { Kind } from './kind.js';
import { unknownName } from './unknown-name.js';

/** What a parameter takes by position, and what it is where nothing is given. */
export interface Slot {
  readonly accepts: (value: unknown) => boolean;
  readonly isRequired: boolean;
  readonly preset: unknown;
}

const never = (): boolean => false;

type Names = Readonly<Record<string, unknown>>;

/** A parameter list: see `signature`. */
export class Signature<T extends string, K> {
  /** All parameters, in order. */
  readonly names: readonly string[];
  readonly #kinds: readonly Kind<unknown, boolean>[];
  /** Their values where they are not given; undefined where they must be. */
  readonly #presets: readonly unknown[];
  /** How many of them, from the first on, are given by position only. */
  readonly #operands: number;
  /** How many of them can be given by position. */
  readonly #positional: number;
  readonly text: T;
  readonly kinds: K;

  constructor(text: T, kinds: K) {
    this.text = text;
    this.kinds = kinds;
    const names: string[] = [];
    let [operands, positional] = [0, -1];
    // Plain steps: there are hundreds of lists, and all are read while the library loads.
    for (const part of text.split(',')) {
      const word = part.trim();
      if (word === '') continue;
      if (word === '/') operands = names.length;
      else if (word === '*') positional = names.length;
      else names.push(word);
    }
    this.names = names;
    this.#kinds = names.map((name) => (kinds as Record<string, Kind<unknown, boolean>>)[name]!);
    this.#presets = this.#kinds.map(({ preset }) => preset);
    this.#operands = operands;
    this.#positional = positional < 0 ? names.length : positional;
  }

  /** The same parameters after operands, which are given by position. */
  after<P extends string, L>(operands: P, kinds: L): Signature<`${P}, /, ${T}`, L & K> {
    return new Signature<`${P}, /, ${T}`, L & K>(`${operands}, /, ${this.text}`, { ...kinds, ...this.kinds });
  }

  /** The values of a call's arguments, in the order of the parameters. */
  read(op: string, args: readonly unknown[]): Values<T, K> {
    return this.#read(op, args) as Values<T, K>;
  }

  /** The values of a call's arguments, by name. */
  named(op: string, args: readonly unknown[]): Named<K> {
    const values = this.#read(op, args);
    return Object.fromEntries(this.names.map((name, i) => [name, values[i]])) as Named<K>;
  }

  /** Refuses an object that has anything but what some of the parameters take. */
  check(op: string, options: unknown): void {
    if (!isRecord(options)) {
      const known = this.options.join(', ');
      throw new ValueError(`${op}: expected an object of options, { ${known} }, got ${describe(options)}`);
    }
    for (const name of Object.keys(options)) this.#kinds[this.#place(op, name)]!.take(op, name, options[name]);
  }

  /** The parameters that can be given by name. */
  get options(): readonly string[] {
    return this.names.slice(this.#operands);
  }

  /**
   * Refuses an object that lacks one of these, or has it as what it cannot be. It may have other properties.
   *
   * @param op asked for only where something is wrong
   */
  checkValues(op: () => string, values: object): void {
    for (let i = this.#operands; i < this.names.length; i++) {
      const [name, kind] = [this.names[i]!, this.#kinds[i]!];
      const value = (values as Names)[name];
      if (!kind.accepts(value)) kind.refuse(op(), name, value);
    }
  }

  /** @internal A parameter, for a function that looks at its arguments by itself as long as they are given by position. */
  slot(i: number): Slot | undefined {
    const kind = this.#kinds[i];
    return kind && (i < this.#positional ? kind : { ...kind, accepts: never });
  }

  #read(op: string, args: readonly unknown[]): readonly unknown[] {
    const values = this.#presets.slice();
    let count = args.length;
    while (count > 0 && args[count - 1] === undefined) count--;
    for (let i = 0; i < count; i++) {
      const value = args[i];
      if (value === undefined) continue;
      if (i < this.#positional && this.#kinds[i]!.accepts(value)) values[i] = value;
      else if (i === count - 1 && i >= this.#operands && isRecord(value)) this.#readOptions(op, value, args, i, values);
      else if (i < this.#positional) this.#kinds[i]!.refuse(op, this.names[i]!, value);
      else throw this.#tooMany(op, count);
    }
    const missing = values.indexOf(undefined);
    if (missing >= 0) this.#kinds[missing]!.refuse(op, this.names[missing]!, undefined);
    return values;
  }

  /** Adds options to the values of the `count` arguments before them. */
  #readOptions(op: string, options: Names, args: readonly unknown[], count: number, values: unknown[]): void {
    for (const name of Object.keys(options)) {
      const i = this.#place(op, name);
      const value = options[name];
      if (value === undefined) continue;
      if (i < count && args[i] !== undefined) {
        throw new ValueError(`${op}: ${name} is given twice, by position and by name`);
      }
      values[i] = this.#kinds[i]!.take(op, name, value);
    }
  }

  #place(op: string, name: string): number {
    const i = this.names.indexOf(name, this.#operands);
    if (i >= 0) return i;
    throw new ValueError(`${op}: ${unknownName('option', name, this.options)}`);
  }

  #tooMany(op: string, count: number): ValueError {
    const known = this.names.slice(0, this.#positional);
    const most = known.length === 0 ? 'no arguments' : `at most ${known.length} arguments (${known.join(', ')})`;
    const byName = this.names.slice(this.#positional);
    const others = byName.length === 0 ? '' : `; by name: { ${byName.join(', ')} }`;
    return new ValueError(`${op}: expected ${most}, got ${count}${others}`);
  }
}

/**
 * Declares a parameter list, once, in Python's words: what stands before `/` is given by position, what stands after `*` by name, the rest
 * either way. The types of functions and options, the defaults, the checks and the messages follow from it.
 *
 * ```
 * const reducing = signature('input, /, dim, keepdim, *, dtype', {
 *   input: kinds.tensor,
 *   dim: kinds.dims.default(null), // with a doc comment of its own, for users
 *   …
 * });
 * export interface SumOptions extends OptionsOf<typeof reducing> {}
 * export const sum: FunctionOf<Tensor, typeof reducing, SumOptions> = define('sum', reducing, (x, dim, keepdim, dtype) => …);
 * ```
 */
export const signature = <const T extends string, K extends KindsOf<T>>(
  text: T,
  kinds: K & Nameless<T, K>,
): Signature<T, K> => new Signature<T, K>(text, kinds);

/** The parameter list of what takes nothing. */
export const nothing = signature('', {});
