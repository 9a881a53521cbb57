import { builtin } from '../builtin.js';

type Collect = (options: { readonly type: 'minor' }) => void;

/** V8's own function for it, which it shows to programs under a flag only; null where there is none. */
let collect: Collect | null | undefined;

/** Whether V8 can be asked to collect what is young and unused. */
export const canCollectYoung = (): boolean => {
  if (collect === undefined) collect = collector();
  return collect !== null;
};

/**
 * Has V8 do so, which takes some 0.1 ms. It would wait until JavaScript has made megabytes of garbage, and a loop of operations makes hardly
 * any: its tensors are small objects with large memory.
 */
export const collectYoung = (): void => collect?.({ type: 'minor' });

/** From a context of its own: those that there are have it, or not, as before. */
function collector(): Collect | null {
  try {
    const { runInNewContext } = builtin('node:vm');
    const shown = (): unknown => runInNewContext("typeof gc === 'function' ? gc : null");
    const { setFlagsFromString } = builtin('node:v8');
    const before = shown() as Collect | null;
    if (before !== null) return before;
    setFlagsFromString('--expose-gc');
    try {
      return shown() as Collect | null;
    } finally {
      setFlagsFromString('--no-expose-gc');
    }
  } catch {
    return null;
  }
}
