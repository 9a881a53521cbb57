import type { Backend } from '../backend.js';
import { gather, scatter } from './indexing.js';
import { run } from './interpreter.js';
import { matmul } from './matmul.js';
import { randomFill } from './random.js';
import { JsReplay } from './replay.js';

/**
 * The instruction set in plain TypeScript: the living definition that the native core is held to, the fallback where no native binary loads,
 * and the yardstick of the benchmarks. One thread, whatever is asked for.
 */
export function createJsBackend(): Backend {
  const backend: Backend = {
    name: 'js',
    map: (program, params, inputs, outputs) => {
      const { shape } = outputs[0]!;
      return run(program, params, inputs, outputs, shape, [...shape.keys()]);
    },
    fold: run,
    matmul,
    gather,
    scatter,
    random: randomFill,
    link: (instructions, ports) => new JsReplay(backend, instructions, ports),
    getNumThreads: () => 1,
    setNumThreads: () => {},
  };
  return backend;
}
