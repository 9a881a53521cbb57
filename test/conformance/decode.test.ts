import { describe, expect, test } from 'vitest';
import { decodeFloat, decodeValues, PyFloat, parseCase } from './decode.js';

const base64 = (values: { buffer: ArrayBufferLike }) => Buffer.from(values.buffer).toString('base64');

describe('recorded lines', () => {
  test('keep Python floats apart from Python integers in arguments', () => {
    const line =
      '{"id": "a 1.0 b", "args": [2, 2.0, -3e5, 0.5, "1.0"], "kwargs": {"alpha": 1.0}, "noise": {"out": 1.0}}';
    expect(parseCase(line)).toEqual({
      id: 'a 1.0 b',
      args: [2, { float: '2.0' }, { float: '-3e5' }, 0.5, '1.0'],
      kwargs: { alpha: { float: '1.0' } },
      noise: { out: 1 },
    });
  });

  test('name the floats that JSON cannot hold', () => {
    expect(decodeFloat('-inf')).toBe(Number.NEGATIVE_INFINITY);
    expect(decodeFloat('nan')).toBeNaN();
    expect(decodeFloat('2.0')).toEqual(new PyFloat(2));
  });
});

describe('recorded tensors', () => {
  test('are little endian, whatever the alignment of the text', () => {
    const record = { dtype: 'f64', shape: [2], b64: base64(Float64Array.of(0.1, -1e300)) } as const;
    expect(decodeValues(record)).toEqual(Float64Array.of(0.1, -1e300));
  });

  test('of integers become int32', () => {
    expect(decodeValues({ dtype: 'i64', shape: [2], b64: base64(BigInt64Array.of(7n, -(2n ** 31n))) })).toEqual(
      Int32Array.of(7, -(2 ** 31)),
    );
    expect(decodeValues({ dtype: 'u8', shape: [1], b64: base64(Uint8Array.of(200)) })).toEqual(Int32Array.of(200));
    expect(decodeValues({ dtype: 'i8', shape: [1], b64: base64(Int8Array.of(-2)) })).toEqual(Int32Array.of(-2));
  });

  test('of integers beyond int32 are not supported', () => {
    const record = { dtype: 'i64', shape: [], b64: base64(BigInt64Array.of(2n ** 31n)) } as const;
    expect(() => decodeValues(record)).toThrow('int32 cannot hold');
  });

  test('may have no elements', () => {
    expect(decodeValues({ dtype: 'f32', shape: [0, 3], b64: '' })).toEqual(new Float32Array());
  });
});
