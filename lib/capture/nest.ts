import { computeType } from '../backend/dtype.js';
import {
  broadcastStrides,
  type ComputeType,
  type ConvolveInstruction,
  type Instruction,
  type Kind,
  type MatmulInstruction,
  type Program,
  sameShape,
  type View,
} from '../backend/index.js';
import { strideAt } from '../backend/loops.js';
import {
  compile,
  type Expr,
  expand,
  expressionsOf,
  input,
  inputsOf,
  param,
  rewrite,
  shareCommon,
  structureOf,
  withArgs,
} from '../expr/index.js';

/** What makes a product: instructions with an epilogue, without that. */
export type Product =
  | Pick<MatmulInstruction, 'op' | 'a' | 'b'>
  | Pick<ConvolveInstruction, 'op' | 'input' | 'weight' | 'moves'>;

/** The memory that a product is made from. */
export const factorsOf = (product: Product): readonly [View, View] =>
  product.op === 'matmul' ? [product.a, product.b] : [product.input, product.weight];

/** What a nest reads: memory, or with a view of null the product that was just made. */
export interface NestInput {
  readonly view: View | null;
  readonly kind: Kind;
}

/**
 * A map, a fold, or a product with its epilogue, as expressions over a common shape. With `axes` these are folded, and `row` operands
 * have size 1 there; without, all is per element.
 */
export interface Nest {
  readonly name: string;
  readonly compute: ComputeType;
  readonly shape: readonly number[];
  readonly axes: readonly number[] | null;
  readonly product: Product | null;
  readonly inputs: readonly NestInput[];
  readonly params: readonly number[];
  /** How many operations it is, at most. */
  readonly size: number;
  /** One per output. */
  readonly roots: readonly Expr[];
  readonly outputs: readonly View[];
}

/** An instruction as a nest, without operands that its program does not read; null for one that is none. */
export function nestOf(instruction: Instruction): Nest | null {
  switch (instruction.op) {
    case 'map': {
      const { program, params, inputs, outputs } = instruction;
      const space = { shape: outputs[0]!.shape, axes: null, product: null };
      return nestIn(space, computationOf(program, 'map'), inputs, params, outputs);
    }
    case 'fold': {
      const { program, params, inputs, outputs, shape, axes } = instruction;
      return nestIn({ shape, axes, product: null }, computationOf(program, 'fold'), inputs, params, outputs);
    }
    case 'matmul': {
      const { op, a, b } = instruction;
      return productNest({ op, a, b }, instruction);
    }
    case 'convolve': {
      const { op, input, weight, moves } = instruction;
      return productNest({ op, input, weight, moves }, instruction);
    }
    default:
      return null;
  }
}

function productNest(product: Product, { outputs, epilogue }: MatmulInstruction | ConvolveInstruction): Nest {
  const space = { shape: outputs[0]!.shape, axes: null, product };
  if (epilogue === null)
    return nestIn(space, bareProduct(product.op, computeType(factorsOf(product)[0].dtype)), [null], [], outputs);
  const { program, params, inputs } = epilogue;
  return nestIn(space, computationOf(program, 'product'), [null, ...inputs], params, outputs);
}

/** What a nest runs over, and the product that it begins with. */
type Space = Pick<Nest, 'shape' | 'axes' | 'product'>;

/** What a program computes. */
interface Computation extends Pick<Nest, 'name' | 'compute' | 'size' | 'roots'> {
  /** Its inputs that are read, which is all that the roots count. */
  readonly reads: readonly { readonly input: number; readonly kind: Kind }[];
}

function nestIn(
  { shape, axes, product }: Space,
  { name, compute, reads, size, roots }: Computation,
  views: readonly (View | null)[],
  params: readonly number[],
  outputs: readonly View[],
): Nest {
  const inputs: NestInput[] = [];
  for (const { input, kind } of reads) inputs.push({ view: views[input]!, kind });
  return { name, compute, shape, axes, product, inputs, params, size, roots, outputs };
}

const bareProduct = (name: string, compute: ComputeType): Computation => ({
  name,
  compute,
  reads: [{ input: 0, kind: 'element' }],
  size: 0,
  roots: [input(0, 'element')],
});

const computations = {
  map: new WeakMap<Program, Computation>(),
  fold: new WeakMap<Program, Computation>(),
  product: new WeakMap<Program, Computation>(),
};

/** Of each program once. Without folds everything is per element. */
function computationOf(program: Program, op: keyof typeof computations): Computation {
  let known = computations[op].get(program);
  if (known === undefined) {
    const { signature, roots, size } = expressionsOf(program);
    const own = op === 'fold' ? roots : withoutRows(roots);
    // The product is made in any case.
    const used = op === 'product' ? [...new Set([0, ...inputsOf(own)])] : inputsOf(own);
    const reads = used.map((i) => ({ input: i, kind: op === 'fold' ? signature.inputs[i]! : 'element' }) as const);
    const { name, compute } = signature;
    known = { name, compute, reads, size, roots: overInputs(own, used) };
    computations[op].set(program, known);
  }
  return known;
}

const withoutRows = (roots: readonly Expr[]): Expr[] =>
  rewrite(roots, (original, rebuilt) => {
    if (original.op === 'input') return input(original.value, 'element');
    return original.op === 'expand' ? rebuilt.args[0]! : rebuilt;
  });

/** Expressions that read these inputs only, which are numbered from 0 on instead. */
const overInputs = (roots: readonly Expr[], used: readonly number[]): Expr[] =>
  rewrite(roots, (original, rebuilt) => {
    return original.op === 'input' ? input(used.indexOf(original.value), original.rate as Kind) : rebuilt;
  });

/** Programs by what they compute and from what: of nests that are alike, one is compiled. */
export type Programs = Map<string, Program>;

function programOf(nest: Nest, programs: Programs): Program {
  const { name, compute, inputs, params, roots } = nest;
  const signature = { name, compute, inputs: inputs.map(({ kind }) => kind), params: params.length };
  const key = `${name} ${compute} ${signature.inputs.join(' ')} ${signature.params}\n${structureOf(roots)}`;
  let known = programs.get(key);
  if (known === undefined) {
    known = compile(signature, compiledRoots(nest));
    programs.set(key, known);
  }
  return known;
}

/** With what is computed twice made one. */
export const compiledRoots = ({ roots, axes }: Nest): readonly Expr[] => writtenAs(roots, shareCommon(roots), axes);

/**
 * What roots have become, written as often as they were: a value for each element may turn out to be the same for a whole row. Without rows all is
 * per element.
 */
export function writtenAs(
  before: readonly Expr[],
  roots: readonly Expr[],
  axes: readonly number[] | null,
): readonly Expr[] {
  if (axes === null) return roots;
  return roots.map((root, i) => (before[i]!.rate === 'element' ? perElement(root) : root));
}

/** A value once per element, though it be the same for a whole row. */
const perElement = (root: Expr): Expr => (root.rate === 'element' ? root : expand(root));

export function instructionOf(nest: Nest, programs: Programs): Instruction {
  const { shape, axes, product, inputs, params, outputs } = nest;
  const views: View[] = [];
  for (const { view } of inputs) if (view !== null) views.push(view);
  if (product !== null) {
    const epilogue = isProductItself(nest) ? null : { program: programOf(nest, programs), params, inputs: views };
    return { ...product, outputs, epilogue };
  }
  const program = programOf(nest, programs);
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
  if (nest.outputs.every(wanted)) return nest;
  const kept = nest.outputs.map(wanted);
  const roots = nest.roots.filter((_, i) => kept[i]);
  const used = nest.product === null ? inputsOf(roots) : [...new Set([0, ...inputsOf(roots)])];
  const inputs = used.map((i) => nest.inputs[i]!);
  const outputs = nest.outputs.filter((_, i) => kept[i]);
  return inSpace(nest, nest.shape, nest.axes, inputs, overInputs(roots, used), outputs);
}

/** The expressions over other inputs, and over parameters that start at another number. */
export function relocate(roots: readonly Expr[], inputs: (index: number) => Expr, firstParam: number): readonly Expr[] {
  const moved = (leaf: Expr): Expr => {
    if (leaf.op === 'input') return inputs(leaf.value);
    return leaf.op === 'param' ? param(leaf.value + firstParam) : leaf;
  };
  const [root] = roots;
  // Most are one operation.
  if (roots.length === 1 && root!.depth === 1) return [withArgs(root!, root!.args.map(moved))];
  // What an operation has become may be an operand itself, as of -(-x): that has moved already.
  return rewrite(roots, (original, rebuilt) => (original.args.length === 0 ? moved(original) : rebuilt));
}

/**
 * The nest as part of one over a larger shape: as it is if the shapes agree, once per row if it is a map over what rows are
 * numbered by; else null.
 */
export function within(nest: Nest, shape: readonly number[], axes: readonly number[] | null): Nest | null {
  if (sameShape(nest.shape, shape) && (nest.axes === null || (axes !== null && sameShape(nest.axes, axes)))) {
    if (axes === null || nest.axes !== null) return nest;
    return inSpace(nest, shape, axes, nest.inputs, nest.roots.map(perElement), nest.outputs);
  }
  return axes === null || nest.axes !== null || nest.product !== null ? null : perRow(nest, shape, axes);
}

function perRow(nest: Nest, shape: readonly number[], axes: readonly number[]): Nest | null {
  const squeezed = shape.filter((_, axis) => !axes.includes(axis));
  const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const squeezes = sameShape(nest.shape, squeezed);
  if (!squeezes && !sameShape(nest.shape, kept)) return null;
  const row = ({ storage, offset, shape: own, strides: steps, dtype }: View): View => {
    const strides = broadcastStrides({ shape: own, strides: steps }, nest.shape);
    if (!squeezes) return { storage, offset, shape: kept, strides, dtype };
    let next = 0;
    const spread = shape.map((_, axis) => (axes.includes(axis) ? 0 : strides[next++]!));
    return { storage, offset, shape: kept, strides: spread, dtype };
  };
  const inputs = nest.inputs.map(({ view }): NestInput => ({ view: row(view!), kind: 'row' }));
  const roots = relocate(nest.roots, (i) => input(i, 'row'), 0);
  return inSpace(nest, shape, axes, inputs, roots, nest.outputs.map(row));
}

/** The nest over another shape, with other axes folded. */
function inSpace(
  { name, compute, product, params, size }: Nest,
  shape: readonly number[],
  axes: readonly number[] | null,
  inputs: readonly NestInput[],
  roots: readonly Expr[],
  outputs: readonly View[],
): Nest {
  return { name, compute, shape, axes, product, inputs, params, size, roots, outputs };
}

/** Whether two views have the same elements in an iteration over `shape`. */
export function sameElements(a: View, b: View, shape: readonly number[]): boolean {
  if (a.storage !== b.storage || a.offset !== b.offset || a.dtype !== b.dtype) return false;
  for (let axis = 0; axis < shape.length; axis++) {
    if (shape[axis] !== 1 && strideAt(a, axis - shape.length) !== strideAt(b, axis - shape.length)) return false;
  }
  return true;
}

const COMPARISONS: readonly string[] = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'];

/** Whether an expression is 0 or 1, so that a bool holds all of it. */
export const isComparison = (x: Expr): boolean => COMPARISONS.includes(x.op);
