import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Contender, Missing } from '../harness/contender.js';
import type { Work } from '../harness/work.js';

/** A library in JavaScript or WebAssembly; each has one thread. */
interface Peer {
  readonly library: string;
  readonly packages: readonly string[];
  readonly driver: string;
  readonly mode?: string;
  readonly kinds: readonly Work['kind'][];
}

const tfjsKinds = ['matmul', 'map', 'rows', 'loss', 'training', 'momentum', 'load'] as const;

const peers: readonly Peer[] = [
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
];

const path = (relative: string) => fileURLToPath(new URL(`../peers/${relative}`, import.meta.url));

/** The libraries among these that are in `folder`'s node_modules: bench/peers, where none is given. */
export function findNpmPeers(folder: string | undefined): (Contender | Missing)[] {
  const root = folder === undefined ? path('') : resolve(folder);
  const { resolve: find } = createRequire(join(root, 'package.json'));
  return peers.map(({ library, packages, driver, mode = '', kinds }) => {
    if (!packages.every((name) => canResolve(find, name))) {
      const install =
        folder === undefined
          ? 'npm install --prefix bench/peers'
          : `npm install --prefix ${folder} ${packages.join(' ')}`;
      return { library, install };
    }
    const args = ['--import', 'tsx', path(driver), join(root, 'package.json'), mode];
    return { library, threads: 1, command: process.execPath, args, env: {}, kinds, patience: 10 };
  });
}

function canResolve(find: NodeJS.RequireResolve, name: string): boolean {
  try {
    find(name);
    return true;
  } catch {
    return false;
  }
}
