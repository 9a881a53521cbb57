import type { ComputeType, DType } from '../backend/dtype.js';
import { backend, DONE, type Instruction } from '../backend/index.js';
import type { Kind, Program } from '../backend/program.js';
import { sameShape, type View } from '../backend/view.js';
import { compile, type Expr, hasRows, type Rate } from '../expr/index.js';
import { misfit } from './check.js';
import { emptyInOrderOf, emptyLikeOf, emptyOf, emptyWithShapeOf } from './empty.js';
import { broadcastShapes, type Shape } from './shape.js';
import { operandOf, operandsOf, type Tensor, viewOf } from './tensor.js';

/** What a kernel with folds runs over: the whole shape, which axes are folded, and whether row results keep them with size 1. */
export interface Frame {
  readonly shape: Shape;
  readonly axes: readonly number[];
  readonly keepdim: boolean;
}

/** Expressions made runnable: one output each, compiled once per compute type. Knows nothing of gradients. */
export class Kernel {
  readonly name: string;
  /** One expression per output. */
  readonly roots: readonly Expr[];
  /** Which inputs come with the folded axes removed, or as size 1: those of kind `row`. */
  readonly inputs: readonly Kind[];
  readonly params: number;
  readonly folds: boolean;
  /** Whether all are elements, so that none can need its folded axes back. */
  readonly #inputs: 'elements' | 'mixed';
  readonly #outputs: 'elements' | 'mixed';
  /** Whether results are in the order of memory of the inputs, or row by row. */
  readonly #keepsOrder: boolean;
  readonly #programs: Partial<Record<ComputeType, Program>> = {};

  constructor(name: string, roots: readonly Expr[], inputs: readonly Kind[], params: number, keepsOrder = false) {
    this.name = name;
    this.roots = roots;
    this.inputs = inputs;
    this.params = params;
    this.#keepsOrder = keepsOrder;
    this.folds = hasRows(roots);
    this.#inputs = inputs.includes('row') ? 'mixed' : 'elements';
    this.#outputs = roots.some((root) => root.rate === 'row') ? 'mixed' : 'elements';
  }

  program(compute: ComputeType): Program {
    let program = this.#programs[compute];
    if (program === undefined) {
      const inputs = this.folds ? this.inputs : this.inputs.map((): Kind => 'element');
      program = compile({ name: this.name, compute, inputs, params: this.params }, this.roots);
      this.#programs[compute] = program;
    }
    return program;
  }

  /** Runs into new tensors, one per root. `frame` is for kernels with folds; others broadcast their inputs. */
  run(
    inputs: readonly Tensor[],
    params: readonly number[],
    dtype: DType,
    compute: ComputeType,
    frame: Frame | null,
  ): [Tensor, ...Tensor[]] {
    const outputs: [Tensor, ...Tensor[]] = [this.#output(this.roots[0]!, inputs, dtype, frame)];
    for (let i = 1; i < this.roots.length; i++) outputs.push(this.#output(this.roots[i]!, inputs, dtype, frame));
    this.runInto(outputs, inputs, params, compute, frame);
    return outputs;
  }

  runInto(
    outputs: readonly Tensor[],
    inputs: readonly Tensor[],
    params: readonly number[],
    compute: ComputeType,
    frame: Frame | null,
  ): void {
    const program = this.program(compute);
    if (frame === null) {
      this.#accept(backend.map(program, params, operandsOf(inputs), operandsOf(outputs)));
      return;
    }
    const ins =
      this.#inputs === 'elements' ? operandsOf(inputs) : inputs.map((x, i) => this.#operand(x, this.inputs[i]!, frame));
    const outs =
      this.#outputs === 'elements'
        ? operandsOf(outputs)
        : outputs.map((x, i) => this.#operand(x, this.roots[i]!.rate, frame));
    if (this.folds) this.#accept(backend.fold(program, params, ins, outs, frame.shape, frame.axes));
    else this.#accept(backend.map(program, params, ins, outs));
  }

  /** What `runInto` without a frame or parameters comes to. */
  instruction(outputs: readonly View[], inputs: readonly View[], compute: ComputeType): Instruction {
    return { op: 'map', program: this.program(compute), params: [], inputs, outputs };
  }

  #accept(result: number): void {
    if (result !== DONE) throw misfit(this.name);
  }

  #operand(tensor: Tensor, rate: Rate, frame: Frame): View {
    return rate === 'row' && !frame.keepdim ? keepFolded(operandOf(tensor), frame) : operandOf(tensor);
  }

  #output(root: Expr, inputs: readonly Tensor[], dtype: DType, frame: Frame | null): Tensor {
    if (frame !== null) return emptyOf(root.rate === 'element' ? frame.shape : foldedShape(frame), dtype);
    const model = commonShape(inputs);
    if (model !== null && !this.#keepsOrder) return emptyWithShapeOf(model, dtype);
    if (model !== null && stepAlike(inputs)) return emptyLikeOf(model, dtype);
    const views = inputs.map(viewOf);
    const shape = broadcastShapes(this.name, ...views.map((view) => view.shape));
    return this.#keepsOrder ? emptyInOrderOf(views, shape, dtype) : emptyOf(shape, dtype);
  }
}

/** The first input, if all have its shape. */
function commonShape(inputs: readonly Tensor[]): Tensor | null {
  const first = inputs[0];
  if (first === undefined) return null;
  const { shape } = viewOf(first);
  for (let i = 1; i < inputs.length; i++) if (!sameShape(viewOf(inputs[i]!).shape, shape)) return null;
  return first;
}

function stepAlike(inputs: readonly Tensor[]): boolean {
  const { strides } = viewOf(inputs[0]!);
  for (let i = 1; i < inputs.length; i++) if (!sameShape(viewOf(inputs[i]!).strides, strides)) return false;
  return true;
}

const NO_AXES: Shape = [];

/** The shape of a row result. */
export function foldedShape({ shape, axes, keepdim }: Frame): Shape {
  if (keepdim) return shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  return axes.length === shape.length ? NO_AXES : shape.filter((_, axis) => !axes.includes(axis));
}

/** A row operand whose folded axes were squeezed away, with these axes back as size 1. */
function keepFolded(view: View, frame: Frame): View {
  if (frame.axes.length === 0) return view;
  const { storage, offset, dtype } = view;
  const shape: number[] = [];
  const strides: number[] = [];
  for (let axis = 0, own = 0; axis < frame.shape.length; axis++) {
    const folded = frame.axes.includes(axis);
    shape.push(folded ? 1 : view.shape[own]!);
    strides.push(folded ? 0 : view.strides[own]!);
    if (!folded) own++;
  }
  return { storage, offset, shape, strides, dtype };
}
