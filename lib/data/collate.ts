import { ShapeError, ValueError } from '../errors.js';
import { tensor } from '../tensor/creation.js';
import { stack } from '../tensor/joining.js';
import { show } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';

/** What a batch of items is: tensors stacked, numbers and booleans made one tensor, texts in an array; arrays and records of these item by item. */
export type Collated<Item> = Item extends Tensor | number | boolean
  ? Tensor
  : Item extends string
    ? string[]
    : Item extends object
      ? { -readonly [K in keyof Item]: Collated<Item[K]> }
      : never;

/**
 * Makes a batch of items: what a `DataLoader` does unless it is given another `collate`.
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
export function defaultCollate<Item>(items: readonly Item[]): Collated<Item> {
  if (items.length === 0) throw new ValueError('defaultCollate: expected at least one item');
  return collate(items, 'item') as Collated<Item>;
}

/** `where` names the place within an item, for errors. */
function collate(items: readonly unknown[], where: string): unknown {
  if (all(items, isTensor)) return stackItems(items, where);
  if (all(items, isNumber) || all(items, isBoolean)) return tensor(items);
  if (all(items, isString)) return items;
  if (all(items, Array.isArray)) return collateArrays(items, where);
  if (all(items, isRecord)) return collateRecords(items, where);
  const kinds = new Set(items.map(kindOf));
  throw new ValueError(`defaultCollate: ${where}: no batch can be made of ${[...kinds].join(' and ')}; pass collate`);
}

function stackItems(items: readonly Tensor[], where: string): Tensor {
  const shapes = new Set(items.map((item) => show(item.shape)));
  if (shapes.size > 1) throw new ShapeError(`defaultCollate: ${where}: shapes differ: ${[...shapes].join(', ')}`);
  return stack(items);
}

function collateArrays(items: readonly unknown[][], where: string): unknown[] {
  const lengths = new Set(items.map((item) => item.length));
  if (lengths.size > 1) throw new ValueError(`defaultCollate: ${where}: lengths differ: ${[...lengths].join(', ')}`);
  return items[0]!.map((_, i) => {
    const column = items.map((item) => item[i]);
    return collate(column, `${where}[${i}]`);
  });
}

function collateRecords(items: readonly Record<string, unknown>[], where: string): Record<string, unknown> {
  const keys = Object.keys(items[0]!);
  return Object.fromEntries(
    keys.map((key) => {
      const column = items.map((item) => item[key]);
      return [key, collate(column, `${where}.${key}`)];
    }),
  );
}

const isTensor = (item: unknown): item is Tensor => item instanceof Tensor;
const isNumber = (item: unknown): item is number => typeof item === 'number';
const isBoolean = (item: unknown): item is boolean => typeof item === 'boolean';
const isString = (item: unknown): item is string => typeof item === 'string';

const all = <T>(items: readonly unknown[], is: (item: unknown) => item is T): items is readonly T[] => items.every(is);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

const kindOf = (value: unknown): string =>
  value instanceof Tensor ? 'Tensor' : typeof value === 'object' ? (value?.constructor?.name ?? 'null') : typeof value;
