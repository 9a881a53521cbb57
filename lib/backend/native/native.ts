import type { Backend } from '../backend.js';
import { eachOp, execute, instructions, ops } from '../instructions.js';
import { sizeOf } from '../view.js';
import type { Addon } from './addon.js';
import { Encoder } from './encoder.js';
import { failureOf } from './failure.js';
import { LinkedCode } from './linked-code.js';
import { asProduct } from './products.js';
import { NativeReplay } from './replay.js';

/** The instruction set in C++: every call writes one instruction to the tape that is shared with the addon, and runs it. */
export function createNativeBackend(addon: Addon): Backend {
  const encoder = new Encoder(addon);
  const each = eachOp((op, { encode }) => {
    const code = ops.indexOf(op);
    return (...values) => {
      encode(encoder, ...values);
      return encoder.run(op, code);
    };
  });
  const all: typeof each = {
    ...each,
    convolve: (...values) => {
      const product = asProduct(...values);
      return product === null ? each.convolve(...values) : each.matmul(...product);
    },
  };
  const { map, fold } = instructions;
  const [mapCode, foldCode] = [ops.indexOf('map'), ops.indexOf('fold')];
  const backend: Backend = {
    name: 'native',
    ...all,
    map: (program, params, inputs, outputs) => {
      const isFlat = encoder.writeFlat(program, params, inputs, outputs, sizeOf(outputs[0]!.shape), 0);
      if (!isFlat) map.encode(encoder, program, params, inputs, outputs);
      return encoder.run('map', mapCode);
    },
    fold: (program, params, inputs, outputs, shape, axes) => {
      const isWhole = axes.length === shape.length;
      const isFlat = isWhole && encoder.writeFlat(program, params, inputs, outputs, sizeOf(shape), 1);
      if (!isFlat) fold.encode(encoder, program, params, inputs, outputs, shape, axes);
      return encoder.run('fold', foldCode);
    },
    link: (linked, ports) => {
      const code = new LinkedCode(ports);
      encoder.collect(code, () => {
        for (const instruction of linked) execute(all, instruction);
      });
      return new NativeReplay(addon, code);
    },
    weakList: <T extends object>() => {
      const list = addon.makeWeakList();
      return { add: (one: T) => addon.addWeakly(list, one), values: () => addon.weakValues(list) as T[] };
    },
    getNumThreads: addon.getNumThreads,
    setNumThreads: addon.setNumThreads,
    join: (libraries, seconds) => failing('init', () => addon.join(libraries, seconds)),
    exchangeTimes: () => {
      const [awaited, waiting, passing, summing, bytes, exchanges] = addon.exchangeTimes() as SixNumbers;
      return { awaited, waiting, passing, summing, bytes, exchanges };
    },
    leave: (code) => failing('finalize', () => addon.leave(code)),
  };
  return backend;
}

type SixNumbers = [number, number, number, number, number, number];

function failing<T>(where: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw failureOf(where, error);
  }
}
