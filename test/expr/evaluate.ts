import { type Fold, type MicroOp, microOps } from '../../lib/backend/micro-ops.js';
import { type Kind, type MicroInstruction, type Program, type Stage, slotLayout } from '../../lib/backend/program.js';
import { type Expr, isFold, topological } from '../../lib/expr/index.js';

/** The operands of one row: per input its elements, or its one row value. */
export interface Row {
  readonly size: number;
  readonly inputs: readonly (readonly number[])[];
  readonly params: readonly number[];
}

const folds: Readonly<Record<Fold, (values: readonly number[]) => number>> = {
  sum: (values) => values.reduce((total, x) => total + x, 0),
  prod: (values) => values.reduce((product, x) => product * x, 1),
  min: (values) => Math.min(...values),
  max: (values) => Math.max(...values),
  argmin: (values) => values.indexOf(Math.min(...values)),
  argmax: (values) => values.indexOf(Math.max(...values)),
};

const repeat = (value: number, size: number): number[] => new Array<number>(size).fill(value);

/** What an expression means: its value at every element of a row, by recursion over its nodes. */
export function evaluate(root: Expr, row: Row): number[] {
  const values = new Map<Expr, number[]>();
  for (const node of topological([root])) values.set(node, nodeValue(node, row, values));
  return values.get(root)!;
}

function nodeValue(node: Expr, { size, inputs, params }: Row, values: ReadonlyMap<Expr, readonly number[]>): number[] {
  const args = node.args.map((arg) => values.get(arg)!);
  if (node.op === 'constant') return repeat(node.value, size);
  if (node.op === 'param') return repeat(params[node.value]!, size);
  if (node.op === 'input') return spread(inputs[node.value]!, size);
  if (node.op === 'position') return Array.from({ length: size }, (_, i) => i);
  if (node.op === 'detach') return [...args[0]!];
  if (isFold(node)) return repeat(folds[node.op.slice('fold:'.length) as Fold](args[0]!), size);
  return Array.from({ length: size }, (_, i) => applyAt(node.op as MicroOp, args, i));
}

const spread = (values: readonly number[], size: number): number[] =>
  values.length === size ? [...values] : repeat(values[0]!, size);

const applyAt = (op: MicroOp, args: readonly (readonly number[])[], i: number): number =>
  microOps[op].apply(args[0]?.[i] ?? Number.NaN, args[1]?.[i] ?? Number.NaN, args[2]?.[i] ?? Number.NaN);

/** Runs a program over one row as `Program` says it runs, and throws where it breaks the rules written there. */
export function run(program: Program, variant: 'resident' | 'streamed', row: Row): number[][] {
  const machine = new Machine(program, row);
  const stages = program[variant];
  stages.forEach((stage, i) => {
    if (variant === 'streamed') machine.forgetElements();
    machine.stage(stage, i === stages.length - 1);
  });
  return machine.outputs();
}

class Machine {
  readonly #program: Program;
  readonly #row: Row;
  readonly #layout: ReturnType<typeof slotLayout>;
  readonly #slots: (readonly number[] | undefined)[];
  /** Kinds of the outputs written so far: one of a kind may be the very view that an input of that kind is. */
  readonly #written = new Set<Kind>();

  constructor(program: Program, row: Row) {
    this.#program = program;
    this.#row = row;
    this.#layout = slotLayout(program);
    this.#slots = new Array<undefined>(this.#layout.count);
    row.inputs.forEach((values, i) => {
      this.#slots[i] = values;
    });
    row.params.forEach((value, i) => {
      this.#slots[this.#layout.params + i] = [value];
    });
    program.constants.forEach((value, i) => {
      this.#slots[this.#layout.constants + i] = [value];
    });
  }

  forgetElements(): void {
    this.#slots.fill(undefined, this.#layout.elementRegisters, this.#layout.rowRegisters);
  }

  stage(stage: Stage, last: boolean): void {
    for (const instruction of stage.elements) this.#micro(instruction, 'element', last);
    for (const { fold, src, dst } of stage.folds) {
      this.#expectKind(dst, 'row');
      this.#slots[dst] = [folds[fold](spread(this.#read(src, 'element'), this.#row.size))];
    }
    for (const instruction of stage.rows) this.#micro(instruction, 'row', last);
  }

  outputs(): number[][] {
    return this.#program.outputs.map((_, i) => {
      const values = this.#slots[this.#program.inputs.length + i];
      if (values === undefined) throw new Error(`output ${i} was not written`);
      return spread(values, this.#row.size);
    });
  }

  #micro({ op, dst, a, b, c }: MicroInstruction, kind: Kind, last: boolean): void {
    const size = kind === 'element' ? this.#row.size : 1;
    const args = [a, b, c].slice(0, microOps[op].arity).map((slot) => spread(this.#read(slot, kind, op), size));
    this.#expectKind(dst, kind);
    if (this.#isOutput(dst)) {
      if (kind === 'element' && !last) throw new Error(`${op} writes an element output before the last stage`);
      this.#written.add(kind);
    }
    this.#slots[dst] =
      op === 'position'
        ? Array.from({ length: size }, (_, i) => i)
        : Array.from({ length: size }, (_, i) => applyAt(op, args, i));
  }

  #isOutput(slot: number): boolean {
    return slot >= this.#layout.outputs && slot < this.#layout.params;
  }

  #read(slot: number, kind: Kind, op = 'fold'): readonly number[] {
    const { elementRegisters, rowRegisters } = this.#layout;
    const input = this.#program.inputs[slot];
    if (input !== undefined && this.#written.has(input))
      throw new Error(`${op} reads input ${slot} after an output of its kind was written`);
    const isElement =
      slot < this.#layout.outputs
        ? this.#program.inputs[slot] === 'element'
        : slot >= elementRegisters && slot < rowRegisters;
    if (kind === 'row' && isElement) throw new Error(`${op} reads element slot ${slot} as a row value`);
    if (kind === 'element' && op !== 'expand' && slot >= rowRegisters)
      throw new Error(`${op} reads row register ${slot} as elements`);
    const values = this.#slots[slot];
    if (values === undefined) throw new Error(`${op} reads slot ${slot} before it was written`);
    return values;
  }

  #expectKind(slot: number, kind: Kind): void {
    const { outputs, params, elementRegisters, rowRegisters, count } = this.#layout;
    const known = slot < params ? this.#program.outputs[slot - outputs] : slot < rowRegisters ? 'element' : 'row';
    const inRange = (slot >= outputs && slot < params) || (slot >= elementRegisters && slot < count);
    if (!inRange || known !== kind) throw new Error(`slot ${slot} cannot be written per ${kind}`);
  }
}
