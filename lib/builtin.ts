import { createRequire } from 'node:module';

/** What few programs need of Node's, and takes milliseconds to load. */
interface Builtins {
  readonly 'node:crypto': typeof import('node:crypto');
  readonly 'node:timers/promises': typeof import('node:timers/promises');
  readonly 'node:v8': typeof import('node:v8');
  readonly 'node:vm': typeof import('node:vm');
  readonly 'node:worker_threads': typeof import('node:worker_threads');
}

/** Node's own modules are found from any file, also where a bundle has none of its own to begin with. */
const load = createRequire(process.execPath);

/** A module of Node's that is loaded at its first use, instead of with the library. */
export const builtin = <N extends keyof Builtins>(name: N): Builtins[N] => load(name) as Builtins[N];
