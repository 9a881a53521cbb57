import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Contender, Missing, Peer, Where } from '../harness/contender.js';
import type { Work } from '../harness/work.js';
import { everyKind } from './nabla.js';

const driver = fileURLToPath(new URL('../peers/pytorch.py', import.meta.url));

/** PyTorch in one of its modes. */
interface Mode {
  readonly library: string;
  readonly mode: 'eager' | 'compiled' | 'processes';
  readonly kinds: readonly Work['kind'][];
  /** What works where the mode does. */
  readonly trial: string;
  readonly install: string;
}

const modes: readonly Mode[] = [
  {
    library: 'PyTorch',
    mode: 'eager',
    kinds: everyKind,
    trial: 'import torch',
    install: 'python3 -m pip install torch; NABLA_BENCH_PYTHON names the Python to use',
  },
  {
    // As many processes as threads, between which the models are divided.
    library: 'PyTorch processes',
    mode: 'processes',
    kinds: ['many'],
    trial: 'import torch',
    install: 'python3 -m pip install torch',
  },
  {
    library: 'PyTorch compiled',
    mode: 'compiled',
    kinds: ['map', 'rows', 'chain', 'loss', 'training', 'inference'],
    trial: 'import torch; torch.compile(lambda x: x + 1)(torch.ones(1))',
    install: 'torch.compile needs a C++ compiler, and Python packages that pip install torch brings with it',
  },
];

/** The modes that work in the Python that NABLA_BENCH_PYTHON names. */
export const pythonPeers: readonly Peer[] = modes.map((mode) => ({
  library: mode.library,
  find: (where) => find(mode, where),
}));

function find({ library, mode, kinds, trial, install }: Mode, { threads }: Where): Contender[] | Missing {
  const python = process.env.NABLA_BENCH_PYTHON ?? 'python3';
  if (spawnSync(python, ['-c', trial], { stdio: 'ignore' }).status !== 0) return { library, install };
  return threads.map((count) => {
    const env = { OMP_NUM_THREADS: String(count), MKL_NUM_THREADS: String(count) };
    // To compile takes long.
    const patience = mode === 'compiled' ? 180 : 60;
    return { library, threads: count, command: python, args: [driver, String(count), mode], env, kinds, patience };
  });
}
