import { spawnSync } from 'node:child_process';
import { beforeAll, expect, it } from 'vitest';
import { bundled } from '../bundled.js';

let app: string;
beforeAll(async () => {
  app = await bundled(new URL('./environments-app.ts', import.meta.url));
});

it.each([
  ['together', 'the main thread and workers compute at once'],
  ['unload', 'the last environment that has the core ends, and another begins'],
  ['resize', 'the number of threads changes while a worker works'],
  ['terminate', 'a worker is terminated in the middle of its work'],
  ['exit', 'the process exits while a worker works'],
])('%s: %s', (mode) => {
  const { status, signal, stderr } = spawnSync(process.execPath, [app, mode], { encoding: 'utf8' });
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
});
