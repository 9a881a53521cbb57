import { describe, expect, it } from 'vitest';
import {
  allocate,
  asData,
  backend,
  createJsBackend,
  DONE,
  execute,
  type Instruction,
  mayStop,
  nameOf,
  ops,
  readsOf,
  type Storage,
  stateOf,
  withViews,
  writesOf,
} from '../../lib/backend/index.js';
import { allSamples, bytesIn, bytesOf, memoryOf, outcomeOf, samplesOf } from './samples.js';

/** What rows of the instruction set say of instructions is so, of each and on either core. */
describe.each(ops)('%s', (op) => {
  /** What each sample leaves behind when it has been done. */
  const expected = samplesOf(op).map((instruction) => {
    expect(execute(backend, instruction)).toBe(DONE);
    return outcomeOf(instruction);
  });

  it('is what the definition says', () => {
    const js = createJsBackend();
    samplesOf(op).forEach((instruction, i) => {
      expect(execute(js, instruction)).toBe(DONE);
      const { values, state } = outcomeOf(instruction);
      expect(expected[i]!.state).toEqual(state);
      values.flat().forEach((value, at) => {
        expect(expected[i]!.values.flat()[at]).toBeCloseTo(value, 5);
      });
    });
  });

  it('reads what its row says, and nothing else', () => {
    samplesOf(op).forEach((instruction, i) => {
      const state = stateOf(instruction);
      for (const storage of memoryOf(instruction)) {
        const read = bytesIn(readsOf(instruction), storage);
        const bytes = bytesOf(storage);
        for (let at = 0; at < bytes.length; at++) if (!read.has(at) && storage !== state) bytes[at]! ^= 0x55;
      }
      execute(backend, instruction);
      expect(outcomeOf(instruction)).toEqual(expected[i]);
    });
  });

  it('writes what its row says, and nothing else', () => {
    for (const instruction of samplesOf(op)) {
      const memory = memoryOf(instruction).filter((storage) => storage !== stateOf(instruction));
      const before = memory.map((storage) => bytesOf(storage).slice());
      execute(backend, instruction);
      memory.forEach((storage, m) => {
        const written = bytesIn(writesOf(instruction), storage);
        const changed = [...bytesOf(storage).keys()].filter((at) => bytesOf(storage)[at] !== before[m]![at]);
        expect(changed.filter((at) => !written.has(at))).toEqual([]);
      });
    }
  });

  it('is the same over other memory', () => {
    samplesOf(op).forEach((instruction, i) => {
      const others = new Map(memoryOf(instruction).map((storage) => [storage, duplicate(storage)]));
      const before = memoryOf(instruction).map((storage) => bytesOf(storage).slice());
      const moved = withViews(
        instruction,
        (view) => ({ ...view, storage: others.get(view.storage)! }),
        (state) => others.get(state)!,
      );
      expect(memoryOf(moved)).toEqual([...others.values()]);
      execute(backend, moved);
      expect(outcomeOf(moved)).toEqual(expected[i]);
      expect(memoryOf(instruction).map((storage) => bytesOf(storage).slice())).toEqual(before);
    });
  });

  it('is the same in a copy, whatever becomes of the arrays that it was called with', () => {
    samplesOf(op).forEach((instruction, i) => {
      const copy = handedOn(instruction);
      empty(instruction);
      execute(backend, copy);
      expect(outcomeOf(copy)).toEqual(expected[i]);
    });
  });

  it('is the same when it is linked, over memory that is bound to ports', () => {
    samplesOf(op).forEach((instruction, i) => {
      const memory = memoryOf(instruction);
      const executable = backend.link([instruction], memory);
      const before = memory.map((storage) => bytesOf(storage).slice());
      const others = memory.map(duplicate);
      const whole = (storage: Storage) => ({ storage, offset: 0, shape: [], strides: [], dtype: 'bool' }) as const;
      expect(executable.run(others.map(whole))).toBeNull();
      expect(memory.map((storage) => bytesOf(storage).slice())).toEqual(before);
      expect(executable.run(memory.map(whole))).toBeNull();
      expect(outcomeOf(instruction)).toEqual(expected[i]);
      expect(others.map((storage) => bytesOf(storage).slice())).toEqual(
        memory.map((storage) => bytesOf(storage).slice()),
      );
    });
  });
});

describe('rows', () => {
  it('name an instruction by its program or by what it draws', () => {
    expect([...new Set(allSamples().map(nameOf))]).toEqual([
      'test',
      'neg',
      'add',
      'matmul',
      'convolve',
      'convolveWeight',
      'maxPool',
      'gather',
      'scatter',
      'cumsum',
      'cumprod',
      'cummax',
      'cummin',
      'logcumsumexp',
      'linear',
      'sort',
      'qr',
      'lu',
      'order',
      'upper',
      'normal',
      'bernoulli',
      'check',
      'collective',
      'settle',
    ]);
  });

  it('say where an instruction may stop', () => {
    const stops = (op: (typeof ops)[number]) =>
      samplesOf(op).map((instruction) => typeof mayStop(instruction) === 'object' || mayStop(instruction));
    expect(stops('map')).toEqual([false, true, false]);
    expect(stops('scan')).toEqual([false, false, false, false, false, false, true]);
    expect(ops.map((op) => stops(op)[0])).toEqual([
      ...[false, false, false, false, false, false, true, true, false, false, false, false, true, false, false],
    ]);
  });
});

/** Memory of its own with the same bytes. */
function duplicate(storage: Storage): Storage {
  const copy = allocate('bool', storage.byteLength);
  bytesOf(copy).set(bytesOf(storage));
  return copy;
}

/** The instruction that a call with the arguments of this one is handed on as. */
function handedOn(instruction: Instruction): Instruction {
  const found: Instruction[] = [];
  execute(
    asData((own) => found.push(own)),
    instruction,
  );
  return found[0]!;
}

/** Empties the arrays of a call. */
function empty(call: object): void {
  for (const value of Object.values(call)) {
    if (Array.isArray(value)) value.length = 0;
    else if (value !== null && typeof value === 'object' && 'program' in value) empty(value);
  }
}
