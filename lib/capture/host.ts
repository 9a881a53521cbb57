import { allocate, type HostAction, type NumberTable, type NumberTarget, type Storage } from '../backend/index.js';
import { storageOf, type Tensor } from '../tensor/tensor.js';

/** What a captured function does in JavaScript, and after how many of its instructions. */
export interface RecordedAction {
  readonly action: HostAction;
  readonly after: number;
}

/** Numbers that are computed ahead at a time: a run of short steps seldom pauses for more, and the event loop not for long. */
const MOST_NUMBERS = 1 << 13;

const NO_RATES: readonly Storage[] = [];

/** What a captured function does in JavaScript, in order: before each replay, and ahead of many. */
export class HostActions {
  readonly #recorded: readonly RecordedAction[];
  readonly #targets: readonly NumberTarget[];
  /** The numbers of one call. */
  readonly #row: Float64Array;

  constructor(recorded: readonly RecordedAction[]) {
    this.#recorded = recorded;
    this.#targets = recorded.flatMap(({ action: { numbers, count } }) =>
      numbers === null || count === 0 ? [] : [{ storage: numbers, length: count }],
    );
    this.#row = new Float64Array(this.#targets.reduce((sum, { length }) => sum + length, 0));
  }

  /** Does what a call does, for the instructions that run next. False, and nothing has changed, where that is no longer what was captured. */
  act(): boolean {
    this.#save();
    let isDone = false;
    try {
      isDone = this.#fill(this.#row, 0);
    } finally {
      if (!isDone) this.undo();
    }
    let at = 0;
    for (const { storage, length } of this.#targets) {
      const numbers = storage.array('float64');
      for (let i = 0; i < length; i++) numbers[i] = this.#row[at++]!;
    }
    return isDone;
  }

  /** Puts back what the last call of `act` did. */
  undo(): void {
    for (const { action } of this.#recorded) action.restore();
  }

  /** Does what a call does that stops at instruction `stop`, or (if none is given) does not stop, without numbers. */
  follow(stop = Number.POSITIVE_INFINITY): void {
    for (const { action, after } of this.#recorded) if (after <= stop) action.follow();
  }

  #save(): void {
    for (const { action } of this.#recorded) action.save();
  }

  /** Computes the numbers of up to so many calls, as long as each would be what was captured, and leaves all else as it was. */
  lookAhead(calls: number): Lookahead {
    const width = this.#row.length;
    const most = this.#recorded.length === 0 ? calls : Math.min(calls, Math.ceil(MOST_NUMBERS / (width + 1)));
    const rows = allocate('float64', most * width);
    const array = rows.array('float64') as Float64Array;
    this.#save();
    let count = 0;
    try {
      while (count < most && this.#fill(array, count * width)) count++;
    } catch (error) {
      // The calls before it come first.
      if (count === 0) throw error;
    } finally {
      this.undo();
    }
    return new Lookahead(this, count, { targets: this.#targets, rows });
  }

  /** The rates in tensors that actions read or set. */
  rates(): readonly Storage[] {
    let found = NO_RATES;
    for (const { action } of this.#recorded) {
      const rates = action.rates();
      if (rates.length > 0) found = [...found, ...rates.map((rate) => storageOf(rate as Tensor))];
    }
    return found;
  }

  #fill(row: Float64Array, start: number): boolean {
    let at = start;
    for (const { action } of this.#recorded) {
      action.check();
      if (!action.isSame()) return false;
      action.act(row, at);
      at += action.count;
    }
    return true;
  }
}

/** The numbers of calls that the background makes by itself, while JavaScript follows. */
export class Lookahead {
  readonly calls: number;
  readonly numbers: NumberTable;
  readonly #actions: HostActions;
  #reached = 0;

  constructor(actions: HostActions, calls: number, numbers: NumberTable) {
    this.#actions = actions;
    this.calls = calls;
    this.numbers = numbers;
  }

  /** Brings what JavaScript keeps to where it stands after so many calls. */
  reach(calls: number): void {
    for (; this.#reached < calls; this.#reached++) this.#actions.follow();
  }
}
