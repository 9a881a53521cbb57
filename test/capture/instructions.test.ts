import { describe, expect, it } from 'vitest';
import {
  backend,
  DONE,
  execute,
  type Instruction,
  nameOf,
  ops,
  type Storage,
  storagesRead,
  storagesWritten,
} from '../../lib/backend/index.js';
import { Recorder } from '../../lib/capture/recorder.js';
import { occupy } from '../../lib/capture/running.js';
import { outcomeOf, samplesOf } from '../backend/samples.js';

/** Does an instruction while a program that is running in the background reads or writes memory. */
function during(use: 'read' | 'written', storage: Storage, instruction: Instruction): number {
  const [mine, none] = [new Set([storage]), new Set<Storage>()];
  const leave = occupy('another', { read: none, written: none, [use]: mine });
  try {
    return execute(backend, instruction);
  } finally {
    leave();
  }
}

describe.each(ops)('%s', (op) => {
  it('is noted as it was called, and done', () => {
    samplesOf(op).forEach((instruction, i) => {
      const same = samplesOf(op)[i]!;
      execute(backend, same);
      const recorder = new Recorder(backend, 'test');
      expect(execute(recorder.backend, instruction)).toBe(DONE);
      expect(recorder.instructions).toEqual([instruction]);
      expect(recorder.instructions[0]).not.toBe(instruction);
      expect(outcomeOf(instruction)).toEqual(outcomeOf(same));
    });
  });

  it('is refused where it would meet what runs in the background', () => {
    for (const instruction of samplesOf(op)) {
      const [read, written] = [new Set(storagesRead(instruction)), new Set(storagesWritten(instruction))];
      const refused = new RegExp(
        `^${nameOf(instruction)}: a tensor here belongs to another, which is running in the background`,
      );
      for (const storage of new Set([...read, ...written])) {
        expect(() => during('written', storage, instruction)).toThrow(refused);
        if (written.has(storage)) expect(() => during('read', storage, instruction)).toThrow(refused);
        else expect(during('read', storage, instruction)).toBe(DONE);
      }
    }
  });
});
