import {
  broadcastStrides,
  type ComputeType,
  type Instruction,
  type Kind,
  type MatmulInstruction,
  type Program,
  sameShape,
  type View,
} from '../backend/index.js';
import { compile, type Expr, expand, input, param, rewrite, sourceOf } from '../expr/index.js';

/** What a nest reads: memory, or with a view of null the product that a matmul has just made. */
export interface NestInput {
  readonly view: View | null;
  readonly kind: Kind;
}

/**
 * A map, a fold, or a matmul with its epilogue, as expressions over a common shape. With `axes` these are folded, and `row` operands
 * have size 1 there; without, all is per element.
 */
export interface Nest {
  readonly name: string;
  readonly compute: ComputeType;
  readonly shape: readonly number[];
  readonly axes: readonly number[] | null;
  readonly product: Pick<MatmulInstruction, 'a' | 'b'> | null;
  readonly inputs: readonly NestInput[];
  readonly params: readonly number[];
  /** One per output. */
  readonly roots: readonly Expr[];
  readonly outputs: readonly View[];
}

export function nestOf(instruction: Instruction): Nest | null {
  switch (instruction.op) {
    case 'map': {
      const { program, params, inputs, outputs } = instruction;
      const operands = inputs.map((view): NestInput => ({ view, kind: 'element' }));
      return {
        ...perElement(program),
        axes: null,
        product: null,
        inputs: operands,
        params,
        outputs,
        shape: outputs[0]!.shape,
      };
    }
    case 'fold': {
      const { program, params, inputs, outputs, shape, axes } = instruction;
      const { signature, roots } = sourceOf(program);
      const operands = inputs.map((view, i): NestInput => ({ view, kind: signature.inputs[i]! }));
      const { name, compute } = signature;
      return { name, compute, roots, axes, product: null, inputs: operands, params, outputs, shape };
    }
    case 'matmul':
      return matmulNest(instruction);
    default:
      return null;
  }
}

function matmulNest({ a, b, outputs, epilogue }: MatmulInstruction): Nest {
  const frame = { shape: outputs[0]!.shape, axes: null, product: { a, b }, outputs };
  const product: NestInput = { view: null, kind: 'element' };
  if (epilogue === null) {
    const compute = a.dtype as ComputeType;
    return { ...frame, name: 'matmul', compute, inputs: [product], params: [], roots: [input(0, 'element')] };
  }
  const inputs = [product, ...epilogue.inputs.map((view): NestInput => ({ view, kind: 'element' }))];
  return { ...frame, ...perElement(epilogue.program), inputs, params: epilogue.params };
}

/** What a program without folds computes, everything being per element in it. */
function perElement(program: Parameters<typeof sourceOf>[0]): Pick<Nest, 'name' | 'compute' | 'roots'> {
  const { signature, roots } = sourceOf(program);
  const plain = rewrite(roots, (original, rebuilt) => {
    if (original.op === 'input') return input(original.value, 'element');
    return original.op === 'expand' ? rebuilt.args[0]! : rebuilt;
  });
  return { name: signature.name, compute: signature.compute, roots: plain };
}

export const programOf = ({ name, compute, inputs, params, roots }: Nest): Program =>
  compile({ name, compute, inputs: inputs.map(({ kind }) => kind), params: params.length }, roots);

export function instructionOf(nest: Nest): Instruction {
  const { shape, axes, product, inputs, params, outputs } = nest;
  const views = inputs.flatMap(({ view }) => view ?? []);
  if (product !== null && isProductItself(nest)) return { op: 'matmul', ...product, outputs, epilogue: null };
  const program = programOf(nest);
  if (product !== null) return { op: 'matmul', ...product, outputs, epilogue: { program, params, inputs: views } };
  if (axes === null) return { op: 'map', program, params, inputs: views, outputs };
  return { op: 'fold', program, params, inputs: views, outputs, shape, axes };
}

/** Whether what is wanted is the product as it is, in its own type. */
function isProductItself({ roots, inputs, outputs, compute }: Nest): boolean {
  const [root] = roots;
  return (
    roots.length === 1 && root!.op === 'input' && inputs[root!.value]!.view === null && outputs[0]!.dtype === compute
  );
}

/** Without the outputs that are not wanted, and without inputs that only these needed. */
export function withOutputs(nest: Nest, wanted: (output: View) => boolean): Nest {
  const kept = nest.outputs.map(wanted);
  if (kept.every(Boolean)) return nest;
  const roots = nest.roots.filter((_, i) => kept[i]);
  return withUsedInputs({ ...nest, roots, outputs: nest.outputs.filter((_, i) => kept[i]) });
}

/** Without inputs that nothing reads. */
export function withUsedInputs(nest: Nest): Nest {
  const used = new Set<number>();
  rewrite(nest.roots, (original, rebuilt) => {
    if (original.op === 'input') used.add(original.value);
    return rebuilt;
  });
  if (nest.product !== null) used.add(0);
  const order = [...used].sort((a, b) => a - b);
  const roots = relocate(nest.roots, (i) => input(order.indexOf(i), nest.inputs[i]!.kind), 0);
  return { ...nest, roots, inputs: order.map((i) => nest.inputs[i]!) };
}

/** The expressions over other inputs, and over parameters that start at another number. */
export function relocate(roots: readonly Expr[], inputs: (index: number) => Expr, firstParam: number): Expr[] {
  return rewrite(roots, (original, rebuilt) => {
    if (original.op === 'input') return inputs(original.value);
    return original.op === 'param' ? param(original.value + firstParam) : rebuilt;
  });
}

/**
 * The nest as part of one over a larger shape: as it is if the shapes agree, once per row if it is a map over what rows are
 * numbered by; else null.
 */
export function within(nest: Nest, shape: readonly number[], axes: readonly number[] | null): Nest | null {
  if (sameShape(nest.shape, shape) && (nest.axes === null || (axes !== null && sameShape(nest.axes, axes)))) {
    if (axes === null || nest.axes !== null) return { ...nest, axes };
    return { ...nest, axes, roots: nest.roots.map((root) => (root.rate === 'element' ? root : expand(root))) };
  }
  return axes === null || nest.axes !== null || nest.product !== null ? null : perRow(nest, shape, axes);
}

function perRow(nest: Nest, shape: readonly number[], axes: readonly number[]): Nest | null {
  const squeezed = shape.filter((_, axis) => !axes.includes(axis));
  const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const squeezes = sameShape(nest.shape, squeezed);
  if (!squeezes && !sameShape(nest.shape, kept)) return null;
  const row = (view: View): View => {
    const strides = broadcastStrides(view, nest.shape);
    if (!squeezes) return { ...view, shape: kept, strides };
    let next = 0;
    return { ...view, shape: kept, strides: shape.map((_, axis) => (axes.includes(axis) ? 0 : strides[next++]!)) };
  };
  return {
    ...nest,
    shape,
    axes,
    inputs: nest.inputs.map(({ view }) => ({ view: row(view!), kind: 'row' })),
    roots: relocate(nest.roots, (i) => input(i, 'row'), 0),
    outputs: nest.outputs.map(row),
  };
}

/** Whether two views have the same elements in an iteration over `shape`. */
export function sameElements(a: View, b: View, shape: readonly number[]): boolean {
  if (a.storage !== b.storage || a.offset !== b.offset || a.dtype !== b.dtype) return false;
  const [left, right] = [broadcastStrides(a, shape), broadcastStrides(b, shape)];
  return shape.every((size, axis) => size === 1 || left[axis] === right[axis]);
}

const COMPARISONS: readonly string[] = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'];

/** Whether an expression is 0 or 1, so that a bool holds all of it. */
export const isComparison = (x: Expr): boolean => COMPARISONS.includes(x.op);
