const OF_NABLA = Symbol.for('nabla');

/** This copy of the library: another one's tensors and modules are strangers here. */
const thisCopy: { readonly file: string } = { file: import.meta.url ?? 'a bundle' };

/** Marks a class (by its prototype) or a function, so that messages can tell its objects from those of another copy of the library in the same process. */
export function mark(marked: object): void {
  Object.defineProperty(marked, OF_NABLA, { value: thisCopy });
}

/** What came, in an error message. */
export function describe(value: unknown): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'string') return value.length > LONG ? `'${value.slice(0, LONG)}…'` : `'${value}'`;
  if (typeof value === 'bigint') return `the BigInt ${value}n`;
  if (typeof value === 'function') return `a function${foreignness(value)}`;
  if (value === null || typeof value !== 'object') return String(value);
  const name: unknown = value.constructor?.name;
  return `a ${typeof name === 'string' && name !== '' ? name : 'object'}${foreignness(value)}`;
}

function foreignness(value: object): string {
  const copy: unknown = Reflect.get(value, OF_NABLA);
  if (copy === thisCopy || typeof copy !== 'object' || copy === null || !('file' in copy)) return '';
  return ` of another copy of nabla (${copy.file}; this one is ${thisCopy.file})`;
}

/** Longer texts are cut. */
const LONG = 100;
