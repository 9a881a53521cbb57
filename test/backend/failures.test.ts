import { spawnSync } from 'node:child_process';
import { beforeAll, expect, it } from 'vitest';
import { bundled } from '../bundled.js';

let app: string;
beforeAll(async () => {
  app = await bundled(new URL('./failures-app.ts', import.meta.url));
});

const canLimit = process.platform === 'linux' && spawnSync('prlimit', ['--version']).status === 0;

/** No freed memory is kept for later, so that a limit is felt at once. */
const env = { ...process.env, MALLOC_TOP_PAD_: '0', MALLOC_TRIM_THRESHOLD_: '0', MALLOC_MMAP_THRESHOLD_: '1000000' };

it.skipIf(!canLimit).each([
  ['threads', 'a pool and a background that get no threads'],
  ['memory', 'an operation that gets no memory'],
  ['memory in the background', 'a run that gets no memory'],
])('%s: %s', (mode) => {
  const { status, signal, stderr } = spawnSync(process.execPath, [app, mode], {
    env,
    encoding: 'utf8',
  });
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
});

/** V8 ends the process where its heap is full. */
it('a heap that has no place for nested arrays', () => {
  const args = ['--max-old-space-size=150', app, 'heap'];
  const { status, signal, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
});
