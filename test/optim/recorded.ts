import { readFileSync } from 'node:fs';
import type { DType } from 'nabla';
import { capture, nn, optim, Tensor, tensor } from 'nabla';

// What PyTorch recorded in test/fixtures/optim.json, and the same steps here: plain, captured, and in the background.

type Options = Record<string, unknown>;

export interface Case {
  readonly name: string;
  readonly options: Options;
  readonly dtype: DType;
  /** Of the parameters. Default: SHAPES. */
  readonly shapes?: readonly (readonly number[])[];
  /** Its name and its options. */
  readonly scheduler?: readonly [string, Options];
  /** The norm by which gradients are clipped to 0.7. */
  readonly clip?: number | 'inf' | '-inf';
  /** All parameters after some of the steps. */
  readonly shown: readonly (readonly number[])[];
  /** By PyTorch's names, of all parameters one after the other. */
  readonly state: Readonly<Record<string, readonly number[]>>;
  readonly lr: readonly number[];
}

const SHAPES = [[], [5], [3, 4]];
const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
export const COUNT = SHAPES.reduce((sum, shape) => sum + sizeOf(shape), 0);
export const STEPS = 30;
const SHOWN = [1, 2, STEPS];

/** The gradients of all elements in a step; what step 0 gives are the parameters at first. */
const valuesAt = (step: number): number[] =>
  Array.from({ length: COUNT }, (_, i) => (((i * 37 + step * 101 + 11) % 64) - 31.5) / 64);

function partsOf(flat: Tensor, shapes: readonly (readonly number[])[]): Tensor[] {
  let first = 0;
  return shapes.map((shape) => {
    const part = flat.narrow(0, first, sizeOf(shape)).reshape(shape);
    first += sizeOf(shape);
    return part;
  });
}

const camelCase = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

const named = (options: Options): Options =>
  Object.fromEntries(Object.entries(options).map(([name, value]) => [camelCase(name), value]));

/** Calls a class or a function of nabla by its name. */
function made<T>(space: object, name: string, ...args: unknown[]): T {
  return Reflect.construct(Reflect.get(space, name) as new (...args: unknown[]) => object, args) as T;
}

export const cases = JSON.parse(readFileSync(new URL('../fixtures/optim.json', import.meta.url), 'utf8')) as Case[];

/** Parameters, an optimizer and what a step does with gradients. */
export class Training {
  readonly parameters: Tensor[];
  readonly optimizer: optim.Optimizer<{ lr: number }, Record<string, number | Tensor>>;
  readonly scheduler: optim.lrScheduler.LRScheduler | null;
  readonly #clip: number | 'inf' | null;
  readonly dtype: DType;

  readonly #shapes: readonly (readonly number[])[];

  constructor({ name, options, dtype, shapes = SHAPES, scheduler, clip }: Case) {
    this.dtype = dtype;
    this.#shapes = shapes;
    const start = tensor(valuesAt(0), { dtype });
    this.parameters = partsOf(start, shapes).map((part) => part.clone().requiresGrad_());
    this.optimizer = made(optim, name, this.parameters, named(options));
    this.scheduler =
      scheduler === undefined ? null : made(optim.lrScheduler, scheduler[0], this.optimizer, named(scheduler[1]));
    this.#clip = clip === '-inf' ? Number.NEGATIVE_INFINITY : (clip ?? null);
  }

  /** The rows that steps take. */
  gradients(): Tensor {
    const rows = Array.from({ length: STEPS }, (_, i) => valuesAt(i + 1));
    return tensor(rows, { dtype: this.dtype });
  }

  /** A loss whose gradients are those of a row, and a step. */
  readonly step = (row: Tensor): Tensor => {
    this.optimizer.zeroGrad();
    const gradients = partsOf(row.reshape([-1]), this.#shapes);
    const losses = this.parameters.map((parameter, i) => parameter.mul(gradients[i]!).sum());
    const loss = losses.reduce((sum, one) => sum.add(one));
    loss.backward();
    if (this.#clip !== null) nn.utils.clipGradNorm_(this.parameters, 0.7, { normType: this.#clip });
    this.optimizer.step();
    this.scheduler?.step();
    return loss;
  };

  values(): number[] {
    return this.parameters.flatMap((parameter) => [...parameter.detach().toTypedArray()]);
  }

  /** Entries of all parameters one after the other, by name. */
  state(): Record<string, number[]> {
    const all: Record<string, number[]> = {};
    for (const parameter of this.parameters) {
      for (const [name, value] of Object.entries(this.optimizer.state.get(parameter) ?? {})) {
        all[name] = [...(all[name] ?? []), ...(value instanceof Tensor ? value.toTypedArray() : [value])];
      }
    }
    return all;
  }

  /** All that a step may change. */
  everything(): unknown {
    const rates = this.optimizer.paramGroups.map(({ lr }) => lr);
    return { values: this.values(), state: this.state(), rates, scheduler: this.scheduler?.stateDict() };
  }
}

/** What is there after some of the steps, and at the end. */
export interface Outcome {
  readonly shown: number[][];
  readonly training: Training;
}

/** Steps one by one, as they are or captured. */
export function oneByOne(one: Case, isCaptured: boolean): Outcome {
  const training = new Training(one);
  const step = isCaptured ? capture(training.step) : training.step;
  const rows = training.gradients();
  const shown: number[][] = [];
  for (let i = 1; i <= STEPS; i++) {
    step(rows.narrow(0, i - 1, 1));
    if (SHOWN.includes(i)) shown.push(training.values());
  }
  return { shown, training };
}

/** All steps in the background. */
export async function inBackground(one: Case): Promise<Training> {
  const training = new Training(one);
  await capture(training.step).run([training.gradients()], { batchSize: 1 });
  return training;
}

/** The state by PyTorch's names as ours. */
export const stateOf = ({ state }: Case): Readonly<Record<string, readonly number[]>> =>
  Object.fromEntries(Object.entries(state).map(([name, values]) => [camelCase(name), values]));
