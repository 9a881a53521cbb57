import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const app = fileURLToPath(new URL('./terminate-app.mjs', import.meta.url));

/** scripts/terminate-workers.sh does it with hundreds, on several releases of Node. */
it('workers terminated in the middle of a run, of replays and of loading leave the others alone', () => {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [app, '28'], { encoding: 'utf8' });
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
  expect(stdout).toMatch('28 workers terminated');
});
