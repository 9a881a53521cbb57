import type { Instruction, Program, Storage } from '../backend/index.js';
import { mayMerge, merge } from './merge.js';
import { instructionOf, withOutputs } from './nest.js';
import { canStop, NEVER, type Step, Steps, type StorageTest, stepOf, stepOfNest } from './steps.js';
import { stopping } from './stops.js';

/**
 * Fewer instructions that leave the same bits: maps run within the map, fold or matmul that makes what they read, what iterates
 * over the same elements shares one pass, and what nobody reads is not computed.
 *
 * @param isTemporary whether memory is of no interest once the instructions are done
 * @param isOutside whether memory is seen even if an instruction stops the others
 * @param sources is told of which of `instructions` each of the result is made
 * @param origins is told where among `instructions` each of the result's was that may stop, the last if it was several
 */
export function fuse(
  instructions: readonly Instruction[],
  isTemporary: StorageTest,
  isOutside: StorageTest,
  origins?: Map<Instruction, number>,
  sources?: Map<Instruction, readonly number[]>,
): Instruction[] {
  const stops = stopping(instructions);
  const given = instructions.map((instruction, i) => stepOf(instruction, stops.has(instruction) ? i : NEVER));
  const trace = sources === undefined ? null : new Trace(given);
  const steps = new Steps(withoutDead(given, isTemporary, trace), isOutside);
  for (let next = steps.next(); next >= 0; next = steps.next()) {
    const waiting = [next];
    for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
      const merged = mergeUpwards(steps, place, isTemporary, isOutside, trace);
      // What could not be merged with its parts may be merged with the whole.
      if (merged >= 0) waiting.push(...steps.relatedAfter(merged).reverse(), merged);
    }
  }
  // Many steps are alike: of each kind one program is compiled.
  const programs = new Map<string, Program>();
  return withoutDead(steps.inOrder(), isTemporary, trace).map((step) => {
    const instruction = step.instruction ?? instructionOf(step.nest!, programs);
    if (canStop(step)) origins?.set(instruction, step.stopsAt);
    if (trace !== null) sources!.set(instruction, trace.of(step));
    return instruction;
  });
}

/** Which of the given steps others were made of. */
class Trace {
  readonly #sources: Map<Step, readonly number[]>;

  constructor(given: readonly Step[]) {
    this.#sources = new Map(given.map((step, i) => [step, [i]]));
  }

  of(step: Step): readonly number[] {
    return this.#sources.get(step)!;
  }

  made(step: Step, ...of: readonly Step[]): void {
    this.#sources.set(
      step,
      of.flatMap((one) => this.of(one)),
    );
  }
}

/** Merges the step at `at` with the nearest one before it that it can be merged with; returns where both now are, or -1. */
function mergeUpwards(
  steps: Steps,
  at: number,
  isTemporary: StorageTest,
  isOutside: StorageTest,
  trace: Trace | null,
): number {
  const second = steps.at(at);
  if (second === null || second.nest === null || second.nest.product !== null) return -1;
  let conflict: number | null = null;
  for (const i of steps.relatedBefore(at)) {
    const first = steps.at(i)!;
    if (first.nest === null || !mayMerge(first.nest, second.nest)) continue;
    if (canStop(first) && second.writes.some((storage) => isOutside(storage) || first.writes.includes(storage)))
      continue;
    conflict ??= steps.lastConflict(at);
    const place = meetingPlace(steps, i, at, conflict);
    if (place < 0) continue;
    const needed = (storage: Storage) => canStop(first) || !isTemporary(storage) || steps.isReadAfter(storage, i, at);
    const nest = merge(first.nest, second.nest, needed);
    if (nest === null) continue;
    steps.remove(at);
    steps.remove(i);
    const merged = stepOfNest(nest, Math.max(first.stopsAt, second.stopsAt));
    trace?.made(merged, first, second);
    steps.put(place, merged);
    return place;
  }
  return -1;
}

/** Where two steps can be done as one without another seeing a difference: at the first, at the second, or nowhere (-1). */
function meetingPlace(steps: Steps, first: number, second: number, lastConflict: number): number {
  if (lastConflict <= first) return first;
  return steps.firstConflict(first) >= second ? second : -1;
}

/** Without outputs that nobody reads afterwards, and steps of which nothing is left, unless they may stop. */
function withoutDead(steps: readonly Step[], isTemporary: StorageTest, trace: Trace | null): Step[] {
  const read = new Set<Storage>();
  const wanted = (storage: Storage) => !isTemporary(storage) || read.has(storage);
  const kept: Step[] = [];
  for (const step of steps.toReversed()) {
    if (!canStop(step) && !step.writes.some(wanted)) continue;
    const left = canStop(step) ? step : withWanted(step, wanted);
    if (left !== step) trace?.made(left, step);
    for (const storage of left.reads) read.add(storage);
    kept.push(left);
  }
  return kept.reverse();
}

function withWanted(step: Step, wanted: StorageTest): Step {
  if (step.nest === null) return step;
  const nest = withOutputs(step.nest, (output) => wanted(output.storage));
  return nest === step.nest ? step : stepOfNest(nest, step.stopsAt);
}
