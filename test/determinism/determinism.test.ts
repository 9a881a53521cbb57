import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fusing, isas, nothingToCompare } from '../backend/isas.js';

const script = fileURLToPath(new URL('./digest.ts', import.meta.url));

type Digests = Record<string, string>;

/** What a process of its own computes on an instruction set, once for each number of threads. */
function digestsOn(isa: string, threads: readonly number[]): Digests[] {
  const env = { ...process.env, NABLA_BACKEND: 'native', NABLA_ISA: isa };
  const args = ['--import', 'tsx', script, threads.join(',')];
  return JSON.parse(execFileSync(process.execPath, args, { env, encoding: 'utf8' }));
}

describe('the bits of training runs and of operations', () => {
  it.each(isas)('do not depend on the number of threads: %s', (isa) => {
    const [one, ...more] = digestsOn(isa, [1, 2, 3, 4, 8]);
    expect(more).toEqual(more.map(() => one));
  });

  it('do not depend on the instruction set', ({ skip }) => {
    skip(fusing.length < 2, nothingToCompare(fusing));
    const digests = fusing.map((isa) => digestsOn(isa, [2]));
    expect(digests).toEqual(fusing.map(() => digests[0]));
  });

  it('depend on the data', () => {
    const [digests] = digestsOn(isas[0]!, [1]);
    expect(new Set(Object.values(digests!)).size).toBe(Object.keys(digests!).length);
  });
});
