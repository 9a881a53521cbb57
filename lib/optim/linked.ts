import { allocate, type Backend, backend, type Executable, type Storage } from '../backend/index.js';
import { contiguousStrides, isContiguous, type View } from '../backend/view.js';
import { misfit } from '../tensor/check.js';
import { peekGrad, type Tensor, viewOf } from '../tensor/tensor.js';
import type { Update } from './kernels.js';

/** An update of one parameter. */
export interface Change {
  readonly update: Update;
  readonly parameter: Tensor;
  /** The entries of its state. */
  readonly state: readonly (Tensor | undefined)[];
  readonly numbers: readonly Tensor[];
}

/** So many parameters at most: what stands for their gradients is handed over in one call. */
const MOST = 1024;

/** A tensor whose memory is named by address, and where that was. */
interface Fixed {
  readonly tensor: Tensor;
  readonly view: View;
}

/** Memory that changes, and by what. */
interface Written {
  readonly storage: Storage;
  readonly op: string;
}

/** A gradient as it lies nearly always, in memory that is bound later. */
function gradientOf(parameter: Tensor, storage: Storage): View {
  const { shape, dtype } = viewOf(parameter);
  return { storage, offset: 0, shape, strides: contiguousStrides(shape), dtype };
}

/** Updates of many parameters as linked instructions: one call does them all, as long as nothing but the gradients is elsewhere than it was. */
export class LinkedUpdates {
  readonly #core: Backend;
  readonly #executable: Executable;
  readonly #parameters: readonly Tensor[];
  readonly #fixed: readonly Fixed[];
  readonly #written: readonly Written[];
  readonly #gradients: View[] = [];

  private constructor(changes: readonly Change[]) {
    // They stand for gradients, and are never read.
    const ports = changes.map(() => allocate('bool', 0));
    const fixed = new Map<Tensor, View>();
    const written: Written[] = [];
    const instructions = changes.map(({ update, parameter, state, numbers }, i) => {
      const { single } = update;
      const tensors = [parameter, null, ...state];
      const viewAt = (place: number): View => {
        const tensor = place < tensors.length ? tensors[place] : numbers[place - tensors.length];
        if (tensor === null) return gradientOf(parameter, ports[i]!);
        fixed.set(tensor!, viewOf(tensor!));
        return viewOf(tensor!);
      };
      const outputs = single!.outputs.map(viewAt);
      written.push(...outputs.map(({ storage }) => ({ storage, op: single!.op })));
      return single!.instruction(outputs, single!.inputs.map(viewAt), parameter.dtype);
    });
    this.#core = backend;
    this.#executable = backend.link(instructions, ports);
    this.#parameters = changes.map(({ parameter }) => parameter);
    this.#fixed = [...fixed].map(([tensor, view]) => ({ tensor, view }));
    this.#written = written;
  }

  /** Null where they cannot be linked as they are. */
  static of(changes: readonly Change[]): LinkedUpdates | null {
    if (changes.length > MOST || changes.some(({ update }) => update.single === null)) return null;
    return new LinkedUpdates(changes);
  }

  /** Does all of them; false, with nothing done, where something is elsewhere. */
  run(): boolean {
    if (backend !== this.#core || !this.#isInPlace()) return false;
    for (let i = 0; i < this.#parameters.length; i++) {
      const gradient = viewOf(peekGrad(this.#parameters[i]!)!);
      if (!isContiguous(gradient)) return false;
      this.#gradients[i] = gradient;
    }
    if (this.#executable.run(this.#gradients) !== null) throw misfit(this.#written[0]!.op);
    for (let i = 0; i < this.#written.length; i++) {
      const { storage, op } = this.#written[i]!;
      storage.version++;
      storage.changedBy = op;
    }
    return true;
  }

  #isInPlace(): boolean {
    for (let i = 0; i < this.#fixed.length; i++) {
      const { tensor, view } = this.#fixed[i]!;
      if (viewOf(tensor) !== view) return false;
    }
    return true;
  }
}
