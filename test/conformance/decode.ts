import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import type { ElementType, RecordedCase, TensorRecord } from './format.js';
import { NotSupported } from './outcome.js';

/**
 * A Python float without a fraction. In Python `2.0` turns an integer tensor into a float one and `2` does not; in
 * JavaScript the two are the same number.
 */
export class PyFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const ARGUMENTS = ['args', 'kwargs', 'ctor_args', 'ctor_kwargs'] as const;

function markFloat(token: string): string {
  const isFloat = !token.startsWith('"') && /[.eE]/.test(token) && Number.isInteger(Number(token));
  return isFloat ? `{"float":"${token}"}` : token;
}

/** JSON.parse that keeps floats without a fraction apart from integers in arguments, as `{"float": "2.0"}`. */
export function parseCase(line: string): RecordedCase {
  const parsed = JSON.parse(line);
  const marked = line.replace(STRING_OR_NUMBER, markFloat);
  if (marked === line) return parsed;
  const withFloats = JSON.parse(marked);
  const changed = ARGUMENTS.filter((field) => field in parsed).map((field) => [field, withFloats[field]]);
  return { ...parsed, ...Object.fromEntries(changed) };
}

/** The value behind `{"float": text}`. */
export function decodeFloat(text: string): number | PyFloat {
  const named: Readonly<Record<string, number>> = { inf: Infinity, '-inf': -Infinity, nan: Number.NaN };
  return named[text] ?? new PyFloat(Number(text));
}

/** The lines of one file, each of which is a case. */
export async function* readLines(path: string): AsyncGenerator<string> {
  const file = createReadStream(path);
  const input = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    if (line !== '') yield line;
  }
}

export type Values = Float32Array | Float64Array | Int32Array | Uint8Array;

/** nabla's element type for a recorded one: all integers are int32. */
export const DTYPES = {
  f32: 'float32',
  f64: 'float64',
  i64: 'int32',
  i32: 'int32',
  i16: 'int32',
  i8: 'int32',
  u8: 'int32',
  bool: 'bool',
} as const satisfies Record<ElementType, string>;

const READERS: Readonly<Record<ElementType, (bytes: ArrayBuffer) => Values>> = {
  f32: (bytes) => new Float32Array(bytes),
  f64: (bytes) => new Float64Array(bytes),
  i64: (bytes) => narrow(new BigInt64Array(bytes)),
  i32: (bytes) => new Int32Array(bytes),
  i16: (bytes) => Int32Array.from(new Int16Array(bytes)),
  i8: (bytes) => Int32Array.from(new Int8Array(bytes)),
  u8: (bytes) => Int32Array.from(new Uint8Array(bytes)),
  bool: (bytes) => new Uint8Array(bytes),
};

function narrow(values: BigInt64Array): Int32Array {
  return Int32Array.from(values, (value) => {
    if (BigInt.asIntN(32, value) !== value) throw new NotSupported('an int64 value that int32 cannot hold');
    return Number(value);
  });
}

/** The elements of a recorded tensor, in row-major order. */
export function decodeValues({ dtype, b64 }: TensorRecord): Values {
  const bytes = Buffer.from(b64, 'base64');
  return READERS[dtype](new Uint8Array(bytes).buffer);
}
