import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const has = (command: string) => spawnSync(command, ['--version']).status === 0;

/** How many threads a process has that starts on some processors only. */
function threadsOn(processors: string): number {
  const code = `import(${JSON.stringify(path('../../lib/index.ts'))}).then((m) => process.stdout.write(String(m.getNumThreads())))`;
  const node = [process.execPath, '--import', 'tsx', '--eval', code];
  return Number(execFileSync('taskset', ['--cpu-list', processors, ...node], { encoding: 'utf8' }));
}

describe('the number of threads', () => {
  it('is how many processors the process may run on', ({ skip }) => {
    skip(!has('taskset'), 'did not run: there is no taskset');
    skip(availableParallelism() < 2, 'did not run: there is one processor only');
    expect(threadsOn('0')).toBe(1);
    expect(threadsOn('0,1')).toBe(2);
  });
});

describe("a container's quota", () => {
  const folder = mkdtempSync(join(tmpdir(), 'nabla-'));
  const program = join(folder, 'cpu-count');
  const compiler = has('g++');
  let roots = 0;

  beforeEach(({ skip }) => skip(!compiler, 'did not run: there is no g++'));

  beforeAll(() => {
    if (!compiler) return;
    const sources = [path('../../native/cpu_count.cc'), path('cpu-count-app.cc')];
    execFileSync('g++', ['-std=c++20', '-pthread', ...sources, '-o', program]);
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  /** The processors that the files of a made-up system grant, 0 for no limit. */
  function cpusOf(files: Readonly<Record<string, string>>): number {
    const root = join(folder, String(roots++));
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(join(root, dirname(name)), { recursive: true });
      writeFileSync(join(root, name), content);
    }
    return Number(execFileSync(program, [root], { encoding: 'utf8' }));
  }

  const unified = { 'proc/self/cgroup': '0::/a/b\n' };
  const separate = { 'proc/self/cgroup': '5:memory:/a\n4:cpu,cpuacct:/a\n' };

  it.each([
    ['none', unified, 0],
    ['no limit', { ...unified, 'sys/fs/cgroup/a/b/cpu.max': 'max 100000' }, 0],
    ['two and a half', { ...unified, 'sys/fs/cgroup/a/b/cpu.max': '250000 100000' }, 2],
    ['less than one', { ...unified, 'sys/fs/cgroup/a/b/cpu.max': '50000 100000' }, 1],
    [
      'the tighter of two levels',
      {
        ...unified,
        'sys/fs/cgroup/a/cpu.max': '300000 100000',
        'sys/fs/cgroup/a/b/cpu.max': '400000 100000',
      },
      3,
    ],
    ["the container's own, at the mount", { ...unified, 'sys/fs/cgroup/cpu.max': '200000 100000' }, 2],
    [
      'version 1',
      {
        ...separate,
        'sys/fs/cgroup/cpu/a/cpu.cfs_quota_us': '300000',
        'sys/fs/cgroup/cpu/a/cpu.cfs_period_us': '100000',
      },
      3,
    ],
    [
      'version 1, no limit',
      {
        ...separate,
        'sys/fs/cgroup/cpu/a/cpu.cfs_quota_us': '-1',
        'sys/fs/cgroup/cpu/a/cpu.cfs_period_us': '100000',
      },
      0,
    ],
    ['no control groups', { 'proc/self/status': '' }, 0],
  ])('%s', (_, files, cpus) => {
    expect(cpusOf(files)).toBe(cpus);
  });
});
