const given = new Set<string>();

/** Different warnings are counted up to here; a program that goes on making new ones is not told of these any more. */
const MOST = 1000;

/** Emits a warning that a process can filter by its code, the first time that this very message comes. */
export function warnOnce(message: string, code: string): void {
  if (given.has(message) || given.size >= MOST) return;
  given.add(message);
  process.emitWarning(message, { type: 'NablaWarning', code });
}
