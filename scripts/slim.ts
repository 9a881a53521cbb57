// What keeps dist/ small: files that nobody can reach are left out, and maps say where a line comes from, not where each of its words does.
import { readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { decode, encode } from '@jridgewell/sourcemap-codec';

interface SourceMap {
  readonly sources: readonly string[];
  readonly mappings: string;
  readonly [more: string]: unknown;
}

/** Nothing runs on a line that only closes what others opened. */
const CLOSING = /^[\s\])};,]*$/;

/** A map of lines of `code` to lines, without the sources' text. */
export function slimMap({ sourcesContent: _, names: __, ...map }: SourceMap, code: string): SourceMap {
  const texts = code.split('\n');
  const lines = decode(map.mappings).map((segments, i) => {
    const first = CLOSING.test(texts[i]!) ? undefined : segments.find((segment) => segment.length > 1);
    return first === undefined ? [] : [[0, first[1]!, first[2]!, 0] as [number, number, number, number]];
  });
  return { ...map, names: [], mappings: encode(lines) };
}

/** The files that declarations take others from. */
export const importsOf = (file: string, text: string): readonly string[] =>
  Array.from(text.matchAll(/(?:\bfrom|\bimport|\bmodule|\bimport\() ?'(\.[^']*)\.js'/g), ([, path]) =>
    resolve(dirname(file), `${path}.d.ts`),
  );

/** Declarations that name a type of another file in full at every place, `import('…').Kind`, import it once, where nothing else has its name. */
export function importOnce(text: string): string {
  const inline = /\bimport\("(\.[^"]+)"\)\.(\w+)/g;
  const plain = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(inline, '');
  const pathsOf = new Map<string, Set<string>>();
  for (const [, path, name] of text.matchAll(inline)) pathsOf.set(name!, (pathsOf.get(name!) ?? new Set()).add(path!));
  const free = [...pathsOf].filter(([name, paths]) => paths.size === 1 && !new RegExp(`\\b${name}\\b`).test(plain));
  const names = new Set(free.map(([name]) => name));
  const imports = free.map(([name, [path]]) => `import type { ${name} } from '${path}';\n`);
  return imports.join('') + text.replace(inline, (whole, _, name: string) => (names.has(name) ? name : whole));
}

/** Rewrites the maps of a folder, and removes declarations that none of `entries` reaches. */
export async function slim(folder: string, entries: readonly string[]): Promise<void> {
  const files = (await readdir(folder, { recursive: true })).map((name) => join(folder, name));
  for (const file of files.filter((name) => name.endsWith('.js.map'))) {
    const map = JSON.parse(await readFile(file, 'utf8')) as SourceMap;
    await writeFile(file, JSON.stringify(slimMap(map, await readFile(file.replace(/\.map$/, ''), 'utf8'))));
  }
  const reached = new Set(entries.map((file) => resolve(file)));
  for (const file of reached) {
    for (const imported of importsOf(file, await readFile(file, 'utf8'))) reached.add(imported);
  }
  for (const file of files.filter((name) => name.endsWith('.d.ts') && !reached.has(resolve(name)))) await rm(file);
  await removeEmptyFolders(folder);
}

async function removeEmptyFolders(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeEmptyFolders(join(folder, entry.name));
  }
  if ((await readdir(folder)).length === 0) await rmdir(folder);
}
