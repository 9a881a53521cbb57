import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Contender, Missing, Peer, Where } from '../harness/contender.js';
import type { Work } from '../harness/work.js';

/** A driver in C, compiled when it is needed. */
interface Program {
  readonly library: string;
  readonly source: string;
  readonly links: readonly string[];
  readonly kinds: readonly Work['kind'][];
  readonly install: string;
}

const programs: readonly Program[] = [
  {
    library: 'loops in C',
    source: 'loops.c',
    links: [],
    kinds: ['peak', 'copy', 'map', 'inPlace', 'momentum'],
    install: 'apt-get install gcc',
  },
  {
    library: 'oneDNN',
    source: 'onednn.c',
    links: ['-ldnnl'],
    kinds: ['matmul'],
    install: 'apt-get install gcc libdnnl-dev',
  },
  {
    library: 'OpenBLAS',
    source: 'openblas.c',
    links: ['-lopenblas'],
    kinds: ['matmul'],
    install: 'apt-get install gcc libopenblas-dev',
  },
];

const folder = fileURLToPath(new URL('../peers', import.meta.url));

export const cPeers: readonly Peer[] = programs.map((program) => ({
  library: program.library,
  find: (where) => find(program, where),
}));

function find(program: Program, { threads }: Where): Contender[] | Missing {
  const { library, kinds, install } = program;
  const command = compile(program);
  if (command === undefined) return { library, install };
  return threads.map((count) => {
    const env = { OMP_NUM_THREADS: String(count), OPENBLAS_NUM_THREADS: String(count) };
    return { library, threads: count, command, args: [], env, kinds, patience: 30 };
  });
}

/** The instruction sets of the loops: nabla's, so that they show what it could reach, or all that the processor has. */
function targets(): string[] {
  switch (process.env.NABLA_ISA) {
    case 'avx2':
      return ['-mavx2', '-mfma'];
    case 'baseline':
      return [];
    default:
      return ['-march=native'];
  }
}

/** The path of the driver, or undefined where there is no compiler or no library. */
function compile({ source, links }: Program): string | undefined {
  const build = join(folder, 'build');
  mkdirSync(build, { recursive: true });
  const program = join(build, basename(source, '.c'));
  // A plain loop that copies is to stay one, and not become a call of memcpy.
  const flags = ['-O3', ...targets(), '-fopenmp', '-fno-tree-loop-distribute-patterns'];
  try {
    execFileSync('cc', [...flags, join(folder, source), '-o', program, ...links, '-lm'], { stdio: 'ignore' });
    return program;
  } catch {
    return undefined;
  }
}
