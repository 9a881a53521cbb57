import type { Storage } from '../storage.js';

/** Encoded instructions laid end to end, and where in them the addresses are that depend on what ports are bound to. */
export class LinkedCode {
  readonly ports: readonly Storage[];
  /** All memory that instructions name. */
  readonly storages = new Set<Storage>();
  readonly #portNumbers: ReadonlyMap<Storage, number>;
  readonly #code: number[] = [];
  readonly #starts: number[] = [];
  readonly #relocations: number[][];

  constructor(ports: readonly Storage[]) {
    this.ports = [...ports];
    this.#portNumbers = new Map(ports.map((port, i) => [port, i]));
    this.#relocations = ports.map(() => []);
  }

  /** An address in `storage` is about to be written at `position` of the instruction that is added next. */
  noteAddress(position: number, storage: Storage): void {
    this.storages.add(storage);
    const port = this.#portNumbers.get(storage);
    if (port !== undefined) this.#relocations[port]!.push(this.#code.length + position);
  }

  add(instruction: Float64Array): void {
    this.#starts.push(this.#code.length);
    for (const value of instruction) this.#code.push(value);
  }

  get code(): Float64Array {
    return Float64Array.from(this.#code);
  }

  /** Where each instruction begins. */
  get starts(): Int32Array {
    return Int32Array.from(this.#starts);
  }

  /** Per port how many addresses depend on it, then where these are. */
  get relocations(): Int32Array {
    return Int32Array.from(this.#relocations.flatMap((positions) => [positions.length, ...positions]));
  }
}
