import { expect, test } from 'vitest';
import { checkValues, EXACT, furthest, tolerance } from './compare.js';

const loose = { atol: 0.1, rtol: 0.1 };

test('a value may be off by the absolute and the relative tolerance together', () => {
  expect(furthest([1.19], [1], loose)).toBeUndefined();
  expect(furthest([1.21], [1], loose)?.index).toBe(0);
});

test('the element that is furthest off is the one reported', () => {
  expect(furthest([1.3, 0, 2], [1, 5, 2], loose)).toEqual({ index: 1, error: 5 });
  expect(() => checkValues('output', [1, 2], [1, 5], EXACT)).toThrow(
    'output: element 1 is 2, expected 5; error 3.00e+0',
  );
});

test('NaN and infinities stand in the same places', () => {
  expect(furthest([Number.NaN, Infinity], [Number.NaN, Infinity], EXACT)).toBeUndefined();
  expect(furthest([0], [Number.NaN], loose)?.error).toBe(Infinity);
  expect(furthest([Number.NaN], [0], loose)?.error).toBe(Infinity);
  expect(furthest([-Infinity], [Infinity], loose)?.error).toBe(Infinity);
});

test('zeros are equal whatever their signs', () => {
  expect(furthest([-0], [0], EXACT)).toBeUndefined();
});

test('what is allowed grows with the error PyTorch itself makes', () => {
  expect(tolerance('out', null)('f32')).toEqual({ atol: 1e-5, rtol: 1e-5 });
  expect(tolerance('grad', 1e-4)('f32')).toEqual({ atol: 1e-3, rtol: 1e-3 });
  expect(tolerance('out', undefined, { f64: 1e-7 })('f64').atol).toBe(1e-7);
  expect(tolerance('out', 0.5)('i64')).toEqual(EXACT);
});
