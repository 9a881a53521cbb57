import { fileURLToPath } from 'node:url';
import { type Contender, threadsLabel } from '../harness/contender.js';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** nabla as its users have it: the package in dist/. */
function onBackend(backend: 'native' | 'js', name: string, threads: number): Contender {
  return {
    name,
    threads,
    command: process.execPath,
    args: ['--import', 'tsx', path('../drivers/nabla/index.ts'), String(threads)],
    env: { NABLA_BACKEND: backend, TSX_TSCONFIG_PATH: path('../tsconfig.dist.json') },
  };
}

export const nablaNative = (threads: number): Contender =>
  onBackend('native', `nabla, ${threadsLabel(threads)}`, threads);

/** The same library on its plain TypeScript backend, which has one thread. */
export const nablaJs = (): Contender => onBackend('js', 'JS backend', 1);
