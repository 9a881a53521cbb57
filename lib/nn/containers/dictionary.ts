import { isIterable } from '../../arguments/elements.js';
import { kind } from '../../arguments/kind.js';
import { text } from '../../arguments/kinds.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { signature } from '../../arguments/signature.js';
import { unknownName } from '../../arguments/unknown-name.js';
import { describe } from '../../describe.js';
import { ValueError } from '../../errors.js';
import { isPlainObject } from '../../realm.js';
import { MEMBERS, type Member, Module } from '../module.js';
import { ITEM } from './list.js';
import { notCallable } from './module-list.js';

const CONTENTS = Symbol('contents');

/**
 * What dictionaries of modules and of parameters have in common: their parts have keys, which are their names in state dicts as they are. `Added`
 * is what can be put into it.
 */
export abstract class Dictionary<V, Added, T extends Readonly<Record<string, V>>>
  extends Module<never[], never>
  implements Iterable<string>
{
  declare readonly [CONTENTS]: Map<string, V>;

  constructor(...args: [items?: Items<Added, Readonly<Record<string, Added>>>]) {
    const [items] = contents.read(new.target.name, args);
    super();
    Object.defineProperty(this, CONTENTS, { value: new Map<string, V>() });
    for (const [key, item] of pairsOf<Added>(this, items)) this.set(key, item);
  }

  /** @internal */
  abstract [ITEM](item: unknown, where: string): V;

  /** @internal Keys stand for themselves; what a subclass has besides is spelled as in any module. */
  override [MEMBERS](): Member[] {
    const own = new Set(this.keys().flatMap((key) => [key, hidden(key)]));
    const others = [...super[MEMBERS]()].filter(([property]) => !own.has(property));
    return [...others, ...this.items().map(([key, item]): Member => [key, key, item])];
  }

  /** How many items there are. */
  get length(): number {
    return this[CONTENTS].size;
  }

  /**
   * The item under a key.
   *
   * @throws ValueError if there is none
   */
  get<K extends string>(key: K): K extends keyof T ? T[K] : V {
    const item = this[CONTENTS].get(text.take(`${this.constructor.name}: get`, 'key', key));
    if (item === undefined) throw new ValueError(`${this.constructor.name}: ${unknownName('key', key, this.keys())}`);
    return item as K extends keyof T ? T[K] : V;
  }

  /** Whether there is an item under a key. */
  has(key: string): boolean {
    return this[CONTENTS].has(text.take(`${this.constructor.name}: has`, 'key', key));
  }

  /** Puts an item under a key, in place of the one that was there. */
  set(key: string, item: Added): this {
    if (typeof key !== 'string' || key === '' || key.includes('.')) {
      throw new ValueError(
        `${this.constructor.name}: a key must be a text that is not empty and does not contain '.', got ${describe(key)}`,
      );
    }
    const kept = this[ITEM](item, `'${key}'`);
    if (!this.has(key)) Object.defineProperty(this, key in this ? hidden(key) : key, propertyOf(key));
    this[CONTENTS].set(key, kept);
    return this;
  }

  /** Puts all items of an object, or of [key, item] pairs, under their keys. */
  update(items: Items<Added, Readonly<Record<string, Added>>>): this {
    const [given] = contents.read(`${this.constructor.name}: update`, [items]);
    const pairs = [...pairsOf<Added>(this, given)];
    for (const [key, item] of pairs) this[ITEM](item, `'${String(key)}'`);
    for (const [key, item] of pairs) this.set(key, item);
    return this;
  }

  /**
   * Takes an item out.
   *
   * @throws ValueError if there is none under the key
   */
  pop<K extends string>(key: K): K extends keyof T ? T[K] : V {
    const item = this.get(key);
    this[CONTENTS].delete(key);
    Reflect.deleteProperty(this, Object.hasOwn(this, hidden(key)) ? hidden(key) : key);
    return item;
  }

  /** Takes all items out. */
  clear(): void {
    for (const key of this.keys()) this.pop(key);
  }

  /** All keys, in the order in which they were first set. */
  keys(): string[] {
    return [...this[CONTENTS].keys()];
  }

  /** All items, in the order of the keys. */
  values(): V[] {
    return [...this[CONTENTS].values()];
  }

  /** All keys with their items. */
  items(): [string, V][] {
    return [...this[CONTENTS]];
  }

  /** Over the keys, as in Python. */
  [Symbol.iterator](): Iterator<string> {
    return this.keys()[Symbol.iterator]();
  }

  /** Always throws. */
  override forward(): never {
    throw notCallable(this);
  }
}

takeNoMore(Dictionary, 'get', 'has', 'set', 'update', 'pop', 'clear', 'keys', 'values', 'items');

const contents = signature('items', {
  items: kind(
    'an object of items by key, or [key, item] pairs',
    (value): value is object => isIterable(value) || isPlainObject(value),
  ).default([]),
});

/** What a dictionary is made of. */
export type Items<V, T> = T | Iterable<readonly [string, V]>;

/** The properties of a dictionary that are items: not those keys that are names of something else. */
export type Properties<T, Methods> = {
  -readonly [K in keyof T as string extends K ? never : K extends keyof Methods ? never : K]: T[K];
};

/** The property of a key that is the name of something else: all items are properties, where captured functions see that they are replaced. */
const hidden = (key: string): string => `get('${key}')`;

/** A key as a property. It asks the dictionary that it is a property of, which may be a copy. */
const propertyOf = (
  key: string,
): PropertyDescriptor & ThisType<{ get(key: string): unknown; set(key: string, item: unknown): unknown }> => ({
  get() {
    return this.get(key);
  },
  set(item: unknown) {
    this.set(key, item);
  },
  enumerable: true,
  configurable: true,
});

function* pairsOf<V>(dictionary: Module, items: object): Iterable<readonly [string, V]> {
  const pairs = isIterable(items) ? items : Object.entries(items);
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2) throw notItems(dictionary, items);
    yield pair as [string, V];
  }
}

const notItems = (dictionary: Module, items: unknown): ValueError =>
  new ValueError(
    `${dictionary.constructor.name}: expected an object of items by key, or [key, item] pairs, got ${describe(items)}`,
  );
