import { backend, type Executable, type Instruction, type Stop, type Storage, type View } from '../backend/index.js';

/** How often what a call takes is measured; the least counts. */
const CALLS = 200;

/** Instructions that are run one at a time, each in a call of its own, and how long each took. */
export class Timed implements Pick<Executable, 'run'> {
  /** Of each run: when each instruction began, and how long it took without the call itself, in milliseconds. */
  readonly runs: { readonly starts: Float64Array; readonly durations: Float64Array }[] = [];
  readonly #each: readonly Executable[];
  readonly #nothing: Executable;
  #call: number | null = null;

  constructor(instructions: readonly Instruction[], ports: readonly Storage[]) {
    this.#each = instructions.map((one) => backend.link([one], ports));
    this.#nothing = backend.link([], ports);
  }

  run(ports: readonly View[]): Stop | null {
    this.#call ??= this.#callTime(ports);
    const call = this.#call;
    const starts = new Float64Array(this.#each.length);
    const durations = new Float64Array(this.#each.length);
    for (const [i, one] of this.#each.entries()) {
      const start = performance.now();
      const stop = one.run(ports);
      const end = performance.now();
      if (stop !== null) return { instruction: i, position: stop.position };
      starts[i] = start;
      durations[i] = Math.max(0, end - start - call);
    }
    this.runs.push({ starts, durations });
    return null;
  }

  #callTime(ports: readonly View[]): number {
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < CALLS; i++) {
      const start = performance.now();
      this.#nothing.run(ports);
      least = Math.min(least, performance.now() - start);
    }
    return least;
  }
}
