import { unknownName } from '../arguments/unknown-name.js';
import { describe } from '../describe.js';
import { DTypeError } from '../errors.js';
/** Element types. PyTorch's int64 maps to int32 (with range checks where values enter). */
export type DType = 'float32' | 'float64' | 'int32' | 'bool';

/** The two types micro-programs compute in; loads and stores convert from and to every `DType`. */
export type ComputeType = 'float32' | 'float64';

export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array;

/** What kind of numbers a type holds: each kind holds those of the ones before. */
const CATEGORY = { bool: 0, integer: 1, float: 2 } as const;

interface DTypeInfo {
  readonly category: number;
  /** What expressions over such elements are computed in: floats in themselves, everything else in float64, which holds every int32. */
  readonly compute: ComputeType;
  /** Bytes per element. */
  readonly size: number;
  /** The number both sides of the native seam use. */
  readonly code: number;
  /** Rank in type promotion: bool < int32 < float32 < float64. */
  readonly rank: number;
  readonly view: (buffer: ArrayBuffer, byteOffset: number, length: number) => TypedArray;
  /** The number nearest to a given one, of those that the type holds. */
  readonly round: (x: number) => number;
  /** The largest finite number. */
  readonly largest: number;
  /** From 1 to the next larger number. */
  readonly epsilon: number;
  /** What PyTorch calls it. */
  readonly torch: string;
  /** What PyTorch calls a tensor of it. */
  readonly torchTensor: string;
  /** What safetensors calls it. */
  readonly safetensors: string;
}

const itself = (x: number): number => x;

const integerRow = { compute: 'float64', round: Math.trunc, epsilon: 1 } as const;

export const dtypes: Readonly<Record<DType, DTypeInfo>> = {
  float32: {
    category: CATEGORY.float,
    compute: 'float32',
    size: 4,
    code: 0,
    rank: 2,
    view: (b, o, n) => new Float32Array(b, o, n),
    round: Math.fround,
    largest: 2 ** 128 - 2 ** 104,
    epsilon: 2 ** -23,
    torch: 'float32',
    torchTensor: 'FloatTensor',
    safetensors: 'F32',
  },
  float64: {
    category: CATEGORY.float,
    compute: 'float64',
    size: 8,
    code: 1,
    rank: 3,
    view: (b, o, n) => new Float64Array(b, o, n),
    round: itself,
    largest: Number.MAX_VALUE,
    epsilon: Number.EPSILON,
    torch: 'float64',
    torchTensor: 'DoubleTensor',
    safetensors: 'F64',
  },
  int32: {
    category: CATEGORY.integer,
    ...integerRow,
    size: 4,
    code: 2,
    rank: 1,
    view: (b, o, n) => new Int32Array(b, o, n),
    largest: 2 ** 31 - 1,
    torch: 'int64',
    torchTensor: 'LongTensor',
    safetensors: 'I32',
  },
  bool: {
    category: CATEGORY.bool,
    ...integerRow,
    size: 1,
    code: 3,
    rank: 0,
    view: (b, o, n) => new Uint8Array(b, o, n),
    largest: 1,
    torch: 'bool',
    torchTensor: 'BoolTensor',
    safetensors: 'BOOL',
  },
};

/** By the numbers that both sides of the native seam use. */
export const dtypeNames = (Object.keys(dtypes) as DType[]).sort((a, b) => dtypes[a].code - dtypes[b].code);

/** The type of floats where none is given. */
export const DEFAULT_FLOAT = 'float32';

export const isFloat = (dtype: DType): dtype is ComputeType => dtypes[dtype].category === CATEGORY.float;
export const isInteger = (dtype: DType): boolean => dtypes[dtype].category === CATEGORY.integer;
export const isBool = (dtype: DType): boolean => dtypes[dtype].category === CATEGORY.bool;

/** What to compute in. */
export const computeType = (dtype: DType): ComputeType => dtypes[dtype].compute;

/** Refuses what is not the name of an element type. */
export function checkDType(op: string, dtype: unknown): asserts dtype is DType {
  if (typeof dtype === 'string' && Object.hasOwn(dtypes, dtype)) return;
  if (typeof dtype === 'string') throw new DTypeError(`${op}: ${unknownName('dtype', dtype, Object.keys(dtypes))}`);
  throw new DTypeError(`${op}: dtype must be one of ${Object.keys(dtypes).join(', ')}, got ${describe(dtype)}`);
}
