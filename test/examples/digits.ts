import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The pixels of an image that is easy to tell from others: that of the digit d is bright in its rows 2d and 2d + 1. */
const bright = (digit: number) => ({ start: 56 * digit, end: 56 * digit + 56 });

/** Such an image as numbers from 0 to 1. */
export function imageOf(digit: number): number[] {
  const { start, end } = bright(digit);
  return new Array<number>(784).fill(0).fill(0.9, start, end);
}

/** Writes a data set of such images, in the four files that MNIST has. */
export async function writeDigits(folder: string): Promise<void> {
  for (const [part, count] of [
    ['train', 400],
    ['t10k', 100],
  ] as const) {
    const images = Buffer.alloc(16 + count * 784);
    const labels = Buffer.alloc(8 + count);
    images.set([0, 0, 8, 3]);
    labels.set([0, 0, 8, 1]);
    for (const [i, size] of [count, 28, 28].entries()) images.writeUInt32BE(size, 4 + 4 * i);
    labels.writeUInt32BE(count, 4);
    for (let i = 0; i < count; i++) {
      const digit = (i * 7) % 10;
      labels[8 + i] = digit;
      const { start, end } = bright(digit);
      images.fill(200 + (i % 50), 16 + i * 784 + start, 16 + i * 784 + end);
    }
    await writeFile(join(folder, `${part}-images-idx3-ubyte`), images);
    await writeFile(join(folder, `${part}-labels-idx1-ubyte`), labels);
  }
}
