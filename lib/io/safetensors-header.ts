import { TextDecoder } from 'node:util';
import { MAX_DIMS } from '../backend/view.js';
import { FormatError } from '../errors.js';
import { messageOf } from '../realm.js';
import { duplicateKey } from './json-keys.js';

/** Where a tensor of a safetensors file is: its extent counts in bytes from the end of the header. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  /** In order of their extents, which tile the data without a gap. */
  readonly entries: readonly TensorEntry[];
}

/** Bytes of the length that stands before the header. */
export const LENGTH_BYTES = 8;
const MAX_HEADER_BYTES = 100_000_000;

/**
 * The length of the header from the first eight bytes of a file of `fileBytes` bytes, checked against both that and the
 * format's limit, so that a reader may allocate it.
 */
export function parseHeaderLength(file: string, first: Uint8Array, fileBytes: number): number {
  if (fileBytes < LENGTH_BYTES) {
    throw new FormatError(`${file}: not a safetensors file: ${fileBytes} bytes, expected at least ${LENGTH_BYTES}`);
  }
  const length = new DataView(first.buffer, first.byteOffset).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES) {
    throw new FormatError(
      `${file}: not a safetensors file: a header of ${length} bytes, expected at most ${MAX_HEADER_BYTES}`,
    );
  }
  if (Number(length) > fileBytes - LENGTH_BYTES) {
    throw new FormatError(`${file}: truncated: a header of ${length} bytes in a file of ${fileBytes} bytes`);
  }
  return Number(length);
}

/**
 * The header of a file whose data, after the header, has `dataBytes` bytes. `sizes` gives the bytes per element of each
 * type the reader knows.
 */
export function parseHeader(
  file: string,
  header: Uint8Array,
  dataBytes: number,
  sizes: ReadonlyMap<string, number>,
): SafetensorsHeader {
  const { __metadata__, ...tensors } = parseObject(file, header);
  const metadata = __metadata__ === undefined ? {} : checkMetadata(file, __metadata__);
  const entries = Object.entries(tensors).map(([name, info]) => checkEntry(file, name, info, sizes));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkTiling(file, entries, dataBytes);
  return { metadata, entries };
}

function parseObject(file: string, header: Uint8Array): Record<string, unknown> {
  if (header[0] !== 0x7b) throw new FormatError(`${file}: not a safetensors file: its header does not begin with '{'`);
  const text = decodeUtf8(file, header);
  const object = parseJson(file, text);
  const duplicate = duplicateKey(text);
  if (duplicate !== undefined) throw new FormatError(`${file}: header: the key '${duplicate}' appears twice`);
  return object;
}

function decodeUtf8(file: string, header: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(header);
  } catch {
    throw new FormatError(`${file}: header is not valid UTF-8`);
  }
}

/** JSON that begins with '{', as was checked, parses to an object. */
function parseJson(file: string, text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new FormatError(`${file}: header is not valid JSON: ${messageOf(error)}`);
  }
}

function checkMetadata(file: string, metadata: unknown): Record<string, string> {
  if (!isObject(metadata)) throw new FormatError(`${file}: __metadata__: expected an object of strings`);
  const strings: [string, string][] = [];
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') {
      throw new FormatError(`${file}: __metadata__.${key}: expected a string, got ${describe(value)}`);
    }
    strings.push([key, value]);
  }
  return Object.fromEntries(strings);
}

function checkEntry(file: string, name: string, info: unknown, sizes: ReadonlyMap<string, number>): TensorEntry {
  const where = `${file}: tensor '${name}'`;
  if (!isObject(info))
    throw new FormatError(`${where}: expected { dtype, shape, data_offsets }, got ${describe(info)}`);
  const { dtype, shape, data_offsets: offsets } = info;
  const size = typeof dtype === 'string' ? sizes.get(dtype) : undefined;
  if (typeof dtype !== 'string' || size === undefined) {
    throw new FormatError(`${where}: dtype: expected one of ${[...sizes.keys()].join(', ')}, got ${describe(dtype)}`);
  }
  if (!isSizes(shape) || shape.length > MAX_DIMS) {
    throw new FormatError(`${where}: shape: expected at most ${MAX_DIMS} sizes, got ${describe(shape)}`);
  }
  if (!isSizes(offsets) || offsets.length !== 2) {
    throw new FormatError(`${where}: data_offsets: expected [begin, end], got ${describe(offsets)}`);
  }
  const [begin, end] = offsets as [number, number];
  const bytes = shape.reduce((product, n) => product * n, size);
  if (end - begin !== bytes) {
    throw new FormatError(
      `${where}: ${dtype} [${shape.join(', ')}] takes ${bytes} bytes, its data_offsets [${begin}, ${end}] hold ${end - begin}`,
    );
  }
  return { name, dtype, shape, begin, end };
}

/** Sorted extents must follow each other from the first byte of the data to the last. */
function checkTiling(file: string, entries: readonly TensorEntry[], dataBytes: number): void {
  let end = 0;
  for (const entry of entries) {
    if (entry.begin !== end) {
      const fault = entry.begin < end ? 'overlaps the one before it' : 'leaves a gap before it';
      throw new FormatError(`${file}: tensor '${entry.name}' ${fault}: begins at ${entry.begin}, expected ${end}`);
    }
    end = entry.end;
  }
  if (end !== dataBytes) {
    const fault = end > dataBytes ? 'truncated' : 'too long';
    throw new FormatError(`${file}: ${fault}: its tensors take ${end} bytes of data, got ${dataBytes}`);
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Sizes so large that they are no longer exact are refused here; their products are compared with what the file really has. */
const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && (n > 0 || Object.is(n, 0)));

/** A value of the header as a message shows it: cut where it gets long, and not into the depths of a nested one. */
function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return cut(`[${value.slice(0, 20).map(describeInner).join(', ')}]`);
  return cut(describeInner(value));
}

function describeInner(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return Array.isArray(value) ? '[...]' : '{...}';
}

const cut = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}...` : text);
