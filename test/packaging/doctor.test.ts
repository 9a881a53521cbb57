import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const nablaIn = (env: Record<string, string>, ...args: string[]) =>
  spawnSync(process.execPath, [join(root, 'dist/cli.js'), ...args], {
    encoding: 'utf8',
    env: { ...process.env, NABLA_BACKEND: 'native', NABLA_ISA: 'baseline', ...env },
  });
const nabla = (...args: string[]) => nablaIn({}, ...args);

describe('nabla doctor', () => {
  it('says what a report of a fault needs', () => {
    const { status, stdout } = nabla('doctor');
    const [versions, machine, ...rest] = stdout.split('\n');
    expect(versions).toMatch(/^nabla \d+\.\d+\.\d+, on the native backend, \d+ threads$/);
    expect(machine).toContain(`Node ${process.versions.node}, ${process.platform} ${process.arch}, `);
    expect(rest).toContain('NABLA_ISA=baseline');
    expect(rest).toContainEqual(expect.stringMatching(/^instruction set baseline, of .*baseline$/));
    expect(rest).toContain(`${join(root, 'build/Release/nabla.node')}: loads`);
    expect(rest).toContainEqual(expect.stringMatching(/^matmul 512 x 512 x 512: [\d.]+ ms, [\d.]+ GFLOP\/s$/));
    expect(status).toBe(0);
  });

  it.each([
    [{ NABLA_BACKEND: 'gpu' }, /^nabla does not load: NABLA_BACKEND: expected js or native, got gpu\n/],
    [{ NABLA_ISA: 'mmx' }, /^nabla does not load: NABLA_ISA=mmx: this machine can run /],
    [{ NABLA_PREBUILD: '/nowhere' }, /^nabla does not load: no native core could be loaded[\s\S]*\/nowhere/],
  ])('reports what keeps it from loading: %o', (env, message) => {
    const { status, stdout, stderr } = nablaIn(env, 'doctor');
    expect(stdout).toMatch(message);
    expect(stdout).toMatch(/^nabla \d+\.\d+\.\d+, on the js backend/m);
    expect(stdout).toMatch(/^matmul 512/m);
    expect([status, stderr]).toEqual([1, '']);
  });

  it('is the only command', () => {
    expect(nabla('heal')).toMatchObject({ status: 2, stderr: expect.stringMatching(/^nabla doctor {4}/) });
  });
});
