import { describe, expect, it } from 'vitest';
import { FormatError } from '../../lib/errors.js';
import { parseHeader, parseHeaderLength } from '../../lib/io/safetensors-header.js';

const sizes = new Map([
  ['F32', 4],
  ['BOOL', 1],
]);
const parse = (json: string, dataBytes: number) => parseHeader('model', Buffer.from(json), dataBytes, sizes);
const info = (dtype: string, shape: number[], begin: number, end: number) =>
  JSON.stringify({ dtype, shape, data_offsets: [begin, end] });

describe('parseHeaderLength', () => {
  const length = (n: bigint, fileBytes: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(n);
    return () => parseHeaderLength('model', bytes, fileBytes);
  };

  it('reads a length that the file can hold', () => {
    expect(length(2n, 10)()).toBe(2);
    expect(length(0n, 8)()).toBe(0);
  });

  it.each([
    [length(0n, 7), 'model: not a safetensors file: 7 bytes, expected at least 8'],
    [length(3n, 10), 'model: truncated: a header of 3 bytes in a file of 10 bytes'],
    [length(100_000_001n, 2 ** 40), 'a header of 100000001 bytes, expected at most 100000000'],
    [length(2n ** 64n - 1n, 100), 'a header of 18446744073709551615 bytes'],
  ])('refuses others', (parseLength, message) => {
    expect(parseLength).toThrow(FormatError);
    expect(parseLength).toThrow(message);
  });
});

describe('parseHeader', () => {
  it('reads entries in the order of their data, whatever the order of the keys, and metadata', () => {
    const header = parse(
      `{"b": ${info('BOOL', [2], 8, 10)}, "__metadata__": {"by": "me"}, "a": ${info('F32', [1, 2], 0, 8)}}   `,
      10,
    );
    expect(header).toEqual({
      metadata: { by: 'me' },
      entries: [
        { name: 'a', dtype: 'F32', shape: [1, 2], begin: 0, end: 8 },
        { name: 'b', dtype: 'BOOL', shape: [2], begin: 8, end: 10 },
      ],
    });
  });

  it('reads a file without tensors, and tensors without elements', () => {
    expect(parse('{}', 0).entries).toEqual([]);
    const { entries } = parse(
      `{"z": ${info('F32', [], 0, 4)}, "b": ${info('F32', [0, 7], 4, 4)}, "a": ${info('F32', [0], 0, 0)}}`,
      4,
    );
    expect(entries.map((e) => e.name)).toEqual(['a', 'z', 'b']);
  });

  it('knows no special names', () => {
    const { entries } = parse(`{"__proto__": ${info('F32', [], 0, 4)}, "constructor": ${info('F32', [], 4, 8)}}`, 8);
    expect(entries.map((e) => e.name)).toEqual(['__proto__', 'constructor']);
  });

  it.each([
    ['nothing', '', 0, "does not begin with '{'"],
    ['leading space', ' {}', 0, "does not begin with '{'"],
    ['a byte order mark', '\ufeff{}', 0, "does not begin with '{'"],
    ['an array', '[]', 0, "does not begin with '{'"],
    ['broken JSON', '{"a": ', 0, 'model: header is not valid JSON: '],
    ['bytes after the object', '{}\0', 0, 'header is not valid JSON'],
    [
      'a duplicate tensor',
      `{"a": ${info('F32', [], 0, 4)}, "a": ${info('F32', [], 0, 4)}}`,
      4,
      "key 'a' appears twice",
    ],
    ['a duplicate field', '{"a": {"dtype": "F32", "dtype": "F32", "shape": [], "data_offsets": [0, 4]}}', 4, "'dtype'"],
    ['metadata that is no object', '{"__metadata__": [1]}', 0, '__metadata__: expected an object of strings'],
    ['metadata that is no text', '{"__metadata__": {"n": 1}}', 0, '__metadata__.n: expected a string, got 1'],
    ['an entry that is no object', '{"a": 3}', 0, "tensor 'a': expected { dtype, shape, data_offsets }, got 3"],
    ['an unknown dtype', `{"a": ${info('F4', [2], 0, 1)}}`, 1, 'dtype: expected one of F32, BOOL, got "F4"'],
    ['no dtype', '{"a": {"shape": [], "data_offsets": [0, 4]}}', 4, 'dtype: expected one of F32, BOOL, got nothing'],
    ['no shape', '{"a": {"dtype": "F32", "data_offsets": [0, 4]}}', 4, 'shape: expected at most 12 sizes, got nothing'],
    ['a negative size', `{"a": ${info('F32', [-1], 0, 4)}}`, 4, 'shape: expected at most 12 sizes, got [-1]'],
    ['a fractional size', `{"a": ${info('F32', [0.25], 0, 1)}}`, 1, 'shape: '],
    ['an inexact size', '{"a": {"dtype": "F32", "shape": [9007199254740993], "data_offsets": [0, 4]}}', 4, 'shape: '],
    [
      'thirteen dimensions',
      `{"a": ${info('F32', new Array(13).fill(1), 0, 4)}}`,
      4,
      'shape: expected at most 12 sizes',
    ],
    [
      'one offset',
      '{"a": {"dtype": "F32", "shape": [], "data_offsets": [4]}}',
      4,
      'data_offsets: expected [begin, end]',
    ],
    ['an extent too small', `{"a": ${info('F32', [2, 2], 0, 8)}}`, 8, "'a': F32 [2, 2] takes 16 bytes, its data_off"],
    ['a reversed extent', `{"a": ${info('F32', [1], 4, 0)}}`, 4, 'its data_offsets [4, 0] hold -4'],
    [
      'a product that overflows',
      `{"a": ${info('F32', [2 ** 32, 2 ** 32], 0, 0)}}`,
      0,
      'takes 73786976294838210000 bytes',
    ],
    [
      'a gap at the start',
      `{"a": ${info('F32', [1], 4, 8)}}`,
      8,
      "'a' leaves a gap before it: begins at 4, expected 0",
    ],
    [
      'an overlap',
      `{"a": ${info('F32', [2], 0, 8)}, "b": ${info('F32', [2], 4, 12)}}`,
      12,
      "'b' overlaps the one before",
    ],
    ['data missing', `{"a": ${info('F32', [2], 0, 8)}}`, 7, 'truncated: its tensors take 8 bytes of data, got 7'],
    ['data left over', `{"a": ${info('F32', [2], 0, 8)}}`, 9, 'too long: its tensors take 8 bytes of data, got 9'],
    ['data without tensors', '{}', 1, 'too long: its tensors take 0 bytes of data, got 1'],
  ])('refuses %s', (_, json, dataBytes, message) => {
    expect(() => parse(json, dataBytes)).toThrow(FormatError);
    expect(() => parse(json, dataBytes)).toThrow(message);
  });

  it('refuses bytes that are not UTF-8', () => {
    const header = Buffer.from('{"a\xff": 1}', 'latin1');
    expect(() => parseHeader('model', header, 0, sizes)).toThrow('model: header is not valid UTF-8');
  });

  it('survives nesting without end', () => {
    expect(() => parse(`{"a": ${'['.repeat(1e6)}`, 0)).toThrow(FormatError);
    expect(() => parse(`{"a": ${'['.repeat(1e6)}${']'.repeat(1e6)}}`, 0)).toThrow(FormatError);
  });
});
