import { NablaError } from '../../errors.js';
import { dtypes } from '../dtype.js';
import type { Executable, Loop, Stop } from '../instruction.js';
import type { Storage } from '../storage.js';
import { sizeOf, type View } from '../view.js';
import type { Addon } from './addon.js';
import type { Records } from './records.js';

/** Frees the native side of those that nobody can run any more. */
const collected = new FinalizationRegistry<() => void>((unlink) => unlink());

const addressOf = (view: View): number => view.storage.address + view.offset * dtypes[view.dtype].size;

/** Instructions in native memory, which one call of the addon runs. */
export class NativeReplay implements Executable {
  readonly #addon: Addon;
  readonly #handle: number;
  readonly #ports: readonly Storage[];
  /** The memory that the instructions name, which is to stay where it is. */
  readonly #storages: ReadonlySet<Storage>;
  #busy = false;

  constructor(addon: Addon, records: Records) {
    const { ports, code, starts, relocations } = records;
    if (ports.length >= addon.tape.length) {
      throw new NablaError(
        `instructions can be linked with at most ${addon.tape.length - 1} ports, got ${ports.length}`,
      );
    }
    this.#addon = addon;
    this.#ports = ports;
    this.#storages = records.storages;
    const handle = addon.link(
      code,
      starts,
      relocations,
      Float64Array.from(ports, ({ address }) => address),
    );
    this.#handle = handle;
    collected.register(this, () => addon.unlink(handle));
  }

  run(ports: readonly View[]): Stop | null {
    this.#requireIdle();
    const { tape } = this.#addon;
    tape[0] = this.#handle;
    for (let i = 0; i < ports.length; i++) tape[1 + i] = addressOf(ports[i]!);
    const instruction = this.#addon.replay();
    return instruction < 0 ? null : { instruction, position: tape[0]! };
  }

  async start(loop: Loop): Promise<Stop | null> {
    this.#requireIdle();
    this.#busy = true;
    try {
      const { instruction, position } = await this.#addon.start(this.#handle, this.#encoded(loop));
      return instruction < 0 ? null : { instruction, position };
    } finally {
      this.#busy = false;
    }
  }

  #encoded({ steps, ports, feeds, order, batchSize, watched, history, control }: Loop) {
    const port = this.#ports.indexOf(watched.storage);
    const base = port < 0 ? watched.storage.address : addressOf(ports[port]!);
    return {
      steps,
      batchSize,
      ports: Float64Array.from(ports, addressOf),
      feeds: Float64Array.from(feeds.flatMap(({ port, rows }) => [port, addressOf(rows), rowBytes(rows)])),
      order: addressOf(order),
      watched: base + watched.offset * dtypes[watched.dtype].size,
      watchedType: dtypes[watched.dtype].code,
      history: history.address,
      control,
      memory: [this.#storages, ports, feeds, order, history],
    };
  }

  #requireIdle(): void {
    if (this.#busy) throw new NablaError('these instructions are already running');
  }
}

const rowBytes = ({ shape, dtype }: View): number => sizeOf(shape.slice(1)) * dtypes[dtype].size;
