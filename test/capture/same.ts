import type { Tensor } from 'nabla';
import { expect } from 'vitest';

const bytes = (x: Tensor) => Buffer.from(x.toTypedArray().buffer);

export function expectSame(a: Tensor, b: Tensor): void {
  expect(a.shape).toEqual(b.shape);
  expect(a.dtype).toBe(b.dtype);
  const [got, expected] = [bytes(a), bytes(b)];
  // Only a difference is worth being shown byte by byte.
  if (!got.equals(expected)) expect([...got]).toEqual([...expected]);
}
