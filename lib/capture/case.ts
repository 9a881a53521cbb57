import { isGradEnabled } from '../autograd/mode.js';
import { dtypes, isFloat, type Storage, sizeOf } from '../backend/index.js';
import { CaptureError } from '../errors.js';
import { contiguous } from '../tensor/conversion.js';
import { Tensor } from '../tensor/tensor.js';
import { CapturedProgram, type Steps } from './program.js';
import type { Demand, Recorder } from './recorder.js';
import { namesOf, structureDemands } from './structure.js';
import { mapTensors, type Pattern, tensorsIn } from './tree.js';

/** Where the memory of a result comes from: an argument, what the program makes, or elsewhere. */
type Origin = { readonly input: number } | { readonly made: number } | { readonly tensor: Tensor };

/** One way in which a captured function was called. */
export class Case<R> {
  readonly program: CapturedProgram;
  readonly #pattern: Pattern;
  readonly #where: string;
  readonly #result: R;
  readonly #origins = new Map<Tensor, Origin>();
  readonly #assumptions: readonly (() => boolean)[];
  readonly #demands: readonly Demand[];
  readonly #updates: readonly (() => void)[];
  readonly #gradients: readonly ((results: readonly Storage[]) => void)[];
  readonly #nameOf: (storage: Storage) => string | undefined;

  constructor(recorder: Recorder, pattern: Pattern, inputs: readonly Tensor[], result: R, where: string) {
    this.#pattern = pattern;
    this.#where = where;
    const gradients = [...recorder.gradients].map(([leaf, use]) => ({ leaf, use, after: leaf.gradState() }));
    const kept = gradients.flatMap(({ after, use }) => (after instanceof Tensor && !use.consumed ? [after] : []));
    const results = [...new Set([...tensorsIn(result), ...kept].map((tensor) => tensor.storage))].filter((storage) =>
      recorder.made.has(storage),
    );
    const storages = inputs.map((tensor) => tensor.storage);
    // Detached, because the graph would keep all that was computed in the recording call.
    this.#result = mapTensors(result, (tensor) => {
      const stored = tensor.detach();
      this.#origins.set(stored, originOf(tensor, storages, results));
      return stored;
    });
    recorder.close(new Set(results));
    this.program = new CapturedProgram(recorder, storages, results, where);
    const mode = isGradEnabled();
    this.#assumptions = [
      () => isGradEnabled() === mode,
      ...recorder.assumptions,
      ...gradients.filter(({ use }) => use.read).map(({ leaf, use }) => sameGradient(leaf, use.before)),
    ];
    const outer = new Set([...recorder.outer].filter((tensor) => !storages.includes(tensor.storage)));
    this.#demands = [...recorder.demands, ...structureDemands(outer)];
    this.#nameOf = namesOf(outer);
    this.#updates = recorder.updates;
    this.#gradients = gradients.flatMap(({ leaf, after }) => gradientAction(leaf, after, results, recorder) ?? []);
    for (const { leaf, after, use } of gradients) {
      if (after instanceof Tensor && use.consumed && recorder.made.has(after.storage)) leaf.leaveGradCaptured();
    }
  }

  toString(): string {
    return this.program.print(this.#nameOf);
  }

  /** Whether the arguments and all else that it depends on are as they were. The arguments' tensors are put into `tensors`. */
  matches(args: readonly unknown[], tensors: Tensor[]): boolean {
    if (!this.#pattern.matches(args, tensors)) return false;
    for (const holds of this.#assumptions) if (!holds()) return false;
    return true;
  }

  replay(tensors: Tensor[]): R {
    this.#check();
    for (const update of this.#updates) update();
    for (let i = 0; i < tensors.length; i++) tensors[i] = this.#usable(tensors[i]!, i);
    if (this.program.changesInput.includes(true)) this.#requireApart(tensors);
    const results = this.program.run(tensors);
    for (const act of this.#gradients) act(results);
    return this.resultOf(tensors, results);
  }

  /** Runs many steps in the background, on memory that stays or is fed. */
  async start(inputs: readonly Tensor[], steps: Omit<Steps, 'watched'>): Promise<void> {
    const watched = this.#loss();
    this.#check();
    for (const update of this.#updates) update();
    const results = await this.program.start(
      inputs.map((tensor, i) => this.#usable(tensor, i)),
      { ...steps, watched },
    );
    for (const act of this.#gradients) act(results);
  }

  /** The result that `start` keeps of each step. */
  #loss(): Tensor {
    const loss = tensorsIn(this.#result).find((tensor) => tensor.numel() === 1 && isFloat(tensor.dtype));
    if (loss !== undefined) return loss;
    throw new CaptureError(
      `${this.#where}: run() keeps the loss of every step, but the function returns no float tensor of one element; return the loss`,
    );
  }

  #check(): void {
    for (const { holds, complaint } of this.#demands) {
      if (!holds()) throw new CaptureError(`${this.#where}: ${complaint}; call reset() on it to capture it anew`);
    }
  }

  #usable(tensor: Tensor, i: number): Tensor {
    if (this.program.written.has(tensor.storage)) {
      throw new CaptureError(
        `${this.#where}: tensor ${i} of the arguments is one that the function changes; pass a clone`,
      );
    }
    if (tensor.isContiguous()) return tensor;
    if (!this.program.changesInput[i]) return contiguous(tensor);
    throw mustBeContiguous(this.#where, i);
  }

  /** A changed argument that overlaps another would change that one too, at a time that fusion does not keep. */
  #requireApart(tensors: readonly Tensor[]): void {
    const ranges = tensors.map(({ storage, offset, dtype, shape }) => {
      const start = storage.byteOffset + offset * dtypes[dtype].size;
      return { buffer: storage.buffer, start, end: start + sizeOf(shape) * dtypes[dtype].size };
    });
    ranges.forEach((one, i) => {
      const clash = ranges.findIndex(
        (other, j) => j !== i && other.buffer === one.buffer && other.start < one.end && one.start < other.end,
      );
      if (clash < 0 || !this.program.changesInput[i]) return;
      throw new CaptureError(
        `${this.#where}: tensor ${i} of the arguments is changed in place and shares memory with tensor ${clash}; pass a clone`,
      );
    });
  }

  /** What the function returns; the recording call's own tensors if `results` is null. */
  resultOf(inputs: readonly Tensor[], results: readonly Storage[] | null): R {
    return mapTensors(this.#result, (tensor) => {
      const { offset, shape, strides, dtype } = tensor;
      const origin = this.#origins.get(tensor)!;
      if ('tensor' in origin) return origin.tensor;
      if ('made' in origin) return new Tensor(results?.[origin.made] ?? tensor.storage, offset, shape, strides, dtype);
      const input = inputs[origin.input]!;
      return new Tensor(input.storage, input.offset + offset, shape, strides, dtype);
    });
  }
}

/** Of an argument that is changed in place, although a copy of it was or would be used. */
export const mustBeContiguous = (where: string, i: number): CaptureError =>
  new CaptureError(
    `${where}: tensor ${i} of the arguments is changed in place, so it must be contiguous; pass a contiguous clone`,
  );

function originOf(tensor: Tensor, inputs: readonly Storage[], made: readonly Storage[]): Origin {
  const input = inputs.indexOf(tensor.storage);
  if (input >= 0) return { input };
  const index = made.indexOf(tensor.storage);
  return index >= 0 ? { made: index } : { tensor };
}

function sameGradient(leaf: Tensor, before: Tensor | null | 'captured'): () => boolean {
  if (!(before instanceof Tensor)) return () => leaf.gradState() === before;
  const { storage, offset } = before;
  return () => {
    const now = leaf.gradState();
    return now instanceof Tensor && now.storage === storage && now.offset === offset;
  };
}

/** What a replay does to the gradient of a leaf beside what instructions do. */
function gradientAction(
  leaf: Tensor,
  after: Tensor | null | 'captured',
  results: readonly Storage[],
  recorder: Recorder,
): ((results: readonly Storage[]) => void) | null {
  if (after === null) return () => leaf.dropGrad();
  if (after === 'captured') return null;
  if (!recorder.made.has(after.storage)) return null;
  const { offset, shape, strides, dtype } = after;
  const index = results.indexOf(after.storage);
  if (index < 0 || recorder.gradients.get(leaf)!.consumed) {
    return () => {
      if (leaf.gradState() !== 'captured') leaf.leaveGradCaptured();
    };
  }
  return (made) => leaf.takeGrad(new Tensor(made[index]!, offset, shape, strides, dtype));
}
