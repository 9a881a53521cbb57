import type { Instruction, Storage } from '../backend/index.js';
import { merge } from './merge.js';
import { instructionOf, type Nest, nestOf, sameElements, withOutputs, withUsedInputs } from './nest.js';
import { readsOf, stateOf, writesOf } from './operands.js';

/** An instruction with what fusion asks of it again and again. */
interface Step {
  readonly instruction: Instruction;
  readonly nest: Nest | null;
  readonly reads: ReadonlySet<Storage>;
  readonly writes: ReadonlySet<Storage>;
}

function stepOf(instruction: Instruction): Step {
  const state = stateOf(instruction);
  const states = state === null ? [] : [state];
  return {
    instruction,
    nest: nestOf(instruction),
    reads: new Set([...readsOf(instruction).map((view) => view.storage), ...states]),
    writes: new Set([...writesOf(instruction).map((view) => view.storage), ...states]),
  };
}

/**
 * Fewer instructions that leave the same bits: maps run within the map, fold or matmul that makes what they read, what iterates
 * over the same elements shares one pass, and what nobody reads is not computed.
 *
 * @param isTemporary whether memory is of no interest once the instructions are done
 */
export function fuse(instructions: readonly Instruction[], isTemporary: (storage: Storage) => boolean): Instruction[] {
  const steps = instructions.map((instruction) => stepOf(trimmed(instruction)));
  removeDead(steps, isTemporary);
  for (let at = 1; at < steps.length; at++) {
    const merged = mergeUpwards(steps, at, isTemporary);
    if (merged >= 0) at = merged - 1;
  }
  removeDead(steps, isTemporary);
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
function mergeUpwards(steps: Step[], at: number, isTemporary: (storage: Storage) => boolean): number {
  const second = steps[at]!;
  if (second.nest === null || second.nest.product !== null) return -1;
  for (let i = at - 1; i >= 0; i--) {
    const first = steps[i]!;
    if (first.nest === null || !related(first, second)) continue;
    const place = meetingPlace(steps, i, at);
    if (place < 0) continue;
    const needed = (storage: Storage) =>
      !isTemporary(storage) || steps.some((step, j) => j > i && j !== at && step.reads.has(storage));
    const nest = merge(first.nest, second.nest, needed);
    if (nest === null) continue;
    steps.splice(at, 1);
    steps.splice(i, 1);
    const merged = place === i ? i : at - 1;
    steps.splice(merged, 0, stepOf(instructionOf(nest)));
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
function meetingPlace(steps: readonly Step[], first: number, second: number): number {
  const between = steps.slice(first + 1, second);
  const [a, b] = [steps[first]!, steps[second]!];
  if (
    between.every(
      (step) => disjoint(step.writes, b.reads) && disjoint(step.writes, b.writes) && disjoint(step.reads, b.writes),
    )
  )
    return first;
  if (
    between.every(
      (step) => disjoint(step.reads, a.writes) && disjoint(step.writes, a.writes) && disjoint(step.writes, a.reads),
    )
  )
    return second;
  return -1;
}

function disjoint(a: ReadonlySet<Storage>, b: ReadonlySet<Storage>): boolean {
  for (const storage of a) if (b.has(storage)) return false;
  return true;
}

/** Drops outputs that nobody reads afterwards, and instructions of which nothing is left. */
function removeDead(steps: Step[], isTemporary: (storage: Storage) => boolean): void {
  const read = new Set<Storage>();
  for (let i = steps.length - 1; i >= 0; i--) {
    const step = steps[i]!;
    const wanted = (storage: Storage) => !isTemporary(storage) || read.has(storage);
    if (step.writes.size > 0 && ![...step.writes].some(wanted)) {
      steps.splice(i, 1);
      continue;
    }
    if (step.nest !== null && ![...step.writes].every(wanted)) {
      steps[i] = stepOf(instructionOf(withOutputs(step.nest, (output) => wanted(output.storage))));
    }
    for (const storage of steps[i]!.reads) read.add(storage);
  }
}
