import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const nabla = (...args: string[]) =>
  spawnSync(process.execPath, [join(root, 'dist/cli.js'), ...args], {
    encoding: 'utf8',
    env: { ...process.env, NABLA_BACKEND: 'native', NABLA_ISA: 'baseline' },
  });

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

  it('is the only command', () => {
    expect(nabla('heal')).toMatchObject({ status: 2, stderr: expect.stringMatching(/^nabla doctor {4}/) });
  });
});
