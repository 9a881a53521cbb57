import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { backendName } from 'nabla';
import { describe, expect, it } from 'vitest';
import { loadAddon } from '../../lib/backend/native/load.js';

const script = fileURLToPath(new URL('./digest.ts', import.meta.url));
const loaded = loadAddon();
/** Those with fused multiply-adds; `baseline` has none, and other last bits. */
const isas = 'addon' in loaded ? loaded.addon.isas.filter((isa) => isa !== 'baseline') : [];

function digest(isa: string, threads: number): string {
  const env = { ...process.env, NABLA_BACKEND: 'native', NABLA_ISA: isa };
  return execFileSync(process.execPath, ['--import', 'tsx', script, String(threads)], { env, encoding: 'utf8' });
}

describe.skipIf(backendName() === 'js')('the bits of a training run and of operations', () => {
  it.each(['baseline', ...isas])('do not depend on the number of threads: %s', (isa) => {
    expect(digest(isa, 3)).toBe(digest(isa, 1));
  });

  it('do not depend on the instruction set', () => {
    const digests = isas.map((isa) => digest(isa, 2));
    expect(digests).toEqual(isas.map(() => digests[0]));
  });
});
