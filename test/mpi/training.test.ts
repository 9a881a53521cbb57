import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { installed, launch, type Mpi, resultsIn } from './launch.js';

interface Result {
  readonly rank: number;
  readonly digest: string;
  readonly last: number;
  readonly count: number;
}

const folder = mkdtempSync(join(tmpdir(), 'nabla-mpi-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What every rank had in the end: bytes of parameters, buffers and losses, the rate and the streams of random numbers. */
async function train(
  mpi: Mpi | null,
  ranks: number,
  task: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string>> = {},
): Promise<Result> {
  const args = [JSON.stringify({ shards: 4, steps: 50, ...task })];
  const ended = await launch(mpi, ranks, 'train', { args, env });
  expect(ended.code, ended.output).toBe(0);
  const results = resultsIn<Result>(ended);
  expect(results.length).toBe(ranks);
  for (const { digest } of results) expect(digest).toBe(results[0]!.digest);
  return results[0]!;
}

const alone = new Map<string, Promise<Result>>();

/** The same on one rank, once. */
function trainAlone(task: Readonly<Record<string, unknown>>): Promise<Result> {
  const key = JSON.stringify(task);
  const result = alone.get(key) ?? train(null, 1, task);
  alone.set(key, result);
  return result;
}

describe.each(installed)('$name', (mpi) => {
  it.each([
    [2, { mode: 'captured' }],
    [4, { mode: 'captured' }],
    [2, { mode: 'run' }],
    [4, { mode: 'plain', clip: true, accumulate: true, megabytes: 0.001, steps: 12 }],
    [2, { mode: 'captured', norm: true, steps: 12 }],
    [8, { mode: 'captured', norm: true, clip: true, shards: 8, batch: 64, steps: 8 }],
  ])('has the bytes of one rank on %i: %o', async (ranks, task) => {
    const [one, several] = [await trainAlone(task), await train(mpi, ranks, task)];
    expect(several.digest).toBe(one.digest);
    expect(several.count).toBe('steps' in task ? task.steps : 50);
  });

  it.each([2, 4, 8])('has the bytes of one rank on %i that share no memory', async (ranks) => {
    const task = { mode: 'captured', shards: 8, batch: 64, steps: 8 };
    const [one, several] = [await trainAlone(task), await train(mpi, ranks, task, { NABLA_SHARED_MEMORY: '0' })];
    expect(several.digest).toBe(one.digest);
  });

  it('goes on from a checkpoint on another number of ranks, in the middle of an epoch', async () => {
    const file = join(folder, `${mpi.name}.safetensors`);
    const whole = await trainAlone({ mode: 'captured', steps: 27 });
    await train(mpi, 4, { mode: 'captured', steps: 13, save: file });
    const rest = await train(mpi, 2, { mode: 'captured', steps: 14, load: file });
    expect(rest.last).toBe(whole.last);
  });

  it('adds in any order where it may', async () => {
    const [one, several] = [
      await trainAlone({ mode: 'captured', steps: 12 }),
      await train(mpi, 2, { mode: 'captured', steps: 12, deterministic: false }),
    ];
    expect(several.last).toBeCloseTo(one.last, 5);
  });
});

describe('by itself', () => {
  it('captured, in the background and plain is the same', async () => {
    const { digest } = await trainAlone({ mode: 'captured' });
    expect((await trainAlone({ mode: 'run' })).digest).toBe(digest);
    expect((await trainAlone({ mode: 'plain' })).digest).toBe(digest);
  });

  it('with one shard is what it is without, to the bit', async () => {
    const task = { mode: 'captured', shards: 1, norm: true, steps: 12 };
    const without = await trainAlone({ ...task, bare: true });
    expect((await trainAlone(task)).digest).toBe(without.digest);
  });
});
