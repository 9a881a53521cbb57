import { readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { root } from './exports.js';

/** A parameter as a signature declares it. */
export interface Declared {
  readonly name: string;
  /** The kind, as it is written: `kinds.boolean.default(false)`. */
  readonly kind: string;
  /** The doc comment with its marks, or ''. */
  readonly doc: string;
}

/** A parameter list as `signature` is given it. */
export interface DeclaredSignature {
  /** As in `signature('input, /, dim')`. */
  readonly text: string;
  readonly parameters: readonly Declared[];
}

/** What makes one of each of a family, as of numbers of dimensions. */
const FAMILY = '(?: \\([^)]*\\)(?:: [^=]+)? =>)?';

const read = (file: string): string => readFileSync(resolve(root, file), 'utf8');

/**
 * The signature that an expression of a file is: a constant, of that file or another, or one with operands before it, as `onInput(constant)`,
 * or as a constant that is made by `after`.
 */
export function signatureOf(file: string, expression: string): DeclaredSignature | null {
  const source = read(file);
  const [, wrapper, inner] = /^(\w+)\((\w+)\)$/.exec(expression) ?? [];
  if (wrapper !== undefined) return withOperands(file, wrapper, signatureOf(file, inner!));
  const name = expression;
  const [, base] = new RegExp(`^(?:export )?const ${name} = (\\w+)\\.after\\(`, 'm').exec(source) ?? [];
  if (base !== undefined) return withOperands(file, name, signatureOf(file, base));
  const start = new RegExp(`^(?:export )?const ${name} =${FAMILY}\\s*signature\\(`, 'm').exec(source);
  if (start === null) {
    const from = importOf(file, source, name);
    return from === null ? null : signatureOf(from, name);
  }
  const [text = "''", kinds = '{}'] = split(inside(source, start.index + start[0].length - 1)).map(({ code }) => code);
  const fields = kinds.startsWith('{') ? fieldsOf(file, source, kinds) : spreadOf(file, source, kinds);
  const names = namesIn(text.slice(1, -1));
  return {
    text: text.slice(1, -1),
    parameters: names.map(
      (one) => fields.findLast((field) => field.name === one) ?? fail(`${file}: no kind of ${one}`),
    ),
  };
}

const namesIn = (text: string): string[] =>
  text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => !['', '/', '*'].includes(word));

function fail(message: string): never {
  throw new Error(message);
}

/** What a function like `onInput` makes of a signature, by its call of `after`. */
function withOperands(file: string, wrapper: string, inner: DeclaredSignature | null): DeclaredSignature | null {
  const from = importOf(file, read(file), wrapper) ?? file;
  const source = read(from);
  const call = new RegExp(`const ${wrapper} = [^;]*?\\.after\\(`).exec(source);
  if (call === null || inner === null) return null;
  const [operands = "''", kinds = '{}'] = split(inside(source, call.index + call[0].length - 1)).map(
    ({ code }) => code,
  );
  return {
    text: `${operands.slice(1, -1)}, /, ${inner.text}`,
    parameters: [...fieldsOf(from, source, kinds), ...inner.parameters],
  };
}

/** The parameters in an object of kinds, those of other objects that are spread into it included. */
function fieldsOf(file: string, source: string, object: string): Declared[] {
  return split(inside(object, object.indexOf('{'))).flatMap(({ code, doc }): Declared[] => {
    if (code.startsWith('...')) return spreadOf(file, source, code.slice(3));
    const [, name = code, kind = code] = /^(\w+):\s*([\s\S]*)$/.exec(code) ?? [];
    return [{ name, kind: kind.replaceAll(/\s+/g, ''), doc }];
  });
}

function spreadOf(file: string, source: string, expression: string): Declared[] {
  const [, declared] = /^(\w+)\.kinds$/.exec(expression) ?? [];
  if (declared !== undefined) return [...(signatureOf(file, declared)?.parameters ?? fail(`${file}: no ${declared}`))];
  const name = expression.replace(/\(.*\)$/, '');
  const start = new RegExp(`^(?:export )?const ${name} =${FAMILY} \\(?\\{`, 'm').exec(source);
  if (start !== null) return fieldsOf(file, source, source.slice(start.index));
  const from = importOf(file, source, name);
  return from === null ? fail(`${file}: ${name} is declared nowhere`) : spreadOf(from, read(from), name);
}

/** The file that a name comes from. */
function importOf(file: string, source: string, name: string): string | null {
  for (const [, names, path] of source.matchAll(/^import (?:type )?\{([^}]*)\} from '(\.[^']*)';/gm)) {
    if (!names!.split(',').some((one) => one.trim().replace(/^type /, '') === name)) continue;
    return relative(root, resolve(dirname(resolve(root, file)), path!.replace(/\.js$/, '.ts')));
  }
  return null;
}

/** The text between a bracket and the one that closes it. */
function inside(text: string, open: number): string {
  const end = [...scan(text.slice(open))].find(({ depth }) => depth === 0);
  return text.slice(open + 1, open + end!.at);
}

/** The parts between the commas that are in no brackets, each with the doc comment before it. */
function split(text: string): { code: string; doc: string }[] {
  const parts = [{ code: '', doc: '' }];
  for (const { at, depth, comment } of scan(text)) {
    const part = parts.at(-1)!;
    if (comment !== null && depth === 0) part.doc = comment;
    else if (comment !== null) part.code += comment;
    else if (text[at] === ',' && depth === 0) parts.push({ code: '', doc: '' });
    else part.code += text[at];
  }
  return parts.map(({ code, doc }) => ({ code: code.trim(), doc })).filter(({ code }) => code !== '');
}

/** Characters and whole comments, with how many brackets and quotes are open after them. */
function* scan(text: string): Iterable<{ at: number; depth: number; comment: string | null }> {
  let depth = 0;
  let quote: string | null = null;
  for (let at = 0; at < text.length; at++) {
    const comment = quote === null ? /^\/\*[\s\S]*?\*\/|^\/\/.*/.exec(text.slice(at))?.[0] : undefined;
    if (comment !== undefined) {
      yield { at, depth, comment };
      at += comment.length - 1;
      continue;
    }
    const c = text[at]!;
    if (quote !== null) quote = c === quote ? null : quote;
    else if ('\'"`'.includes(c)) quote = c;
    else if ('([{'.includes(c)) depth++;
    else if (')]}'.includes(c)) depth--;
    yield { at, depth: depth + Number(quote !== null), comment: null };
  }
}
