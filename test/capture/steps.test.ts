import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { allocate, type Instruction, type Storage, type View } from '../../lib/backend/index.js';
import { canStop, NEVER, type Step, Steps, stepOf } from '../../lib/capture/steps.js';
import * as e from '../../lib/expr/index.js';

// What is looked up in lists must be what a search through all steps finds.

const PIECES = 5;
const program = e.compile({ name: 'add', compute: 'float32', inputs: ['element', 'element'], params: 0 }, [
  e.add(e.input(0, 'element'), e.input(1, 'element')),
]);

const piece = fc.nat(PIECES - 1);
const given = fc.record({
  reads: fc.tuple(piece, piece),
  writes: piece,
  offset: fc.constantFrom(0, 4),
  stopsAt: fc.constantFrom(NEVER, 0),
});
type Given = typeof given extends fc.Arbitrary<infer T> ? T : never;

function stepFrom({ reads, writes, offset, stopsAt }: Given, memory: readonly Storage[]): Step {
  const view = (i: number): View => ({ storage: memory[i]!, offset, shape: [4], strides: [1], dtype: 'float32' });
  const instruction: Instruction = { op: 'map', program, params: [], inputs: reads.map(view), outputs: [view(writes)] };
  return stepOf(instruction, stopsAt);
}

const meet = (a: readonly Storage[], b: readonly Storage[]): boolean => a.some((storage) => b.includes(storage));

/** Whether two steps must stay in their order. */
function conflicts(a: Step, b: Step, isOutside: (storage: Storage) => boolean): boolean {
  const isSeen = ({ writes }: Step) => writes.some(isOutside);
  if ((canStop(a) && isSeen(b)) || (canStop(b) && isSeen(a))) return true;
  return meet(a.writes, b.reads) || meet(a.writes, b.writes) || meet(a.reads, b.writes);
}

it('finds the steps that one cannot be moved over, those that read memory, and the last that wrote it', () => {
  const moves = fc.array(fc.record({ from: fc.nat(11), to: fc.nat(11) }), { maxLength: 12 });
  const property = fc.property(
    fc.array(given, { minLength: 3, maxLength: 12 }),
    fc.subarray([0, 1, 2]),
    moves,
    (list, outside, changes) => {
      const memory = Array.from({ length: PIECES }, () => allocate('float32', 8));
      const isOutside = (storage: Storage) => outside.includes(memory.indexOf(storage));
      const all: (Step | null)[] = list.map((one) => stepFrom(one, memory));
      const steps = new Steps(all as Step[], isOutside);
      for (let taken = 0; taken < all.length; taken++) expect(steps.next()).toBe(taken);
      expect(steps.next()).toBe(-1);
      for (const { from, to } of changes) {
        const step = all[from];
        if (!step || !all[to] || from === to) continue;
        // As if the two had become one.
        steps.remove(from);
        steps.remove(to);
        steps.put(to, step);
        all[from] = null;
        all[to] = step;
      }
      const places = all.map((_, place) => place);
      expect(steps.inOrder()).toEqual(all.filter((step) => step !== null));
      for (const [place, step] of all.entries()) {
        expect(steps.at(place)).toBe(step);
        if (step === null) continue;
        const others = places.filter(
          (other) => all[other] && other !== place && conflicts(step, all[other], isOutside),
        );
        expect(steps.lastConflict(place)).toBe(Math.max(-1, ...others.filter((other) => other < place)));
        expect(steps.firstConflict(place)).toBe(
          Math.min(Number.POSITIVE_INFINITY, ...others.filter((other) => other > place)),
        );
        for (const storage of memory) {
          const readers = places.filter(
            (other) => other > place && other !== place + 1 && all[other]?.reads.includes(storage),
          );
          expect(steps.isReadAfter(storage, place, place + 1)).toBe(readers.length > 0);
          const writers = places.filter((other) => other < place && all[other]?.writes.includes(storage));
          if (step.reads.includes(storage) && writers.length > 0)
            expect(steps.relatedBefore(place)).toContain(Math.max(...writers));
        }
      }
    },
  );
  fc.assert(property, { seed: 20261126, numRuns: 300 });
});

it('counts what is still to come among the readers', () => {
  const memory = Array.from({ length: PIECES }, () => allocate('float32', 8));
  const list = [
    { reads: [0, 0], writes: 1, offset: 0, stopsAt: NEVER },
    { reads: [1, 1], writes: 2, offset: 0, stopsAt: NEVER },
    { reads: [1, 1], writes: 3, offset: 0, stopsAt: NEVER },
  ] satisfies Given[];
  const steps = new Steps(
    list.map((one) => stepFrom(one, memory)),
    () => false,
  );
  steps.next();
  steps.next();
  expect(steps.isReadAfter(memory[1]!, 0, 1)).toBe(true);
  expect(steps.isReadAfter(memory[0]!, 0, 1)).toBe(false);
  steps.next();
  steps.remove(2);
  expect(steps.isReadAfter(memory[1]!, 0, 1)).toBe(false);
});
