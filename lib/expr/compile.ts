import type { ComputeType } from '../backend/dtype.js';
import type { Fold, MicroOp } from '../backend/micro-ops.js';
import type { FoldInstruction, Kind, MicroInstruction, Program, Stage } from '../backend/program.js';
import { NablaError } from '../errors.js';
import { type Expr, isFold } from './expr.js';
import { shareCommon, topological } from './graph.js';

export interface Signature {
  readonly name: string;
  readonly compute: ComputeType;
  readonly inputs: readonly Kind[];
  readonly params: number;
}

/** What a program was compiled from, to compile it again together with others. */
export interface Source {
  readonly signature: Signature;
  readonly roots: readonly Expr[];
}

const sources = new WeakMap<Program, Source>();

export const sourceOf = (program: Program): Source => sources.get(program)!;

/** A slot before registers are allotted: a fixed one (input, output, parameter, constant) or a value still to be placed. */
type Value = { readonly slot: number } | { readonly kind: Kind; register?: number };
interface Draft<T> {
  readonly op: T;
  dst: Value;
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
  const rows = order.some((node) => isFold(node)) || signature.inputs.includes('row');
  const kinds = roots.map((root): Kind => (root.rate === 'element' || !rows ? 'element' : 'row'));
  const constants = distinctConstants(order);
  const context = { signature, roots, kinds, constants, levels: stageLevels(order) };
  const resident = new Emitter(context, false);
  const streamed = new Emitter(context, true);
  const registersBefore = signature.inputs.length + roots.length + signature.params + constants.length;
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
    constants,
    elementRegisters,
    rowRegisters: Math.max(...needs.map((need) => need.row)),
    resident: resident.stages.map((stage) => finish(stage, base)),
    streamed: streamed.stages.map((stage) => finish(stage, base)),
  };
  sources.set(program, { signature, roots });
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

/**
 * The stage in which a node can be computed: an element operation after the last stage that makes a row value it reads; a fold or row operation
 * at the end of the stage that has its operands.
 */
function stageLevels(order: readonly Expr[]): Map<Expr, number> {
  const levels = new Map<Expr, number>();
  for (const node of order) {
    let level = 0;
    for (const arg of node.args) {
      const crosses = arg.rate === 'row' && arg.op !== 'input' && (node.rate === 'element' || isFold(node));
      level = Math.max(level, levels.get(arg)! + (crosses ? 1 : 0));
    }
    levels.set(node, level);
  }
  return levels;
}

interface Context {
  readonly signature: Signature;
  readonly roots: readonly Expr[];
  readonly kinds: readonly Kind[];
  readonly constants: readonly number[];
  readonly levels: ReadonlyMap<Expr, number>;
}

/** Emits the instructions of one variant of a program; see `Program` for what tells `resident` and `streamed` apart. */
class Emitter {
  readonly stages: DraftStage[];
  readonly #context: Context;
  readonly #streamed: boolean;
  #elements = new Map<Expr, Value>();
  readonly #rows = new Map<Expr, Value>();

  constructor(context: Context, streamed: boolean) {
    this.#context = context;
    this.#streamed = streamed;
    const { roots, levels } = context;
    const count = 1 + Math.max(...roots.map((root) => levels.get(root)!));
    this.stages = Array.from({ length: count }, () => ({ elements: [], folds: [], rows: [] }));
    const rowNodes = topological(roots).filter((node) => node.rate === 'row' && node.op !== 'input');
    this.stages.forEach((stage, level) => {
      if (this.#streamed) this.#elements = new Map();
      for (const node of rowNodes) if (levels.get(node) === level) this.#rowNode(node, stage);
      if (level === count - 1) this.#writeOutputs(stage);
    });
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
    if (node.rate === 'element') return value;
    const dst: Value = { kind: 'element' };
    stage.elements.push({ op: 'copy', dst, args: [value] });
    return dst;
  }

  /** The slot that holds `node` once per row (or once per call). */
  #row(node: Expr, stage: DraftStage): Value {
    return this.#leaf(node) ?? this.#memoised(this.#rows, node, stage.rows, 'row', (arg) => this.#row(arg, stage));
  }

  /** The slot that holds `node` once per element; a row value is expanded. */
  #element(node: Expr, stage: DraftStage): Value {
    if (node.rate === 'row') {
      const known = this.#elements.get(node);
      if (known !== undefined) return known;
      const dst: Value = { kind: 'element' };
      stage.elements.push({ op: 'expand', dst, args: [this.#row(node, stage)] });
      this.#elements.set(node, dst);
      return dst;
    }
    if (node.op === 'expand') return this.#element(node.args[0]!, stage);
    const operand = (arg: Expr) => this.#element(arg, stage);
    return this.#leaf(node) ?? this.#memoised(this.#elements, node, stage.elements, 'element', operand);
  }

  #memoised(
    memo: Map<Expr, Value>,
    node: Expr,
    code: Draft<MicroOp>[],
    kind: Kind,
    operand: (arg: Expr) => Value,
  ): Value {
    const known = memo.get(node);
    if (known !== undefined) return known;
    const args = node.args.map(operand);
    let dst = args[0]!;
    if (node.op !== 'detach') {
      dst = { kind };
      code.push({ op: node.op as MicroOp, dst, args });
    }
    memo.set(node, dst);
    return dst;
  }

  #leaf(node: Expr): Value | undefined {
    const { signature, roots, constants } = this.#context;
    const params = signature.inputs.length + roots.length;
    if (node.op === 'input') return { slot: node.value };
    if (node.op === 'param') return { slot: params + node.value };
    if (node.op === 'constant') return { slot: params + signature.params + indexOfValue(constants, node.value) };
    return undefined;
  }

  #writeOutputs(stage: DraftStage): void {
    const { roots, kinds, signature } = this.#context;
    const values = roots.map((root, i) => (kinds[i] === 'row' ? this.#row(root, stage) : this.#element(root, stage)));
    const inputCount = signature.inputs.length;
    if (roots.length > 1) this.#loadInputs(values, stage, inputCount);
    values.forEach((value, i) => {
      const output: Value = { slot: inputCount + i };
      const code = kinds[i] === 'row' ? stage.rows : stage.elements;
      const maker = 'kind' in value ? code.findLastIndex((draft) => draft.dst === value) : -1;
      const readsLater = code.slice(maker + 1).some((draft) => draft.args.some((arg) => isInput(arg, inputCount)));
      if (maker >= 0 && !readsLater && 'kind' in value) {
        redirect(this.stages, value, output);
        // Another output that is the same value copies it from here.
        for (let j = i + 1; j < values.length; j++) if (values[j] === value) values[j] = output;
      } else code.push({ op: 'copy', dst: output, args: [value] });
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

/** Tells -0 from 0, which a Set would not. */
function distinctConstants(order: readonly Expr[]): number[] {
  const values: number[] = [];
  for (const { op, value } of order) if (op === 'constant' && indexOfValue(values, value) < 0) values.push(value);
  return values;
}

const indexOfValue = (values: readonly number[], value: number): number => values.findIndex((v) => Object.is(v, value));

/** Makes the instruction that computes `value` write to `output`, and its readers read from there. */
function redirect(stages: readonly DraftStage[], value: Value, output: Value): void {
  const swap = (v: Value) => (v === value ? output : v);
  for (const stage of stages) {
    for (const code of [stage.elements, stage.folds, stage.rows]) {
      code.forEach((draft, i) => {
        const { op, dst, args } = draft;
        code[i] = { op: op as never, dst: swap(dst), args: args.map(swap) };
      });
    }
  }
}

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
      if ('kind' in arg && lastRead.get(arg) === i) free[arg.kind].push(arg.register!);
    }
    const { dst } = draft;
    if ('slot' in dst) return;
    dst.register = free[dst.kind].pop() ?? needed[dst.kind]++;
    if (!lastRead.has(dst)) free[dst.kind].push(dst.register);
  });
  return needed;
}

function finish(stage: DraftStage, base: Readonly<Record<Kind, number>>): Stage {
  const slot = (value: Value | undefined) =>
    value === undefined ? -1 : 'slot' in value ? value.slot : base[value.kind] + value.register!;
  const micro = ({ op, dst, args }: Draft<MicroOp>): MicroInstruction => {
    return { op, dst: slot(dst), a: slot(args[0]), b: slot(args[1]), c: slot(args[2]) };
  };
  const fold = ({ op, dst, args }: Draft<Fold>): FoldInstruction => ({ fold: op, src: slot(args[0]), dst: slot(dst) });
  return { elements: stage.elements.map(micro), folds: stage.folds.map(fold), rows: stage.rows.map(micro) };
}
