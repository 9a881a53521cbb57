import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { bundled } from '../bundled.js';

const MEGABYTE = 2 ** 20;

/** The plain backend is some twenty times slower; it allocates in the same way. */
const { steps, warmUp } =
  process.env.NABLA_BACKEND === 'js' ? { steps: 500, warmUp: 200 } : { steps: 9000, warmUp: 1500 };

/** What a script prints. */
async function run<K extends string>(script: string, ...args: number[]): Promise<Record<K, number>> {
  const path = await bundled(new URL(script, import.meta.url));
  return JSON.parse(execFileSync(process.execPath, [path, ...args.map(String)], { encoding: 'utf8' }));
}

describe('memory', () => {
  it('stays flat in a loop that never yields to the event loop', async () => {
    const { settled, highest } = await run<'settled' | 'highest'>('resident-set.ts', steps, warmUp);
    expect(settled).toBeGreaterThan(0);
    expect(highest - settled).toBeLessThan(64 * MEGABYTE);
  }, 300_000);

  it('of a captured step does not grow with how many others there are', async () => {
    const { each } = await run<'each'>('captured.ts', 100);
    expect(each).toBeGreaterThan(0);
    expect(each).toBeLessThan(180_000);
  });

  // 12 MB each with gradients and momenta. In plain JavaScript what is to be found again stays until the loop yields.
  if (process.env.NABLA_BACKEND !== 'js') {
    it('of models that nothing keeps is used again in such a loop', async () => {
      expect((await run<'highest'>('models.ts', 100)).highest).toBeLessThan(500 * MEGABYTE);
    });
  }
});
