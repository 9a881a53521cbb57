import { describe } from '../describe.js';
import { FormatError, ValueError } from '../errors.js';
import { isPlainObject } from '../realm.js';
import { isTensor, type Tensor } from '../tensor/tensor.js';

// Plain data with tensors in it, as a text of JSON and tensors by name. What JSON has no word for is an object whose only key begins with `$`.

/** Data as JSON has them, numbers of all kinds and tensors included. */
export type PlainData =
  | null
  | boolean
  | number
  | string
  | Tensor
  | readonly PlainData[]
  | { readonly [name: string]: PlainData };

/** A nest in two parts. */
export interface Packed {
  readonly text: string;
  readonly tensors: Record<string, Tensor>;
}

/** A header of a safetensors file may have 100 MB; JSON within JSON has its quotes escaped. */
const MOST_TEXT = 40_000_000;

/** Deeper nests would be too much for the stack. */
const MOST_DEEP = 200;

/**
 * Takes a nest apart. The names of tensors are their paths.
 *
 * @throws ValueError, with `op` and the path in it, for what is no plain data
 */
export function pack(op: string, nest: unknown): Packed {
  const tensors = new Map<string, Tensor>();
  const within = new Set<object>();
  const refuse = (path: string, reason: string): never => {
    throw new ValueError(`${op}: ${path} ${reason}`);
  };
  const packed = (value: unknown, path: string): unknown => {
    if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
    if (typeof value === 'number')
      return Number.isFinite(value) && !Object.is(value, -0) ? value : { $number: textOf(value) };
    if (isTensor(value)) return { $tensor: named(value, path) };
    if (!Array.isArray(value) && !isPlainObject(value)) {
      return refuse(
        path,
        `must be plain data (numbers, texts, tensors, arrays and objects of them), got ${describe(value)}`,
      );
    }
    if (within.has(value)) return refuse(path, 'contains itself');
    if (within.size === MOST_DEEP) return refuse(path, `is within more than ${MOST_DEEP} others`);
    within.add(value);
    const of = Array.isArray(value)
      ? Array.from(value, (one, i) => packed(one, join(path, String(i))))
      : fields(value, path);
    within.delete(value);
    return of;
  };
  const fields = (value: Record<string, unknown>, path: string): unknown => {
    const entries = Object.entries(value).map(([key, one]) => [key, packed(one, join(path, key))] as const);
    return entries.some(([key]) => key.startsWith('$')) ? { $entries: entries } : Object.fromEntries(entries);
  };
  const named = (value: Tensor, path: string): string => {
    let name = path;
    for (let i = 2; tensors.has(name); i++) name = `${path}#${i}`;
    tensors.set(name, value);
    return name;
  };
  const text = JSON.stringify(packed(nest, ''));
  if (text.length > MOST_TEXT)
    refuse(
      'data beside tensors',
      `have ${text.length} characters of JSON, of at most ${MOST_TEXT}; put numbers into tensors`,
    );
  return { text, tensors: Object.fromEntries(tensors) };
}

const textOf = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));
const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

/**
 * Puts a nest together.
 *
 * @throws FormatError, with `file` in it, for what `pack` did not write
 */
export function unpack(file: string, { text, tensors }: Packed): PlainData {
  const refuse = (reason: string): never => {
    throw new FormatError(`${file}: ${reason}`);
  };
  const special: Readonly<Record<string, (value: unknown, depth: number) => PlainData>> = {
    $number: (value) => numbers.get(value) ?? refuse(`${describe(value)} is no number`),
    $tensor: (value) =>
      typeof value === 'string' && Object.hasOwn(tensors, value)
        ? tensors[value]!
        : refuse(`there is no tensor ${describe(value)}`),
    $entries: (value, depth) =>
      isEntries(value) ? read(value, depth) : refuse('$entries are no pairs of a name and a value'),
  };
  const read = (entries: readonly (readonly [string, unknown])[], depth: number): PlainData =>
    Object.fromEntries(entries.map(([key, one]) => [key, unpacked(one, depth)]));
  const unpacked = (value: unknown, depth: number): PlainData => {
    if (typeof value !== 'object' || value === null) return value as PlainData;
    if (depth > MOST_DEEP) return refuse(`data are within more than ${MOST_DEEP} others`);
    if (Array.isArray(value)) return value.map((one) => unpacked(one, depth + 1));
    const entries = Object.entries(value);
    const [mark, content] = entries.find(([key]) => key.startsWith('$')) ?? [];
    if (mark === undefined) return read(entries, depth + 1);
    const known = Object.hasOwn(special, mark) && entries.length === 1 ? special[mark] : undefined;
    return known === undefined ? refuse(`${mark} means nothing here`) : known(content, depth + 1);
  };
  return unpacked(parsed(text, refuse), 0);
}

const numbers: ReadonlyMap<unknown, number> = new Map(
  [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0].map((value) => [textOf(value), value]),
);

const isEntries = (value: unknown): value is readonly [string, unknown][] =>
  Array.isArray(value) && value.every((one) => Array.isArray(one) && one.length === 2 && typeof one[0] === 'string');

function parsed(text: string, refuse: (reason: string) => never): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return refuse('the data beside its tensors are no JSON');
  }
}
