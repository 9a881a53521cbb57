import { describe, expect, test } from 'vitest';
import {
  arange,
  CaptureError,
  capture,
  grad,
  gradcheck,
  gradgradcheck,
  randn,
  ShapeError,
  stack,
  type Tensor,
  zeros,
} from '../../lib/index.js';
import { storageOf } from '../../lib/tensor/tensor.js';

/** 0, 1, 2, … in the given shape. */
export const counting = (...shape: number[]): Tensor => arange(shape.reduce((a, b) => a * b, 1)).reshape(shape);

/** An operation that gives the elements of a tensor in another arrangement. */
export interface Arrangement {
  readonly name: string;
  readonly of: () => Tensor;
  readonly take: (x: Tensor) => Tensor | Tensor[];
  readonly expected: unknown;
  /** Whether the elements are copied. */
  readonly copies?: boolean;
  /** Whether a view has one element in several places. */
  readonly overlaps?: boolean;
  /** Whether it looks at the memory of a tensor, not at its elements. */
  readonly looksAtMemory?: boolean;
  /** Whether a shape depends on values, so that it cannot be captured. */
  readonly reads?: boolean;
}

const listed = (result: Tensor | Tensor[]): Tensor[] => (Array.isArray(result) ? result : [result]);

/** Values, whether memory is shared, strided operands, gradients, writes through views, captured functions: for each of the rows. */
export function describeArrangements(rows: readonly Arrangement[]): void {
  describe.each(rows)(
    '$name',
    ({ of, take, expected, copies = false, overlaps = false, looksAtMemory = false, reads = false }) => {
      test('shows the right elements', () => {
        const result = take(of());
        expect(Array.isArray(result) ? result.map((part) => part.toArray()) : result.toArray()).toEqual(expected);
      });

      test(copies ? 'copies' : 'copies nothing', () => {
        const x = of();
        const parts = listed(take(x));
        for (const part of parts) expect(storageOf(part) === storageOf(x)).toBe(!copies);
        if (copies) for (const part of parts) expect(part.isView).toBe(false);
        if (copies || parts.every((part) => part.numel() === 0)) return;
        x.fill_(7);
        for (const part of parts) expect(part.eq(7).all().item()).toBe(true);
      });

      test('of a strided tensor, of bools and of float64', () => {
        const x = of();
        const strided = stack([x, zeros(x.shape, { dtype: 'int32' })], -1).select(-1, 0);
        const values = listed(take(of())).map((part) => part.toArray());
        const apart = () => listed(take(strided)).map((part) => part.toArray());
        try {
          if (!looksAtMemory) expect(apart()).toEqual(values);
        } catch (error) {
          if (!(error instanceof ShapeError && /^view: .* use reshape$/.test(error.message))) throw error;
        }
        for (const dtype of ['float32', 'float64', 'bool'] as const) {
          const typed = listed(take(of().to(dtype))).map((part) => [part.dtype, part.int().toArray()]);
          expect(typed).toEqual(listed(take(of())).map((part) => [dtype, part.to(dtype).int().toArray()]));
        }
      });

      test('passes gradients on', () => {
        const shape = of().shape;
        const x = randn(shape, { dtype: 'float64', requiresGrad: true });
        if (x.numel() === 0) return;
        expect(gradcheck(take, x)).toBe(true);
        if (listed(take(x)).every((part) => part.numel() === 0)) return;
        expect(gradgradcheck((a) => listed(take(a)).map((part) => part.square()), x)).toBe(true);
        expect(gradcheck((a) => listed(take(a.mul(a))).map((part) => part.exp()), x)).toBe(true);
      });

      test(copies ? 'leaves the tensor alone' : 'takes part in writes in place', () => {
        const x = randn(of().shape, { dtype: 'float64', requiresGrad: true });
        const written = (a: Tensor) => {
          const base = a.mul(2);
          for (const part of listed(take(base))) part.mul_(part.mul(3));
          return base;
        };
        if (overlaps) {
          expect(() => written(x)).toThrow('has one element in several places');
          return;
        }
        if (copies) expect(written(x).toArray()).toEqual(x.detach().mul(2).toArray());
        if (x.numel() === 0) return;
        expect(gradcheck(written, x)).toBe(true);
        expect(gradgradcheck(written, x)).toBe(true);
      });

      test(reads ? 'refuses to be captured' : 'captured, it gives the same', () => {
        const x = randn(of().shape);
        const both = (given: Tensor) => {
          const a = given.detach().requiresGrad_();
          const parts = listed(take(a));
          if (parts.every((part) => part.numel() === 0)) return parts.map((part) => part.mul(1));
          const gradients = grad(parts, a, { gradOutputs: parts.map((part) => part.detach().mul(3)) });
          return [...parts.map((part) => part.mul(1)), ...gradients];
        };
        const values = (results: readonly (Tensor | null)[]) => results.map((one) => one?.toArray());
        const captured = capture((a: Tensor) => both(a));
        if (reads) {
          expect(() => captured(x)).toThrow(CaptureError);
          return;
        }
        const plain = values(both(x));
        expect(values(captured(x))).toEqual(plain);
        expect(values(captured(x))).toEqual(plain);
      });
    },
  );
}
