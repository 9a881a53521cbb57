import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { expect, it } from 'vitest';
import { bundling } from '../bundled.js';

const root = join(import.meta.dirname, '../..');

/** What is loaded first decides in which order all of it is: a stream once had its memory before there was a backend to say where that is. */
it.each(['data', 'distributed', 'io', 'models', 'training'])('nabla/%s may be imported first', (entry) => {
  const contents = `import 'nabla/${entry}'; import { manualSeed, rand } from 'nabla'; manualSeed(0); console.log(String(rand([1])));`;
  const outfile = join(root, `build/entry-${entry}.mjs`);
  buildSync({ ...bundling, stdin: { contents, resolveDir: root, loader: 'ts' }, outfile, external: ['commander'] });
  expect(execFileSync(process.execPath, [outfile], { encoding: 'utf8' })).toBe('tensor([0.4963])\n');
});
