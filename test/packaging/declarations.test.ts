import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile, consumers } from './consumers.js';

const root = resolve(import.meta.dirname, '../..');
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const run = promisify(execFile);

let dist: string;
beforeAll(async () => {
  dist = await mkdtemp(join(tmpdir(), 'nabla-declarations-'));
  await run(process.execPath, [
    tsc,
    ...['-p', join(root, 'tsconfig.build.json'), '--emitDeclarationOnly', '--outDir', dist],
  ]);
}, 60_000);
afterAll(() => rm(dist, { recursive: true }));

/** The other ways, and other versions of TypeScript, which come from the registry, are `npm run test:types`. */
describe('a strict program that checks our declarations too compiles, and sees nothing internal', () => {
  it.each(consumers.filter(({ inSuite }) => inSuite))('$name', async (consumer) => {
    expect(await compile(tsc, { dist, modules: join(root, 'node_modules') }, consumer)).toBe('');
  });
});
