import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSafetensors } from 'nabla/io';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;

/** A data set that is easy to learn: an image of the digit d is bright in its rows 2d and 2d + 1. */
async function writeData(): Promise<void> {
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
      images.fill(200 + (i % 50), 16 + i * 784 + 56 * digit, 16 + i * 784 + 56 * digit + 56);
    }
    await writeFile(join(folder, `${part}-images-idx3-ubyte`), images);
    await writeFile(join(folder, `${part}-labels-idx1-ubyte`), labels);
  }
}

/** Runs the demo as a user would, on the backend that this suite is for. */
function demo(...args: string[]) {
  const run = spawnSync(process.execPath, ['--import', 'tsx', 'examples/mnist.ts', ...args], {
    cwd: root,
    encoding: 'utf8',
  });
  return { status: run.status, out: run.stdout, err: run.stderr };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nabla-demo-'));
  await writeData();
});
afterAll(() => rm(folder, { recursive: true }));

describe('the MNIST demo', () => {
  it('trains, saves, compares and draws', async () => {
    const out = join(folder, 'out');
    const small = ['--epochs', '2', '--batch-size', '20', '--hidden', '16', '--seed', '3', '--data', folder];
    const run = demo(...small, '--out', out);
    expect(run.err).toBe('');
    expect(run.status).toBe(0);
    expect(run.out).toMatch(
      /epoch 2\/2: 100 % {2}loss 0\.\d{4} {2}accuracy \d+\.\d\d % {2}test 100\.00 % {2}[\d,]+ images\/s/,
    );
    expect(run.out).toContain('Test accuracy 100.00 % after 2 epochs');
    expect(run.out).toContain('every tensor and every prediction is the same');
    const model = await loadSafetensors(join(out, 'mnist.safetensors'));
    expect(Object.keys(model).sort()).toEqual(['1.bias', '1.weight', '3.bias', '3.weight']);
    expect(model['1.weight']!.shape).toEqual([16, 784]);
    expect(await readFile(join(out, 'mnist.svg'), 'utf8')).toContain('Epoch 2: training loss 0.');
  });

  it('prints its options', () => {
    const run = demo('--help');
    expect(run.status).toBe(0);
    expect(run.out).toContain('--batch-size N');
  });

  it('refuses wrong options and wrong files in one line', async () => {
    expect(demo('--epoch', '3')).toMatchObject({
      status: 1,
      err: "mnist: unknown option 'epoch'; did you mean 'epochs'?\nSee npm run demo -- --help\n",
    });
    const gone = demo('--data', join(folder, 'gone'));
    expect(gone.status).toBe(1);
    expect(gone.err).toMatch(/^mnist: ENOENT: no such file or directory, .*gone'\n$/);
    const damaged = await mkdtemp(join(folder, 'damaged-'));
    await writeFile(join(damaged, 'train-images-idx3-ubyte'), 'no images');
    await writeFile(join(damaged, 'train-labels-idx1-ubyte'), 'no labels');
    const foreign = demo('--data', damaged);
    expect(foreign.status).toBe(1);
    expect(foreign.err).toMatch(/^mnist: .*train-images-idx3-ubyte: not an IDX file: .*\n$/);
  });
});
