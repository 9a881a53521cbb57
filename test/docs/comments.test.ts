import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { entryPoints, exportsOf, type PublicExport, root } from './exports.js';
import { signatureOf } from './signatures.js';

// What API users see on hover. Text is read, not types: a declaration counts as documented if a doc comment stands right before it.

const surface = Object.entries(entryPoints).flatMap(([entry, file]) =>
  exportsOf(file).map((item) => ({ ...item, path: `${entry}: ${item.path}` })),
);
const declarations = surface.filter(({ kind }) => kind !== 'namespace');
const values = declarations.filter(({ kind }) => kind !== 'interface' && kind !== 'type');

const sources = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.startsWith('arguments'))
  .map((name) => `lib/${name}`);

const isOptions = ({ kind, path }: PublicExport): boolean => kind === 'interface' && path.endsWith('Options');

const paths = (items: readonly { readonly path: string }[]): string[] => items.map(({ path }) => path);

/** The prose before the first tag. */
function summaryOf(doc: string): string {
  const text = doc.replace(/^\s*(\/\*\*|\*\/|\*)|\*\/\s*$/gm, '').trim();
  return text.split(/(^|\s)@\w/)[0]!.trim();
}

/** The text between the braces that open after the declaration. */
function bodyOf({ source }: PublicExport): string {
  const end = source.search(/^\}|\{\}$/m);
  return source.slice(source.indexOf('{'), end);
}

/** Members, by name, that have no doc comment right before them; overloads after the first need none. */
function undocumented(item: PublicExport, member: RegExp): string[] {
  const seen = new Set<string>();
  const missing: string[] = [];
  let before = '';
  for (const line of bodyOf(item).split('\n')) {
    const name = member.exec(line)?.[1];
    if (name !== undefined && !seen.has(name)) {
      seen.add(name);
      if (!before.endsWith('*/')) missing.push(`${item.path}.${name}`);
    }
    before = line.trimEnd();
  }
  return missing;
}

const METHOD =
  /^ {2}(?!constructor|override|protected|set |if |for |return |super)(?:get |static |async |abstract |\*)*(\w+)(?:<[^(]*>)?\(/;
const PROPERTY = /^ {2}(?:readonly )?(\w+)\??:/;

describe('doc comments', () => {
  it('are looked for in the whole public surface', () => {
    expect(values.length).toBeGreaterThan(230);
    expect(paths(values)).toEqual(
      expect.arrayContaining([
        'nabla: add',
        'nabla: Tensor',
        'nabla: nn.Linear',
        'nabla: nn.functional.crossEntropy',
        'nabla: nn.init.xavierNormal_',
        'nabla: optim.SGD',
        'nabla/data: DataLoader',
        'nabla/io: saveSafetensors',
      ]),
    );
  });

  it('begin with a summary; options are explained one by one instead', () => {
    const explained = declarations.filter((item) => !isOptions(item));
    expect(paths(explained.filter(({ doc }) => summaryOf(doc).length < 3))).toEqual([]);
  });

  it('have an example wherever something can be called', () => {
    const abstract = ({ source }: PublicExport) => /^export (abstract|const \w+(Generator)\b)/.test(source);
    const thrown = ({ path }: PublicExport) => path.endsWith('Error');
    const without = values.filter((item) => !item.doc.includes('@example') && !abstract(item) && !thrown(item));
    expect(paths(without)).toEqual([]);
  });

  it('are on every public method', () => {
    const classes = values.filter(({ kind }) => kind === 'class');
    expect(classes.length).toBeGreaterThan(35);
    expect(classes.flatMap((item) => undocumented(item, METHOD))).toEqual([]);
  });

  const options = declarations.filter(isOptions);

  it('are on every option, with its default', () => {
    expect(options.length).toBeGreaterThan(20);
    expect(options.flatMap((item) => undocumented(item, PROPERTY))).toEqual([]);
    const comments = options.flatMap((item) => bodyOf(item).match(/\/\*\*.*\*\//g) ?? []);
    expect(comments.filter((comment) => !/Default|Required/.test(comment))).toEqual([]);
  });

  it('are on every parameter of a signature that has a default', () => {
    const signatures = sources.flatMap((file) =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/\bOptionsOf<typeof (\w+)>/g)].map(([, name]) => ({
        path: `${file}: ${name}`,
        parameters: signatureOf(file, name!)!.parameters,
      })),
    );
    const found = signatures.flatMap(({ path, parameters }) =>
      parameters.filter(({ kind }) => /\.(default|optional)\(/.test(kind)).map((one) => ({ ...one, path })),
    );
    expect(found.length).toBeGreaterThan(5);
    expect(found.filter(({ doc }) => !doc.includes('Default')).map(({ path, name }) => `${path}.${name}`)).toEqual([]);
  });
});
