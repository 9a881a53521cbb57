import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

// docs/architecture.md, "Layers": an import that points up is a bug.

const LIB = join(import.meta.dirname, '../lib');

/** Folders from the bottom up; those of one layer may know each other. Files beside the folders are for all of them. */
const LAYERS = [
  ['arguments'],
  ['backend'],
  ['expr'],
  ['tensor', 'autograd'],
  ['ops'],
  ['nn', 'optim', 'data', 'distributions'],
  ['capture', 'models'],
  ['io', 'training'],
  ['distributed'],
];

interface Import {
  readonly from: string;
  readonly to: string;
  /** Whether it is gone when compiled. */
  readonly isType: boolean;
}

const files = readdirSync(LIB, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

/** Statements as the formatter writes them: from the first column to `from '…';`. */
const STATEMENT = /^(?:import|export)( type)? (?:([^;'"]*?) from )?'(\.[^']+)';$/gm;

function importsOf(file: string): Import[] {
  const text = readFileSync(join(LIB, file), 'utf8');
  return [...text.matchAll(STATEMENT)].map(([, type, names = '', path = '']) => ({
    from: file,
    to: relative(LIB, join(LIB, dirname(file), path)).replace(/\.js$/, '.ts'),
    isType: type !== undefined || /^\{(\s*type [^,}]+,?)+\s*\}$/.test(names),
  }));
}

const imports = files.flatMap(importsOf);

/** -1 for files beside the folders; what the package exports stands above all. */
function layerOf(file: string): number {
  if (file === 'index.ts' || file === 'cli.ts') return LAYERS.length;
  return LAYERS.findIndex((folders) => folders.includes(file.split('/')[0]!));
}

/** Files that reach themselves through imports that are there when compiled. */
function circles(edges: readonly Import[]): string[][] {
  const targets = (file: string) => edges.filter(({ from }) => from === file).map(({ to }) => to);
  const finished = new Set<string>();
  const found: string[][] = [];
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) found.push([...path.slice(start), file]);
    if (start >= 0 || finished.has(file)) return;
    for (const to of targets(file)) visit(to, [...path, file]);
    finished.add(file);
  };
  for (const file of files) visit(file, []);
  return found;
}

describe('imports', () => {
  it('are all seen', () => {
    expect(imports.length).toBeGreaterThan(files.length);
    expect(imports.map(({ to }) => to).filter((to) => !files.includes(to))).toEqual([]);
  });

  it('know every folder', () => {
    const folders = new Set(files.filter((file) => file.includes('/')).map((file) => file.split('/')[0]!));
    expect([...folders].sort()).toEqual(LAYERS.flat().sort());
  });

  it('point down', () => {
    const up = imports.filter(({ from, to }) => layerOf(to) > layerOf(from));
    expect(up.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
  });

  it('go in no circle', () => {
    expect(circles(imports.filter(({ isType }) => !isType)).map((circle) => circle.join(' -> '))).toEqual([]);
  });
});

/** Dtypes are rows: what depends on one is asked of its row, so that another type is another row. */
describe('dtypes', () => {
  it('are compared with no text outside their rows', () => {
    const comparison =
      /(?<!result )[=!]== '(float32|float64|int32|bool)'|case '(float32|float64|int32|bool)'|startsWith\('(float|int)/;
    const exempt = new Set(['backend/dtype.ts']);
    const found = files.filter((file) => !exempt.has(file) && comparison.test(readFileSync(join(LIB, file), 'utf8')));
    expect(found).toEqual([]);
  });
});
