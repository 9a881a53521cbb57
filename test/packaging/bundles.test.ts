import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as esbuild from 'esbuild';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const binary = join(root, 'build/Release/nabla.node');

/** Uses functions, methods, modules and both sub-paths, and none of what it imports as a whole. */
const program = `
import { backendName, nn, tensor } from 'nabla';
import { TensorDataset } from 'nabla/data';
import { decodeSafetensors, encodeSafetensors } from 'nabla/io';

const x = tensor([1]).add(1);
const model = new nn.Linear(2, 1);
const { w } = decodeSafetensors(encodeSafetensors({ w: model.weight }));
let message = '';
try { x.view([3]); } catch (error) { message = error.name; }
console.log(JSON.stringify([backendName(), x.toArray(), w.shape, new TensorDataset(w.T).length, message]));
`;
const answer = (backend: string) => JSON.stringify([backend, [2], [1, 2], 2, 'ShapeError']);

type Format = 'esm' | 'cjs';

const bundlers: Record<string, (entry: string, file: string, format: Format, minify: boolean) => Promise<unknown>> = {
  esbuild: (entry, outfile, format, minify) =>
    esbuild.build({ entryPoints: [entry], bundle: true, platform: 'node', format, minify, outfile, logLevel: 'error' }),
  rolldown: async (input, file, format, minify) => {
    const bundle = await rolldown({ input, platform: 'node' });
    await bundle.write({ file, format, minify });
  },
};

const cases = Object.keys(bundlers).flatMap((bundler) =>
  (['esm', 'cjs'] as const).flatMap((format) => [false, true].map((minify) => ({ bundler, format, minify }))),
);

describe.each(cases)('a bundle by $bundler, $format, minified: $minify', ({ bundler, format, minify }) => {
  let folder: string;
  let file: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nabla-bundle-'));
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(root, join(folder, 'node_modules/nabla'));
    writeFileSync(join(folder, 'app.mjs'), program);
    mkdirSync(join(folder, 'out'));
    file = join(folder, 'out', format === 'esm' ? 'app.mjs' : 'app.cjs');
    await bundlers[bundler]!(join(folder, 'app.mjs'), file, format, minify);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const run = (backend?: string) => {
    const { NABLA_BACKEND: _, ...env } = process.env;
    return spawnSync(process.execPath, [file], {
      encoding: 'utf8',
      env: backend === undefined ? env : { ...env, NABLA_BACKEND: backend },
    });
  };

  it('runs on plain JavaScript, and says nothing if that was asked for', () => {
    const { stdout, stderr } = run('js');
    expect({ stdout, stderr }).toEqual({ stdout: `${answer('js')}\n`, stderr: '' });
  });

  it('says where it looked for the binary, and what to put where', () => {
    const { stdout, stderr } = run();
    expect(stdout).toBe(`${answer('js')}\n`);
    expect(stderr.match(/nabla runs on plain JavaScript/g)).toHaveLength(1);
    expect(stderr).toContain(`${join(folder, 'out/nabla.node')}: not there`);
    expect(stderr).toMatch(/Copy nabla\.node of the package @nabla\/\S+ beside the bundle/);
    expect(run('native').stderr).toMatch(/NablaError\]?: no native core could be loaded/);
  });

  it('finds the binary beside it', () => {
    copyFileSync(binary, join(folder, 'out/nabla.node'));
    const { stdout, stderr } = run();
    expect({ stdout, stderr }).toEqual({ stdout: `${answer('native')}\n`, stderr: '' });
  });

  it('finds the package of the platform', () => {
    rmSync(join(folder, 'out/nabla.node'));
    const [, name = ''] = /Copy nabla\.node of the package (\S+) beside/.exec(run().stderr) ?? [];
    mkdirSync(join(folder, 'node_modules', name), { recursive: true });
    copyFileSync(binary, join(folder, 'node_modules', name, 'nabla.node'));
    const { stdout, stderr } = run();
    expect({ stdout, stderr }).toEqual({ stdout: `${answer('native')}\n`, stderr: '' });
  });
});
