import { describe } from '../describe.js';

/** `unknown <kind> '<name>'`, with the nearest of the known names if one is near, or else all of them. */
export function unknownName(kind: string, name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  const list = known.length === 0 ? 'there are none' : `known: ${known.join(', ')}`;
  return `unknown ${kind} ${describe(name)}; ${nearest === undefined ? list : `did you mean '${nearest}'?`}`;
}

/** Longer names are not slips of the pen. */
const LONGEST_NAME = 128;
/** How many letters are compared in search of a name, in all: a hint is not worth more. */
const MOST_COMPARISONS = 2 ** 21;

/** The known name that is fewest edits away, if these are few enough to be a slip. Case and `_`/`-` count for nothing. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (name.length > LONGEST_NAME) return undefined;
  const plain = (text: string) => text.toLowerCase().replaceAll(/[_-]/g, '');
  const wanted = plain(name);
  let nearest: string | undefined;
  let fewest = Math.max(1, Math.floor(name.length / 3)) + 1;
  let comparisons = 0;
  for (const candidate of known) {
    if (candidate.length > 2 * LONGEST_NAME) continue;
    const given = plain(candidate);
    if (Math.abs(given.length - wanted.length) >= fewest) continue;
    comparisons += given.length * wanted.length;
    if (comparisons > MOST_COMPARISONS) break;
    const edits = editDistance(wanted, given);
    if (edits < fewest) {
      fewest = edits;
      nearest = candidate;
    }
  }
  return nearest;
}

/** The fewest insertions, deletions, replacements and exchanges of neighbours that turn `a` into `b` (Damerau and Levenshtein). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const replaced = row[j]! + Number(a[i] !== b[j]);
      const exchanges = i > 0 && j > 0 && a[i] === b[j - 1] && a[i - 1] === b[j];
      const exchanged = exchanges ? before[j - 1]! + 1 : Number.POSITIVE_INFINITY;
      next.push(Math.min(replaced, exchanged, row[j + 1]! + 1, next[j]! + 1));
    }
    [before, row] = [row, next];
  }
  return row[b.length]!;
}
