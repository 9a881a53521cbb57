import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fusing, isas, nothingToCompare } from './isas.js';

type Digests = Readonly<Record<string, string>>;

/** What a script of this folder computes on each of some instruction sets, in processes of their own. */
function digestsOf(script: string, sets: readonly string[]): Digests[] {
  const path = fileURLToPath(new URL(script, import.meta.url));
  return sets.map((isa) => {
    const env = { ...process.env, NABLA_BACKEND: 'native', NABLA_ISA: isa };
    return JSON.parse(execFileSync(process.execPath, ['--import', 'tsx', path], { env, encoding: 'utf8' }));
  });
}

const allSame = (values: readonly unknown[]) => expect(values).toEqual(values.map(() => values[0]));

/** Fused multiply-adds or not, what is exact is the same everywhere; with them, every bit is. */
describe('the bits do not depend on the instruction set', () => {
  it('of exact products', ({ skip }) => {
    skip(isas.length < 2, nothingToCompare(isas));
    for (const script of ['matmul-digest.ts', 'convolve-digest.ts'])
      allSame(digestsOf(script, isas).map(({ exact }) => exact));
  });

  it('of rounded products', ({ skip }) => {
    skip(fusing.length < 2, nothingToCompare(fusing));
    for (const script of ['matmul-digest.ts', 'convolve-digest.ts']) allSame(digestsOf(script, fusing));
  });

  it('of maps and folds', ({ skip }) => {
    skip(fusing.length < 2, nothingToCompare(fusing));
    allSame(digestsOf('native-digest.ts', fusing));
  });
});
