import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const MEGABYTE = 2 ** 20;

/** The plain backend is some twenty times slower; it allocates in the same way. */
const { steps, warmUp } =
  process.env.NABLA_BACKEND === 'js' ? { steps: 1500, warmUp: 500 } : { steps: 20_000, warmUp: 2000 };

describe('memory', () => {
  it('stays flat in a loop that never yields to the event loop', () => {
    const script = fileURLToPath(new URL('./resident-set.ts', import.meta.url));
    const args = ['--import', 'tsx', script, String(steps), String(warmUp)];
    const { settled, highest } = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
    expect(settled).toBeGreaterThan(0);
    expect(highest - settled).toBeLessThan(64 * MEGABYTE);
  }, 300_000);
});
