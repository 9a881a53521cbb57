import {
  allocate,
  asData,
  type Backend,
  DONE,
  execute,
  type HostAction,
  type Instruction,
  type Recording,
  readsOf,
  type Storage,
  type StorageObserver,
  stateOf,
  untracked,
  type View,
  writesOf,
} from '../backend/index.js';
import { CaptureError } from '../errors.js';
import { isModule } from '../nn/module.js';
import { gradState, isTensor, storageOf, type Tensor } from '../tensor/tensor.js';
import { type Flagged, flagOf } from './flags.js';
import type { RecordedAction } from './host.js';
import { Outside } from './outside.js';
import type { Place, Watch } from './watch.js';

/** Looks whether what was recorded may still be replayed, where there is no other way: the complaint if not, else null. */
export type Demand = () => string | null;

/** What was made within a captured function and not returned, or stood for its arguments, so that no replay fills it; and within which. */
const hidden = new WeakMap<Storage, string>();

/** What happened to the gradient of a leaf: what it was, whether that mattered, and whether an update used up what it became. */
export interface GradientUse {
  readonly before: Tensor | null | 'captured';
  readonly read: boolean;
  consumed: boolean;
}

/**
 * Watches a function that is captured: notes every instruction, knows which memory the function allocated itself, and refuses what
 * instructions cannot repeat.
 */
export class Recorder implements Recording, StorageObserver {
  /** Stands before the core: runs every instruction and notes it. */
  readonly backend: Backend;
  readonly instructions: Instruction[] = [];
  /** What each was recorded for, if that is watched. */
  readonly places: Place[] | null;
  /** The error of each check among the instructions. */
  readonly errors = new Map<Instruction, () => Error>();
  /** What was allocated within. */
  readonly made = new Set<Storage>();
  /** What of it was not filled by instructions, with a copy of the values it had when it was first read. */
  readonly constants = new Map<Storage, Storage>();
  /** Tensors from outside that instructions used, or that views were made of. */
  readonly outer = new Set<Tensor>();
  readonly assumptions: (() => boolean)[] = [];
  readonly demands: Demand[] = [];
  readonly actions: RecordedAction[] = [];
  readonly gradients = new Map<Tensor, GradientUse>();
  /** The flags of what is outside, as they were before the function set them. */
  readonly flags = new Map<Flagged, boolean>();
  /** Modules and optimizers that were called and whose properties decide what is computed. */
  readonly called = new Set<object>();
  /** The modules and options of optimizers as they were when the recording began. */
  readonly outside: Outside;
  /** Whether what was recorded can happen again. */
  repeatable = true;
  readonly #core: Backend;
  readonly #watch: Watch | null;
  readonly #where: string;
  readonly #defined = new Set<Storage>();
  readonly #writtenByHost = new Set<Storage>();
  /** Tensors that were made within over memory from outside. */
  readonly #views = new WeakSet<object>();
  #refusal: Error | null = null;
  /** Who observed before: the guard of what runs in the background. */
  displaced: StorageObserver | null = null;
  #busy = false;

  constructor(core: Backend, where: string, watch: Watch | null = null) {
    this.#core = core;
    this.#watch = watch;
    this.places = watch === null ? null : [];
    this.#where = where;
    this.backend = {
      ...core,
      ...asData((instruction) => this.#note(instruction)),
      link: () => this.refuse(this.#capturesWithin()),
    };
    this.outside = new Outside(where);
  }

  assume(holds: () => boolean): void {
    this.assumptions.push(holds);
  }

  demand(holds: () => boolean, complaint: string): void {
    this.demands.push(() => (holds() ? null : complaint));
  }

  viewed(tensor: Tensor, view?: Tensor): void {
    if (this.made.has(storageOf(tensor))) return;
    if (view !== undefined) this.#views.add(view);
    if (this.#views.has(tensor)) return;
    this.outer.add(tensor);
    this.flag(tensor);
  }

  flag(owner: Flagged): void {
    const within = isTensor(owner) && (this.made.has(storageOf(owner)) || this.#views.has(owner));
    if (within || this.flags.has(owner)) return;
    this.flags.set(owner, false);
    this.flags.set(owner, flagOf(owner));
  }

  used(module: object): void {
    if (isModule(module)) this.called.add(module);
  }

  /** Whether a tensor was made within. */
  isWithin(tensor: Tensor): boolean {
    return this.made.has(storageOf(tensor)) || this.#views.has(tensor);
  }

  replaced(tensor: Tensor): void {
    if (this.isWithin(tensor)) return;
    this.refuse(
      new CaptureError(
        `${this.#where}: the data of a tensor of shape [${tensor.shape.join(', ')}] from outside were replaced inside, which replays would ` +
          'not repeat; change them in place instead: noGrad(() => x.copy_(…))',
      ),
    );
  }

  reshaped(tensor: Tensor, op: string): void {
    if (this.isWithin(tensor)) return;
    this.refuse(
      new CaptureError(
        `${op}: ${this.#where} would give a tensor of shape [${tensor.shape.join(', ')}] from outside another shape, which replays would not ` +
          `repeat; use ${op.slice(0, -1)} instead, or call ${op} outside`,
      ),
    );
  }

  refuse(error: Error): never {
    this.#refusal ??= error;
    throw error;
  }

  host(action: HostAction): void {
    this.called.add(action.optimizer);
    const change = this.outside.optionsChange(action.optimizer);
    if (change !== null) this.refuse(change);
    this.#unwatched(() => {
      const row = new Float64Array(action.count);
      action.act(row, 0);
      action.numbers?.array('float64').set(row);
    });
    this.outside.renew(action.optimizer);
    this.actions.push({ action, after: this.instructions.length });
  }

  apart<T>(fn: () => T): T {
    return this.#unwatched(fn);
  }

  check(flag: View, error: () => Error): void {
    const instruction: Instruction = { op: 'check', flag };
    this.errors.set(instruction, error);
    if (this.#note(instruction) >= 0) throw error();
  }

  /** Called when the function has returned: throws what it may have caught, but replays would not; and the like. */
  finish(): void {
    const error = this.#refusal ?? this.outside.optionsChange();
    if (error !== null) throw error;
  }

  once(): void {
    this.repeatable = false;
  }

  gradient(leaf: Tensor, access: 'read' | 'replace'): void {
    // Of a leaf from inside, nobody knows in the next call.
    if (this.gradients.has(leaf) || this.isWithin(leaf)) return;
    this.gradients.set(leaf, { before: gradState(leaf), read: access === 'read', consumed: false });
  }

  consumed(leaf: Tensor): void {
    const use = this.gradients.get(leaf);
    if (use !== undefined) use.consumed = true;
  }

  allocated(storage: Storage): void {
    if (!this.#busy) this.made.add(storage);
  }

  touched(storage: Storage, reader: string | null): void {
    if (!this.made.has(storage)) this.displaced?.touched(storage, reader);
    if (this.#busy) return;
    if (reader !== null) this.refuse(this.#readsValue(reader));
    if (!this.made.has(storage) || this.#defined.has(storage)) this.refuse(this.#writesValue());
    this.#writtenByHost.add(storage);
  }

  dropped(storage: Storage): void {
    this.displaced?.dropped(storage);
  }

  #capturesWithin(): CaptureError {
    return new CaptureError(`${this.#where}: a captured function was made inside a captured function; make it outside`);
  }

  #readsValue(reader: string): CaptureError {
    return new CaptureError(
      `${reader}: a value was read inside ${this.#where}, but replays run without JavaScript, so nothing could depend on it; ` +
        'return the tensor and read it outside, or choose between values with where()',
    );
  }

  #writesValue(): CaptureError {
    return new CaptureError(
      `${this.#where}: JavaScript changed values that were made outside or already used (such as by manualSeed or setState), which ` +
        'replays would not repeat; do that before the call',
    );
  }

  #readsHidden(owner: string): CaptureError {
    return new CaptureError(
      `${this.#where}: a tensor from inside ${owner} is used here, but its replays fill only what it returns; return the tensor there and pass it in`,
    );
  }

  /** Ends the recording. Of what was made within, only `results` are seen from here on: as they are now, even if no instruction wrote them. */
  close(results: ReadonlySet<Storage>, inputs: readonly Storage[]): void {
    for (const storage of inputs) hidden.set(storage, this.#where);
    for (const storage of results) this.#reads(storage);
    if (!this.repeatable) return;
    for (const storage of this.made) {
      if (!results.has(storage) && !this.constants.has(storage)) hidden.set(storage, this.#where);
    }
  }

  /** Runs an instruction and notes it. */
  #note(instruction: Instruction): number {
    for (const { storage } of readsOf(instruction)) this.#reads(storage);
    const state = stateOf(instruction);
    if (state !== null) this.#reads(state);
    for (const { storage } of writesOf(instruction)) this.#writes(storage);
    this.instructions.push(instruction);
    if (this.#watch !== null) this.places!.push(this.#watch.place);
    const position = this.#unwatched(() => execute(this.#core, instruction));
    if (position !== DONE) this.#refusal ??= this.#caught(instruction);
    return position;
  }

  /** The caller throws now. If that is caught, the program would stop where the function goes on. */
  #caught({ op }: Instruction): CaptureError {
    return new CaptureError(
      `${this.#where}: an error of values (in ${op}) was caught inside, but replays stop at such an error; let it pass through, or choose ` +
        'between values with where()',
    );
  }

  /** Memory made within that no instruction has filled holds what JavaScript put there, which every replay needs again. */
  #reads(storage: Storage): void {
    const owner = hidden.get(storage);
    if (owner !== undefined) this.refuse(this.#readsHidden(owner));
    if (!this.made.has(storage) || this.#defined.has(storage)) return;
    this.constants.set(
      storage,
      this.#unwatched(() => duplicate(storage)),
    );
    this.#defined.add(storage);
  }

  /** An instruction may write only part of what JavaScript filled. */
  #writes(storage: Storage): void {
    if (this.#writtenByHost.has(storage)) this.#reads(storage);
    if (this.made.has(storage)) this.#defined.add(storage);
  }

  /** Runs what may allocate and look at values without that being part of what is captured, nor of a pass that takes its memory back. */
  #unwatched<T>(fn: () => T): T {
    const outer = this.#busy;
    this.#busy = true;
    try {
      return untracked(fn);
    } finally {
      this.#busy = outer;
    }
  }
}

/** Memory of its own with the same bytes. */
function duplicate(storage: Storage): Storage {
  const copy = allocate('float64', storage.byteLength / 8);
  copy.array('bool').set(storage.array('bool'));
  return copy;
}
