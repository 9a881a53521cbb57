/** What came, in an error message. */
export function describe(value: unknown): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'string') return value.length > LONG ? `'${value.slice(0, LONG)}…'` : `'${value}'`;
  if (typeof value === 'bigint') return `the BigInt ${value}n`;
  if (typeof value === 'function') return 'a function';
  if (value === null || typeof value !== 'object') return String(value);
  const name: unknown = value.constructor?.name;
  return `a ${typeof name === 'string' && name !== '' ? name : 'object'}`;
}

/** Longer texts are cut. */
const LONG = 100;
