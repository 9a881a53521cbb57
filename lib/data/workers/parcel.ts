import type { DType, TypedArray } from '../../backend/index.js';
import { ValueError } from '../../errors.js';
import { tensor } from '../../ops/creation.js';
import { isPlainObject } from '../../realm.js';
import { isTensor, type Tensor } from '../../tensor/tensor.js';

/** A value on its way between threads: tensors as their numbers, all else as structured cloning takes it. */
export type Parcel =
  | { readonly kind: 'tensor'; readonly dtype: DType; readonly shape: readonly number[]; readonly values: TypedArray }
  | { readonly kind: 'array'; readonly items: readonly Parcel[] }
  | { readonly kind: 'record'; readonly entries: readonly (readonly [string, Parcel])[] }
  | { readonly kind: 'value'; readonly value: unknown };

/** What to send, and the memory that goes along without being copied. */
export function pack(value: unknown): { readonly parcel: Parcel; readonly memory: ArrayBuffer[] } {
  const memory: ArrayBuffer[] = [];
  return { parcel: parcelOf(value, memory), memory };
}

function parcelOf(value: unknown, memory: ArrayBuffer[]): Parcel {
  if (isTensor(value)) return tensorParcel(value, memory);
  if (Array.isArray(value)) return { kind: 'array', items: value.map((item) => parcelOf(item, memory)) };
  if (!isPlainObject(value)) return { kind: 'value', value };
  return { kind: 'record', entries: Object.entries(value).map(([name, item]) => [name, parcelOf(item, memory)]) };
}

function tensorParcel(value: Tensor, memory: ArrayBuffer[]): Parcel {
  if (value.requiresGrad) {
    throw new ValueError('a tensor that requires a gradient cannot leave its thread: give a detached one');
  }
  const values = value.toTypedArray();
  memory.push(values.buffer as ArrayBuffer);
  return { kind: 'tensor', dtype: value.dtype, shape: value.shape, values };
}

/** What was packed. */
export function unpack(parcel: Parcel): unknown {
  switch (parcel.kind) {
    case 'tensor':
      return tensor(parcel.values, { dtype: parcel.dtype }).reshape(parcel.shape);
    case 'array':
      return parcel.items.map(unpack);
    case 'record':
      return Object.fromEntries(parcel.entries.map(([name, item]) => [name, unpack(item)]));
    case 'value':
      return parcel.value;
  }
}
