import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Contender, Missing, Where } from '../harness/contender.js';
import type { Work } from '../harness/work.js';

const here = fileURLToPath(new URL('..', import.meta.url));

/** Everything but the loops that measure the machine, and the first calls of functions that are recorded. */
export const everyKind: readonly Work['kind'][] = [
  'matmul',
  'map',
  'recorded',
  'inPlace',
  'rows',
  'vocabulary',
  'chain',
  'loss',
  'convolution',
  'training',
  'convnet',
  'momentum',
  'update',
  'recipe',
  'epoch',
  'many',
  'network',
  'inference',
  'load',
];

const capturedKinds: readonly Work['kind'][] = [
  'convolution',
  'convnet',
  'chain',
  'training',
  'recipe',
  'epoch',
  'many',
  'network',
  'inference',
  'firstCall',
];

/** nabla as its users have it: the package in dist/, each operation when it is called or functions captured. */
function nabla(
  library: string,
  backend: 'native' | 'js',
  threads: number,
  mode: 'eager' | 'captured' = 'eager',
  bench = here,
): Contender {
  return {
    library,
    threads,
    command: process.execPath,
    args: ['--import', 'tsx', join(bench, 'drivers/nabla/index.ts'), String(threads), mode],
    loadArgs: [join(bench, 'drivers/load.mjs'), 'nabla'],
    env: { NABLA_BACKEND: backend, TSX_TSCONFIG_PATH: join(bench, 'tsconfig.dist.json') },
    kinds: mode === 'captured' ? capturedKinds : [...everyKind, 'firstCall'],
    patience: 60,
  };
}

export const nablaNative = (threads: number): Contender => nabla('nabla', 'native', threads);

export const nablaCaptured = (threads: number): Contender => nabla('nabla captured', 'native', threads, 'captured');

/** The same library on its plain TypeScript backend, which has one thread. */
export const nablaJs = (): Contender => nabla('JS backend', 'js', 1);

/** nabla as it was at another commit, by that commit's own drivers: what these do not know fails, and its cell says so. */
export const nablaBefore =
  (library: string, mode: 'eager' | 'captured') =>
  ({ threads, before }: Where): Contender[] | Missing => {
    const isThere = before !== undefined && existsSync(join(before, 'dist/index.js'));
    if (!isThere) {
      const found = before === undefined ? '' : `${before} has no dist/index.js; `;
      return {
        library,
        install: `${found}git worktree add FOLDER COMMIT, there npm ci && npm run compile, and --before FOLDER`,
      };
    }
    return threads.map((count) => nabla(library, 'native', count, mode, join(resolve(before), 'bench')));
  };
