import { type Backend, randomKinds, scatterModes } from '../backend.js';
import { dtypes } from '../dtype.js';
import type { Addon } from './addon.js';
import { Encoder } from './encoder.js';

/** The instruction set in C++: every call writes one instruction to the tape that it shares with the addon, and runs it. */
export function createNativeBackend(addon: Addon): Backend {
  const encoder = new Encoder(addon);
  return {
    name: 'native',
    map: (program, params, inputs, outputs) => {
      encoder.map(program, params, inputs, outputs);
      addon.run();
    },
    fold: (program, params, inputs, outputs, shape, axes) => {
      encoder.fold(program, params, inputs, outputs, shape, axes);
      addon.run();
    },
    matmul: (a, b, outputs, epilogue) => {
      encoder.matmul(a, b, outputs, epilogue);
      addon.run();
    },
    gather: (out, input, index, axis) => {
      encoder.gather(out, input, index, axis);
      return addon.run();
    },
    scatter: (out, index, source, axis, mode) => {
      encoder.scatter(out, index, source, axis, scatterModes.indexOf(mode));
      return addon.run();
    },
    random: (kind, state, out, dtype, offset, length, p0, p1) => {
      const address = out.address + offset * dtypes[dtype].size;
      encoder.random(randomKinds.indexOf(kind), dtype, state.address, address, length, p0, p1);
      addon.run();
    },
    getNumThreads: addon.getNumThreads,
    setNumThreads: addon.setNumThreads,
  };
}
