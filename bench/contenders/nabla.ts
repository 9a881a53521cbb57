import { fileURLToPath } from 'node:url';
import type { Contender } from '../harness/contender.js';
import type { Work } from '../harness/work.js';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** Everything but the loops that measure the machine. */
export const everyKind: readonly Work['kind'][] = [
  'matmul',
  'map',
  'recorded',
  'inPlace',
  'rows',
  'loss',
  'training',
  'momentum',
  'epoch',
  'load',
];

/** nabla as its users have it: the package in dist/. */
function onBackend(backend: 'native' | 'js', library: string, threads: number): Contender {
  return {
    library,
    threads,
    command: process.execPath,
    args: ['--import', 'tsx', path('../drivers/nabla/index.ts'), String(threads)],
    loadArgs: [path('../drivers/load.mjs'), 'nabla'],
    env: { NABLA_BACKEND: backend, TSX_TSCONFIG_PATH: path('../tsconfig.dist.json') },
    kinds: everyKind,
    patience: 60,
  };
}

export const nablaNative = (threads: number): Contender => onBackend('native', 'nabla', threads);

/** The same library on its plain TypeScript backend, which has one thread. */
export const nablaJs = (): Contender => onBackend('js', 'JS backend', 1);
