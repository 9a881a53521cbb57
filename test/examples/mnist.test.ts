import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSafetensors } from 'nabla/io';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundled } from '../bundled.js';
import { writeDigits } from './digits.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;
let program: string;

/** Runs the demo as a user would, on the backend that this suite is for. */
function demo(...args: string[]) {
  const run = spawnSync(process.execPath, [program, ...args], {
    cwd: root,
    encoding: 'utf8',
  });
  return { status: run.status, out: run.stdout, err: run.stderr };
}

beforeAll(async () => {
  program = await bundled(new URL('../../examples/mnist.ts', import.meta.url));
  folder = await mkdtemp(join(tmpdir(), 'nabla-demo-'));
  await writeDigits(folder);
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
    expect(run.out).toContain('--batch-size <n>');
  });

  it('refuses wrong options and wrong files in a few words', async () => {
    expect(demo('--epoch', '3')).toMatchObject({
      status: 1,
      err: "error: unknown option '--epoch'\n(Did you mean --epochs?)\nSee npm run demo -- --help\n",
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
