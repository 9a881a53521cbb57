import { computeType } from '../backend/dtype.js';
import type { Expr } from '../expr/index.js';
import * as e from '../expr/index.js';
import { Kernel } from '../tensor/kernel.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Flags, Rule, Values } from './rule.js';

/** What of a rule becomes instructions. */
type Formula = Pick<Rule<object>, 'name' | 'update'>;

/** An update of a parameter as one instruction: one pass over memory. */
export class Update {
  readonly #kernel: Kernel;
  /** Which of the tensors, then the numbers, the instruction reads, and which of the tensors it writes. */
  readonly #inputs: readonly number[];
  readonly #outputs: readonly number[];

  /**
   * @param entries those of the state that there are
   * @param numbers the names of a step's numbers
   */
  constructor(rule: Formula, flags: Flags, entries: readonly string[], numbers: readonly string[]) {
    const tensors = ['parameter', 'gradient', ...entries];
    const operands = (names: readonly string[], first: number) =>
      Object.fromEntries(names.map((name, i): [string, Expr] => [name, e.input(first + i, 'element')]));
    const results = rule.update(operands(tensors, 0) as Values, operands(numbers, tensors.length), flags);
    this.#inputs = e.inputsOf(Object.values(results));
    this.#outputs = Object.keys(results).map((name) => tensors.indexOf(name));
    const roots = e.rewrite(Object.values(results), (original, rebuilt) =>
      original.op === 'input' ? e.input(this.#inputs.indexOf(original.value), 'element') : rebuilt,
    );
    this.#kernel = new Kernel(
      rule.name,
      roots,
      this.#inputs.map(() => 'element'),
      0,
    );
  }

  /** @param tensors the parameter, its gradient, and the entries of its state */
  run(tensors: readonly Tensor[], numbers: readonly Tensor[]): void {
    const inputs = this.#inputs.map((i) => tensors[i] ?? numbers[i - tensors.length]!);
    const outputs = this.#outputs.map((i) => tensors[i]!);
    this.#kernel.runInto(outputs, inputs, [], computeType(outputs[0]!.dtype), null);
    for (const output of outputs) output.bumpVersion(`${this.#kernel.name}.step`);
  }
}

const updates = new WeakMap<object, Map<string, Update>>();

/** The update that a rule comes to with such flags and such a state. Each is made once. */
export function updateFor(rule: Formula, flags: Flags, entries: readonly string[], numbers: readonly string[]): Update {
  let known = updates.get(rule);
  if (known === undefined) {
    known = new Map();
    updates.set(rule, known);
  }
  const key = [...Object.keys(flags).filter((name) => flags[name]), '/', ...entries].join(' ');
  let update = known.get(key);
  if (update === undefined) {
    update = new Update(rule, flags, entries, numbers);
    known.set(key, update);
  }
  return update;
}
