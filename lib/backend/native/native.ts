import type { Backend } from '../backend.js';
import { execute } from '../instructions.js';
import { scatterModes } from '../js/indexing.js';
import { randomKinds } from '../js/random.js';
import type { Addon } from './addon.js';
import { Encoder } from './encoder.js';
import { Records } from './records.js';
import { NativeReplay } from './replay.js';

/** The instruction set in C++: every call writes one instruction to the tape that is shared with the addon, and runs it. */
export function createNativeBackend(addon: Addon): Backend {
  const encoder = new Encoder(addon);
  const backend: Backend = {
    name: 'native',
    map: (program, params, inputs, outputs) => {
      encoder.map(program, params, inputs, outputs);
      return encoder.submit(program.name);
    },
    fold: (program, params, inputs, outputs, shape, axes) => {
      encoder.fold(program, params, inputs, outputs, shape, axes);
      return encoder.submit(program.name);
    },
    matmul: (a, b, outputs, epilogue) => {
      encoder.matmul(a, b, outputs, epilogue);
      return encoder.submit('matmul');
    },
    gather: (out, input, index, axis) => {
      encoder.gather(out, input, index, axis);
      return encoder.submit('gather');
    },
    scatter: (out, index, source, axis, mode) => {
      encoder.scatter(out, index, source, axis, scatterModes.indexOf(mode));
      return encoder.submit('scatter');
    },
    random: (kind, state, out, p0, p1) => {
      encoder.random(randomKinds.indexOf(kind), state, out, p0, p1);
      return encoder.submit(kind);
    },
    check: (flag) => {
      encoder.check(flag);
      return encoder.submit('check');
    },
    link: (instructions, ports) => {
      const records = new Records(ports);
      encoder.collect(records, () => {
        for (const instruction of instructions) execute(backend, instruction);
      });
      return new NativeReplay(addon, records);
    },
    getNumThreads: addon.getNumThreads,
    setNumThreads: addon.setNumThreads,
  };
  return backend;
}
