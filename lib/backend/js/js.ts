import { NablaError } from '../../errors.js';
import type { Backend } from '../backend.js';
import { eachOp } from '../instructions.js';
import { JsReplay } from './replay.js';
import { JsWeakList } from './weak-list.js';

/**
 * The instruction set in plain TypeScript: the living definition that the native core is held to, the fallback where no native binary loads,
 * and the yardstick of the benchmarks. One thread, whatever is asked for.
 */
export function createJsBackend(): Backend {
  const backend: Backend = {
    name: 'js',
    ...eachOp((_, { js }) => js),
    link: (instructions, ports) => new JsReplay(backend, instructions, ports),
    weakList: () => new JsWeakList(),
    getNumThreads: () => 1,
    setNumThreads: () => {},
    join: () => {
      throw new NablaError('init: several ranks need the native core', 'ERR_NABLA_DISTRIBUTED');
    },
    exchangeTimes: () => ({ awaited: 0, waiting: 0, passing: 0, summing: 0, bytes: 0, exchanges: 0 }),
    leave: () => {},
  };
  return backend;
}
