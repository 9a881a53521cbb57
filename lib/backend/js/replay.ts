import { builtin } from '../../builtin.js';
import { NablaError, ValueError } from '../../errors.js';
import type { Backend } from '../backend.js';
import { dtypes } from '../dtype.js';
import type { Executable, Loop, NumberTable, Stop } from '../executable.js';
import { execute, type Instruction, withViews } from '../instructions.js';
import { DONE } from '../outcome.js';
import type { Storage } from '../storage.js';
import { sizeOf, type View } from '../view.js';

/** For how long `start` keeps the event loop waiting at a time, in milliseconds, unless a step takes longer. */
const SLICE = 5;

/** Executes instructions one by one, with the ports' storages replaced by what is bound to them. */
export class JsReplay implements Executable {
  readonly #backend: Backend;
  readonly #instructions: readonly Instruction[];
  readonly #ports: readonly Storage[];
  #busy = false;

  constructor(backend: Backend, instructions: readonly Instruction[], ports: readonly Storage[]) {
    this.#backend = backend;
    this.#instructions = [...instructions];
    this.#ports = [...ports];
  }

  run(ports: readonly View[]): Stop | null {
    if (this.#busy) throw new NablaError('these instructions are already running');
    return this.#run(this.#bind(ports));
  }

  async start(loop: Loop): Promise<Stop | null> {
    if (this.#busy) throw new NablaError('these instructions are already running');
    this.#busy = true;
    try {
      return await this.#runSteps(loop);
    } finally {
      this.#busy = false;
    }
  }

  async #runSteps(loop: Loop): Promise<Stop | null> {
    const bound = this.#bind(loop.ports);
    const watched = boundTo(loop.watched, bound);
    const history = loop.history.array('float64');
    let sliceEnd = 0;
    for (let step = 0; step < loop.steps; step++) {
      if (performance.now() >= sliceEnd) {
        await builtin('node:timers/promises').setImmediate();
        sliceEnd = performance.now() + SLICE;
      }
      if (Atomics.load(loop.control, 0) !== 0) return null;
      feed(loop, step);
      if (loop.numbers !== null) giveNumbers(loop.numbers, step);
      const stop = this.#run(bound);
      if (stop !== null) return stop;
      history[step] = watched.storage.array(watched.dtype)[watched.offset]!;
      Atomics.store(loop.control, 1, step + 1);
    }
    return null;
  }

  #run(bound: ReadonlyMap<Storage, Storage>): Stop | null {
    for (let i = 0; i < this.#instructions.length; i++) {
      const position = execute(this.#backend, withStorages(this.#instructions[i]!, bound));
      if (position !== DONE) return { instruction: i, position };
    }
    return null;
  }

  #bind(ports: readonly View[]): Map<Storage, Storage> {
    return new Map(this.#ports.map((port, i) => [port, startingAt(ports[i]!)]));
  }
}

/** The storage of a view from its first element on. */
function startingAt({ storage, offset, dtype }: View): Storage {
  return offset === 0 ? storage : storage.from(offset * dtypes[dtype].size);
}

function boundTo(view: View, bound: ReadonlyMap<Storage, Storage>): View {
  const storage = bound.get(view.storage);
  if (storage === undefined) return view;
  const { offset, shape, strides, dtype } = view;
  return { storage, offset, shape, strides, dtype };
}

const withStorages = (instruction: Instruction, bound: ReadonlyMap<Storage, Storage>): Instruction =>
  withViews(
    instruction,
    (view) => boundTo(view, bound),
    (state) => bound.get(state) ?? state,
  );

function checkRows(rows: ArrayLike<number>, count: number): void {
  for (let j = 0; j < rows.length; j++) {
    if (rows[j]! >= 0 && rows[j]! < count) continue;
    throw new ValueError(`run: expected rows from 0 to ${count - 1}, got ${rows[j]}`);
  }
}

/** Fills the fed ports with the rows of a step. */
function feed({ feeds, ports, order, batchSize }: Loop, step: number): void {
  const rows = order.storage.array('int32');
  const first = order.offset + step * batchSize;
  for (const { rows: source } of feeds) checkRows(rows.subarray(first, first + batchSize), source.shape[0]!);
  for (const { port, rows: source } of feeds) {
    const target = ports[port]!;
    const width = sizeOf(source.shape.slice(1));
    const from = source.storage.array(source.dtype);
    const to = target.storage.array(source.dtype);
    for (let j = 0; j < batchSize; j++) {
      const start = source.offset + rows[first + j]! * width;
      to.set(from.subarray(start, start + width), target.offset + j * width);
    }
  }
}

/** Copies a step's row of the table to where instructions read its numbers. */
function giveNumbers({ targets, rows }: NumberTable, step: number): void {
  const width = targets.reduce((sum, { length }) => sum + length, 0);
  const table = rows.array('float64');
  let at = step * width;
  for (const { storage, length } of targets) {
    storage.array('float64').set(table.subarray(at, at + length));
    at += length;
  }
}
