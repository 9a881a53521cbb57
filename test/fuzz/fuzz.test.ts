import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { searchApart } from './explore.js';
import { captured } from './properties/captured.js';
import { properties } from './properties/index.js';
import { type AnyProperty, Finding } from './property.js';
import { search } from './search.js';
import { callables } from './signatures.js';
import { randomWorld, type World, writeWorld } from './world.js';

/** As if every program were wrong that takes an exponential. */
const noExponentials = {
  ...captured,
  check: ({ body }: World) => {
    const line = body.find((code) => code.includes('.exp('));
    if (line !== undefined) throw new Finding(`wrong: ${line.replace(/\w+\d/g, 't')}`);
    return {};
  },
} as unknown as AnyProperty;

describe('a search', () => {
  it('makes what is wrong small, and finds it again by seed and path', async () => {
    const { failure, programs } = await search(noExponentials, { seed: 1 });
    expect(failure!.message).toMatch(/^Finding: wrong: const t = t\.exp\(\);$/);
    expect(failure!.script.match(/^ {4}.*;$/gm)!.filter((line) => !/return/.test(line))).toHaveLength(1);
    expect(failure!.path).toBe(String(programs));
    const again = await search(noExponentials, { seed: failure!.seed, path: failure!.path, programs: 1 });
    expect(again.failure).toEqual(failure);
  });

  it('counts what is refused, and why', async () => {
    const refusing = { ...captured, check: () => ({ refused: 'no 3' }) } as unknown as AnyProperty;
    const totals = await search(refusing, { seed: 1, programs: 20 });
    expect(totals).toEqual({ programs: 20, refused: 20, reasons: { 'no N': 20 } });
  });

  it('takes the end of its process for a failure', async () => {
    const { failure } = await searchApart({ ...noExponentials, name: 'nothing' }, { seed: 1, programs: 1 });
    expect(failure!.message).toMatch(/the process ended with code 1[\s\S]*no property nothing/);
  });
});

describe.each(properties.map((property) => [property.name, property] as const))('programs of %s', (_, property) => {
  const programs = fc.sample(property.arbitrary, { numRuns: 15, seed: 1 }).map((random) => property.write(random));

  it('are the same for the same numbers', () => {
    const scripts = fc
      .sample(property.arbitrary, { numRuns: 15, seed: 1 })
      .map((random) => property.script(property.write(random)));
    expect(scripts).toEqual(programs.map((program) => property.script(program)));
  });

  it('are printed as modules', () => {
    const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as typeof Function;
    for (const program of programs) {
      const code = property.script(program).replace(/^import .*;$/gm, '');
      expect(() => new AsyncFunction(code)).not.toThrow();
    }
  });
});

describe('programs with capture', () => {
  const worlds = fc.sample(randomWorld, { numRuns: 150, seed: 2 }).map((random) => writeWorld(random));
  const share = (pattern: RegExp) =>
    worlds.filter(({ body }) => body.some((line) => pattern.test(line))).length / worlds.length;

  it.each([
    ['writes in place', /\w_\(/, 0.5],
    ['gradients', /backward\(|grad\(/, 0.15],
    ['reductions', /\.(sum|mean|amax|var|prod)\(/, 0.4],
    ['products', /matmul\(/, 0.15],
    ['updates', /sgd\.step/, 0.1],
  ])('have %s', (_, pattern, least) => {
    expect(share(pattern)).toBeGreaterThan(least);
  });
});

describe('signatures', () => {
  it('are those of nearly everything that can be called', () => {
    expect(callables().length).toBeGreaterThan(240);
  });

  it('say what a parameter takes', () => {
    const kindsOf = (code: string) =>
      callables()
        .find((one) => one.code === code)!
        .parameters.map(({ name, kinds }) => [name, kinds && [...kinds]]);
    expect(kindsOf('narrow')).toEqual([
      ['input', ['tensor']],
      ['dim', ['number', 'object']],
      ['start', ['tensor', 'number', 'object']],
      ['length', ['number', 'object']],
      ['options', ['object', 'undefined']],
    ]);
    expect(kindsOf('flatten')).toEqual([
      ['input', ['tensor']],
      ['startDim', ['number', 'undefined', 'object']],
      ['endDim', ['number', 'undefined', 'object']],
      ['options', ['object', 'undefined']],
    ]);
  });
});
