import {
  asData,
  type Backend,
  backend,
  execute,
  nameOf,
  observeStorage,
  type Storage,
  storagesRead,
  storagesWritten,
  useBackend,
} from '../backend/index.js';
import { CaptureError } from '../errors.js';

/** Who uses a storage at the moment, off the main thread. Several may read what nobody writes. */
interface Use {
  readonly where: string;
  readonly writes: boolean;
  count: number;
}

const uses = new Map<Storage, Use>();

/** What a program reads and writes that others can see. */
export interface Footprint {
  readonly read: ReadonlySet<Storage>;
  readonly written: ReadonlySet<Storage>;
}

/** Whether anything runs in the background. */
export const isAnyRunning = (): boolean => uses.size > 0;

/** Refuses to run what would meet a program that is running. */
export function requireFree(
  where: string,
  { read, written }: { readonly read: Iterable<Storage>; readonly written: Iterable<Storage> },
): void {
  if (uses.size === 0) return;
  for (const storage of read) if (uses.get(storage)?.writes) throw inUse(where, uses.get(storage)!);
  for (const storage of written) if (uses.has(storage)) throw inUse(where, uses.get(storage)!);
}

const inUse = (where: string, use: Use): CaptureError =>
  new CaptureError(
    `${where}: a tensor here belongs to ${use.where}, which is running in the background; await its run() first, or work with a clone made before`,
  );

/** Makes sure that nobody else touches this memory until the function that is returned is called. */
export function occupy(where: string, footprint: Footprint): () => void {
  requireFree(where, footprint);
  const { read, written } = footprint;
  const all = new Set([...read, ...written]);
  for (const storage of all) {
    const use = uses.get(storage);
    if (use === undefined) uses.set(storage, { where, writes: written.has(storage), count: 1 });
    else use.count++;
  }
  guard();
  return () => {
    for (const storage of all) {
      const use = uses.get(storage)!;
      if (--use.count === 0) uses.delete(storage);
    }
    if (uses.size === 0) lift?.();
  };
}

let lift: (() => void) | null = null;

/** While something runs, a backend that looks at every operand stands before the core; at other times that costs nothing. */
function guard(): void {
  if (lift !== null) return;
  const core = backend;
  useBackend(guarded(core));
  const observer = observeStorage({
    allocated: () => {},
    touched: (storage, reader) => {
      const use = uses.get(storage);
      // The JavaScript core itself asks for arrays, without a reader; the native one does not.
      const mayClash = use !== undefined && (reader === null ? core.name === 'native' : use.writes);
      if (mayClash) throw inUse(reader ?? 'setting a value or a state', use);
    },
    dropped: (storage) => {
      const use = uses.get(storage);
      if (use !== undefined) throw inUse('zeroGrad or an assignment to grad', use);
    },
  });
  lift = () => {
    useBackend(core);
    observeStorage(observer);
    lift = null;
  };
}

const guarded = (core: Backend): Backend => ({
  ...core,
  ...asData((instruction) => {
    requireFree(nameOf(instruction), { read: storagesRead(instruction), written: storagesWritten(instruction) });
    return execute(core, instruction);
  }),
});
