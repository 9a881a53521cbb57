import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Hosts, whyNoHosts } from './hosts.js';
import { type Ended, installed, launch, type Mpi, resultsIn } from './launch.js';

const why = whyNoHosts();
if (why !== null) it.skip(`two machines: ${why}`, () => {});

/** How long ranks may keep each other waiting, and how much later all of them have ended. */
const TIMEOUT = 3;
const GRACE = 10;

const train = { mode: 'captured', shards: 4, steps: 12, norm: true };

/**
 * Runs a program on both machines to its end, which MPICH's is once all ranks have said what they have: its MPI_Finalize over UCX's TCP often does not
 * return, because one rank waits for the launcher's barrier, another for that rank's connection.
 */
async function across(
  mpi: Mpi,
  hosts: Hosts,
  ranksEach: number,
  program: string,
  args: readonly string[] = [],
): Promise<Ended> {
  let left = 2 * ranksEach;
  let ending: NodeJS.Timeout | undefined;
  const onLine = (line: string) => {
    if (line.startsWith('RESULT ') && --left === 0 && mpi.name === 'MPICH')
      ending = setTimeout(() => hosts.endAll(), 2000);
  };
  const ended = await launch(hosts.launcher(mpi, ranksEach), 2 * ranksEach, program, { args, onLine });
  clearTimeout(ending);
  if (mpi.name !== 'MPICH') expect(ended.code, ended.output).toBe(0);
  expect(left, ended.output).toBe(0);
  return ended;
}

describe.skipIf(why !== null).each(installed)('across two machines with $name', (mpi) => {
  let hosts: Hosts;
  beforeAll(() => {
    hosts = new Hosts();
  });
  afterEach(() => hosts.endAll());
  afterAll(() => hosts.remove());

  it('does what all ranks do together', async () => {
    const ended = await across(mpi, hosts, 2, 'collectives');
    expect(resultsIn<{ size: number }>(ended).map(({ size }) => size)).toEqual([4, 4, 4, 4]);
  });

  it('has the bytes of one rank', async () => {
    const args = [JSON.stringify(train)];
    const [one] = resultsIn<{ digest: string }>(await launch(null, 1, 'train', { args }));
    for (const each of [1, 2]) {
      const digests = resultsIn<{ digest: string }>(await across(mpi, hosts, each, 'train', args));
      expect(digests.map(({ digest }) => digest)).toEqual(new Array(2 * each).fill(one!.digest));
    }
  });

  it('ends every rank where the link goes down, with an error that says so', async () => {
    const log = join(hosts.folder, 'log');
    const pids = new Map<string, number>();
    let since = 0;
    const ending = launch(hosts.launcher(mpi, 1), 2, 'failing', {
      args: ['endless', String(TIMEOUT), log],
      onLine: (line) => {
        const [, rank, pid] = /^PID (\d+) (\d+)$/.exec(line) ?? [];
        if (pid === undefined || pids.set(rank!, Number(pid)).size < 2) return;
        setTimeout(() => {
          since = performance.now();
          hosts.link('down');
        }, 500);
      },
    });
    const isThere = (pid: number) => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    };
    const areLeft = () => pids.size < 2 || since === 0 || [...pids.values()].some(isThere);
    const start = performance.now();
    while (areLeft() && performance.now() - start < 60_000) await new Promise((resolve) => setTimeout(resolve, 50));
    const seconds = (performance.now() - since) / 1000;
    hosts.endAll();
    await ending;
    hosts.link('up');
    expect(pids.size).toBe(2);
    expect(seconds).toBeLessThan(TIMEOUT + GRACE);
    // What the far rank prints does not come through.
    for (const rank of [0, 1]) {
      expect(readFileSync(`${log}-${rank}`, 'utf8')).toMatch(
        `rank ${1 - rank} has not answered rank ${rank} for 3 s: it was stopped, its link is down`,
      );
    }
  });
});
