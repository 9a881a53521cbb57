import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { fusing, isas, nothingToCompare } from '../backend/isas.js';
import { bundled } from '../bundled.js';

type Digests = Record<string, string>;

const THREADS = [1, 2, 3, 8];

/** What a process of its own computes on each instruction set, once for each number of threads. */
const digests = new Map<string, readonly Digests[]>();

beforeAll(async () => {
  const script = await bundled(new URL('./digest.ts', import.meta.url));
  for (const isa of isas) {
    const env = { ...process.env, NABLA_BACKEND: 'native', NABLA_ISA: isa };
    const printed = execFileSync(process.execPath, [script, THREADS.join(',')], { env, encoding: 'utf8' });
    digests.set(isa, JSON.parse(printed));
  }
}, 120_000);

describe('the bits of training runs and of operations', () => {
  it.each(isas)('do not depend on the number of threads: %s', (isa) => {
    const [one, ...more] = digests.get(isa)!;
    expect(more).toEqual(more.map(() => one));
  });

  it('do not depend on the instruction set', ({ skip }) => {
    skip(fusing.length < 2, nothingToCompare(fusing));
    const each = fusing.map((isa) => digests.get(isa)![0]);
    expect(each).toEqual(fusing.map(() => each[0]));
  });

  it('depend on the data', () => {
    const [first] = digests.get(isas[0]!)!;
    expect(new Set(Object.values(first!)).size).toBe(Object.keys(first!).length);
  });
});
