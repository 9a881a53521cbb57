import {
  allocate,
  backend,
  type Executable,
  type Instruction,
  type Loop,
  MISFIT,
  nameOf,
  type Stop,
  type Storage,
  stateOf,
  storagesRead,
  storagesWritten,
  type View,
  withViews,
} from '../backend/index.js';
import { CaptureError, ValueError } from '../errors.js';
import { misfit } from '../tensor/check.js';
import { type Arenas, placeInArenas, withStorage } from './arena.js';
import { initialisations, unchangedConstants, withRepeated } from './constants.js';
import { fuse } from './fuse.js';
import { HostActions, type Lookahead } from './host.js';
import { type LaidOut, layOut, layOutRepeated } from './laid-out.js';
import { makeInPlace } from './made-in-place.js';
import { count, describeInstruction, type InstructionText, printProgram } from './print.js';
import type { Recorder } from './recorder.js';
import { isAnyRunning, occupy, requireFree } from './running.js';
import { Timed } from './timed.js';
import type { Place } from './watch.js';

/** What a program was made of, and what of it. */
export interface ProgramStats {
  /** Instructions as they were recorded. */
  readonly recorded: number;
  /** Instructions of the program. */
  readonly instructions: number;
  /** Bytes that its temporaries share, and what they would take if each had its own. */
  readonly arenaBytes: number;
  readonly temporaryBytes: number;
  /** Bytes of weights that are kept a second time, laid out for products of few rows. */
  readonly laidOutBytes: number;
}

const NO_AXES: readonly number[] = [];

/** What a run of many steps takes beside the memory of arguments and results. */
export type LoopParts = Omit<Loop, 'ports' | 'steps' | 'numbers'>;

/** A recorded function made ready to run: fused, its temporaries placed in arenas, linked by the core. */
export class CapturedProgram {
  readonly instructions: readonly Instruction[];
  readonly stats: ProgramStats;
  /** What it reads and changes beside its own memory and its arguments. */
  readonly read: ReadonlySet<Storage>;
  readonly written: ReadonlySet<Storage>;
  /** Which arguments it changes. */
  readonly changesInput: readonly boolean[];
  readonly arenas: Arenas;
  /** What each instruction is for, if that was watched. */
  readonly places: readonly (readonly Place[])[] | null;
  readonly #laidOut: readonly LaidOut[];
  readonly #inputs: readonly Storage[];
  readonly #results: readonly Storage[];
  readonly #executable: Executable;
  /** For each instruction that may stop, which of those recorded it was; else -1. */
  readonly #origins: readonly number[];
  readonly #changed: readonly Storage[];
  /** By recorded instruction, the errors of checks. */
  readonly #errors: ReadonlyMap<number, () => Error>;
  readonly #actions: HostActions;
  readonly #where: string;
  #isRunning = false;

  /**
   * @param inputs stand for the arguments
   * @param results memory made within that can be seen afterwards
   */
  constructor(recorder: Recorder, inputs: readonly Storage[], results: readonly Storage[], where: string) {
    const lowered = lower(recorder, new Set(inputs), new Set(results));
    this.arenas = lowered.arenas;
    this.#inputs = inputs;
    this.#origins = lowered.origins;
    this.places = lowered.places;
    this.#errors = errorsOf(recorder);
    this.#actions = new HostActions(recorder.actions);
    this.#results = results;
    this.#where = where;
    const own = new Set([...inputs, ...results, ...Object.values(lowered.arenas)]);
    const written = new Set(lowered.instructions.flatMap(storagesWritten));
    const read = lowered.instructions.flatMap(storagesRead);
    this.#changed = [...written].filter((storage) => !own.has(storage));
    this.written = new Set(this.#changed);
    this.read = new Set(read.filter((storage) => !own.has(storage)));
    this.changesInput = inputs.map((storage) => written.has(storage));
    this.#requireRatesApart([]);
    const { instructions, laidOut } = layOut(lowered.instructions, (storage) => {
      return this.read.has(storage) && !this.written.has(storage);
    });
    this.instructions = instructions;
    this.#laidOut = laidOut;
    const laidOutBytes = laidOut.reduce((sum, { view }) => sum + view.storage.byteLength, 0);
    this.stats = { recorded: recorder.instructions.length, ...lowered.stats, laidOutBytes };
    this.#executable = backend.link(this.instructions, [...inputs, ...results]);
  }

  /**
   * Runs on arguments that lie as those it was recorded for. Returns new memory for each result; null, with nothing done, where options make
   * it another program.
   *
   * @param by runs the instructions
   */
  run(inputs: readonly View[], by: Pick<Executable, 'run'> = this.#executable): Storage[] | null {
    if (isAnyRunning()) requireFree(this.#where, this.#footprint(inputs));
    if (this.#isRunning) throw this.#alreadyRunning(() => {});
    this.#requireRatesApart(inputs);
    for (const matrix of this.#laidOut) matrix.refresh(backend);
    const ports: View[] = new Array(inputs.length + this.#results.length);
    const results = this.#bind(ports, inputs);
    if (!this.#actions.act()) return null;
    let stop: Stop | null;
    try {
      stop = by.run(ports);
    } catch (error) {
      this.#actions.undo();
      throw error;
    } finally {
      this.#noteChanges(inputs);
    }
    if (stop === null) return results;
    this.#actions.undo();
    throw this.#stopped(stop);
  }

  /** Its instructions, to be run one by one. */
  timed(): Timed {
    return new Timed(this.instructions, [...this.#inputs, ...this.#results]);
  }

  /** What JavaScript does in up to so many steps to come; of none, where options make them another program. */
  lookAhead(inputs: readonly View[], steps: number): Lookahead {
    this.#requireRatesApart(inputs);
    return this.#actions.lookAhead(steps);
  }

  /** Runs many times in the background, meanwhile keeping others from what it uses. Resolves to the results of the last time. */
  async start(inputs: readonly View[], ahead: Lookahead, parts: LoopParts): Promise<Storage[]> {
    const ports: View[] = [];
    const results = this.#bind(ports, inputs);
    const { read, written } = this.#footprint(inputs);
    for (const { rows } of parts.feeds) read.add(rows.storage);
    const leave = occupy(this.#where, { read, written });
    if (this.#isRunning) throw this.#alreadyRunning(leave);
    this.#isRunning = true;
    let stop: Stop | null;
    try {
      for (const matrix of this.#laidOut) matrix.refresh(backend);
      stop = await this.#executable.start({ ...parts, ports, steps: ahead.calls, numbers: ahead.numbers });
    } finally {
      this.#isRunning = false;
      leave();
      this.#noteChanges(inputs);
    }
    if (stop !== null) {
      ahead.reach(parts.control[1]!);
      throw this.#stopped(stop);
    }
    return results;
  }

  /** Rates are known before the instructions run, so that these cannot take part in them. */
  #requireRatesApart(inputs: readonly View[]): void {
    const rates = this.#actions.rates();
    if (rates.length === 0) return;
    const { read, written } = this.#footprint(inputs);
    if (!rates.some((rate) => read.has(rate) || written.has(rate))) return;
    throw new CaptureError(
      `${this.#where}: a tensor that holds an optimizer's rate is used by instructions as well, which would meet another value than in the plain ` +
        'function; give the optimizer a tensor of its own, and change the rate by a scheduler of optim.lrScheduler',
    );
  }

  /** What stopped it, when JavaScript stands where the plain function would. */
  #stopped(stop: Stop): Error {
    this.#actions.follow(this.#origins[stop.instruction]!);
    return this.#error(stop);
  }

  /** What it reads and writes outside, the arguments included. */
  #footprint(inputs: readonly View[]): { read: Set<Storage>; written: Set<Storage> } {
    const [read, written] = [new Set(this.read), new Set(this.written)];
    for (const [i, { storage }] of inputs.entries()) (this.changesInput[i] ? written : read).add(storage);
    return { read, written };
  }

  #alreadyRunning(leave: () => void): CaptureError {
    leave();
    return new CaptureError(
      `${this.#where}: the program for such arguments is running in the background already; await that run() first`,
    );
  }

  /** Puts the arguments and new memory for the results into `ports`; returns the latter. */
  #bind(ports: View[], inputs: readonly View[]): Storage[] {
    for (let i = 0; i < inputs.length; i++) ports[i] = inputs[i]!;
    const results = new Array<Storage>(this.#results.length);
    for (let i = 0; i < results.length; i++) {
      const storage = allocate('bool', this.#results[i]!.byteLength);
      results[i] = storage;
      ports[inputs.length + i] = { storage, offset: 0, shape: NO_AXES, strides: NO_AXES, dtype: 'bool' };
    }
    return results;
  }

  #noteChanges(inputs: readonly View[]): void {
    for (const storage of this.#changed) this.#noteChange(storage);
    for (let i = 0; i < inputs.length; i++) if (this.changesInput[i]) this.#noteChange(inputs[i]!.storage);
  }

  #noteChange(storage: Storage): void {
    storage.version++;
    storage.changedBy = this.#where;
  }

  /** @param outer names memory from outside */
  print(outer: (storage: Storage) => string | undefined): string {
    const { recorded, instructions, arenaBytes, temporaryBytes } = this.stats;
    const head = `${instructions} instructions (${recorded} recorded), arena of ${count(arenaBytes)}B for temporaries of ${count(temporaryBytes)}B`;
    return `${head}\n${printProgram(this.describe(outer))}`;
  }

  /** @param outer names memory from outside */
  describe(outer: (storage: Storage) => string | undefined): InstructionText[] {
    const names = new Map<Storage, string>([
      ...this.#inputs.map((storage, i) => [storage, `in${i}`] as const),
      ...this.#results.map((storage, i) => [storage, `out${i}`] as const),
    ]);
    const sources = new Map(this.#laidOut.map(({ view, source }) => [view.storage, source.storage]));
    const memoryName = (storage: Storage): string => {
      const source = sources.get(storage);
      if (source !== undefined) return `${memoryName(source)} laid out`;
      const name = names.get(storage) ?? outer(storage) ?? `outer${names.size}`;
      names.set(storage, name);
      return name;
    };
    return this.instructions.map((one) => describeInstruction(one, memoryName, this.arenas));
  }

  #error({ instruction: at, position }: Stop): Error {
    const instruction = this.instructions[at]!;
    const error = this.#errors.get(this.#origins[at]!);
    if (error !== undefined) return error();
    if (position === MISFIT) return misfit(nameOf(instruction), this.#where);
    return new ValueError(`${instruction.op}: the index at position ${position} is out of range, in ${this.#where}`);
  }
}

function lower(recorder: Recorder, inputs: ReadonlySet<Storage>, visible: ReadonlySet<Storage>) {
  const replaced = unchangedConstants(recorder, visible);
  const temporaries = new Set(recorder.made);
  for (const storage of visible) temporaries.delete(storage);
  for (const storage of replaced.keys()) temporaries.delete(storage);
  for (const instruction of recorder.instructions) {
    const state = stateOf(instruction);
    if (state !== null) temporaries.delete(state);
  }
  const isTemporary = (storage: Storage) => temporaries.has(storage);
  const first = initialisations(recorder, replaced);
  const recorded = [...first, ...withRepeated(recorder.instructions, replaced)];
  const places = new Map<Instruction, number>();
  const sources = recorder.places === null ? undefined : new Map<Instruction, readonly number[]>();
  const fused = fuse(recorded, isTemporary, (storage) => !recorder.made.has(storage), places, sources);
  const written = new Set(fused.flatMap(storagesWritten));
  const isOutside = (storage: Storage) => !inputs.has(storage) && !recorder.made.has(storage) && !visible.has(storage);
  const replaces = (by: Instruction, one: Instruction): void => {
    const place = places.get(one);
    if (place !== undefined) places.set(by, place);
    sources?.set(by, sources.get(one)!);
  };
  const laidOut = layOutRepeated(fused, (storage) => isOutside(storage) && !written.has(storage), replaces);
  for (const storage of laidOut.made) temporaries.add(storage);
  const lowered = makeInPlace(laidOut.instructions, isTemporary, replaces);
  const { arenas, arenaBytes, temporaryBytes, inArena } = placeInArenas(lowered, isTemporary);
  const placed = (view: View): View => {
    const copy = replaced.get(view.storage);
    return inArena(view) ?? (copy === undefined ? view : withStorage(view, copy, view.offset));
  };
  const instructions = lowered.map((one) => withViews(one, placed));
  const origins = lowered.map((one) => (places.get(one) ?? -1) - first.length);
  const stats = { instructions: instructions.length, arenaBytes, temporaryBytes };
  const placesOf = (one: Instruction) =>
    distinct(sources!.get(one)!.map((i) => recorder.places![i - first.length] ?? OUTSIDE));
  return {
    instructions,
    origins,
    arenas,
    stats,
    places: sources === undefined ? null : lowered.map(placesOf),
  };
}

const OUTSIDE: Place = { name: '', phase: 'forward' };

const distinct = (places: readonly Place[]): Place[] =>
  places.filter(({ name, phase }, i) => places.findIndex((one) => one.name === name && one.phase === phase) === i);

/** By the place of a check among the recorded instructions, what it throws. */
function errorsOf({ instructions, errors }: Recorder): Map<number, () => Error> {
  const found = new Map<number, () => Error>();
  if (errors.size === 0) return found;
  instructions.forEach((one, i) => {
    const error = errors.get(one);
    if (error !== undefined) found.set(i, error);
  });
  return found;
}
