import { inspect } from 'node:util';
import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { type Kind, kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import { noGrad } from '../autograd/mode.js';
import { backend, recording, sizeOf, useBackend } from '../backend/index.js';
import { CaptureError } from '../errors.js';
import { isModule, type Module } from '../nn/module.js';
import { zeros } from '../ops/creation.js';
import * as kinds from '../tensor/kinds.js';
import { isShape, type Shape, show } from '../tensor/shape.js';
import { isTensor, shapeOf, type Tensor } from '../tensor/tensor.js';

/** A shape, for zeros of it; or, for models of several inputs, an array of shapes and tensors. */
export type SummaryInput = Shape | readonly (Shape | Tensor)[] | Tensor;

const isInput = (value: unknown): value is SummaryInput =>
  isShape(value) || isTensor(value) || (Array.isArray(value) && value.every((one) => isShape(one) || isTensor(one)));

const summing = signature('model, input, /, *, dtype', {
  model: kind('a Module', isModule) as Kind<Module>,
  input: kind('a shape, a Tensor, or an array of such', isInput),
  /** Element type of inputs that are given as shapes. Default: float32. */
  dtype: kinds.dtype.default('float32'),
});

export interface SummaryOptions extends OptionsOf<typeof summing> {}

/** What is to say of a module. */
export interface LayerSummary {
  /** Its path, as `namedModules` gives it; empty for the model. */
  readonly name: string;
  /** Its class. */
  readonly type: string;
  /** The shape of its last output; null if it was not called, or gave no tensor. */
  readonly outputShape: Shape | null;
  /** Elements of its own parameters, without those of modules within. */
  readonly parameters: number;
  /** Multiplications of matrix products and convolutions of its own, without those of modules within. */
  readonly multiplyAdds: number;
}

/**
 * What `summary` finds; printed, a table.
 *
 * @example
 * ```ts
 * import { nn } from 'nabla';
 * import { summary } from 'nabla/training';
 *
 * console.log(summary(new nn.Linear(4, 2), [1, 4]));
 * ```
 */
export interface ModelSummary {
  /** The model, then all modules in it. */
  readonly layers: readonly LayerSummary[];
  /** Elements of all parameters, shared ones once. */
  readonly parameters: number;
  /** Of these, those that are learned. */
  readonly trainable: number;
  /** Multiplications of all matrix products and convolutions. */
  readonly multiplyAdds: number;
  /** The table. */
  toString(): string;
}

class Table implements ModelSummary {
  readonly layers: readonly LayerSummary[];
  readonly parameters: number;
  readonly trainable: number;
  readonly multiplyAdds: number;

  constructor(model: Module, layers: readonly LayerSummary[]) {
    const count = (parameters: readonly Tensor[]) => parameters.reduce((sum, one) => sum + one.numel(), 0);
    this.layers = layers;
    this.parameters = count(model.parameters());
    this.trainable = count(model.parameters().filter(({ requiresGrad }) => requiresGrad));
    this.multiplyAdds = layers.reduce((sum, layer) => sum + layer.multiplyAdds, 0);
  }

  toString(): string {
    const number = (value: number) => (value === 0 ? '' : value.toLocaleString('en-US'));
    const depthOf = (name: string) => (name === '' ? 0 : name.split('.').length);
    const rows = this.layers.map(({ name, type, outputShape, parameters, multiplyAdds }) => [
      `${'  '.repeat(depthOf(name))}${name.split('.').at(-1) || 'model'}: ${type}`,
      outputShape === null ? '-' : show(outputShape),
      number(parameters),
      number(multiplyAdds),
    ]);
    const table = [
      ['layer', 'output', 'parameters', 'multiply-adds'],
      ...rows,
      ['total', '', number(this.parameters) || '0', number(this.multiplyAdds) || '0'],
      ['trainable', '', number(this.trainable) || '0', ''],
    ];
    const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => row[column]!.length)));
    const line = (row: readonly string[]) =>
      row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
    return table.map((row) => line(row).trimEnd()).join('\n');
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

const inputsOf = (given: SummaryInput, dtype: 'float32' | Tensor['dtype']): Tensor[] => {
  if (isTensor(given)) return [given];
  if (isShape(given)) return [zeros([...given], { dtype })];
  return given.map((one) => (isTensor(one) ? one : zeros([...one], { dtype })));
};

/** The first tensor of what `forward` gives. */
function tensorIn(output: unknown): Tensor | null {
  if (isTensor(output)) return output;
  if (typeof output !== 'object' || output === null) return null;
  return Object.values(output).find(isTensor) ?? null;
}

/** What came of one call of a model, by module. */
class Tally {
  readonly shapes = new Map<Module, Shape>();
  readonly products = new Map<Module, number>();
  readonly #within: Module[] = [];

  watch(module: Module): (() => void)[] {
    const handles = [
      module.registerForwardPreHook(() => void this.#within.push(module), { prepend: true }),
      module.registerForwardHook(
        (_, __, output) => {
          this.#within.pop();
          const tensor = tensorIn(output);
          if (tensor !== null) this.shapes.set(module, shapeOf(tensor));
        },
        { alwaysCall: true },
      ),
    ];
    return handles.map((handle) => () => handle.remove());
  }

  add(products: number): void {
    const module = this.#within.at(-1);
    if (module !== undefined) this.products.set(module, (this.products.get(module) ?? 0) + products);
  }
}

/** Runs `fn`, and tells of the multiplications of each matrix product and convolution in it. */
function counting(fn: () => unknown, tell: (products: number) => void): void {
  const core = backend;
  useBackend({
    ...core,
    matmul: (a, b, outputs, epilogue) => {
      tell(sizeOf(outputs[0]!.shape) * a.shape.at(-1)!);
      return core.matmul(a, b, outputs, epilogue);
    },
    convolve: (input, weight, outputs, moves, epilogue) => {
      tell(sizeOf(outputs[0]!.shape) * sizeOf(weight.shape.slice(1)));
      return core.convolve(input, weight, outputs, moves, epilogue);
    },
  });
  try {
    fn();
  } finally {
    useBackend(core);
  }
}

/**
 * Calls a model once and tells of each module in it: the shape of its output, the elements of its parameters, and the multiplications of its matrix
 * products and convolutions. The call is one of evaluation, without gradients: the model is as it was afterwards.
 *
 * @param input a shape, for zeros of it; a tensor; or an array of such, for models of several inputs
 * @throws CaptureError within a captured function; what `forward` throws
 * @example
 * ```ts
 * import { nn } from 'nabla';
 * import { summary } from 'nabla/training';
 *
 * const model = new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU(), new nn.Linear(8, 2));
 * const { parameters, multiplyAdds, layers } = summary(model, [1, 4]);
 * [parameters, multiplyAdds]; // [58, 48]
 * layers[1]!.outputShape; // [1, 8]
 * ```
 */
export const summary: FunctionOf<ModelSummary, typeof summing, SummaryOptions> = define(
  'summary',
  summing,
  (model, given, dtype) => {
    recording?.refuse(
      new CaptureError('summary: it cannot be called in a captured function, whose replays call no modules'),
    );
    const inputs = inputsOf(given, dtype);
    const named = model.namedModules();
    const modes = named.map(([, { training }]) => training);
    const tally = new Tally();
    const undo = named.flatMap(([, module]) => tally.watch(module));
    try {
      model.eval();
      counting(
        () => noGrad(() => (model.forward as (...inputs: Tensor[]) => unknown)(...inputs)),
        (products) => tally.add(products),
      );
    } finally {
      for (const one of undo) one();
      for (const [i, [, module]] of named.entries()) module.training = modes[i]!;
    }
    const layers = named.map(([name, module]) => ({
      name,
      type: module.constructor.name,
      outputShape: tally.shapes.get(module) ?? null,
      parameters: module.parameters(false).reduce((sum, one) => sum + one.numel(), 0),
      multiplyAdds: tally.products.get(module) ?? 0,
    }));
    return new Table(model, layers);
  },
);
