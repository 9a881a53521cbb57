import { computeType, type DType } from '../backend/dtype.js';
import type { Instruction } from '../backend/instructions.js';
import type { View } from '../backend/view.js';
import type { Expr } from '../expr/index.js';
import * as e from '../expr/index.js';
import { Kernel } from '../tensor/kernel.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Flags, Operands, Rule, Values } from './rule.js';

/** What of a rule becomes instructions. */
type Formula = Pick<Rule<object>, 'name' | 'update' | 'change'>;

/** A way to change a parameter. */
export interface Update {
  /** @param tensors the parameter, its gradient, and the entries of its state; undefined for those that it has not */
  run(tensors: readonly (Tensor | undefined)[], numbers: readonly Tensor[]): void;
  /** What `run` comes to; null where that is several instructions. */
  readonly single: Single | null;
}

/** An update that is one instruction. */
export interface Single {
  /** Of what it changes, as `run` names it in errors. */
  readonly op: string;
  /** Which of the tensors it reads, and after these of the numbers; and which of the tensors it writes. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  instruction(outputs: readonly View[], inputs: readonly View[], dtype: DType): Instruction;
}

const OPERANDS = ['parameter', 'gradient'];

/** An update as one instruction: one pass over memory. */
class Fused implements Update, Single {
  readonly op: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly #kernel: Kernel;

  /**
   * @param entries those of the state that there are
   * @param numbers the names of a step's numbers
   */
  constructor(
    name: string,
    update: NonNullable<Formula['update']>,
    flags: Flags,
    entries: readonly string[],
    numbers: readonly string[],
  ) {
    this.op = `${name}.step`;
    const tensors = [...OPERANDS, ...entries];
    const operands = (names: readonly string[], first: number) =>
      Object.fromEntries(names.map((name, i): [string, Expr] => [name, e.input(first + i, 'element')]));
    const results = update(operands(tensors, 0) as Values, operands(numbers, tensors.length), flags);
    this.inputs = e.inputsOf(Object.values(results));
    this.outputs = Object.keys(results).map((name) => tensors.indexOf(name));
    const roots = e.rewrite(Object.values(results), (original, rebuilt) =>
      original.op === 'input' ? e.input(this.inputs.indexOf(original.value), 'element') : rebuilt,
    );
    this.#kernel = new Kernel(
      name,
      roots,
      this.inputs.map(() => 'element'),
      0,
    );
  }

  get single(): Single {
    return this;
  }

  instruction(outputs: readonly View[], inputs: readonly View[], dtype: DType): Instruction {
    return this.#kernel.instruction(outputs, inputs, computeType(dtype));
  }

  run(tensors: readonly (Tensor | undefined)[], numbers: readonly Tensor[]): void {
    const inputs = new Array<Tensor>(this.inputs.length);
    for (let i = 0; i < inputs.length; i++) {
      const place = this.inputs[i]!;
      inputs[i] = tensors[place] ?? numbers[place - tensors.length]!;
    }
    const outputs = new Array<Tensor>(this.outputs.length);
    for (let i = 0; i < outputs.length; i++) outputs[i] = tensors[this.outputs[i]!]!;
    this.#kernel.runInto(outputs, inputs, [], computeType(outputs[0]!.dtype), null);
    for (let i = 0; i < outputs.length; i++) outputs[i]!.bumpVersion(this.op);
  }
}

/** An update by tensor operations. */
class Composed implements Update {
  readonly single = null;
  readonly #change: NonNullable<Formula['change']>;
  readonly #flags: Flags;
  readonly #names: readonly string[];
  readonly #numbers: readonly string[];

  constructor(
    change: NonNullable<Formula['change']>,
    flags: Flags,
    entries: readonly string[],
    numbers: readonly string[],
  ) {
    this.#change = change;
    this.#flags = flags;
    this.#names = [...OPERANDS, ...entries];
    this.#numbers = numbers;
  }

  run(tensors: readonly (Tensor | undefined)[], numbers: readonly Tensor[]): void {
    const named = (names: readonly string[], values: readonly (Tensor | undefined)[]) =>
      Object.fromEntries(names.map((name, i) => [name, values[i]]));
    this.#change(
      named(this.#names, tensors) as Operands,
      named(this.#numbers, numbers) as Record<string, Tensor>,
      this.#flags,
    );
  }
}

function makeUpdate(rule: Formula, flags: Flags, entries: readonly string[], numbers: readonly string[]): Update {
  const { name, update, change } = rule;
  if (update !== undefined) return new Fused(name, update, flags, entries, numbers);
  return new Composed(change!, flags, entries, numbers);
}

const updates = new WeakMap<object, Map<string, Update>>();

/** The update that a rule comes to with such flags and such a state. Each is made once. */
export function updateFor(rule: Formula, flags: Flags, entries: readonly string[], numbers: readonly string[]): Update {
  let known = updates.get(rule);
  if (known === undefined) {
    known = new Map();
    updates.set(rule, known);
  }
  const key = [...Object.values(flags), ...entries].join(' ');
  let update = known.get(key);
  if (update === undefined) {
    update = makeUpdate(rule, flags, entries, numbers);
    known.set(key, update);
  }
  return update;
}
