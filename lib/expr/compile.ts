import type { ComputeType } from '../backend/dtype.js';
import type { Fold, MicroOp } from '../backend/micro-ops.js';
import type { FoldInstruction, Kind, MicroInstruction, Program, Stage } from '../backend/program.js';
import { NablaError } from '../errors.js';
import { type Expr, isFold } from './expr.js';
import { shareCommon, stageCount, topological } from './graph.js';

export interface Signature {
  readonly name: string;
  readonly compute: ComputeType;
  readonly inputs: readonly Kind[];
  readonly params: number;
}

/** What a program was compiled from, to compile it together with others. */
export interface Expressions {
  readonly signature: Signature;
  readonly roots: readonly Expr[];
  /** How many operations they are. */
  readonly size: number;
}

const expressions = new WeakMap<Program, Expressions>();

export const expressionsOf = (program: Program): Expressions => expressions.get(program)!;

/** A slot before registers are allotted: a fixed one (input, output, parameter, constant), or a value that an instruction makes. */
type Value = { readonly slot: number } | Made;
interface Made {
  readonly kind: Kind;
  /** Which of its kind, unless the value is made where an output is. */
  register?: number;
  output?: number;
}
interface Draft<T> {
  readonly op: T;
  readonly dst: Value;
  readonly args: readonly Value[];
}
interface DraftStage {
  readonly elements: Draft<MicroOp>[];
  readonly folds: Draft<Fold>[];
  readonly rows: Draft<MicroOp>[];
}

/**
 * Compiles expressions (one per output) to a micro-program: common subexpressions become one, folds cut the program into
 * stages, and values get registers by linear scan. An output of rate `call` is written once per element in a map, per row otherwise.
 */
export function compile(signature: Signature, outputs: readonly Expr[]): Program {
  const roots = shareCommon(outputs);
  const order = topological(roots);
  checkLeaves(signature, order);
  const rows = order.some(isFold) || signature.inputs.includes('row');
  const kinds = roots.map((root): Kind => (root.rate === 'element' || !rows ? 'element' : 'row'));
  const constants = new Constants(order);
  const context = { signature, roots, kinds, constants };
  const resident = new Emitter(context, false);
  // Of one stage there is nothing to compute again.
  const streamed = resident.stages.length === 1 ? resident : new Emitter(context, true);
  const registersBefore = signature.inputs.length + roots.length + signature.params + constants.values.length;
  // Both variants address one set of registers: element registers first, so row registers start after the larger need.
  const needs = [resident, streamed].map((emitter) => allotRegisters(emitter.stages));
  const elementRegisters = Math.max(...needs.map((need) => need.element));
  const base = { element: registersBefore, row: registersBefore + elementRegisters };
  const program: Program = {
    name: signature.name,
    compute: signature.compute,
    inputs: signature.inputs,
    outputs: kinds,
    params: signature.params,
    constants: constants.values,
    elementRegisters,
    rowRegisters: Math.max(...needs.map((need) => need.row)),
    resident: resident.stages.map((stage) => finish(stage, base)),
    streamed: streamed.stages.map((stage) => finish(stage, base)),
  };
  expressions.set(program, { signature, roots, size: order.filter(({ args }) => args.length > 0).length });
  return program;
}

/** The core trusts the slots of a program: one beyond its operands would be memory of something else. */
function checkLeaves({ name, inputs, params }: Signature, order: readonly Expr[]): void {
  for (const { op, value } of order) {
    if (op !== 'input' && op !== 'param') continue;
    const count = op === 'input' ? inputs.length : params;
    if (!(Number.isInteger(value) && value >= 0 && value < count)) {
      throw new NablaError(`${name}: the expression reads ${op} ${value}, but there are ${count}`);
    }
  }
}

interface Context {
  readonly signature: Signature;
  readonly roots: readonly Expr[];
  readonly kinds: readonly Kind[];
  readonly constants: Constants;
}

/** Emits the instructions of one variant of a program; see `Program` for what tells `resident` and `streamed` apart. */
class Emitter {
  readonly stages: DraftStage[];
  readonly #context: Context;
  #elements = new Map<Expr, Value>();
  readonly #rows = new Map<Expr, Value>();

  constructor(context: Context, streamed: boolean) {
    this.#context = context;
    const { roots } = context;
    this.stages = Array.from({ length: stageCount(roots) }, () => ({ elements: [], folds: [], rows: [] }));
    const rowNodes: Expr[][] = this.stages.map(() => []);
    for (const node of topological(roots)) {
      if (node.rate === 'row' && node.op !== 'input') rowNodes[node.stage]!.push(node);
    }
    this.stages.forEach((stage, level) => {
      if (streamed) this.#elements = new Map();
      for (const node of rowNodes[level]!) this.#rowNode(node, stage);
    });
    this.#writeOutputs(this.stages.at(-1)!);
  }

  #rowNode(node: Expr, stage: DraftStage): void {
    if (!isFold(node)) {
      this.#row(node, stage);
      return;
    }
    const dst: Value = { kind: 'row' };
    stage.folds.push({ op: node.op.slice(5) as Fold, dst, args: [this.#register(node.args[0]!, stage)] });
    this.#rows.set(node, dst);
  }

  /** A fold reads an element slot: parameters, constants and row values are expanded first. */
  #register(node: Expr, stage: DraftStage): Value {
    const value = this.#element(node, stage);
    // What is expanded may be a parameter or a constant after all.
    const isOne = 'slot' in value && value.slot >= this.#context.signature.inputs.length;
    if (node.rate === 'element' && !isOne) return value;
    const dst: Value = { kind: 'element' };
    stage.elements.push({ op: 'copy', dst, args: [value] });
    return dst;
  }

  /** The slot that holds `node` once per row (or once per call). */
  #row(node: Expr, stage: DraftStage): Value {
    const known = this.#rows;
    for (const one of topological([node], (user) => (known.has(user) ? [] : user.args))) {
      if (!known.has(one)) known.set(one, this.#value(one, stage.rows, 'row', known));
    }
    return known.get(node)!;
  }

  /** The slot that holds `node` once per element; a row value is expanded. */
  #element(node: Expr, stage: DraftStage): Value {
    const known = this.#elements;
    for (const one of topological([node], (user) => (user.rate === 'row' || known.has(user) ? [] : user.args))) {
      if (!known.has(one)) known.set(one, this.#newElement(one, stage));
    }
    return known.get(node)!;
  }

  /** Likewise, its operands being known. */
  #newElement(node: Expr, stage: DraftStage): Value {
    if (node.op === 'expand') return this.#elements.get(node.args[0]!)!;
    if (node.rate !== 'row') return this.#value(node, stage.elements, 'element', this.#elements);
    const dst: Value = { kind: 'element' };
    stage.elements.push({ op: 'expand', dst, args: [this.#row(node, stage)] });
    return dst;
  }

  #value(node: Expr, code: Draft<MicroOp>[], kind: Kind, known: ReadonlyMap<Expr, Value>): Value {
    const leaf = this.#leaf(node);
    if (leaf !== undefined) return leaf;
    const args = node.args.map((arg) => known.get(arg)!);
    if (node.op === 'detach') return args[0]!;
    const dst: Value = { kind };
    code.push({ op: node.op as MicroOp, dst, args });
    return dst;
  }

  #leaf(node: Expr): Value | undefined {
    const { signature, roots, constants } = this.#context;
    const params = signature.inputs.length + roots.length;
    if (node.op === 'input') return { slot: node.value };
    if (node.op === 'param') return { slot: params + node.value };
    if (node.op === 'constant') return { slot: params + signature.params + constants.indexOf(node.value) };
    return undefined;
  }

  #writeOutputs(stage: DraftStage): void {
    const { roots, kinds, signature } = this.#context;
    const values = roots.map((root, i) => (kinds[i] === 'row' ? this.#row(root, stage) : this.#element(root, stage)));
    const inputCount = signature.inputs.length;
    if (roots.length > 1) this.#loadInputs(values, stage, inputCount);
    values.forEach((value, i) => {
      const slot = inputCount + i;
      const code = kinds[i] === 'row' ? stage.rows : stage.elements;
      // Another output that is the same value copies it from there.
      const maker = isInRegister(value) ? code.findLastIndex((draft) => draft.dst === value) : -1;
      const readsLater = code.slice(maker + 1).some((draft) => draft.args.some((arg) => isInput(arg, inputCount)));
      if (isInRegister(value) && maker >= 0 && !readsLater) value.output = slot;
      else code.push({ op: 'copy', dst: { slot }, args: [value] });
    });
  }

  /** Outputs that are inputs unchanged are read before the first output is written. */
  #loadInputs(values: Value[], stage: DraftStage, inputCount: number): void {
    values.forEach((value, i) => {
      if (!isInput(value, inputCount)) return;
      const kind = this.#context.kinds[i]!;
      const dst: Value = { kind };
      (kind === 'row' ? stage.rows : stage.elements).push({ op: 'copy', dst, args: [value] });
      values[i] = dst;
    });
  }
}

const isInput = (value: Value, inputCount: number): boolean => 'slot' in value && value.slot < inputCount;

/** The different constants of expressions, in the order in which they are met. */
class Constants {
  readonly values: number[] = [];
  readonly #places = new Map<number | string, number>();

  constructor(order: readonly Expr[]) {
    for (const { op, value } of order) {
      if (op !== 'constant' || this.#places.has(keyOf(value))) continue;
      this.#places.set(keyOf(value), this.values.push(value) - 1);
    }
  }

  indexOf(value: number): number {
    return this.#places.get(keyOf(value))!;
  }
}

/** Tells -0 from 0, which a Map would not. */
const keyOf = (value: number): number | string => (Object.is(value, -0) ? '-0' : value);

/** Linear scan: a register is free again after the last instruction that reads it. Returns how many each kind needs. */
function allotRegisters(stages: readonly DraftStage[]): Record<Kind, number> {
  const code = stages.flatMap((stage) => [...stage.elements, ...stage.folds, ...stage.rows]);
  const lastRead = new Map<Value, number>();
  code.forEach((draft, i) => {
    for (const arg of draft.args) lastRead.set(arg, i);
  });
  const needed = { element: 0, row: 0 };
  const free: Record<Kind, number[]> = { element: [], row: [] };
  code.forEach((draft, i) => {
    for (const arg of new Set(draft.args)) {
      if (isInRegister(arg) && lastRead.get(arg) === i) free[arg.kind].push(arg.register!);
    }
    const { dst } = draft;
    if (!isInRegister(dst)) return;
    dst.register = free[dst.kind].pop() ?? needed[dst.kind]++;
    if (!lastRead.has(dst)) free[dst.kind].push(dst.register);
  });
  return needed;
}

const isInRegister = (value: Value): value is Made => 'kind' in value && value.output === undefined;

function finish(stage: DraftStage, base: Readonly<Record<Kind, number>>): Stage {
  const slot = (value: Value | undefined): number => {
    if (value === undefined) return -1;
    return 'slot' in value ? value.slot : (value.output ?? base[value.kind] + value.register!);
  };
  const micro = ({ op, dst, args }: Draft<MicroOp>): MicroInstruction => {
    return { op, dst: slot(dst), a: slot(args[0]), b: slot(args[1]), c: slot(args[2]) };
  };
  const fold = ({ op, dst, args }: Draft<Fold>): FoldInstruction => ({ fold: op, src: slot(args[0]), dst: slot(dst) });
  return { elements: stage.elements.map(micro), folds: stage.folds.map(fold), rows: stage.rows.map(micro) };
}
