import { writeSync } from 'node:fs';
import { cpus } from 'node:os';
import { inspect } from 'node:util';
import { define, defineAsync } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { nothing, signature } from '../arguments/signature.js';
import { backend, type ExchangeTimes, getNumThreads, setNumThreads } from '../backend/index.js';
import { setRanks } from '../backend/js/collective.js';
import { recording } from '../backend/recording.js';
import { CaptureError, NablaError } from '../errors.js';
import * as kinds from '../tensor/kinds.js';
import { findLauncher, type Launcher, requireSameWorld } from './launcher.js';

/** What this process is among those that work together. */
export interface World {
  /** From 0 to size - 1. */
  readonly rank: number;
  readonly size: number;
  /** The MPI library, as it calls itself; null for a process by itself. */
  readonly library: string | null;
}

const joining = signature('*, timeout, library', {
  /** For how many seconds a rank may keep the others waiting before they end with an error. Default: 60. */
  timeout: kinds.above(0).default(60),
  /** The file of the MPI library. Default: null, that of the launcher's kind. */
  library: kinds.text.optional(),
});

export interface InitOptions extends OptionsOf<typeof joining> {}

const ALONE: World = { rank: 0, size: 1, library: null };

let world: World | null = null;
let hasLeft = false;
/** What is still under way between ranks, in order. */
let queue: Promise<unknown> = Promise.resolve();

/** @internal The world, for what needs one. */
export function worldFor(where: string): World {
  if (world !== null) return world;
  const way = hasLeft ? 'it has left the others by finalize()' : 'call await init() first';
  throw new NablaError(`${where}: this process is not one of several ranks: ${way}`, 'ERR_NABLA_DISTRIBUTED');
}

/** @internal How many there are; a process that has not joined others is alone. */
export const ranks = (): number => world?.size ?? 1;

/**
 * Joins the other ranks that `mpirun`, `srun` or an MPIJob has started: opens the MPI library of the launcher's kind. A process that was started by itself is
 * a world of one, and needs no MPI. Call it once, on the main thread, on every rank. Ranks on one machine share its processors: unless they are
 * bound to some, each takes its part of the threads.
 *
 * @throws NablaError where no library can be opened, or library and launcher are of different kinds
 * @example
 * ```ts
 * import { init } from 'nabla/distributed';
 *
 * const { rank, size } = await init();
 * `${rank} of ${size}`; // '0 of 1'
 * ```
 * @see https://pytorch.org/docs/stable/distributed.html#torch.distributed.init_process_group
 */
export const init: FunctionOf<Promise<World>, typeof joining, InitOptions> = defineAsync(
  'init',
  joining,
  async (timeout, library) => {
    const launcher = findLauncher(process.env);
    if (launcher === null && library === null) {
      world ??= ALONE;
      return world;
    }
    if (world !== null || hasLeft) {
      throw new NablaError(
        'init: this process has joined the other ranks before; call it once',
        'ERR_NABLA_DISTRIBUTED',
      );
    }
    // UCX, which MPICH sends by, else puts a malloc of its own in place of the system's, under the feet of V8's threads: a rank in some hundred crashed.
    process.env.UCX_MEM_EVENTS ??= 'n';
    const joined = backend.join(library === null ? launcher!.libraries : [library], timeout);
    process.once('exit', leaveAtExit);
    process.once('uncaughtExceptionMonitor', (error) => {
      uncaught = error;
    });
    requireSameWorld(launcher, joined.size, joined.library);
    world = joined;
    setRanks(joined.size);
    shareThreads(launcher);
    return world;
  },
);

/** A process that is bound to processors counts only those. */
function shareThreads(launcher: Launcher | null): void {
  const threads = getNumThreads();
  const ranks = launcher?.localSize ?? 1;
  if (ranks > 1 && threads >= cpus().length) setNumThreads(Math.max(1, Math.floor(threads / ranks)));
}

/** Launchers end their ranks before they have passed on what those wrote last: so many milliseconds are for that. */
const LAST_WORDS = 250;

/** A rank that ends without the others would leave them waiting: it ends them too, unless all is well. */
function leaveAtExit(code: number): void {
  if (hasLeft) return;
  hasLeft = true;
  if (code !== 0 || isBroken) {
    const of = world === null ? '' : ` ${world.rank} of ${world.size}`;
    // Node would print the error only after this, when there is no process any more.
    const reason = uncaught === undefined ? '' : `: ${inspect(uncaught)}`;
    writeSync(2, `nabla: rank${of} ends with exit code ${code}, and all other ranks with it${reason}\n`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LAST_WORDS);
    backend.leave(code === 0 ? 1 : code);
  } else backend.leave(0);
}

let isBroken = false;
let uncaught: unknown;

/** @internal Runs what ranks do together after what came before it. */
export function inOrder<T>(where: string, act: () => Promise<T>): Promise<T> {
  if (recording !== null) {
    const error = new CaptureError(
      `${where}: a promise is nothing that replays could wait for; call it outside the captured function, or average gradients with DataParallel`,
    );
    return Promise.reject(refusal(error));
  }
  const result = queue.then(act).catch((error: unknown) => {
    isBroken ||= error instanceof NablaError && error.code === 'ERR_NABLA_DISTRIBUTED';
    throw error;
  });
  queue = result.catch(() => {});
  return result;
}

function refusal(error: Error): unknown {
  try {
    return recording!.refuse(error);
  } catch (refused) {
    return refused;
  }
}

/**
 * Which rank this process is, from 0.
 *
 * @throws NablaError before `init`
 * @example
 * ```ts
 * import { init, rank } from 'nabla/distributed';
 *
 * await init();
 * rank(); // 0
 * ```
 * @see https://pytorch.org/docs/stable/distributed.html#torch.distributed.get_rank
 */
export const rank: () => number = define('rank', nothing, () => worldFor('rank').rank);

/**
 * How many ranks there are.
 *
 * @throws NablaError before `init`
 * @example
 * ```ts
 * import { init, size } from 'nabla/distributed';
 *
 * await init();
 * size(); // 1
 * ```
 * @see https://pytorch.org/docs/stable/distributed.html#torch.distributed.get_world_size
 */
export const size: () => number = define('size', nothing, () => worldFor('size').size);

/**
 * Where the time of this rank's exchanges so far went, in seconds since `init`: the difference of two is that of what lies between. `awaited` is what
 * they cost: for so long programs could do nothing else. The other parts may have gone on beside the computation.
 *
 * @example
 * ```ts
 * import { exchangeTimes } from 'nabla/distributed';
 *
 * exchangeTimes(); // { awaited: 0, waiting: 0, passing: 0, summing: 0, bytes: 0, exchanges: 0 }
 * ```
 */
export const exchangeTimes: () => ExchangeTimes = define('exchangeTimes', nothing, () => backend.exchangeTimes());

/**
 * Leaves the other ranks, when what is under way is done. The last thing that a rank does; a process that ends well without it does so at its end.
 *
 * @example
 * ```ts
 * import { finalize, init } from 'nabla/distributed';
 *
 * await init();
 * await finalize();
 * ```
 * @see https://pytorch.org/docs/stable/distributed.html#torch.distributed.destroy_process_group
 */
export const finalize: () => Promise<void> = defineAsync('finalize', nothing, async () => {
  const { size } = worldFor('finalize');
  await queue;
  world = null;
  if (size === 1 && findLauncher(process.env) === null) return;
  hasLeft = true;
  backend.leave(0);
});
