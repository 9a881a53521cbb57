import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Where users import from, and the file behind it. */
export const entryPoints = {
  nabla: 'lib/index.ts',
  'nabla/data': 'lib/data/index.ts',
  'nabla/distributed': 'lib/distributed/index.ts',
  'nabla/io': 'lib/io/index.ts',
  'nabla/models': 'lib/models/index.ts',
  'nabla/training': 'lib/training/index.ts',
};

export interface PublicExport {
  /** As users write it: `nn.functional.relu`. */
  readonly path: string;
  readonly kind: 'function' | 'class' | 'const' | 'interface' | 'type' | 'namespace';
  readonly file: string;
  /** The doc comment with its marks, or '' if there is none. */
  readonly doc: string;
  /** From the declaration on to the end of the file. */
  readonly source: string;
}

const EXPORT_FROM = /^export (?:type )?(\*|\* as \w+|\{[^}]*\}) from '([^']+)';/gm;
const LOCAL_NAMES = /^export \{([^}]*)\};/gm;
const DECLARATION = /^export (?:declare |abstract |async )*(function|class|const|interface|type) (\w+)/gm;
const DOC_BEFORE = /\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n$/;

/** Everything that can be imported from a file of `lib/`, what it passes on included; read from its text. */
export function exportsOf(file: string, prefix = ''): PublicExport[] {
  const text = readFileSync(resolve(root, file), 'utf8');
  const found = new Map<string, PublicExport>();
  const add = (entry: PublicExport) => {
    const known = found.get(entry.path);
    if (known === undefined || known.doc === '') found.set(entry.path, entry);
  };
  for (const [, what, from] of text.matchAll(EXPORT_FROM)) {
    const target = resolve(dirname(resolve(root, file)), from!.replace(/\.js$/, '.ts')).slice(root.length);
    for (const entry of passedOn(what!, target, prefix)) add(entry);
  }
  for (const [, kind, name] of text.matchAll(DECLARATION)) add(declaration(text, file, kind!, name!, prefix + name));
  for (const [, list] of text.matchAll(LOCAL_NAMES)) {
    for (const [name, alias] of namesIn(list!)) {
      const [, kind = 'function'] = new RegExp(`^(?:async )?(function|const) ${name}\\b`, 'm').exec(text) ?? [];
      add(declaration(text, file, kind, name, prefix + alias));
    }
  }
  return [...found.values()];
}

function passedOn(what: string, target: string, prefix: string): PublicExport[] {
  if (what === '*') return exportsOf(target, prefix);
  if (what.startsWith('* as ')) {
    const path = `${prefix}${what.slice('* as '.length)}`;
    const namespace = { path, kind: 'namespace', file: target, doc: '', source: '' } as const;
    return [namespace, ...exportsOf(target, `${path}.`)];
  }
  const all = exportsOf(target, prefix);
  return namesIn(what.slice(1, -1)).map(([name, alias]) => {
    const entry = all.find(({ path }) => path === prefix + name);
    if (entry === undefined) throw new Error(`${target} has no export ${name}`);
    return { ...entry, path: prefix + alias };
  });
}

/** `a, type B, c as d` as pairs of a name and what it is exported as. */
const namesIn = (list: string): [name: string, alias: string][] =>
  list
    .split(',')
    .map((item) => item.trim().replace(/^type /, ''))
    .filter((item) => item !== '')
    .map((item) => item.split(' as ') as [string, string?])
    .map(([name, alias = name]) => [name, alias]);

function declaration(text: string, file: string, kind: string, name: string, path: string): PublicExport {
  const starts = [...text.matchAll(new RegExp(`^(?:export )?(?:abstract |async )*${kind} ${name}\\b`, 'gm'))];
  // Overloads are documented where their users are: the longest comment is the main one.
  const docs = starts.map(({ index }) => DOC_BEFORE.exec(text.slice(0, index))?.[0] ?? '');
  const doc = docs.reduce((longest, next) => (next.length > longest.length ? next : longest), '');
  return { path, kind: kind as PublicExport['kind'], file, doc, source: text.slice(starts[0]?.index ?? 0) };
}
