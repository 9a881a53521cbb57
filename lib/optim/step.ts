import { allocate, type HostAction, type Storage } from '../backend/index.js';
import { isTensor, peekGrad, Tensor } from '../tensor/tensor.js';
import type { Group } from './groups.js';
import { type Update, updateFor } from './kernels.js';
import { LinkedUpdates } from './linked.js';
import { rateOf, ratesIn } from './parameters.js';
import type { Flags, Numbers, Plain, Rule } from './rule.js';

/** What an optimizer keeps of a parameter: numbers that it counts, and tensors; null for one that no step has needed. */
export type State = Record<string, number | Tensor | null>;

/** A parameter that a step changes, and the state that it will have. */
export interface Member {
  readonly parameter: Tensor;
  readonly state: State;
  /** Whether something of the state is made in this step. */
  readonly isFirst: boolean;
}

/** A group, its formula, and what of it is to be changed. */
export interface Part<O> {
  readonly group: Group<O>;
  readonly flags: Flags;
  readonly entries: readonly string[];
  readonly members: readonly Member[];
}

/** Parameters that a step changes by the same formula with the same numbers. */
interface Batch<O> {
  readonly group: Group<O>;
  readonly update: Update;
  readonly entries: readonly string[];
  readonly isFirst: boolean;
  readonly members: Member[];
  /** The counters that were saved. */
  readonly saved: number[];
  /** The tensors of each member's state, by `entries`. */
  readonly tensors: (readonly (Tensor | undefined)[])[];
}

/** Options with the rate as the number that it is now. */
export function plain<O extends object>(group: Group<O>): Plain<Group<O>> {
  const { lr } = group as { lr?: unknown };
  return (isTensor(lr) ? { ...group, lr: rateOf(lr) } : group) as Plain<Group<O>>;
}

/** The numbers of steps in memory, each of them as a 0-d tensor. */
export class Slots {
  readonly storage: Storage;
  readonly tensors: readonly Tensor[];

  constructor(count: number) {
    const storage = allocate('float64', count);
    this.storage = storage;
    this.tensors = Array.from(
      { length: count },
      (_, offset) => new Tensor({ storage, offset, shape: [], strides: [], dtype: 'float64' }),
    );
  }
}

/** The options of groups as they were when they were looked at last, so that they need not be looked at again in every step. */
class Seen {
  readonly #groups: readonly object[];
  readonly #names: readonly string[];
  readonly #values: unknown[] = [];

  constructor(groups: readonly object[], names: readonly string[]) {
    this.#groups = groups;
    this.#names = names;
    this.note();
  }

  note(): void {
    let i = 0;
    for (const group of this.#groups) {
      for (const name of this.#names) {
        const value: unknown = (group as Record<string, unknown>)[name];
        this.#values[i++] = Array.isArray(value) ? [...value] : value;
      }
    }
  }

  isCurrent(): boolean {
    let i = 0;
    for (const group of this.#groups) {
      for (const name of this.#names) {
        if (!isSame((group as Record<string, unknown>)[name], this.#values[i++])) return false;
      }
    }
    return true;
  }
}

/** Whether an option is what it was; of arrays, which can be written to and of which copies are known, each element. */
function isSame(value: unknown, known: unknown): boolean {
  if (value === known) return true;
  if (!Array.isArray(known) || !Array.isArray(value)) return false;
  for (let i = 0; i < known.length; i++) if (value[i] !== known[i]) return false;
  return value.length === known.length;
}

/** One step of an optimizer, as it is done and as a captured function does it again: its numbers, and what they change. */
export class Step<O extends object> implements HostAction {
  readonly optimizer: object;
  readonly count: number;
  readonly #rule: Rule<O>;
  readonly #counters: readonly string[];
  readonly #names: readonly string[];
  readonly #parts: readonly Part<O>[];
  readonly #groups: readonly Group<O>[];
  readonly #batches: readonly Batch<O>[];
  readonly #slots: Slots;
  readonly #check: () => void;
  readonly #options: Seen;
  readonly #formal: Seen;
  /** Whether the formula is known to be the same with the options that were looked at last. */
  #isFormSame = true;
  /** The numbers of each batch as tensors. */
  readonly #operands: readonly (readonly Tensor[])[];
  #isDone = false;
  /** Whether it was done since it was saved: before, its members may count each for itself, and only the first of them was saved. */
  #hasActed = false;
  #linked: LinkedUpdates | null = null;
  /** How often it was done without. */
  #unlinked = 0;

  /**
   * @param names those of the rule's numbers
   * @param slots gives memory for so many numbers
   * @param check looks at the options
   */
  constructor(
    optimizer: object,
    rule: Rule<O>,
    names: readonly string[],
    parts: readonly Part<O>[],
    slots: (count: number) => Slots,
    check: () => void,
  ) {
    this.optimizer = optimizer;
    this.#rule = rule;
    this.#counters = Object.keys(rule.counters);
    this.#names = names;
    this.#parts = parts;
    this.#batches = parts.flatMap((part) => this.#batchesOf(part));
    this.count = this.#batches.length * names.length;
    this.#slots = slots(this.count);
    this.#operands = this.#batches.map((_, b) => this.#slots.tensors.slice(b * names.length, (b + 1) * names.length));
    this.#check = check;
    this.#groups = parts.map(({ group }) => group);
    const { options } = rule.takes;
    this.#options = new Seen(this.#groups, options);
    this.#formal = new Seen(
      this.#groups,
      options.filter((name) => name !== 'lr'),
    );
  }

  get numbers(): Storage {
    return this.#slots.storage;
  }

  check(): void {
    if (this.#options.isCurrent() && this.rates().length === 0) return;
    this.#check();
    this.#options.note();
    this.#isFormSame = false;
  }

  isSame(): boolean {
    if (!this.#countsAreShared()) return false;
    this.#isFormSame ||= this.#hasSameForm();
    return this.#isFormSame;
  }

  act(row: Float64Array, at: number): void {
    let next = at;
    for (const batch of this.#batches) {
      const numbers = this.#numbersOf(batch);
      for (const name of this.#names) row[next++] = numbers[name]!;
      this.#share(batch.members);
    }
    this.#isDone = true;
    this.#hasActed = true;
  }

  follow(): void {
    for (const batch of this.#batches) {
      const { members } = batch;
      if (this.#counters.length > 1) this.#numbersOf(batch);
      else if (this.#counters.length === 1) (members[0]!.state as Numbers).step!++;
      this.#share(members);
    }
  }

  save(): void {
    this.#hasActed = false;
    for (const { members, saved } of this.#batches) {
      const { state } = members[0]!;
      for (let i = 0; i < this.#counters.length; i++) saved[i] = state[this.#counters[i]!] as number;
    }
  }

  restore(): void {
    if (!this.#hasActed) return;
    for (const { members, saved } of this.#batches) {
      const { state } = members[0]!;
      for (let i = 0; i < this.#counters.length; i++) state[this.#counters[i]!] = saved[i]!;
      this.#share(members);
    }
  }

  rates(): readonly Tensor[] {
    return ratesIn(this.#groups);
  }

  /** Changes the parameters; the numbers are there. */
  update(changed: (parameter: Tensor) => void): void {
    if (this.#linked?.run()) return;
    this.#linked = null;
    for (let b = 0; b < this.#batches.length; b++) {
      const { update, members, tensors } = this.#batches[b]!;
      for (let i = 0; i < members.length; i++) {
        const { parameter } = members[i]!;
        update.run([parameter, peekGrad(parameter)!, ...tensors[i]!], this.#operands[b]!);
        changed(parameter);
      }
    }
  }

  /** Has the updates to come done in one call, after some were done one by one. No captured function may be under way. */
  link(): void {
    if (this.#linked !== null || ++this.#unlinked % LINKING_AFTER !== 0) return;
    const changes = this.#batches.flatMap(({ update, members, tensors }, b) =>
      members.map(({ parameter }, i) => ({ update, parameter, state: tensors[i]!, numbers: this.#operands[b]! })),
    );
    this.#linked = LinkedUpdates.of(changes);
  }

  /** Whether these are the groups that it changes. */
  isOf(groups: readonly Group<O>[]): boolean {
    if (groups.length !== this.#groups.length) return false;
    for (let i = 0; i < groups.length; i++) if (groups[i] !== this.#groups[i]) return false;
    return true;
  }

  /** Whether the next step changes the same parameters, with the same states, in the same way. */
  isAgain(groups: readonly Group<O>[], states: ReadonlyMap<Tensor, object>): boolean {
    if (!this.isOf(groups) || !this.isSame()) return false;
    for (const part of this.#parts) if (!hasSameMembers(part, states)) return false;
    for (const batch of this.#batches) {
      if (batch.isFirst) return false;
      for (let i = 0; i < batch.members.length; i++) {
        if (!holds(batch.members[i]!.state, batch.entries, batch.tensors[i]!)) return false;
      }
    }
    return true;
  }

  /** Counts a step of the first parameter, and gives the numbers. */
  #numbersOf({ group, members, isFirst }: Batch<O>): Numbers {
    const counters = members[0]!.state as Numbers;
    if (counters.step !== undefined) counters.step++;
    return this.#rule.numbers(plain(group), counters, isFirst && !this.#isDone);
  }

  /** Whether the options, which have changed, choose the same formula. */
  #hasSameForm(): boolean {
    if (this.#formal.isCurrent()) return true;
    for (const { group, flags } of this.#parts) {
      const now = this.#rule.flags(group);
      for (const name in flags) if (now[name] !== flags[name]) return false;
    }
    this.#formal.note();
    return true;
  }

  /** Whether the members of each batch still count alike. */
  #countsAreShared(): boolean {
    if (this.#counters.length === 0) return true;
    for (const { members } of this.#batches) {
      for (let i = 1; i < members.length; i++) if (!this.#countAlike(members[0]!, members[i]!)) return false;
    }
    return true;
  }

  /** Gives all the counters of the first. */
  #share(members: readonly Member[]): void {
    if (this.#counters.length === 0) return;
    const { state } = members[0]!;
    for (const name of this.#counters) for (let i = 1; i < members.length; i++) members[i]!.state[name] = state[name]!;
  }

  #batchesOf({ group, flags, entries, members }: Part<O>): Batch<O>[] {
    const batches: Batch<O>[] = [];
    const update = updateFor(this.#rule, flags, entries, this.#names);
    for (const member of members) {
      const known = batches.find(
        ({ isFirst, members: [one] }) => isFirst === member.isFirst && this.#countAlike(one!, member),
      );
      if (known !== undefined) known.members.push(member);
      else batches.push({ group, update, entries, isFirst: member.isFirst, members: [member], saved: [], tensors: [] });
    }
    for (const { members, tensors } of batches) {
      for (const { state } of members) tensors.push(entries.map((name) => state[name] as Tensor | undefined));
    }
    return batches;
  }

  #countAlike(a: Member, b: Member): boolean {
    for (const name of this.#counters) if (a.state[name] !== b.state[name]) return false;
    return true;
  }
}

/** Linking takes as long as a few updates. */
const LINKING_AFTER = 4;

/** Whether the same parameters of a group have gradients, and their states are those that they were. */
function hasSameMembers({ group, members }: Part<object>, states: ReadonlyMap<Tensor, object>): boolean {
  let next = 0;
  for (const parameter of group.params) {
    if (peekGrad(parameter) === null) continue;
    const member = members[next++];
    if (member?.parameter !== parameter) return false;
    // Without entries it is not kept.
    const state = states.get(parameter);
    if (state !== member.state && (state !== undefined || Object.keys(member.state).length > 0)) return false;
  }
  return next === members.length;
}

/** Whether a state has these tensors in these entries. */
function holds(state: State, entries: readonly string[], tensors: readonly (Tensor | undefined)[]): boolean {
  for (let i = 0; i < entries.length; i++) if (state[entries[i]!] !== tensors[i]) return false;
  return true;
}
