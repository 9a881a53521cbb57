import { NablaError } from '../../errors.js';
import { dtypes } from '../dtype.js';
import type { Executable, Loop, Stop } from '../executable.js';
import type { Storage } from '../storage.js';
import { sizeOf, type View } from '../view.js';
import type { Addon, LoopPlan } from './addon.js';
import { addressOf } from './encoder.js';
import { failureOf } from './failure.js';
import type { LinkedCode } from './linked-code.js';

/** Instructions in native memory. What ports are bound to goes over the tape, so that a run is one call without arguments. */
export class NativeReplay implements Executable {
  /** The memory that the instructions name by address: it must stay where it is. */
  readonly storages: ReadonlySet<Storage>;
  readonly #addon: Addon;
  readonly #tape: Float64Array;
  readonly #replay: number;
  readonly #ports: readonly Storage[];
  #busy = false;

  constructor(addon: Addon, { ports, storages, code, starts, relocations }: LinkedCode) {
    const maxPorts = addon.tape.length - 1;
    if (ports.length > maxPorts) {
      throw new NablaError(`linked instructions take at most ${maxPorts} ports, got ${ports.length}`);
    }
    this.#addon = addon;
    this.#tape = addon.tape;
    this.#ports = ports;
    this.storages = storages;
    const addresses = Float64Array.from(ports, ({ address }) => address);
    try {
      this.#replay = addon.link(this, code, starts, relocations, addresses);
    } catch (error) {
      throw failureOf('capture', error);
    }
  }

  run(ports: readonly View[]): Stop | null {
    this.#refuseIfBusy();
    const tape = this.#tape;
    tape[0] = this.#replay;
    for (let i = 0; i < ports.length; i++) tape[i + 1] = addressOf(ports[i]!);
    const instruction = this.#replayOnce();
    return instruction === undefined ? null : { instruction, position: tape[0]! };
  }

  async start(loop: Loop): Promise<Stop | null> {
    this.#refuseIfBusy();
    const plan = this.#plan(loop);
    this.#busy = true;
    try {
      await this.#addon.start(plan);
    } catch (error) {
      throw failureOf('run', error);
    } finally {
      this.#busy = false;
    }
    const [instruction = -1, position = -1] = plan.stop;
    return instruction < 0 ? null : { instruction, position };
  }

  #replayOnce(): number | undefined {
    try {
      return this.#addon.replay();
    } catch (error) {
      throw failureOf('a captured function', error);
    }
  }

  #plan(loop: Loop): LoopPlan {
    const { steps, batchSize, ports, feeds, order, watched, history, control, numbers } = loop;
    const port = this.#ports.indexOf(watched.storage);
    const start = port < 0 ? watched.storage.address : addressOf(ports[port]!);
    return {
      replay: this.#replay,
      steps,
      batchSize,
      ports: Float64Array.from(ports, addressOf),
      feeds: Float64Array.from(
        feeds.flatMap(({ port, rows }) => [port, addressOf(rows), rowBytes(rows), rows.shape[0]!]),
      ),
      order: addressOf(order),
      targets: Float64Array.from((numbers?.targets ?? []).flatMap(({ storage, length }) => [storage.address, length])),
      rows: numbers?.rows.address ?? 0,
      watched: start + watched.offset * dtypes[watched.dtype].size,
      watchedType: dtypes[watched.dtype].code,
      history: history.address,
      control,
      stop: Float64Array.of(-1, -1),
      memory: [this, loop],
    };
  }

  #refuseIfBusy(): void {
    if (this.#busy) throw new NablaError('these instructions are already running');
  }
}

const rowBytes = ({ shape, dtype }: View): number => sizeOf(shape.slice(1)) * dtypes[dtype].size;
