import { isIterable } from '../../arguments/elements.js';
import { kind } from '../../arguments/kind.js';
import { integer } from '../../arguments/kinds.js';
import { takeNoMore } from '../../arguments/no-more.js';
import { signature } from '../../arguments/signature.js';
import { describe } from '../../describe.js';
import { ValueError } from '../../errors.js';
import { Module } from '../module.js';

/** How a list looks at an item: what it keeps it as, or an error that says where it was given. */
export const ITEM = Symbol('item');

// What is private here is so by being outside the class: a clone is made without its constructor, which is what would give it #private parts.

/**
 * What a list, a sequence of layers and a list of parameters have in common: their parts are the properties `[0]`, `[1]` and so on. `Added` is
 * what can be added to it.
 */
export abstract class List<T, Added = T, Inputs extends readonly unknown[] = never[], Output = unknown>
  extends Module<Inputs, Output>
  implements Iterable<T>
{
  /** @internal */
  abstract [ITEM](item: unknown, where: string): T;

  /** How many items there are. */
  get length(): number {
    let length = 0;
    while (Object.hasOwn(this, length)) length++;
    return length;
  }

  /** The item at a position; negative ones count from the end. */
  at(index: number): T | undefined {
    return [...this].at(integer.take(`${this.constructor.name}: at`, 'index', index));
  }

  /** Adds an item at the end. */
  append(item: Added): this {
    put(this, this.length, [this[ITEM](item, 'append: the item')]);
    return this;
  }

  /** Adds all items of an array, another list or any other iterable at the end. */
  extend(items: Iterable<Added>): this {
    put(this, this.length, itemsOf(this, 'extend: item', items));
    return this;
  }

  /**
   * Puts an item before the one at a position, and those from there on one further.
   *
   * @throws ValueError for a position that is not there
   */
  insert(index: number, item: Added): this {
    const { length } = this;
    if (!Number.isInteger(index) || index < -length || index > length) {
      throw new ValueError(
        `${this.constructor.name}: insert: expected a position between -${length} and ${length}, got ${describe(index)}`,
      );
    }
    const at = index < 0 ? index + length : index;
    put(this, at, [this[ITEM](item, 'insert: the item'), ...[...this].slice(at)]);
    return this;
  }

  /**
   * Takes an item out, and puts those behind it one nearer.
   *
   * @param index negative ones count from the end
   * @throws ValueError for a position that is not there
   */
  pop(index = -1): T {
    const { length } = this;
    if (!Number.isInteger(index) || index < -length || index >= length) {
      throw new ValueError(
        `${this.constructor.name}: pop: expected a position of one of ${length} items, got ${describe(index)}`,
      );
    }
    const at = index < 0 ? index + length : index;
    const [item, ...rest] = [...this].slice(at);
    put(this, at, rest);
    Reflect.deleteProperty(this, length - 1);
    return item!;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let i = 0; Object.hasOwn(this, i); i++) yield Reflect.get(this, i) as T;
  }
}

takeNoMore(List, 'at', 'append', 'extend', 'insert');

/** Makes items properties of a list, from a position on. */
export function put(list: Module<never, unknown>, start: number, items: readonly unknown[]): void {
  for (const [i, value] of items.entries()) {
    Object.defineProperty(list, start + i, { value, writable: true, enumerable: true, configurable: true });
  }
}

/** What a list is made of. */
export const listing = signature('items', {
  items: kind('an array', isIterable).default([]),
});

/** @internal The items of an iterable, as a list keeps them. @param each what messages call one */
export function itemsOf<T>(list: { [ITEM](item: unknown, where: string): T }, each: string, items: unknown): T[] {
  if (!isIterable(items)) {
    throw new ValueError(`${list.constructor.name}: expected an array, got ${describe(items)}`);
  }
  const kept: T[] = [];
  for (const item of items) kept.push(list[ITEM](item, `${each} ${kept.length}`));
  return kept;
}
