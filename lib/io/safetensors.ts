import { type FileHandle, open } from 'node:fs/promises';
import { define, defineAsync } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { dtypes } from '../backend/dtype.js';
import { FormatError, ValueError } from '../errors.js';
import { absoluteFilePath, absolutePath, type Path } from '../path.js';
import { emptyOf } from '../tensor/empty.js';
import * as kinds from '../tensor/kinds.js';
import { storageOf, type Tensor } from '../tensor/tensor.js';
import { writeFileAtomic } from './atomic.js';
import { elementTypes, storageOrder } from './element-types.js';
import {
  LENGTH_BYTES,
  parseHeader,
  parseHeaderLength,
  type SafetensorsHeader,
  type TensorEntry,
} from './safetensors-header.js';

/** Tensors by name, such as a `stateDict()`. */
export type TensorRecord = Readonly<Record<string, Tensor>>;

const contents = {
  tensors: kinds.recordOf('tensors by name', kinds.tensor),
  /** Texts kept beside the tensors. Default: {}, none. */
  metadata: kinds.recordOf('texts by name', kinds.text).default({}),
};

const saving = signature('path, tensors, /, *, metadata', { path: kinds.path, ...contents });
const encoding = signature('tensors, /, *, metadata', contents);
const loading = signature('path, /', { path: kinds.path });

const decoding = signature('bytes, /, name', {
  bytes: kinds.bytes,
  /** What errors call them. Default: 'safetensors data'. */
  name: kinds.text.default('safetensors data'),
});

export interface SafetensorsOptions extends OptionsOf<typeof encoding> {}

const sizes: ReadonlyMap<string, number> = new Map([...elementTypes].map(([name, { size }]) => [name, size]));

/**
 * Writes tensors to a safetensors file, which PyTorch, candle, MLX and others read too. The write is atomic: whatever
 * happens, the path holds either what it held before or all of the tensors, as they are at the call: they are copied
 * before it returns, and can be changed while the promise is pending.
 *
 * What was there is kept but for its content: a link is followed, mode and owner stay. (A hard link becomes a file of its own.) A pipe or
 * a device is written to directly.
 *
 * @example
 * ```ts
 * const model = new nn.Linear(2, 1);
 * await saveSafetensors('model.safetensors', model.stateDict(), { metadata: { epochs: '5' } });
 * ```
 * float32, float64, int32 and bool are stored as F32, F64, I32 and BOOL.
 *
 * @param path a path, or a `file:` URL
 * @throws ValueError for what is not a tensor, metadata that are not strings, and the path of a folder
 * @see https://huggingface.co/docs/safetensors
 */
export const saveSafetensors: FunctionOf<Promise<void>, typeof saving, SafetensorsOptions> = defineAsync(
  'saveSafetensors',
  saving,
  (path, tensors, metadata) => tensorWriter('saveSafetensors', path, tensors, metadata)(),
);

/** Copies tensors as they are now, for `op`, and gives what writes them, once. */
export function tensorWriter(
  op: string,
  path: Path,
  tensors: TensorRecord,
  metadata: Readonly<Record<string, string>>,
): () => Promise<void> {
  const file = absoluteFilePath(op, path);
  const chunks = [...encode(op, tensors, metadata)];
  return () => writeFileAtomic(op, file, drained(chunks));
}

/** The chunks, each forgotten when the next is asked for. */
function* drained(chunks: Uint8Array[]): Generator<Uint8Array> {
  chunks.reverse();
  for (let chunk = chunks.pop(); chunk !== undefined; chunk = chunks.pop()) yield chunk;
}

/**
 * Reads the tensors of a safetensors file.
 *
 * @example
 * ```ts
 * await saveSafetensors('model.safetensors', new nn.Linear(2, 1).stateDict());
 * const model = new nn.Linear(2, 1);
 * model.loadStateDict(await loadSafetensors('model.safetensors'));
 * ```
 * F16 and BF16 become float32; the other integer types become int32, with a range check.
 *
 * @throws FormatError if the file is foreign, truncated or inconsistent: nothing is allocated for the tensors before the
 * header has been compared with the size of the file
 */
export const loadSafetensors: FunctionOf<Promise<Record<string, Tensor>>, typeof loading> = defineAsync(
  'loadSafetensors',
  loading,
  async (path) => (await readTensors('loadSafetensors', path)).tensors,
);

/** Tensors, and the texts beside them. */
export interface Contents {
  readonly tensors: Record<string, Tensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** All of a safetensors file, for `op`: of one file, even if another takes its place meanwhile. */
export async function readTensors(op: string, path: Path): Promise<Contents> {
  const name = absolutePath(op, path);
  return readFrom(name, async (file, header, start) => {
    const loaded: [string, Tensor][] = [];
    for (const entry of header.entries) {
      const bytes = new Uint8Array(entry.end - entry.begin);
      await readExactly(name, file, bytes, start + entry.begin);
      loaded.push([entry.name, toTensor(name, entry, bytes)]);
    }
    return { tensors: Object.fromEntries(loaded), metadata: header.metadata };
  });
}

/**
 * Reads the texts kept beside the tensors of a safetensors file, and nothing else of it.
 *
 * @example
 * ```ts
 * await saveSafetensors('empty.safetensors', {}, { metadata: { epochs: '5' } });
 * await loadSafetensorsMetadata('empty.safetensors'); // { epochs: '5' }
 * ```
 * @throws FormatError as {@link loadSafetensors} does
 */
export const loadSafetensorsMetadata: FunctionOf<Promise<Record<string, string>>, typeof loading> = defineAsync(
  'loadSafetensorsMetadata',
  loading,
  async (path) =>
    readFrom(absolutePath('loadSafetensorsMetadata', path), (_, header) => Promise.resolve({ ...header.metadata })),
);

/**
 * The bytes that {@link saveSafetensors} would write.
 *
 * @example
 * ```ts
 * encodeSafetensors({ weight: zeros([3, 4]) }).length; // 120
 * ```
 */
export const encodeSafetensors: FunctionOf<Uint8Array, typeof encoding, SafetensorsOptions> = define(
  'encodeSafetensors',
  encoding,
  (tensors, metadata) => new Uint8Array(Buffer.concat([...encode('encodeSafetensors', tensors, metadata)])),
);

/**
 * The tensors in the bytes of a safetensors file; `name` is what errors call it.
 *
 * @example
 * ```ts
 * const bytes = encodeSafetensors({ weight: tensor([1, 2]) });
 * decodeSafetensors(bytes).weight!; // tensor([1., 2.])
 * ```
 * @throws FormatError as {@link loadSafetensors} does
 */
export const decodeSafetensors: FunctionOf<Record<string, Tensor>, typeof decoding> = define(
  'decodeSafetensors',
  decoding,
  (bytes, name) => {
    const start = LENGTH_BYTES + parseHeaderLength(name, bytes, bytes.length);
    const header = parseHeader(name, bytes.subarray(LENGTH_BYTES, start), bytes.length - start, sizes);
    return Object.fromEntries(
      header.entries.map((entry) => {
        const copy = new Uint8Array(bytes.subarray(start + entry.begin, start + entry.end));
        return [entry.name, toTensor(name, entry, copy)];
      }),
    );
  },
);

/** Length, header, then a copy of the values of one tensor after another. */
function* encode(op: string, tensors: TensorRecord, metadata: Readonly<Record<string, string>>): Generator<Uint8Array> {
  const sorted = sortForStorage(op, tensors);
  yield encodeHeader(sorted, metadata);
  for (const [, tensor] of sorted) {
    const values = tensor.toTypedArray();
    yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
}

/** Wide elements first, so that every tensor is aligned to its own; then by name, so that equal tensors make equal files. */
function sortForStorage(op: string, tensors: TensorRecord): [string, Tensor][] {
  if (Object.hasOwn(tensors, '__metadata__'))
    throw new ValueError(`${op}: the name '__metadata__' is reserved; use options.metadata`);
  const rank = (tensor: Tensor) => storageOrder.indexOf(tensor.dtype);
  return Object.entries(tensors).sort(([a, s], [b, t]) => rank(s) - rank(t) || (a < b ? -1 : 1));
}

/** The header with its length before it, padded with spaces so that the data begin at a multiple of 8. */
function encodeHeader(tensors: readonly [string, Tensor][], metadata: Readonly<Record<string, string>>): Uint8Array {
  let end = 0;
  const infos = tensors.map(([name, tensor]) => {
    const dtype = dtypes[tensor.dtype].safetensors;
    const begin = end;
    end += tensor.numel() * sizes.get(dtype)!;
    return [name, { dtype, shape: tensor.shape, data_offsets: [begin, end] }] as const;
  });
  const first = Object.keys(metadata).length === 0 ? [] : [['__metadata__', metadata] as const];
  const json = Buffer.from(JSON.stringify(Object.fromEntries([...first, ...infos])));
  const bytes = Buffer.alloc(Math.ceil((LENGTH_BYTES + json.length) / 8) * 8, ' ');
  bytes.writeBigUInt64LE(BigInt(bytes.length - LENGTH_BYTES));
  bytes.set(json, LENGTH_BYTES);
  return bytes;
}

function toTensor(file: string, { name, dtype, shape }: TensorEntry, bytes: Uint8Array<ArrayBuffer>): Tensor {
  const type = elementTypes.get(dtype)!;
  const tensor = emptyOf(shape, type.dtype);
  storageOf(tensor)
    .array(type.dtype)
    .set(type.decode(bytes.buffer, `${file}: tensor '${name}'`));
  return tensor;
}

/** Opens a file and checks its header for `use`, which is also given where the data start. */
async function readFrom<T>(
  path: string,
  use: (file: FileHandle, header: SafetensorsHeader, start: number) => Promise<T>,
): Promise<T> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const first = new Uint8Array(Math.min(size, LENGTH_BYTES));
    await readExactly(path, file, first, 0);
    const header = new Uint8Array(parseHeaderLength(path, first, size));
    await readExactly(path, file, header, LENGTH_BYTES);
    const start = LENGTH_BYTES + header.length;
    return await use(file, parseHeader(path, header, size - start, sizes), start);
  } finally {
    await file.close();
  }
}

/** One read may return less than asked for, and at most 2 GiB. */
async function readExactly(path: string, file: FileHandle, into: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const length = Math.min(into.length - done, 1 << 30);
    const { bytesRead } = await file.read(into, done, length, position + done);
    if (bytesRead === 0) throw new FormatError(`${path}: truncated while it was read`);
    done += bytesRead;
  }
}
