import { describe } from '../describe.js';
import { DTypeError } from '../errors.js';
import { unknownName } from '../options.js';
/** Element types. PyTorch's int64 maps to int32 (with range checks where values enter). */
export type DType = 'float32' | 'float64' | 'int32' | 'bool';

/** The two types micro-programs compute in; loads and stores convert from and to every `DType`. */
export type ComputeType = 'float32' | 'float64';

export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array;

interface DTypeInfo {
  /** Bytes per element. */
  readonly size: number;
  /** The number both sides of the native seam use. */
  readonly code: number;
  /** Rank in type promotion: bool < int32 < float32 < float64. */
  readonly rank: number;
  readonly view: (buffer: ArrayBuffer, byteOffset: number, length: number) => TypedArray;
}

export const dtypes: Readonly<Record<DType, DTypeInfo>> = {
  float32: { size: 4, code: 0, rank: 2, view: (b, o, n) => new Float32Array(b, o, n) },
  float64: { size: 8, code: 1, rank: 3, view: (b, o, n) => new Float64Array(b, o, n) },
  int32: { size: 4, code: 2, rank: 1, view: (b, o, n) => new Int32Array(b, o, n) },
  bool: { size: 1, code: 3, rank: 0, view: (b, o, n) => new Uint8Array(b, o, n) },
};

export const isFloat = (dtype: DType): dtype is ComputeType => dtype === 'float32' || dtype === 'float64';

/** Refuses what is not the name of an element type. */
export function checkDType(op: string, dtype: unknown): asserts dtype is DType {
  if (typeof dtype === 'string' && Object.hasOwn(dtypes, dtype)) return;
  if (typeof dtype === 'string') throw new DTypeError(`${op}: ${unknownName('dtype', dtype, Object.keys(dtypes))}`);
  throw new DTypeError(`${op}: dtype must be one of ${Object.keys(dtypes).join(', ')}, got ${describe(dtype)}`);
}
