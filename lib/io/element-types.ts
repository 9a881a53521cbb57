import { type DType, dtypes, type TypedArray } from '../backend/dtype.js';
import { FormatError } from '../errors.js';

/** How the elements of a safetensors type are stored, and what they become in a tensor. */
interface ElementType {
  /** Bytes per element. */
  readonly size: number;
  readonly dtype: DType;
  /** The values, from bytes that the result may keep. `where` begins the message about a value that does not fit. */
  readonly decode: (bytes: ArrayBuffer, where: string) => TypedArray;
}

/** The types nabla reads. Integers of other widths become int32, with a range check; half precision becomes float32, exactly. */
export const elementTypes: ReadonlyMap<string, ElementType> = new Map(
  Object.entries({
    F64: { size: 8, dtype: 'float64', decode: (bytes) => new Float64Array(bytes) },
    F32: { size: 4, dtype: 'float32', decode: (bytes) => new Float32Array(bytes) },
    F16: { size: 2, dtype: 'float32', decode: (bytes) => Float32Array.from(new Uint16Array(bytes), fromHalf) },
    BF16: { size: 2, dtype: 'float32', decode: (bytes) => fromBrain(new Uint16Array(bytes)) },
    I64: { size: 8, dtype: 'int32', decode: (bytes, where) => narrow(new BigInt64Array(bytes), where) },
    U64: { size: 8, dtype: 'int32', decode: (bytes, where) => narrow(new BigUint64Array(bytes), where) },
    I32: { size: 4, dtype: 'int32', decode: (bytes) => new Int32Array(bytes) },
    U32: { size: 4, dtype: 'int32', decode: (bytes, where) => narrow(new Uint32Array(bytes), where) },
    I16: { size: 2, dtype: 'int32', decode: (bytes) => Int32Array.from(new Int16Array(bytes)) },
    U16: { size: 2, dtype: 'int32', decode: (bytes) => Int32Array.from(new Uint16Array(bytes)) },
    I8: { size: 1, dtype: 'int32', decode: (bytes) => Int32Array.from(new Int8Array(bytes)) },
    U8: { size: 1, dtype: 'int32', decode: (bytes) => Int32Array.from(new Uint8Array(bytes)) },
    BOOL: { size: 1, dtype: 'bool', decode: (bytes, where) => checkBools(new Uint8Array(bytes), where) },
  } satisfies Record<string, ElementType>),
);

/** The dtypes, the widest first: the order in which tensors are put, which keeps each of them aligned. */
export const storageOrder = (Object.keys(dtypes) as DType[]).toSorted((a, b) => dtypes[b].rank - dtypes[a].rank);

/** IEEE half precision: sign, 5 bits of exponent (bias 15), 10 of fraction. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** bfloat16 is the upper half of a float32. */
const fromBrain = (halves: Uint16Array): Float32Array =>
  new Float32Array(Uint32Array.from(halves, (bits) => bits << 16).buffer);

function narrow(values: BigInt64Array | BigUint64Array | Uint32Array, where: string): Int32Array {
  const narrowed = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value < -0x80000000 || value > 0x7fffffff) {
      throw new FormatError(`${where}: element ${i} is ${value}, which does not fit int32`);
    }
    narrowed[i] = Number(value);
  }
  return narrowed;
}

function checkBools(values: Uint8Array, where: string): Uint8Array {
  const wrong = values.findIndex((value) => value > 1);
  if (wrong !== -1) throw new FormatError(`${where}: element ${wrong} is ${values[wrong]}, expected 0 or 1`);
  return values;
}
