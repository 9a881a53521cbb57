import { define } from '../arguments/define.js';
import { allAre } from '../arguments/elements.js';
import { kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import { describe } from '../describe.js';
import { ShapeError, ValueError } from '../errors.js';
import { tensor } from '../ops/creation.js';
import { stack } from '../ops/joining.js';
import { isPlainObject } from '../realm.js';
import { show } from '../tensor/shape.js';
import { isTensor, type Tensor } from '../tensor/tensor.js';

/** What a batch of items is: tensors stacked, numbers and booleans made one tensor, texts in an array; arrays and records of these item by item. */
export type Collated<Item> = Item extends Tensor | number | boolean
  ? Tensor
  : Item extends string
    ? string[]
    : Item extends object
      ? { -readonly [K in keyof Item]: Collated<Item[K]> }
      : never;

const collating = signature('items, /', {
  items: kind('an array of items', (value): value is readonly unknown[] => Array.isArray(value)),
});

/**
 * Makes a batch of items: what a `DataLoader` does unless it is given a `collateFn`.
 *
 * @example
 * ```ts
 * const [x, y] = defaultCollate([[tensor([1, 2]), 1] as const, [tensor([3, 4]), 0] as const]);
 * x; // tensor([[1., 2.], [3., 4.]])
 * y; // tensor([1., 0.])
 * ```
 * @throws ValueError if items differ in kind, or are of a kind that has no batches
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.default_collate
 */
export const defaultCollate = define('defaultCollate', collating, (items) => {
  if (items.length === 0) throw new ValueError('defaultCollate: expected at least one item');
  return collate(items, 'item', 0);
}) as <Item>(items: readonly Item[]) => Collated<Item>;

/** How many items an error looks at to say what came. */
const MOST_KINDS = 1000;

/** Deeper than this is taken for an item that contains itself. */
const DEEPEST = 64;

/** `where` names the place within an item, for errors. */
function collate(items: readonly unknown[], where: string, depth: number): unknown {
  if (depth > DEEPEST) throw new ValueError(`defaultCollate: items are nested more than ${DEEPEST} deep`);
  if (allAre(items, isTensor)) return stackItems(items, where);
  if (allAre(items, isNumber) || allAre(items, isBoolean)) return tensor(items);
  if (allAre(items, isString)) return items;
  if (allAre(items, Array.isArray)) return collateArrays(items, where, depth);
  if (allAre(items, isPlainObject)) return collateRecords(items, where, depth);
  const kinds = new Set(Array.from(items.slice(0, MOST_KINDS), kindOf));
  throw new ValueError(`defaultCollate: ${where}: no batch can be made of ${[...kinds].join(' and ')}; pass collateFn`);
}

function stackItems(items: readonly Tensor[], where: string): Tensor {
  const shapes = new Set(items.map((item) => show(item.shape)));
  if (shapes.size > 1) throw new ShapeError(`defaultCollate: ${where}: shapes differ: ${[...shapes].join(', ')}`);
  return stack(items);
}

function collateArrays(items: readonly unknown[][], where: string, depth: number): unknown[] {
  const lengths = new Set(items.map((item) => item.length));
  if (lengths.size > 1) throw new ValueError(`defaultCollate: ${where}: lengths differ: ${[...lengths].join(', ')}`);
  const columns: unknown[] = [];
  for (let i = 0; i < items[0]!.length; i++) {
    const column = items.map((item) => item[i]);
    columns.push(collate(column, `${where}[${i}]`, depth + 1));
  }
  return columns;
}

function collateRecords(
  items: readonly Record<string, unknown>[],
  where: string,
  depth: number,
): Record<string, unknown> {
  const keys = Object.keys(items[0]!);
  return Object.fromEntries(
    keys.map((key) => {
      const column = items.map((item) => (Object.hasOwn(item, key) ? item[key] : undefined));
      return [key, collate(column, `${where}.${key}`, depth + 1)];
    }),
  );
}

const isNumber = (item: unknown): item is number => typeof item === 'number';
const isBoolean = (item: unknown): item is boolean => typeof item === 'boolean';
const isString = (item: unknown): item is string => typeof item === 'string';

const kindOf = (value: unknown): string =>
  typeof value === 'object' ? describe(value).replace(/^an? /, '') : typeof value;
