import { describe, expect, it } from 'vitest';
import { installed, launch, resultsIn } from './launch.js';

interface Result {
  readonly rank: number;
  readonly size: number;
  readonly ticks: number;
  readonly [name: string]: unknown;
}

const sumOf = (size: number, of: (rank: number) => number) =>
  Array.from({ length: size }, (_, rank) => of(rank)).reduce((sum, one) => sum + one, 0);

const isLinux = process.platform === 'linux';

/** What every rank must get. */
function expected(size: number): Record<string, unknown> {
  const ranks = Array.from({ length: size }, (_, rank) => rank);
  const each = (of: (x: number) => number) => [0, 1, 2].map(of);
  const sum = each((x) => sumOf(size, (rank) => x + rank));
  const last = each((x) => x + size - 1);
  return {
    size,
    sum,
    any: sum,
    mean: sum.map((one) => Math.fround(one / size)),
    product: each((x) => ranks.reduce((product, rank) => product * (x + rank), 1)),
    minimum: [0, 1, 2],
    maximum: last,
    nan: [null, 1],
    integers: [sumOf(size, (rank) => rank), (size * 2 ** 30) | 0],
    empty: [0, 2],
    scalar: 2 * size,
    strided: [0, 1, 2].map((x) => [x * size, (x + 3) * size]),
    first: [0, 1, 2],
    last,
    flags: [true, true],
    oneByOne: true,
    gathered: ranks.map((rank) => each((x) => x + rank)),
    long: [sumOf(size, (rank) => rank + 1), sumOf(size, (rank) => rank + 1)],
    several: [[sum, last, last], size],
    gradients: [1, 2, 3, 4].map((i) => [(i * (size + 1)) / 2, (i * (size + 1)) / 2]),
  };
}

describe.each(installed)('$name', (mpi) => {
  it.each([
    [1, 'by memory that they share', [], {}],
    [2, 'by memory that they share', [], {}],
    [3, 'by memory that they share', [], {}],
    [4, 'by memory that they share', [], {}],
    [2, 'by messages', [], { NABLA_SHARED_MEMORY: '0' }],
    [3, 'by messages, where one shares none', ['1'], {}],
    [4, 'by messages', [], { NABLA_SHARED_MEMORY: '0' }],
  ])('does what all ranks do together, on %i %s', async (size, how, args, env) => {
    const ended = await launch(mpi, size, 'collectives', { args, env });
    const results = resultsIn<Result>(ended);
    expect(ended.code, ended.output).toBe(0);
    expect(results.map(({ rank }) => rank).sort()).toEqual(Array.from({ length: size }, (_, rank) => rank));
    for (const { rank, ticks, unchanged, doubles, bits, sharesMemory, ...result } of results) {
      expect(sharesMemory).toBe(isLinux && size > 1 && how === 'by memory that they share');
      expect(result).toEqual(expected(size));
      expect(unchanged).toEqual([0, 1, 2].map((x) => x + rank));
      expect([doubles, bits]).toEqual([results[0]!.doubles, results[0]!.bits]);
      // The event loop went on while 12 MB were added.
      if (size > 1) expect(ticks).toBeGreaterThan(0);
    }
  });

  it.each([5, 8])('adds in one tree by memory and by messages, on %i', async (size) => {
    const ways = [{}, { NABLA_SHARED_MEMORY: '0' }];
    const [byMemory, byMessages] = await Promise.all(
      ways.map(async (env) => resultsIn<Result>(await launch(mpi, size, 'collectives', { env }))),
    );
    expect(byMemory!.length).toBe(size);
    expect(new Set([...byMemory!, ...byMessages!].map(({ bits }) => bits)).size).toBe(1);
  });

  it.each([2, 3])('normalises by the batch of all ranks, on %i', async (size) => {
    const ended = await launch(mpi, size, 'sync');
    const results = resultsIn<{ errors: number[]; isSame: boolean; isAlike: boolean }>(ended);
    expect(ended.code, ended.output).toBe(0);
    expect(results.length).toBe(size);
    for (const { errors, isSame, isAlike } of results) {
      expect(Math.max(...errors)).toBeLessThan(1e-4);
      expect([errors.length, isSame, isAlike]).toEqual([7, true, true]);
    }
  });

  it('refuses a library of another kind', async () => {
    const { code, output } = await launch(mpi, 2, 'foreign', { args: [mpi.other] });
    expect(code).not.toBe(0);
    expect(output).toMatch(/mpirun started 2 ranks, but the library \(.*\) knows of 1: they are of different kinds/);
  });
});

it('is a world of one by itself', async () => {
  const ended = await launch(null, 1, 'collectives');
  expect(ended.code, ended.output).toBe(0);
  const [{ rank, ticks, unchanged, doubles, bits, sharesMemory, ...result } = {} as Result] = resultsIn<Result>(ended);
  expect(result).toEqual(expected(1));
  expect(sharesMemory).toBe(false);
});
