import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { bundled } from '../bundled.js';
import { fusing, isas, nothingToCompare } from './isas.js';

type Digests = Readonly<Record<string, string>>;

const known = new Map<string, Digests>();

/** What a script of this folder computes on an instruction set, in a process of its own. */
async function digestsOn(isa: string, script: string): Promise<Digests> {
  const key = `${script} ${isa}`;
  if (!known.has(key)) {
    const env = { ...process.env, NABLA_BACKEND: 'native', NABLA_ISA: isa };
    const file = await bundled(new URL(script, import.meta.url));
    known.set(key, JSON.parse(execFileSync(process.execPath, [file], { env, encoding: 'utf8' })));
  }
  return known.get(key)!;
}

async function digestsOf(script: string, sets: readonly string[]): Promise<Digests[]> {
  const digests: Digests[] = [];
  for (const isa of sets) digests.push(await digestsOn(isa, script));
  return digests;
}

const allSame = (values: readonly unknown[]) => expect(values).toEqual(values.map(() => values[0]));

/** Fused multiply-adds or not, what is exact is the same everywhere; with them, every bit is. */
describe('the bits do not depend on the instruction set', () => {
  it('of exact products', async ({ skip }) => {
    skip(isas.length < 2, nothingToCompare(isas));
    for (const script of ['matmul-digest.ts', 'convolve-digest.ts'])
      allSame((await digestsOf(script, isas)).map(({ exact }) => exact));
  });

  it('of rounded products', async ({ skip }) => {
    skip(fusing.length < 2, nothingToCompare(fusing));
    for (const script of ['matmul-digest.ts', 'convolve-digest.ts']) allSame(await digestsOf(script, fusing));
  });

  it('of maps and folds', async ({ skip }) => {
    skip(fusing.length < 2, nothingToCompare(fusing));
    allSame(await digestsOf('native-digest.ts', fusing));
  });
});
