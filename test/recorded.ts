import { type Tensor, tensor } from 'nabla';

// What PyTorch computed, as fixtures hold it: JSON has no NaN and no infinities.

export type Encoded = readonly (number | string)[];

export interface EncodedTensor {
  readonly shape: readonly number[];
  readonly values: Encoded;
  readonly dtype: 'float32' | 'float64' | 'int32' | 'bool';
}

const SPECIAL: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
  '-0': -0,
};

export const decodeNumber = (x: number | string): number => (typeof x === 'number' ? x : SPECIAL[x]!);

export const decode = (values: Encoded): number[] => values.map(decodeNumber);

export const decodeTensor = ({ shape, values, dtype }: EncodedTensor): Tensor =>
  tensor(decode(values), { dtype }).reshape([...shape]);

export const numbers = (x: Tensor): number[] => [...(x.toTypedArray() as Float64Array)];

/** Throws unless all elements are these, NaN where that is NaN. */
export function expectClose(actual: Tensor, expected: Encoded, tolerance = 1e-13): void {
  const values = numbers(actual);
  const wanted = decode(expected);
  if (values.length !== wanted.length) throw new Error(`${values.length} elements, expected ${wanted.length}`);
  const off = values.findIndex((x, i) => {
    const y = wanted[i]!;
    return !(Object.is(x, y) || x === y || Math.abs(x - y) <= tolerance * Math.max(1, Math.abs(y)));
  });
  if (off >= 0) throw new Error(`element ${off} is ${values[off]}, expected ${wanted[off]}`);
}
