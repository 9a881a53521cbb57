import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { installed, launch, type Mpi, missing, resultsIn } from './launch.js';

const folder = mkdtempSync(join(tmpdir(), 'nabla-mpi-'));
afterAll(() => rmSync(folder, { recursive: true }));

for (const name of missing) it.skip(`${name} is not installed`, () => {});

/** What a launcher may take to end all ranks, beside the time that they wait for one another. */
const GRACE = 20;

/** Ends a process that a test has started, if its launcher has not. */
function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone.
  }
}

/** Runs until rank 1 is at work, and sends it a signal. */
async function signalled(mpi: Mpi, signal: NodeJS.Signals) {
  let pid = 0;
  const pids = new Map<number, number>();
  const ended = await launch(mpi, 2, 'failing', {
    args: ['endless', '3'],
    onLine: (line) => {
      const [, of, id] = /^PID (\d+) (\d+)$/.exec(line) ?? [];
      if (id === undefined) return;
      pids.set(Number(of), Number(id));
      if (pids.size < 2) return;
      pid = pids.get(1)!;
      setTimeout(() => process.kill(pid, signal), 500);
    },
  });
  expect(pid).toBeGreaterThan(0);
  expect(ended.code).not.toBe(0);
  if (signal === 'SIGSTOP') end(pid);
  return ended;
}

describe.each(installed)('$name', (mpi) => {
  it.each([
    [
      'parameters',
      /ranks disagree about parameters: rank 1 has others than rank 0; here, on rank \d: weight float32\[\d, 3\]/,
    ],
    ['buffers', /ranks disagree about buffers: rank 1 has others than rank 0/],
    ['seeds', /ranks disagree about the seed of manualSeed: rank 1 has others than rank 0; here, on rank \d: [01]/],
    ['shards', /ranks disagree about shards/],
    [
      'shapes',
      /rank \d does something else than rank \d: there number 1, sum of \d000 elements in 1 pieces, here number 1, sum of \d000/,
    ],
    ['kinds', /rank 1 does something else than rank 0: there number 1, broadcast from of 1 elements/],
    ['order', /does something else than rank \d/],
    ['program', /does something else than rank \d: there number \d+, sum of \d+ elements in \d pieces/],
    [
      'breaks',
      /nabla: rank 1 of 2 ends with exit code 1, and all other ranks with it: AutogradError: backward: a tensor/,
    ],
    ['throws', /nabla: rank 1 of 2 ends with exit code 1, and all other ranks with it: Error: rank 1 has had enough/],
  ])('ends at once where ranks disagree or throw: %s', async (how, message) => {
    const { code, output, seconds } = await launch(mpi, 2, 'failing', { args: [how, '60'] });
    expect(code, output).not.toBe(0);
    expect(output).toMatch(message);
    expect(seconds).toBeLessThan(GRACE);
  });

  it('ends at once where ranks that share no memory disagree', async () => {
    const env = { NABLA_SHARED_MEMORY: '0' };
    const { code, output, seconds } = await launch(mpi, 2, 'failing', { args: ['program', '60'], env });
    expect(code, output).not.toBe(0);
    expect(output).toMatch(/does something else than rank \d: there number \d+, sum of \d+ elements in \d pieces/);
    expect(seconds).toBeLessThan(GRACE);
  });

  it.each(['0', '1'])('ends where a rank leaves early; shared memory: %s', async (shared) => {
    const env = { NABLA_SHARED_MEMORY: shared };
    const { code, output, seconds } = await launch(mpi, 2, 'failing', { args: ['leaves'], env });
    expect(code).not.toBe(0);
    expect(output).toMatch(/allReduce: rank 1 has not answered rank 0 for 3 s/);
    expect(seconds).toBeLessThan(3 + GRACE);
  });

  it('ends where a rank is killed', async () => {
    const { seconds } = await signalled(mpi, 'SIGKILL');
    expect(seconds).toBeLessThan(GRACE);
  });

  it('ends where a rank is stopped', async () => {
    const { output, seconds } = await signalled(mpi, 'SIGSTOP');
    expect(output).toMatch(/rank 1 has not answered rank 0 for 3 s: it was stopped, its link is down/);
    expect(seconds).toBeLessThan(3 + GRACE);
  });

  it('goes on from the last checkpoint after that, on another number of ranks', async () => {
    const path = join(folder, `${mpi.name}.safetensors`);
    const task = { mode: 'captured', shards: 4 };
    const saving = JSON.stringify({ ...task, steps: 13, save: path, forever: true });
    let first = 0;
    const killed = await launch(mpi, 2, 'train', {
      args: [saving],
      onLine: (line) => {
        const pid = Number(/^SAVED (\d+)$/.exec(line)?.[1] ?? 0);
        if (pid === 0 || first > 0) return;
        first = pid;
        setTimeout(() => end(pid), 300);
      },
    });
    expect(first).toBeGreaterThan(0);
    expect(killed.code).not.toBe(0);
    const args = (given: object) => ({ args: [JSON.stringify({ ...task, ...given })] });
    const resumed = await launch(mpi, 4, 'train', args({ steps: 7, load: path }));
    const whole = await launch(null, 1, 'train', args({ steps: 20 }));
    expect(resumed.code, resumed.output).toBe(0);
    const last = (ended: typeof whole) => resultsIn<{ last: number }>(ended)[0]!.last;
    expect(last(resumed)).toBe(last(whole));
  });
});
