// What a publisher looks at in the package itself: each function gives what is wrong, line by line, or nothing.

/** The package may take so much of a disk, dependencies counted. */
export const MOST_BYTES = 5_000_000;

const FREE = new Set(['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', '0BSD']);

export interface Packed {
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

/** Of a version that is to be released the changelog has a heading with the day, and something below it. */
export function changelogFaults(text: string, version: string): string[] {
  const heading = `## [${version}]`;
  const start = text.split('\n').findIndex((line) => line.startsWith(heading));
  if (start < 0) return [`CHANGELOG.md has no heading ${heading} - YYYY-MM-DD`];
  const [first, ...rest] = text.split('\n').slice(start);
  const next = rest.findIndex((line) => line.startsWith('## '));
  const entry = rest.slice(0, next < 0 ? undefined : next);
  return [
    ...(/ - \d{4}-\d{2}-\d{2}$/.test(first!)
      ? []
      : [`CHANGELOG.md: ${first} has no day, as in ${heading} - 2026-01-31`]),
    ...(entry.some((line) => line.startsWith('- ')) ? [] : [`CHANGELOG.md says nothing of ${version}`]),
  ];
}

/** What an installation takes: nabla, and the package with the binary that fits. */
export const installationFaults = (binary: string, bytes: number): readonly string[] =>
  bytes <= MOST_BYTES ? [] : [`nabla with ${binary}: ${bytes} bytes installed; at most ${MOST_BYTES}`];

/** Files of others that the package has, by where they are. */
export const BUNDLED: Readonly<Record<string, string>> = {
  'dist/headers/': 'node-api-headers',
  'dist/rolldown-runtime.js': 'rolldown',
};

/** Code that is somebody else's, and its licence. */
export interface Foreign {
  readonly name: string;
  readonly licence: string | undefined;
}

export function licenceFaults(own: Packed, foreign: readonly Foreign[]): string[] {
  const paths = new Set(own.files.map(({ path }) => path));
  return [
    ...['LICENSE', 'dist/headers/LICENSE']
      .filter((path) => !paths.has(path))
      .map((path) => `${path} is not in the package`),
    ...foreign
      .filter(({ licence }) => licence === undefined || !FREE.has(licence))
      .map(({ name, licence }) => `${name} has the licence ${licence ?? 'none'}`),
  ];
}

/** Sources in the maps of `dist/` that are not ours: code that a bundler took in. */
export function bundledFaults(
  maps: readonly { readonly name: string; readonly sources: readonly string[] }[],
): string[] {
  return maps.flatMap(({ name, sources }) =>
    sources.filter((source) => !/^(\.\.\/)+lib\//.test(source)).map((source) => `${name} has code of ${source}`),
  );
}
