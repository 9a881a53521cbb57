import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** A library from the folder that the command line names, and what it took to load it. */
export interface Loaded<Library> {
  readonly library: Library;
  readonly version: string;
  readonly loadSeconds: number;
}

const require = createRequire(process.argv[2]!);

/** What its driver uses of a library is declared there, by hand: it is no dependency of nabla's, and its types are not here. */
export function load<Library>(name: string): Loaded<Library> {
  const start = performance.now();
  const library: Library = require(name);
  const loadSeconds = (performance.now() - start) / 1000;
  return { library, version: versionOf(name), loadSeconds };
}

/** The package's folder, which need not export its package.json. */
export function folderOf(name: string): string {
  for (const path of require.resolve.paths(name) ?? []) {
    const folder = join(path, name);
    if (canRead(join(folder, 'package.json'))) return folder;
  }
  return dirname(require.resolve(name));
}

const versionOf = (name: string): string =>
  JSON.parse(readFileSync(join(folderOf(name), 'package.json'), 'utf8')).version;

function canRead(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}
