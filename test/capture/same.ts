import type { Tensor } from 'nabla';
import { expect } from 'vitest';

const bits = (x: Tensor) => [...new Uint8Array(x.toTypedArray().buffer)];

export function expectSame(a: Tensor, b: Tensor): void {
  expect(a.shape).toEqual(b.shape);
  expect(a.dtype).toBe(b.dtype);
  expect(bits(a)).toEqual(bits(b));
}
