import { inspect } from 'node:util';
import { define } from '../arguments/define.js';
import type { OptionsOf, RestOf } from '../arguments/forms.js';
import * as kinds from '../arguments/kinds.js';
import { nothing, signature } from '../arguments/signature.js';
import { detectsAnomaly } from '../autograd/anomaly.js';
import {
  backend,
  dtypes,
  observeStorage,
  recording,
  type Storage,
  setRecording,
  useBackend,
} from '../backend/index.js';
import { mark } from '../describe.js';
import { CaptureError } from '../errors.js';
import { assumeNoModuleHooks } from '../nn/module-hooks.js';
import { isPromise } from '../realm.js';
import { setBase, storageOf, Tensor, viewOf } from '../tensor/tensor.js';
import { reportingCalls } from './calls.js';
import { Case } from './case.js';
import type { ProgramStats } from './program.js';
import { Recorder } from './recorder.js';
import { type Found, type RunArguments, run, type Steppable } from './run.js';
import { mapTensors, Pattern, tensorsIn, unreachable } from './tree.js';
import { Watch } from './watch.js';

const MOST_PROGRAMS = 32;

const capturing = signature('fn, /, *, name, maxPrograms', {
  fn: kinds.callback<(...args: never[]) => unknown>(),
  /** What messages call it. Default: null, the function's name. */
  name: kinds.text.optional(),
  /** Programs that are kept, one for each kind of call; the one used least lately makes room for another. Default: 32. */
  maxPrograms: kinds.integerFrom(1).default(MOST_PROGRAMS),
});

export interface CaptureOptions extends OptionsOf<typeof capturing> {}

/** A function that runs as one program. Call it as the function it was made of. */
export interface Captured<A extends unknown[], R> {
  (...args: A): R;
  /**
   * Calls the function for every batch of a source, `epochs` times, off the event loop: the batches of data sets of tensors are gathered
   * there too; those of an iterable are asked for one ahead. What the function changes cannot be used until the promise is settled.
   *
   * Resolves to the losses, the function's result of one element, of all steps.
   *
   * @throws whatever a step throws; the signal's reason if it was aborted, after the step under way
   */
  run(...args: RunArguments): Promise<Float64Array>;
  /** Forgets all programs; the next call records again. For when the model has changed. */
  reset(): void;
  /** What each program consists of, in the order in which they were recorded. */
  readonly stats: readonly ProgramStats[];
}

/** Makes a function of the same arguments and result. */
export type Capture = <A extends unknown[], R>(
  fn: (...args: A) => R,
  ...options: RestOf<typeof capturing, CaptureOptions>
) => Captured<A, R>;

/**
 * Makes a function one program of the core. The first call for arguments of some shapes, types and other values runs the function and
 * records it; later calls replay what was recorded, fused, in one native call. Replays give the same bits as the function, draw the same
 * random numbers, and follow an optimizer's options as they change. `docs/capture.md` has the rules.
 *
 * @param fn synchronous; reads no values (`item`, `toArray`); tensors in arguments and results may be nested in arrays and plain objects
 * @throws CaptureError where something cannot be captured, or is no longer what was captured; ValueError for options that do not exist
 * @example
 * ```ts
 * const w = randn([3], { requiresGrad: true });
 * const sgd = new optim.SGD([w], { lr: 0.1 });
 * const step = capture((x: Tensor) => {
 *   sgd.zeroGrad();
 *   const loss = w.sub(x).square().sum();
 *   loss.backward();
 *   sgd.step();
 *   return loss;
 * });
 * for (let i = 0; i < 100; i++) step(tensor([1, 2, 3]));
 * w.sub(tensor([1, 2, 3])).abs().max().item() < 1e-5; // true
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.compile.html
 */
export const capture = define('capture', capturing, (fn, givenName, maxPrograms) => {
  const name = givenName ?? fn.name;
  const captured = new CapturedFunction(fn, name === '' ? 'the captured function' : `captured ${name}`, maxPrograms);
  const call = (...args: readonly unknown[]) => captured.call(args);
  mark(call);
  functions.set(call, captured as CapturedFunction<unknown[], unknown>);
  return Object.defineProperties(call, {
    run: { value: async (...args: RunArguments) => (await run(captured, args)).losses },
    reset: { value: define('reset', nothing, () => captured.reset()) },
    stats: { get: () => captured.stats },
    toString: { value: () => captured.toString() },
    [inspect.custom]: { value: () => captured.toString() },
  });
}) as Capture;

/** What is behind captured functions. */
const functions = new WeakMap<object, CapturedFunction<unknown[], unknown>>();

/** What is behind a captured function; undefined for what is none. */
export const capturedFunctionOf = (value: unknown): CapturedFunction<unknown[], unknown> | undefined =>
  typeof value === 'function' ? functions.get(value) : undefined;

/** What `capture` makes a function of. */
export class CapturedFunction<A extends unknown[], R> implements Steppable {
  readonly where: string;
  readonly #fn: (...args: A) => R;
  readonly #maxPrograms: number;
  readonly #isWatched: boolean;
  #cases: Case<R>[] = [];
  #uses = 0;
  #warned = false;
  /** Whether the last recording set properties of modules or optimizers. */
  #propertiesChanged = false;

  constructor(fn: (...args: A) => R, where: string, maxPrograms = MOST_PROGRAMS, isWatched = false) {
    this.#fn = fn;
    this.where = where;
    this.#maxPrograms = maxPrograms;
    this.#isWatched = isWatched;
  }

  /** The same function, not recorded yet, of whose programs it is known what each instruction is for. */
  watched(): CapturedFunction<A, R> {
    return new CapturedFunction(this.#fn, this.where, this.#maxPrograms, true);
  }

  /** The case that a call is; its tensors are put into `tensors`. */
  caseOf(args: readonly unknown[], tensors: Tensor[]): Case<R> | null {
    return this.#cases.find((known) => known.matches(args, tensors)) ?? null;
  }

  get stats(): readonly ProgramStats[] {
    return this.#cases.map(({ program }) => program.stats);
  }

  reset(): void {
    this.#cases = [];
  }

  toString(): string {
    const programs = this.#cases.map((one) => one.toString());
    return `${this.where}: ${programs.length === 0 ? 'not recorded yet' : programs.join('\n')}`;
  }

  call(given: readonly unknown[]): R {
    const args = given as A;
    if (recording !== null) {
      recording.refuse(
        new CaptureError(`${this.where} was called inside another captured function; call the plain function there`),
      );
    }
    this.#refuseToDetect();
    const tensors: Tensor[] = [];
    for (const known of this.#cases) {
      if (!known.matches(args, tensors)) continue;
      const replayed = known.replay(tensors);
      if (replayed === null) continue;
      known.lastUse = ++this.#uses;
      return replayed.result;
    }
    return this.#capture(args);
  }

  find(args: readonly unknown[], steps: number): Found | null {
    this.#refuseToDetect();
    const tensors: Tensor[] = [];
    for (const known of this.#cases) {
      if (!known.matches(args, tensors)) continue;
      const ahead = known.lookAhead(tensors, steps);
      if (ahead.calls === 0) continue;
      known.lastUse = ++this.#uses;
      return { known, ahead };
    }
    return null;
  }

  /** Within `detectAnomaly`, which a replay knows nothing of. */
  #refuseToDetect(): void {
    if (!detectsAnomaly()) return;
    throw new CaptureError(
      `${this.where}: detectAnomaly does not see into a captured function; call the plain function there`,
    );
  }

  #capture(args: A): R {
    const given = tensorsIn(args);
    for (const [i, tensor] of given.entries()) this.#check(tensor, i);
    const inputs = given.map(standIn);
    let next = 0;
    const standIns = mapTensors(args, () => inputs[next++]!);
    const [pattern, own] = [new Pattern(args), new Pattern(standIns)];
    const watch = this.#isWatched ? new Watch() : null;
    const recorder = new Recorder(backend, this.where, watch);
    assumeNoModuleHooks(recorder);
    let result: R;
    try {
      const fn = () => this.#fn(...standIns);
      result = runUnder(recorder, () => (watch === null ? fn() : watch.during(fn)));
    } finally {
      for (const [i, tensor] of given.entries()) noteChanges(storageOf(tensor), storageOf(inputs[i]!));
    }
    recorder.finish();
    this.#checkProperties(recorder);
    this.#checkReturn(result);
    const inGraph = inputs.findIndex((input) => input.requiresGrad);
    if (inGraph >= 0) throw this.#argumentInGraph(inGraph);
    const found: Tensor[] = [];
    if (!own.matches(standIns, found) || found.some((tensor, i) => tensor !== inputs[i]))
      throw this.#changedArguments();
    const one = new Case(recorder, pattern, inputs, result, this.where);
    one.requireApart(given);
    if (recorder.repeatable) this.#keep(one);
    return one.resultOf(given, null);
  }

  #check(tensor: Tensor, i: number): void {
    if (!tensor.requiresGrad) return;
    throw new CaptureError(
      `${this.where}: tensor ${i} of the arguments requires a gradient, which would not reach it; pass it detached, ` +
        'and inside use detach().requiresGrad_() and grad()',
    );
  }

  /** What a module makes in the first call and keeps is not made again; what it sets in the next call too, replays would miss. */
  #checkProperties(recorder: Recorder): void {
    const change = recorder.outside.propertiesChange();
    if (change !== null && this.#propertiesChanged) throw change;
    this.#propertiesChanged = change !== null;
    if (change !== null) recorder.once();
  }

  #checkReturn(result: unknown): void {
    if (isPromise(result)) {
      throw new CaptureError(`${this.where}: expected a synchronous function, but it returned a promise`);
    }
    const hidden = unreachable(result);
    if (hidden === null) return;
    throw new CaptureError(
      `${this.where}: the function returned ${hidden}, which replays could not fill; return tensors in arrays, plain objects, maps or sets`,
    );
  }

  #argumentInGraph(i: number): CaptureError {
    return new CaptureError(
      `${this.where}: tensor ${i} of the arguments came to require a gradient inside (it was set, or what requires one was written to it), which ` +
        'replays would not give it; change a clone of it, or use noGrad() or detach()',
    );
  }

  #changedArguments(): CaptureError {
    return new CaptureError(
      `${this.where}: the function changed its arguments by JavaScript (an item, a property, data), which replays would not ` +
        'repeat; return what is new, or change tensors in place (copy_, add_)',
    );
  }

  /** One more case, in place of the one that was used least lately if there are too many. */
  #keep(one: Case<R>): void {
    one.lastUse = ++this.#uses;
    if (this.#cases.length === this.#maxPrograms) {
      const oldest = this.#cases.reduce((a, b) => (b.lastUse < a.lastUse ? b : a));
      this.#cases.splice(this.#cases.indexOf(oldest), 1);
      this.#warn();
    }
    this.#cases.push(one);
  }

  #warn(): void {
    if (this.#warned) return;
    this.#warned = true;
    process.emitWarning(
      `${this.where}: more than ${this.#maxPrograms} programs were recorded, and the oldest are dropped: something in the arguments changes ` +
        'with every call. Pass a number that changes as a tensor (tensor(k)), pad to fewer shapes, or set maxPrograms in the options of capture',
      { code: 'NABLA_CAPTURE_PROGRAMS' },
    );
  }
}

/** A tensor over the same memory, which nothing else knows by the same storage object. */
function standIn(tensor: Tensor): Tensor {
  const { storage, offset, shape, strides, dtype } = viewOf(tensor);
  const own = storage.from(offset * dtypes[dtype].size);
  const standIn = new Tensor({ storage: own, offset: 0, shape, strides, dtype });
  if (tensor.isContiguous()) return standIn;
  // Writes through views of it are recorded as writes to what it is a view of.
  const length = Math.floor(own.byteLength / dtypes[dtype].size);
  setBase(standIn, new Tensor({ storage: own, offset: 0, shape: [length], strides: [1], dtype }));
  return standIn;
}

/** What was written to a stand-in was written to the memory that it stands for. */
function noteChanges(storage: Storage, standIn: Storage): void {
  if (standIn.version === 0) return;
  storage.version += standIn.version;
  storage.changedBy = standIn.changedBy;
}

/** Runs what is captured, watched by a recorder. */
function runUnder<T>(recorder: Recorder, fn: () => T): T {
  const core = useBackend(recorder.backend);
  const observer = observeStorage(recorder);
  recorder.displaced = observer;
  setRecording(recorder);
  try {
    const modules = recorder.outside.modules().map(({ owner }) => owner);
    return reportingCalls(modules, (module) => recorder.used(module), fn);
  } finally {
    setRecording(null);
    observeStorage(observer);
    useBackend(core);
  }
}
