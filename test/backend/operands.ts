// Memory is there when a backend is chosen.
import '../../lib/backend/index.js';
import type { DType } from '../../lib/backend/dtype.js';
import { allocate } from '../../lib/backend/storage.js';
import { broadcastStrides, contiguousStrides, isContiguous, sizeOf, type View } from '../../lib/backend/view.js';

/** How a test operand lies in memory. */
export const layouts = ['contiguous', 'offset', 'strided', 'gapped rows', 'transposed'] as const;
export type Layout = (typeof layouts)[number];

/** A view whose elements in row-major order are `values`, repeated as needed; memory around them holds what no test expects. */
export function operand(
  dtype: DType,
  shape: readonly number[],
  values: readonly number[],
  layout: Layout = 'contiguous',
): View {
  const view = blank(dtype, shape, layout);
  const array = view.storage.array(dtype).fill(113);
  const stored = dtype === 'bool' ? values.map((value) => Number(value !== 0)) : values;
  let next = 0;
  for (const at of offsetsOf(view, shape)) {
    array[at] = stored[next]!;
    if (++next === stored.length) next = 0;
  }
  return view;
}

function blank(dtype: DType, shape: readonly number[], layout: Layout): View {
  const storage = allocate(dtype, 2 * sizeOf(shape) + 3);
  const strides = contiguousStrides(shape);
  switch (layout) {
    case 'contiguous':
      return { storage, offset: 0, shape, strides, dtype };
    case 'offset':
      return { storage, offset: 3, shape, strides, dtype };
    case 'strided':
      return { storage, offset: 1, shape, strides: strides.map((stride) => 2 * stride), dtype };
    case 'gapped rows':
      return { storage, offset: 1, shape, strides: strides.map((stride) => (stride === 1 ? 1 : 2 * stride)), dtype };
    case 'transposed':
      return { storage, offset: 0, shape, strides: contiguousStrides([...shape].reverse()).reverse(), dtype };
    default:
      return layout satisfies never;
  }
}

/** Where the elements of `view`, broadcast to `shape`, are in its storage: in row-major order of `shape`. */
export function offsetsOf(view: View, shape: readonly number[]): number[] {
  const strides = broadcastStrides(view, shape);
  let offsets = [view.offset];
  shape.forEach((size, axis) => {
    const stride = strides[axis]!;
    const inner = new Array<number>(offsets.length * size);
    let next = 0;
    for (const offset of offsets) for (let i = 0; i < size; i++) inner[next++] = offset + i * stride;
    offsets = inner;
  });
  return offsets;
}

/** The elements of `view`, broadcast to `shape` if given, in row-major order. */
export function valuesOf(view: View, shape: readonly number[] = view.shape): number[] {
  const array = view.storage.array(view.dtype);
  if (shape === view.shape && isContiguous(view))
    return Array.from(array.subarray(view.offset, view.offset + sizeOf(shape)));
  return offsetsOf(view, shape).map((offset) => array[offset]!);
}

const noises = new Map<string, readonly number[]>();

/** Repeatable values of both signs and several magnitudes. */
export function noise(length: number, seed = 1): readonly number[] {
  const key = `${length} ${seed}`;
  const known = noises.get(key);
  if (known !== undefined) return known;
  let state = seed;
  const made = Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return Math.fround((state / 2 ** 31) * 4);
  });
  noises.set(key, made);
  return made;
}

/** Values at which operations tend to go wrong. */
export const specialValues: readonly number[] = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  -1.5,
  2.5,
  -2.5,
  2,
  -2,
  3,
  0.1,
  -0.1,
  1e-3,
  10,
  -10,
  88,
  -88,
  104,
  -104,
  710,
  -746,
  1e-20,
  -1e-20,
  1e20,
  -1e20,
  1e-38,
  1e-40,
  -1e-45,
  3e38,
  -3e38,
  2 ** 23 + 0.5,
  2 ** 31,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.NaN,
];
