import {
  type IndexBound,
  type Instruction,
  mayStop,
  type Storage,
  sameShape,
  storagesRead,
  storagesWritten,
  type View,
} from '../backend/index.js';
import { merge } from './merge.js';
import { mayMisfit } from './misfits.js';
import { instructionOf, type Nest, nestOf, sameElements, withOutputs, withUsedInputs } from './nest.js';

/** An instruction with what fusion asks of it again and again. */
interface Step {
  readonly instruction: Instruction;
  readonly nest: Nest | null;
  readonly reads: ReadonlySet<Storage>;
  readonly writes: ReadonlySet<Storage>;
  /** The last instruction it is of that may find a value it cannot go on with; -1 if none may. */
  readonly stopsAt: number;
}

const NEVER = -1;

const canStop = ({ stopsAt }: Step): boolean => stopsAt !== NEVER;

type StorageTest = (storage: Storage) => boolean;

function stepOf(instruction: Instruction, stopsAt = NEVER): Step {
  return {
    instruction,
    nest: nestOf(instruction),
    reads: new Set(storagesRead(instruction)),
    writes: new Set(storagesWritten(instruction)),
    stopsAt,
  };
}

/**
 * Fewer instructions that leave the same bits: maps run within the map, fold or matmul that makes what they read, what iterates
 * over the same elements shares one pass, and what nobody reads is not computed.
 *
 * @param isTemporary whether memory is of no interest once the instructions are done
 * @param isOutside whether memory is seen even if an instruction stops the others
 * @param origins is told where among `instructions` each of the result's was that may stop, the last if it was several
 */
export function fuse(
  instructions: readonly Instruction[],
  isTemporary: StorageTest,
  isOutside: StorageTest,
  origins?: Map<Instruction, number>,
): Instruction[] {
  const stops = stopping(instructions);
  const steps = instructions.map((instruction, i) => stepOf(trimmed(instruction), stops.has(instruction) ? i : NEVER));
  removeDead(steps, isTemporary);
  for (let at = 1; at < steps.length; at++) {
    const merged = mergeUpwards(steps, at, isTemporary, isOutside);
    if (merged >= 0) at = merged - 1;
  }
  removeDead(steps, isTemporary);
  for (const step of steps) if (canStop(step)) origins?.set(step.instruction, step.stopsAt);
  return steps.map(({ instruction }) => instruction);
}

/** Without operands that its program does not read. */
function trimmed(instruction: Instruction): Instruction {
  const nest = nestOf(instruction);
  if (nest === null) return instruction;
  const used = withUsedInputs(nest);
  return used.inputs.length === nest.inputs.length ? instruction : instructionOf(used);
}

/** Merges the step at `at` with the nearest one before it that it can be merged with; returns where both now are, or -1. */
function mergeUpwards(steps: Step[], at: number, isTemporary: StorageTest, isOutside: StorageTest): number {
  const second = steps[at]!;
  if (second.nest === null || second.nest.product !== null) return -1;
  for (let i = at - 1; i >= 0; i--) {
    const first = steps[i]!;
    if (first.nest === null || !related(first, second)) continue;
    if (canStop(first) && writesAny(second, (storage) => isOutside(storage) || first.writes.has(storage))) continue;
    const place = meetingPlace(steps, i, at, isOutside);
    if (place < 0) continue;
    const needed = (storage: Storage) =>
      canStop(first) || !isTemporary(storage) || steps.some((step, j) => j > i && j !== at && step.reads.has(storage));
    const nest = merge(first.nest, second.nest, needed);
    if (nest === null) continue;
    steps.splice(at, 1);
    steps.splice(i, 1);
    const merged = place === i ? i : at - 1;
    steps.splice(merged, 0, stepOf(instructionOf(nest), Math.max(first.stopsAt, second.stopsAt)));
    return merged;
  }
  return -1;
}

/** Whether there is something to gain: one reads what the other makes, or both read the same elements. */
function related(first: Step, second: Step): boolean {
  for (const storage of first.writes) if (second.reads.has(storage)) return true;
  const [a, b] = [first.nest!, second.nest!];
  if (a.product !== null) return false;
  return a.inputs.some(
    ({ view, kind }) =>
      kind === 'element' &&
      view !== null &&
      b.inputs.some(
        (other) =>
          other.kind === 'element' &&
          sameElements(view, other.view!, a.shape.length >= b.shape.length ? a.shape : b.shape),
      ),
  );
}

/** Where two steps can be done as one without another seeing a difference: at the first, at the second, or nowhere (-1). */
function meetingPlace(steps: readonly Step[], first: number, second: number, isOutside: StorageTest): number {
  const between = steps.slice(first + 1, second);
  if (between.every((step) => canPass(steps[second]!, step, isOutside))) return first;
  return between.every((step) => canPass(steps[first]!, step, isOutside)) ? second : -1;
}

/** Whether two neighbours can change places: neither sees what the other writes, and what is seen of them is the same if one of them stops. */
function canPass(moved: Step, other: Step, isOutside: StorageTest): boolean {
  if (canStop(other) && writesAny(moved, isOutside)) return false;
  if (canStop(moved) && writesAny(other, isOutside)) return false;
  return (
    disjoint(other.writes, moved.reads) && disjoint(other.writes, moved.writes) && disjoint(other.reads, moved.writes)
  );
}

const writesAny = (step: Step, test: StorageTest): boolean => [...step.writes].some(test);

/**
 * Those instructions that may stop: checks, what makes integers (they may not fit), and the first that takes certain indices for a dimension of
 * certain length.
 */
function stopping(instructions: readonly Instruction[]): Set<Instruction> {
  const found = new Set<Instruction>();
  let checked: IndexBound[] = [];
  for (const instruction of instructions) {
    const stop = mayStop(instruction);
    if (stop === true && computesMisfits(instruction)) found.add(instruction);
    if (typeof stop === 'object') {
      const known = checked.some((one) => one.length <= stop.length && readsSameElements(one.index, stop.index));
      if (!known) found.add(instruction);
      checked.push(stop);
    }
    const written = new Set(storagesWritten(instruction));
    checked = checked.filter(({ index }) => !written.has(index.storage));
  }
  return found;
}

/** What an instruction computes by expressions may be such that it surely fits. */
function computesMisfits(instruction: Instruction): boolean {
  const nest = nestOf(instruction);
  return nest === null || mayMisfit(nest);
}

const readsSameElements = (a: View, b: View): boolean => sameShape(a.shape, b.shape) && sameElements(a, b, a.shape);

function disjoint(a: ReadonlySet<Storage>, b: ReadonlySet<Storage>): boolean {
  for (const storage of a) if (b.has(storage)) return false;
  return true;
}

/** Drops outputs that nobody reads afterwards, and instructions of which nothing is left, unless they may stop. */
function removeDead(steps: Step[], isTemporary: StorageTest): void {
  const read = new Set<Storage>();
  for (let i = steps.length - 1; i >= 0; i--) {
    const step = steps[i]!;
    const wanted = (storage: Storage) => !isTemporary(storage) || read.has(storage);
    if (!canStop(step) && ![...step.writes].some(wanted)) {
      steps.splice(i, 1);
      continue;
    }
    if (step.nest !== null && !canStop(step) && ![...step.writes].every(wanted)) {
      steps[i] = stepOf(instructionOf(withOutputs(step.nest, (output) => wanted(output.storage))));
    }
    for (const storage of steps[i]!.reads) read.add(storage);
  }
}
