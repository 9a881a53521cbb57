import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Contender, Missing, Peer, Where } from '../harness/contender.js';
import type { Work } from '../harness/work.js';

/** A library from npm. */
interface Package {
  readonly library: string;
  readonly packages: readonly string[];
  readonly driver: string;
  readonly mode?: string;
  /** Whether it has more than one thread. Its driver is then told how many, in place of the mode. */
  readonly threaded?: true;
  readonly kinds: readonly Work['kind'][];
}

const tfjsKinds = ['matmul', 'map', 'rows', 'loss', 'training', 'momentum', 'load'] as const;

const libraries: readonly Package[] = [
  { library: 'tfjs CPU', packages: ['@tensorflow/tfjs'], driver: 'tfjs.ts', mode: 'cpu', kinds: tfjsKinds },
  {
    library: 'tfjs WASM',
    packages: ['@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm'],
    driver: 'tfjs.ts',
    mode: 'wasm',
    kinds: tfjsKinds,
  },
  { library: 'brain.js', packages: ['brain.js'], driver: 'brain.ts', kinds: ['training', 'load'] },
  {
    library: 'js-pytorch',
    packages: ['js-pytorch'],
    driver: 'js-pytorch.ts',
    kinds: ['matmul', 'map', 'training', 'load'],
  },
  { library: 'ml-matrix', packages: ['ml-matrix'], driver: 'ml-matrix.ts', kinds: ['matmul', 'map', 'load'] },
  {
    library: 'onnxruntime',
    packages: ['onnxruntime-node'],
    driver: 'onnxruntime.ts',
    threaded: true,
    kinds: ['inference', 'load'],
  },
];

const path = (relative: string) => fileURLToPath(new URL(`../peers/${relative}`, import.meta.url));

export const npmPeers: readonly Peer[] = libraries.map((library) => ({
  library: library.library,
  find: (where) => find(library, where),
}));

function find(candidate: Package, { threads, peersDir }: Where): Contender[] | Missing {
  const { library, packages, driver, mode = '', threaded = false, kinds } = candidate;
  const root = peersDir === undefined ? path('') : resolve(peersDir);
  const from = join(root, 'package.json');
  if (!packages.every((name) => canResolve(createRequire(from), name))) {
    const everything = 'npm install --prefix bench/peers';
    return {
      library,
      install: peersDir === undefined ? everything : `npm install --prefix ${peersDir} ${packages.join(' ')}`,
    };
  }
  const loadArgs = [path('../drivers/load.mjs'), packages[0]!, from];
  return (threaded ? threads : [1]).map((count) => {
    const args = ['--import', 'tsx', path(driver), from, threaded ? String(count) : mode];
    return { library, threads: count, command: process.execPath, args, loadArgs, env: {}, kinds, patience: 10 };
  });
}

function canResolve(require: NodeJS.Require, name: string): boolean {
  try {
    require.resolve(name);
    return true;
  } catch {
    return false;
  }
}
