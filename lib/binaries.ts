import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Where the native core may be. This file lies one folder below the package's own, in `lib/` and in `dist/` alike: `../` is the package.

declare const __filename: unknown;

/** Tracers see a URL that a function takes, and none that a function only returns. */
const fileOf = (url: URL): string => fileURLToPath(url.href);

/**
 * The package's binaries: literals, so that bundlers and tracers see them. The build of `dist/` leaves out those that were not made; what is published
 * names the packages that hold one binary each instead (scripts/release/packages.ts).
 */
const shipped: readonly (readonly [name: string, file: () => string])[] = [
  ['linux-x64/nabla.glibc.node', () => fileOf(new URL('../prebuilds/linux-x64/nabla.glibc.node', import.meta.url))],
  ['linux-x64/nabla.musl.node', () => fileOf(new URL('../prebuilds/linux-x64/nabla.musl.node', import.meta.url))],
  ['linux-arm64/nabla.glibc.node', () => fileOf(new URL('../prebuilds/linux-arm64/nabla.glibc.node', import.meta.url))],
  ['linux-arm64/nabla.musl.node', () => fileOf(new URL('../prebuilds/linux-arm64/nabla.musl.node', import.meta.url))],
  ['win32-x64/nabla.node', () => fileOf(new URL('../prebuilds/win32-x64/nabla.node', import.meta.url))],
  ['darwin-x64/nabla.node', () => fileOf(new URL('../prebuilds/darwin-x64/nabla.node', import.meta.url))],
  ['darwin-arm64/nabla.node', () => fileOf(new URL('../prebuilds/darwin-arm64/nabla.node', import.meta.url))],
];

/** Whether there is a package with the binary of that name. */
export const isShipped = (wanted: string): boolean => shipped.some(([name]) => name === wanted);

export interface Binaries {
  /** The binary for this platform, as `prebuilds/` names it. */
  readonly name: string;
  /** The files that may be it, the best first. */
  readonly candidates: Iterable<string>;
  /** The package's folder, if it has the core's sources, and whether these are packed (in `SOURCES`). */
  readonly sources: { readonly folder: string; readonly packed: boolean } | undefined;
}

/** The core's sources in what is published: packed they take a fifth. */
export const SOURCES = 'sources.tgz';

/** Looks in the folder that NABLA_PREBUILD names, if it names one; else in the package, or beside the bundle or executable that this code is part of. */
export function findBinaries(): Binaries {
  const name = binaryName();
  const code = codeFile();
  const root = code === undefined ? undefined : dirname(dirname(code));
  const has = (file: string) => root !== undefined && existsSync(join(root, file));
  const unpacked = has('CMakeLists.txt');
  const sources = unpacked || has(SOURCES) ? { folder: root!, packed: !unpacked } : undefined;
  const forced = process.env.NABLA_PREBUILD;
  if (forced) return { name, candidates: inPrebuilds(forced, name), sources };
  const candidates = sources === undefined ? inInstallation(name, code) : inPackageFolder(name, sources.folder, code);
  return { name, candidates, sources };
}

function* inPackageFolder(name: string, root: string, code: string | undefined): Generator<string> {
  yield join(root, 'build/Release/nabla.node');
  yield join(root, 'prebuilds', name);
  if (code !== undefined) yield inPackage(packageOf(name), code);
}

function* inInstallation(name: string, code: string | undefined): Generator<string> {
  yield* literals(name);
  if (code !== undefined) {
    yield join(dirname(code), 'nabla.node');
    yield join(dirname(code), 'prebuilds', name);
    yield inPackage(packageOf(name), code);
  }
  // webpack writes the place where this code was into the bundle, in place of where it is: hence the program's.
  for (const file of [process.argv[1], process.execPath]) if (file) yield join(dirname(file), 'nabla.node');
}

/** The package that holds the binary of that name alone: `@nabla/linux-x64-glibc`. The published package has it as an optional dependency. */
export const packageOf = (name: string): string =>
  `@nabla/${name
    .replace(/\.node$/, '')
    .replace('/nabla', '')
    .replace('.', '-')}`;

/** The file in a package, wherever it is installed for this code; what names it, if it is not. */
function inPackage(name: string, code: string): string {
  const specifier = `${name}/nabla.node`;
  try {
    return createRequire(code).resolve(specifier);
  } catch {
    return specifier;
  }
}

/** One that was made for a single machine need not say for which C library. */
function inPrebuilds(folder: string, name: string): readonly string[] {
  const file = join(folder, 'prebuilds', name);
  return [file, join(dirname(file), 'nabla.node')];
}

/** The file that this code runs from: a module of the package, a bundle or an executable. */
function codeFile(): string | undefined {
  const url = moduleUrl();
  if (url === undefined) return typeof __filename === 'string' ? __filename : undefined;
  return url.startsWith('file:') ? fileURLToPath(url) : undefined;
}

/** Bundles of CommonJS have none. */
const moduleUrl = (): string | undefined => import.meta.url;

/** Where webpack and its like put the package's binaries, and where tracers left them. */
const literals = (wanted: string): readonly string[] =>
  shipped.filter(([name]) => name === wanted && moduleUrl()?.startsWith('file:')).map(([, file]) => file());

function binaryName(): string {
  const tag = process.platform === 'linux' ? (runsOnMusl() ? '.musl' : '.glibc') : '';
  return `${process.platform}-${process.arch}/nabla${tag}.node`;
}

/** A program that was linked with musl names musl's loader in its first bytes. A binary for glibc may load there, and fail later. */
function runsOnMusl(): boolean {
  const start = Buffer.alloc(4096);
  try {
    const file = openSync(process.execPath, 'r');
    readSync(file, start);
    closeSync(file);
  } catch {
    return false;
  }
  return start.includes('/ld-musl-');
}
