import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadIdx, parseIdx, readIdx } from '../../lib/data/idx.js';
import { loadMnist } from '../../lib/data/mnist.js';
import { FormatError, ValueError } from '../../lib/errors.js';

/** An IDX file: type code, shape, and the bytes of the values. */
const idx = (type: number, shape: number[], values: number[]): Uint8Array => {
  const sizes = shape.flatMap((n) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]);
  return Uint8Array.of(0, 0, type, shape.length, ...sizes, ...values);
};

describe('parseIdx', () => {
  it.each([
    [8, 'uint8', [7, 255], Uint8Array.of(7, 255)],
    [9, 'int8', [7, 255], Int8Array.of(7, -1)],
    [11, 'int16', [1, 0, 255, 254], Int16Array.of(256, -2)],
    [12, 'int32', [0, 0, 1, 0, 255, 255, 255, 254], Int32Array.of(256, -2)],
    [13, 'float32', [0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0], Float32Array.of(1, -2)],
    [14, 'float64', [0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0], Float64Array.of(1, -2)],
  ])('reads type %i as %s', (type, dtype, values, data) => {
    expect(parseIdx(idx(type, [2, 1], values))).toEqual({ shape: [2, 1], dtype, data });
  });

  it('reads values at any alignment, and copies them', () => {
    const file = idx(13, [1], [0x3f, 0x80, 0, 0]);
    const shifted = new Uint8Array(file.length + 3).subarray(3);
    shifted.set(file);
    const { data } = parseIdx(shifted);
    shifted.fill(0);
    expect(data).toEqual(Float32Array.of(1));
  });

  it('reads an empty array', () => {
    expect(parseIdx(idx(8, [0, 28, 28], []))).toEqual({ shape: [0, 28, 28], dtype: 'uint8', data: new Uint8Array() });
  });

  it.each([
    ['an empty file', [], 'digits: not an IDX file: 0 bytes, expected at least 4'],
    ['a foreign magic', [0x89, 0x50, 0x4e, 0x47], 'expected it to begin with bytes 0 0, got 137 80'],
    ['an unknown type', [0, 0, 10, 1], 'expected an IDX element type (8 uint8, 9 int8, 11 int16'],
    ['no dimensions', [0, 0, 8, 0], 'expected 1 to 12 dimensions, got 0'],
    ['too many dimensions', [0, 0, 8, 13], 'expected 1 to 12 dimensions, got 13'],
    ['a cut header', [0, 0, 8, 2, 0, 0, 0, 1], 'truncated: a header of 12 bytes expected, got 8 bytes'],
    ['cut values', idx(8, [2, 2], [1, 2, 3]), 'digits: truncated: uint8 [2, 2] makes a file of 16 bytes, got 15'],
    ['excess values', idx(11, [1], [1, 2, 3]), 'digits: too long: int16 [1] makes a file of 10 bytes, got 11'],
    ['a size beyond any file', idx(14, new Array(8).fill(0xffffffff), []), 'truncated: float64 [4294967295, '],
  ])('refuses %s', (_, bytes, message) => {
    const parse = () => parseIdx(Uint8Array.from(bytes), 'digits');
    expect(parse).toThrow(FormatError);
    expect(parse).toThrow(message);
  });
});

describe('readIdx', () => {
  let folder: string;
  const file = idx(8, [2, 3], [1, 2, 3, 4, 5, 6]);
  const parsed = { shape: [2, 3], dtype: 'uint8', data: Uint8Array.of(1, 2, 3, 4, 5, 6) };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nabla-idx-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const read = async (name: string, bytes: Uint8Array) => {
    const path = join(folder, name);
    await writeFile(path, bytes);
    return readIdx(path);
  };

  it('reads a plain and a gzipped file, whatever its name', async () => {
    await expect(read('plain', file)).resolves.toEqual(parsed);
    await expect(read('zipped.gz', gzipSync(file))).resolves.toEqual(parsed);
    await expect(read('zipped-without-suffix', gzipSync(file))).resolves.toEqual(parsed);
  });

  it('reads a file larger than its probe', async () => {
    const values = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7919) >>> 5);
    const big = Buffer.concat([idx(8, [100_000], []), values]);
    expect((await read('big', big)).data).toEqual(values);
    expect((await read('big.gz', gzipSync(big))).data).toEqual(values);
  });

  it('names the file it refuses', async () => {
    await expect(read('cut', file.subarray(0, -1))).rejects.toThrow(/cut: truncated: uint8 \[2, 3\] makes .* 18 bytes/);
    await expect(read('long', Buffer.concat([file, file]))).rejects.toThrow(/long: too long: .* got 36/);
    await expect(read('empty', new Uint8Array())).rejects.toThrow(/empty: not an IDX file: 0 bytes/);
    await expect(read('text', Buffer.from('label,image\n'))).rejects.toThrow(FormatError);
  });

  it('refuses bad gzip data', async () => {
    const zipped = gzipSync(file);
    await expect(read('cut.gz', zipped.subarray(0, -4))).rejects.toThrow(/cut.gz: bad gzip data: unexpected end/);
    await expect(
      read(
        'crc.gz',
        zipped.map((b, i) => (i === zipped.length - 6 ? b ^ 1 : b)),
      ),
    ).rejects.toThrow(/crc.gz: bad gzip data: incorrect data check/);
    await expect(read('short.gz', gzipSync(file.subarray(0, -2)))).rejects.toThrow(/truncated: .* got 16/);
    await expect(read('long.gz', gzipSync(Buffer.concat([file, file])))).rejects.toThrow(/too long: .* 18 bytes/);
    await expect(read('foreign.gz', gzipSync('hello, world'))).rejects.toThrow(/begin with bytes 0 0, got 104 101/);
  });

  it('never inflates beyond what the header announces', async () => {
    const bomb = gzipSync(Buffer.concat([idx(8, [10], []), Buffer.alloc(1 << 26)]));
    await expect(read('bomb.gz', bomb)).rejects.toThrow(/bomb.gz: too long: its header makes 18 bytes, got more/);
    const liar = gzipSync(idx(14, new Array(8).fill(0xffffffff), []));
    await expect(read('liar.gz', liar)).rejects.toThrow(/liar.gz: truncated/);
  });

  it('leaves a missing file to the error of the system', async () => {
    await expect(readIdx(join(folder, 'missing'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('what is no path', () => {
  it('but for a file: URL', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nabla-idx-'));
    const path = join(folder, 'labels');
    await writeFile(path, Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 7, 9));
    expect((await loadIdx(pathToFileURL(path))).toArray()).toEqual([7, 9]);
    await expect(loadMnist(pathToFileURL(folder))).rejects.toThrow(`in ${folder}`);
    await rm(folder, { recursive: true });
  });

  it.each([undefined, null, 3, '', 'a\0b', Symbol('s'), {}])('is refused: %s', async (path) => {
    await expect(readIdx(path as never)).rejects.toThrow(ValueError);
    await expect(loadIdx(path as never)).rejects.toThrow(ValueError);
    await expect(loadMnist(path as never)).rejects.toThrow(ValueError);
  });
});
