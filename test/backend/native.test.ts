import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { backend } from '../../lib/backend/index.js';
import { microOpNames, microOps } from '../../lib/backend/micro-ops.js';
import { explainMismatch, limits, loadAddon, names } from '../../lib/backend/native/load.js';
import { allocate } from '../../lib/backend/storage.js';
import { NablaError } from '../../lib/errors.js';
import { bundled } from '../bundled.js';
import { noise, operand, valuesOf } from './operands.js';
import { programOf, singleOp } from './programs.js';

let digestScript: string;
beforeAll(async () => {
  digestScript = await bundled(new URL('./native-digest.ts', import.meta.url));
});

const scalarOps = microOpNames.filter((op) => microOps[op].arity > 0 && op !== 'expand');

const unaryOps = scalarOps.filter((op) => microOps[op].arity === 1);

interface Settings {
  readonly isa?: string;
  readonly threads?: number;
}

/** The digests that another process computes. */
function digestsWith({ isa = '', threads }: Settings): Record<string, string> {
  const args = [digestScript, ...(threads === undefined ? [] : [`${threads}`])];
  const env = { ...process.env, NABLA_ISA: isa };
  return JSON.parse(execFileSync(process.execPath, args, { env, encoding: 'utf8', stdio: 'pipe' }));
}

/** What the native core promises beyond agreeing with the plain TypeScript one. */
describe('the native core', () => {
  it.each(scalarOps)('%s gives an element the same bits wherever it stands', (op) => {
    for (const compute of ['float32', 'float64'] as const) {
      const length = 150;
      const inputs = Array.from({ length: microOps[op].arity }, (_, i) =>
        operand(compute, [length], noise(length, i + 1)),
      );
      const whole = operand(compute, [length], [0]);
      backend.map(singleOp(op, compute), [], inputs, [whole]);
      const expected = valuesOf(whole);
      for (let start = 1; start < 40; start++) {
        const shape = [length - 3 * start];
        const out = operand(compute, shape, [0]);
        backend.map(
          singleOp(op, compute),
          [],
          inputs.map((view) => ({ ...view, offset: start, shape })),
          [out],
        );
        expect(valuesOf(out)).toEqual(expected.slice(start, start + shape[0]!));
      }
    }
  });

  it('gives the same bits on one thread and on many', () => {
    const digests = digestsWith({ threads: 1 });
    for (const threads of [2, 5]) expect(digestsWith({ threads })).toEqual(digests);
  });

  it('refuses an instruction set that it does not have', () => {
    expect(() => digestsWith({ isa: 'mmx' })).toThrow(/ValueError: NABLA_ISA=mmx: this machine can run /);
  });

  it('refuses instructions that do not fit its tape', () => {
    const out = operand('float32', [2], [0]);
    const program = programOf('float32', 60, (...x) => x);
    const many = Array.from({ length: 60 }, () => out);
    expect(() => backend.map(program, [], many, many)).toThrow(NablaError);
    const params = Array.from({ length: 5000 }, () => 1);
    expect(() => backend.map(singleOp('copy', 'float32'), params, [out], [out])).toThrow(NablaError);
  });

  it.each(unaryOps)('%s of floats is within two units in the last place', (op) => {
    const step = 65_537;
    const input = allocate('float32', Math.floor(2 ** 32 / step));
    const bits = input.array('int32');
    for (let i = 0; i < bits.length; i++) bits[i] = i * step;
    const shape = [bits.length];
    const view = { storage: input, offset: 0, shape, strides: [1], dtype: 'float32' } as const;
    const out = operand('float32', shape, [0]);
    backend.map(singleOp(op, 'float32'), [], [view], [out]);
    const results = valuesOf(out);
    valuesOf(view).forEach((x, i) => {
      const exact = microOps[op].apply(x, 0, 0);
      const error = unitsInTheLastPlace(results[i]!, exact);
      if (!(error <= 2)) expect.fail(`${op}(${x}) is ${exact}, got ${results[i]}: ${error} units away`);
    });
  });
});

describe('loading', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('says where it looked, why each file was not the core, and what builds one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nabla-prebuilds-'));
    const prebuilds = join(folder, 'prebuilds', `${process.platform}-${process.arch}`);
    await mkdir(prebuilds, { recursive: true });
    await writeFile(join(prebuilds, 'nabla.node'), 'no library');
    vi.stubEnv('NABLA_PREBUILD', folder);
    const loaded = loadAddon();
    await rm(folder, { recursive: true });
    const [said, first, second, wayOut] = ('reason' in loaded ? loaded.reason : '').split('\n');
    expect(said).toMatch(/^no native core could be loaded \(Node \S+, \w+ \w+\)\. Looked for:$/);
    expect(first).toMatch(/^ {2}\S+nabla\.\w+\.node: not there$/);
    expect(second).toMatch(/^ {2}\S+nabla\.node: .*(file too short|invalid ELF header|not valid|slice)/);
    expect(wayOut).toMatch(/^To build it \(.*\): cmake -S "(.*)" -B "\1.build" && cmake --build "\1.build"$/);
  });

  it('refuses a core of another version', () => {
    const loaded = loadAddon();
    if ('reason' in loaded) throw new Error(loaded.reason);
    const core = { ...loaded.addon };
    expect(explainMismatch(core)).toBeUndefined();
    expect(explainMismatch({ ...core, weakValues: undefined as never })).toContain('(weakValues is missing there)');
    for (const limit of Object.keys(limits)) {
      expect(explainMismatch({ ...core, [limit]: 7 })).toMatch(
        new RegExp(`^it is of another version \\(${limit} 7 there, `),
      );
    }
    for (const [table, here] of Object.entries(names)) {
      const last = here.length - 1;
      const differing = (there: readonly string[]) => explainMismatch({ ...core, [table]: there });
      expect(differing((here as readonly string[]).with(1, here[0]!))).toContain(
        `(${table}: number 1 is ${here[0]} there, ${here[1]} here)`,
      );
      expect(differing(here.slice(0, -1))).toContain(`(${table}: number ${last} is missing there, ${here[last]} here)`);
      expect(differing([...here, 'more'])).toContain(`(${table}: number ${last + 1} is more there, unknown here)`);
      expect(differing(undefined as never)).toContain(`(${table}: number 0 is missing there, ${here[0]} here)`);
    }
  });
});

/** How far a float is from an exact value, in units of the distance between floats there. */
function unitsInTheLastPlace(actual: number, exact: number): number {
  const rounded = Math.fround(exact);
  if (Object.is(actual, rounded) || actual === rounded) return 0;
  const exponent = Math.max(-126, Math.floor(Math.log2(Math.abs(exact))));
  return Math.abs(actual - exact) / 2 ** (exponent - 23);
}
