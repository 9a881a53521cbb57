import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { trainAll } from '../../examples/per-tenant.js';
import { bundled } from '../bundled.js';

it('every model learns the curve of its own customer', async () => {
  const lines: string[] = [];
  const { before, after, stepsPerSecond } = await trainAll(12, 40, { write: (line) => lines.push(line) });
  expect(stepsPerSecond).toBeGreaterThan(0);
  expect(new Set(after).size).toBe(12);
  for (const [i, error] of after.entries()) expect(error).toBeLessThan(0.25 * before[i]!);
  expect(lines.at(-1)).toMatch(/^training: 100 % .* models\/s/);
});

it('says what it takes', async () => {
  const program = await bundled(new URL('../../examples/per-tenant.ts', import.meta.url));
  const { status, stdout } = spawnSync(process.execPath, [program, '--tenants', '5', '--epochs', '2'], {
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  expect(stdout).toMatch(/error 0\.\d+ before, 0\.\d+ after\n[\d,]+ steps a second\n\d+ KB of memory/);
});
