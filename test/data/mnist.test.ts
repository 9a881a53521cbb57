import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { loadIdx, loadMnist } from 'nabla/data';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FormatError } from '../../lib/errors.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nabla-mnist-'));
});
afterEach(() => rm(folder, { recursive: true }));

const bigEndian = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
const images = (count: number, height = 2, width = 2) =>
  Uint8Array.of(
    ...[0, 0, 8, 3, ...bigEndian(count), ...bigEndian(height), ...bigEndian(width)],
    ...Array.from({ length: count * height * width }, (_, i) => (i * 51) % 256),
  );
const labels = (count: number) =>
  Uint8Array.of(0, 0, 8, 1, ...bigEndian(count), ...Array.from({ length: count }, (_, i) => i % 10));

/** Writes the four files, some of them replaced (or left out, as null). */
async function write(files: Record<string, Uint8Array | null> = {}) {
  const all = {
    'train-images-idx3-ubyte': images(3),
    'train-labels-idx1-ubyte': labels(3),
    't10k-images-idx3-ubyte': images(2),
    't10k-labels-idx1-ubyte': labels(2),
    ...files,
  };
  for (const [name, bytes] of Object.entries(all)) if (bytes !== null) await writeFile(join(folder, name), bytes);
}

describe('loadMnist', () => {
  it('reads the four files, scaled to [0, 1]', async () => {
    await write();
    const { train, test } = await loadMnist(folder);
    expect(train.images.shape).toEqual([3, 2, 2]);
    expect(train.images.dtype).toBe('float32');
    expect(train.images.select(0, 0).toTypedArray()).toEqual(Float32Array.of(0, 51 / 255, 102 / 255, 153 / 255));
    expect(train.labels.toArray()).toEqual([0, 1, 2]);
    expect(train.labels.dtype).toBe('int32');
    expect(test.images.shape).toEqual([2, 2, 2]);
    expect(test.labels.toArray()).toEqual([0, 1]);
  });

  it('leaves the pixels as they are if asked to', async () => {
    await write();
    const { train } = await loadMnist(folder, { normalize: false });
    expect(train.images.select(0, 0).toArray()).toEqual([
      [0, 51],
      [102, 153],
    ]);
  });

  it('reads gzipped files and names with a dot', async () => {
    await write({
      'train-images-idx3-ubyte': null,
      'train-images-idx3-ubyte.gz': gzipSync(images(3)),
      'train-labels-idx1-ubyte': null,
      'train-labels.idx1-ubyte': labels(3),
    });
    expect((await loadMnist(folder)).train.images.shape).toEqual([3, 2, 2]);
  });

  it.each([
    [
      'a count that differs',
      { 'train-labels-idx1-ubyte': labels(4) },
      /train-images.*: 3 images, but 4 labels in .*labels/,
    ],
    [
      'images that differ in size',
      { 't10k-images-idx3-ubyte': images(2, 3, 2) },
      /of 2 × 2 pixels, test images of 3 × 2/,
    ],
    ['labels for images', { 'train-images-idx3-ubyte': labels(3) }, /expected uint8 of 3 dimensions, got uint8 \[3\]/],
    [
      'images for labels',
      { 'train-labels-idx1-ubyte': images(3) },
      /expected uint8 of 1 dimension, got uint8 \[3, 2, 2\]/,
    ],
    ['a truncated file', { 'train-images-idx3-ubyte': images(3).subarray(0, 20) }, /images-idx3-ubyte: truncated/],
    [
      'a foreign file',
      { 't10k-labels-idx1-ubyte': Buffer.from('<html></html>') },
      /labels-idx1-ubyte: not an IDX file/,
    ],
  ])('refuses %s', async (_, files, message) => {
    await write(files);
    await expect(loadMnist(folder)).rejects.toThrow(FormatError);
    await expect(loadMnist(folder)).rejects.toThrow(message);
  });

  it('says which file is missing', async () => {
    await write({ 't10k-labels-idx1-ubyte': null });
    await expect(loadMnist(folder)).rejects.toThrow(
      'loadMnist: no t10k-labels-idx1-ubyte (or t10k-labels-idx1-ubyte.gz',
    );
  });

  it('refuses unknown options', async () => {
    await expect(loadMnist(folder, { normalise: true } as object)).rejects.toThrow("did you mean 'normalize'?");
  });
});

describe('loadIdx', () => {
  it('makes int32 of integers and keeps floats', async () => {
    const path = join(folder, 'values');
    await writeFile(path, Uint8Array.of(0, 0, 9, 2, ...bigEndian(1), ...bigEndian(2), 255, 5));
    const integers = await loadIdx(path);
    expect([integers.dtype, integers.toArray()]).toEqual(['int32', [[-1, 5]]]);
    await writeFile(path, Uint8Array.of(0, 0, 13, 1, ...bigEndian(1), 0x3f, 0xc0, 0, 0));
    const floats = await loadIdx(path);
    expect([floats.dtype, floats.toArray()]).toEqual(['float32', [1.5]]);
  });
});
