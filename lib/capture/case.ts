import { recordsGradients } from '../autograd/mode.js';
import { dtypes, type Executable, isFloat, type Storage, sameView, sizeOf, type View } from '../backend/index.js';
import { CaptureError } from '../errors.js';
import { isModule } from '../nn/module.js';
import {
  dropGrad,
  gradState,
  isTensor,
  leaveGradCaptured,
  ownsGrad,
  storageOf,
  Tensor,
  takeGrad,
  viewOf,
} from '../tensor/tensor.js';
import { type Flagged, flagOf, sameFlags, setFlag } from './flags.js';
import type { Lookahead } from './host.js';
import type { InstructionText } from './print.js';
import { CapturedProgram, type LoopParts } from './program.js';
import type { Demand, GradientUse, Recorder } from './recorder.js';
import { namesOf, sameNumbers, structureDemands, surroundings } from './structure.js';
import { mapTensors, type Pattern, tensorsIn } from './tree.js';

/** Where the memory of a result comes from: an argument, what the program makes, or elsewhere. */
type Origin =
  | { readonly input: number }
  | { readonly made: number }
  | { readonly tensor: Tensor; readonly isWithin: boolean };

interface Gradient {
  readonly leaf: Tensor;
  readonly use: GradientUse;
  readonly after: Tensor | null | 'captured';
  /** Whether the library alone knows it. */
  readonly owned: boolean;
}

/** One way in which a captured function was called. */
export class Case<R> {
  readonly program: CapturedProgram;
  /** Whether what it assumes of gradients and flags holds again after it has run, so that the next step is the same case. */
  readonly isSteady: boolean;
  /** The number of the last call that used it. */
  lastUse = 0;
  readonly #pattern: Pattern;
  readonly #where: string;
  readonly #result: R;
  readonly #origins = new Map<Tensor, Origin>();
  /** The result of a function that returns one tensor, which it makes: most do. */
  readonly #only: { readonly made: number; readonly view: View } | null;
  readonly #assumptions: readonly (() => boolean)[];
  readonly #demands: readonly Demand[];
  readonly #gradients: readonly ((results: readonly Storage[]) => void)[];
  /** Leaves whose gradients exist only within. */
  readonly #inner: readonly Tensor[];
  /** Those flags that the function sets, as it leaves them. */
  readonly #flags: readonly { readonly owner: Flagged; readonly value: boolean }[];
  readonly #nameOf: (storage: Storage) => string | undefined;

  constructor(recorder: Recorder, pattern: Pattern, inputs: readonly Tensor[], result: R, where: string) {
    this.#pattern = pattern;
    this.#where = where;
    const storages = inputs.map(storageOf);
    const isArgument = (one: object) => isTensor(one) && storages.includes(storageOf(one));
    const gradients = [...recorder.gradients].map(
      ([leaf, use]): Gradient => ({ leaf, use, after: gradState(leaf), owned: ownsGrad(leaf) }),
    );
    if (gradients.some(({ after }) => isTensor(after) && isArgument(after))) throw this.#argumentAsGradient();
    const kept = gradients.flatMap(({ after, use }) => (isTensor(after) && !use.consumed ? [after] : []));
    const results = [...new Set([...tensorsIn(result), ...kept].map(storageOf))].filter((storage) =>
      recorder.made.has(storage),
    );
    const outer = new Set([...recorder.outer].filter((tensor) => !isArgument(tensor)));
    const called = [...recorder.called, ...recorder.flags.keys()].flatMap((one) =>
      isModule(one) ? one.modules() : one,
    );
    const flags = new Map([...recorder.flags].filter(([owner]) => !isArgument(owner)));
    // Detached, because the graph would keep all that was computed in the recording call.
    this.#result = mapTensors(result, (tensor) => {
      const stored = tensor.detach();
      this.#origins.set(stored, originOf(tensor, storages, results, recorder.isWithin(tensor)));
      return stored;
    });
    const origin = isTensor(this.#result) ? this.#origins.get(this.#result)! : null;
    this.#only =
      origin !== null && 'made' in origin ? { made: origin.made, view: viewOf(this.#result as Tensor) } : null;
    recorder.close(new Set(results), storages);
    this.program = new CapturedProgram(recorder, storages, results, where);
    const around = surroundings(outer, recorder.outside);
    this.#assumptions = [
      sameMode(),
      ...recorder.assumptions,
      ...gradients.filter(({ use }) => use.read).map(({ leaf, use }) => sameGradient(leaf, use.before)),
      sameFlags(flags),
      sameNumbers(around, called, recorder.outside),
    ];
    this.#flags = [...flags].flatMap(([owner, before]) =>
      flagOf(owner) === before ? [] : [{ owner, value: !before }],
    );
    this.isSteady = this.#flags.length === 0 && gradients.every(leavesGradientAsItWas);
    this.#demands = [...recorder.demands, ...structureDemands(around, called)];
    this.#nameOf = namesOf(around);
    const isInner = (gradient: Gradient) => staysWithin(gradient, results, recorder);
    this.#inner = gradients.filter(isInner).map(({ leaf }) => leaf);
    this.#gradients = gradients.flatMap((gradient) =>
      isInner(gradient) ? [] : (gradientAction(gradient, results, recorder) ?? []),
    );
    for (const { leaf, after, use } of gradients) {
      if (isTensor(after) && use.consumed && recorder.made.has(storageOf(after))) leaveGradCaptured(leaf);
    }
  }

  #argumentAsGradient(): CaptureError {
    return new CaptureError(
      `${this.#where}: the gradient of a leaf was set to an argument, which is another in each call; set it to a clone`,
    );
  }

  toString(): string {
    return this.program.print(this.#nameOf);
  }

  /** What its instructions are. */
  describe(): InstructionText[] {
    return this.program.describe(this.#nameOf);
  }

  /** Whether the arguments and all else that it depends on are as they were. The arguments' tensors are put into `tensors`. */
  matches(args: readonly unknown[], tensors: Tensor[]): boolean {
    if (!this.#pattern.matches(args, tensors)) return false;
    for (const holds of this.#assumptions) if (!holds()) return false;
    return true;
  }

  /** What the function returns, wrapped; null, with nothing done, where options make the call another case after all. */
  replay(tensors: Tensor[], by?: Pick<Executable, 'run'>): { readonly result: R } | null {
    this.#check();
    this.requireApart(tensors);
    const results = this.program.run(tensors.map(viewOf), by);
    if (results === null) return null;
    this.#leave(results);
    return { result: this.resultOf(tensors, results) };
  }

  /** What JavaScript does in up to so many steps to come; of none, where options make them another case. */
  lookAhead(inputs: readonly Tensor[], steps: number): Lookahead {
    this.#check();
    return this.program.lookAhead(inputs.map(viewOf), this.isSteady ? steps : 1);
  }

  /** Runs the steps that were looked ahead to in the background, on memory that stays or is fed. */
  async start(inputs: readonly Tensor[], ahead: Lookahead, parts: Omit<LoopParts, 'watched'>): Promise<void> {
    const watched = viewOf(lossIn(this.#result, this.#where));
    this.#check();
    this.requireApart(inputs);
    const results = await this.program.start(inputs.map(viewOf), ahead, { ...parts, watched });
    // What was replaced meanwhile did not get what the run has learned.
    this.#check();
    this.#leave(results);
  }

  /** Leaves gradients and flags as the function does. */
  #leave(results: readonly Storage[]): void {
    for (const { owner, value } of this.#flags) setFlag(owner, value);
    for (const leaf of this.#inner) if (gradState(leaf) !== 'captured') leaveGradCaptured(leaf);
    for (const act of this.#gradients) act(results);
  }

  #check(): void {
    for (const demand of this.#demands) {
      const complaint = demand();
      if (complaint === null) continue;
      throw new CaptureError(`${this.#where}: ${complaint}; call reset() on it to capture it again`);
    }
  }

  /** Arguments and other tensors that one of them changes would be changed or read at a time that fusion does not keep. */
  requireApart(tensors: readonly Tensor[]): void {
    const { read, written, changesInput } = this.program;
    for (let i = 0; i < tensors.length; i++) {
      const storage = storageOf(tensors[i]!);
      if (written.has(storage) || (changesInput[i] && read.has(storage))) throw this.#notApart(i);
      if (changesInput[i]) this.#requireApartFrom(tensors, i);
    }
  }

  #requireApartFrom(tensors: readonly Tensor[], i: number): void {
    const one = extentOf(tensors[i]!);
    const clash = tensors.findIndex((tensor, j) => {
      const other = extentOf(tensor);
      return j !== i && other.buffer === one.buffer && other.start < one.end && one.start < other.end;
    });
    if (clash < 0) return;
    throw new CaptureError(
      `${this.#where}: tensor ${i} of the arguments is changed in place and shares memory with tensor ${clash}; pass a clone`,
    );
  }

  #notApart(i: number): CaptureError {
    return this.program.changesInput[i]
      ? new CaptureError(
          `${this.#where}: tensor ${i} of the arguments is changed in place and is one that the function uses besides; pass a clone`,
        )
      : new CaptureError(`${this.#where}: tensor ${i} of the arguments is one that the function changes; pass a clone`);
  }

  /** What the function returns; the recording call's own tensors if `results` is null. */
  resultOf(inputs: readonly Tensor[], results: readonly Storage[] | null): R {
    if (this.#only !== null && results !== null) {
      const { made, view } = this.#only;
      return over(results[made]!, view) as R;
    }
    return mapTensors(this.#result, (tensor) => {
      const view = viewOf(tensor);
      const origin = this.#origins.get(tensor)!;
      if ('tensor' in origin) return origin.isWithin ? new Tensor(viewOf(origin.tensor)) : origin.tensor;
      if ('made' in origin) return over(results?.[origin.made] ?? view.storage, view);
      const input = viewOf(inputs[origin.input]!);
      return over(input.storage, view, input.offset);
    });
  }
}

/** Which of its results a run keeps of each step. */
export function lossIn(result: unknown, where: string): Tensor {
  const loss = tensorsIn(result).find((tensor) => tensor.numel() === 1 && isFloat(tensor.dtype));
  if (loss !== undefined) return loss;
  throw new CaptureError(
    `${where}: run() keeps the loss of every step, but the function returns no float tensor of one element; return the loss`,
  );
}

/** What a view shows, in other memory that is laid out alike from `start` on. */
const over = (storage: Storage, { offset, shape, strides, dtype }: View, start = 0): Tensor =>
  new Tensor({ storage, offset: start + offset, shape, strides, dtype });

// What a case goes on looking at is made apart from its constructor: closures keep all that others of their scope name, and the recorder,
// which knows every living module, must go.
function sameMode(): () => boolean {
  const mode = recordsGradients();
  return () => recordsGradients() === mode;
}

/** The bytes that a tensor's elements lie in. */
function extentOf(tensor: Tensor) {
  const { storage, offset, dtype, shape, strides } = viewOf(tensor);
  const { size } = dtypes[dtype];
  const last = shape.reduce((sum, length, axis) => sum + (length - 1) * strides[axis]!, 0);
  const start = storage.byteOffset + offset * size;
  return { buffer: storage.buffer, start, end: sizeOf(shape) === 0 ? start : start + (last + 1) * size };
}

function originOf(tensor: Tensor, inputs: readonly Storage[], made: readonly Storage[], isWithin: boolean): Origin {
  const input = inputs.indexOf(storageOf(tensor));
  if (input >= 0) return { input };
  const index = made.indexOf(storageOf(tensor));
  return index >= 0 ? { made: index } : { tensor, isWithin };
}

function sameGradient(leaf: Tensor, before: Tensor | null | 'captured'): () => boolean {
  if (!isTensor(before)) return () => gradState(leaf) === before;
  const view = viewOf(before);
  return () => {
    const now = gradState(leaf);
    return isTensor(now) && sameView(viewOf(now), view);
  };
}

/** Whether what a case assumes of a gradient holds after it has run. */
function leavesGradientAsItWas({ leaf, use }: Gradient): boolean {
  return !use.read || sameGradient(leaf, use.before)();
}

function setGradient(leaf: Tensor, gradient: Tensor): void {
  leaf.grad = gradient;
}

/** Whether the gradient that a leaf has afterwards exists only within. */
const staysWithin = ({ after, use }: Gradient, results: readonly Storage[], recorder: Recorder): boolean =>
  isTensor(after) && recorder.made.has(storageOf(after)) && (use.consumed || !results.includes(storageOf(after)));

/** What a replay does to a gradient that can be seen beside what instructions do. Who knows of it is as the recording left it. */
function gradientAction(
  { leaf, use, after, owned }: Gradient,
  results: readonly Storage[],
  recorder: Recorder,
): ((results: readonly Storage[]) => void) | null {
  if (after === null) return () => dropGrad(leaf);
  if (after === 'captured') return null;
  if (!recorder.made.has(storageOf(after))) {
    // Accumulated in place, or set to something from outside.
    return use.read && after === use.before ? null : () => setGradient(leaf, after);
  }
  const view = viewOf(after);
  const index = results.indexOf(view.storage);
  return (made) => {
    const gradient = over(made[index]!, view);
    if (owned) takeGrad(leaf, gradient);
    else leaf.grad = gradient;
  };
}
