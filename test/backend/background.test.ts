import { spawnSync } from 'node:child_process';
import { beforeAll, expect, it } from 'vitest';
import { bundled } from '../bundled.js';

let app: string;
beforeAll(async () => {
  app = await bundled(new URL('./background-app.ts', import.meta.url));
});

it.each([
  ['together', 'the main thread and workers train at once', ''],
  ['alone', 'a worker that alone has the core ends after it has trained, and another begins', ''],
  ['terminate', 'a worker is terminated while it trains', ''],
  ['worker exit', 'a worker ends by itself while it trains', ''],
  ['exit', 'the process exits while the main thread and a worker train', ''],
  ['pending', 'the process waits for training to end', 'done'],
])('%s: %s', (mode, _, output) => {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [app, mode], { encoding: 'utf8' });
  expect({ status, signal, stdout, stderr }).toEqual({ status: 0, signal: null, stdout: output, stderr: '' });
});
