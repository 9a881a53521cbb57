import * as nabla from 'nabla';
import { declarations } from '../../lib/arguments/define.js';
import { Kind as ParameterKind } from '../../lib/arguments/kind.js';
import * as kinds from '../../lib/tensor/kinds.js';
import { entryPoints, exportsOf, type PublicExport } from '../docs/exports.js';
import { signatureOf } from '../docs/signatures.js';

/** What kinds of values there are, as far as a caller can take one for another. */
export type Kind = 'tensor' | 'number' | 'boolean' | 'string' | 'array' | 'object' | 'null' | 'undefined' | 'other';

/** A parameter: what it takes, if its type says so. */
export interface Parameter {
  readonly name: string;
  /** null where anything may be right. */
  readonly kinds: ReadonlySet<Kind> | null;
  /** Of options, those that are known. */
  readonly options: readonly Parameter[];
  /** Whether it stands for all arguments from there on. */
  readonly isRest?: boolean;
}

/** Something that can be called. */
export interface Callable {
  /** As it is called: `x.add`, `new nn.Linear`. */
  readonly code: string;
  readonly parameters: readonly Parameter[];
}

const exported = Object.values(entryPoints).flatMap((file) => exportsOf(file));
const types = new Map(
  exported
    .filter(({ kind }) => kind === 'interface' || kind === 'type')
    .map((one) => [one.path.split('.').at(-1)!, one]),
);

const NAMED: Readonly<Record<string, readonly Kind[]>> = {
  Tensor: ['tensor'],
  Parameter: ['tensor'],
  number: ['number'],
  boolean: ['boolean'],
  string: ['string'],
  DType: ['string'],
  Reduction: ['string'],
  Shape: ['array'],
  Dim: ['number', 'array', 'null', 'undefined'],
  Operand: ['tensor', 'number'],
  null: ['null'],
  undefined: ['undefined'],
};

/** Splits at a mark that is not within brackets or quotes. */
function splitAt(text: string, mark: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const [i, c] of [...text].entries()) {
    if ('([{<'.includes(c)) depth++;
    if (')]}'.includes(c) || (c === '>' && text[i - 1] !== '=')) depth--;
    if (c === mark && depth === 0) parts.push('');
    else parts[parts.length - 1] += c;
  }
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

function kindsOf(type: string): Set<Kind> | null {
  const kinds = new Set<Kind>();
  for (const part of splitAt(type, '|')) {
    const known =
      NAMED[part] ?? (/^'/.test(part) ? ['string' as const] : /\[\]$/.test(part) ? ['array' as const] : undefined);
    const isOptions = /Options$|^Partial<|^Omit<|^Pick</.test(part);
    if (known === undefined && !isOptions) return null;
    for (const kind of known ?? ['object' as const]) kinds.add(kind);
  }
  return kinds;
}

function parameterOf(text: string): Parameter {
  const [, name = '', optional, type, preset] = PARAMETER.exec(text) ?? [];
  const kinds = text.startsWith('...')
    ? null
    : type === undefined
      ? literalKind(preset)
      : kindsOf(type.replace(/\s+/g, ' '));
  if (optional === '?' || preset !== undefined) kinds?.add('undefined');
  const options = /(\w+Options)\b/.exec(type ?? '')?.[1];
  const isRest = text.startsWith('...');
  return { name, kinds, options: options === undefined ? [] : fieldsOf(options), isRest };
}

const PARAMETER = /^(?:\.\.\.|readonly |public |private )*(\w+)(\?)?(?::\s*([\s\S]*?))?(?:\s=\s([\s\S]*))?$/;

/** What a parameter takes whose type is that of its default. */
const literalKind = (preset = ''): Set<Kind> | null =>
  /^-?\d/.test(preset)
    ? new Set(['number'])
    : /^(true|false)$/.test(preset)
      ? new Set(['boolean'])
      : /^'/.test(preset)
        ? new Set(['string'])
        : null;

/** The fields of an interface of options, and of those that it extends. */
function fieldsOf(name: string): Parameter[] {
  const { source } = types.get(name) ?? { source: '' };
  const body = source.slice(source.indexOf('{'), source.search(/^\}/m));
  const own = [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??: ([^;]+);/gm)].map(([, field, type]) => {
    const kinds = kindsOf(type!.replace(/\s+/g, ' '));
    kinds?.add('undefined');
    return { name: field!, kinds, options: [] };
  });
  const parents = source.slice(0, source.indexOf('{')).match(/\b\w+Options\b/g) ?? [];
  return [
    ...own,
    ...parents.filter((parent) => parent !== name && !source.includes(`Pick<${parent}`)).flatMap(fieldsOf),
  ];
}

/** The text between the first bracket and the one that closes it. */
function bracketed(text: string): string {
  let depth = 0;
  for (let i = text.indexOf('('); i < text.length; i++) {
    if (text[i] === '(') depth++;
    if (text[i] === ')' && --depth === 0) return text.slice(text.indexOf('(') + 1, i);
  }
  return '';
}

const parametersIn = (text: string): Parameter[] =>
  splitAt(bracketed(text.replace(/\/\*[\s\S]*?\*\//g, '')), ',')
    .filter((part) => !part.startsWith('this:'))
    .map(parameterOf);

/** Several ways of calling take what any of them takes. */
function merged(signatures: readonly (readonly Parameter[])[]): Parameter[] {
  const length = Math.max(...signatures.map((one) => one.length));
  return Array.from({ length }, (_, i) => {
    const here = signatures.map((one) => one[i]);
    const present = here.filter((one) => one !== undefined);
    const kinds = present.some((one) => one.kinds === null) ? null : new Set(present.flatMap((one) => [...one.kinds!]));
    if (here.includes(undefined)) kinds?.add('undefined');
    return { name: present[0]!.name, kinds, options: present.flatMap((one) => one.options) };
  });
}

type AnyKind = ParameterKind<unknown, boolean>;

function fail(message: string): never {
  throw new Error(message);
}

/** Values of each kind, one of which is right wherever a value of that kind can be. */
const SAMPLES: Readonly<Record<Exclude<Kind, 'undefined'>, readonly unknown[]>> = {
  tensor: [nabla.ones([2])],
  number: [0, 1, 0.5, 2],
  boolean: [true],
  string: ['float32'],
  array: [[1], [], [nabla.ones([2])]],
  object: [{}],
  null: [null],
  other: [() => 1, new Uint8Array(1)],
};

/** What a kind takes, by the text of its declaration; null if that names what only its own file knows. */
function kindsTaken(declared: string): Set<Kind> | null {
  if (!declared.startsWith('kinds.')) return null;
  // What a function takes is for TypeScript alone.
  const value = declared.replace(/^kinds\.callback<.*>\(\)/, 'kinds.callback()');
  let kind: unknown;
  try {
    kind = new Function('kinds', `return ${value}`)(kinds);
  } catch (error) {
    if (error instanceof ReferenceError) return null;
    throw error;
  }
  if (!(kind instanceof ParameterKind)) throw new Error(`${declared} is no kind of parameter`);
  return kindsOfParameter(kind, declared);
}

function kindsOfParameter(kind: AnyKind, declared: string): Set<Kind> {
  const texts = [...declared.matchAll(/'([^']*)'/g)].map(([, text]) => text);
  const taken = Object.entries(SAMPLES).filter(([name, samples]) =>
    [...samples, ...(name === 'string' ? texts : [])].some((sample) => kind.accepts(sample)),
  );
  return new Set([...taken.map(([name]) => name as Kind), ...(kind.isRequired ? [] : (['undefined'] as const))]);
}

/** A parameter of a signature; its kinds are null where they cannot be told. */
interface Declared extends Parameter {
  readonly kinds: Set<Kind> | null;
}

/** Parameters by position, any but the first ones of which can be an object of those that are left, and that object. */
function parametersDeclared(text: string, all: readonly Declared[], shifts: boolean): Parameter[] {
  const words = text.split(',').map((word) => word.trim());
  const names = (list: readonly string[]) => list.filter((word) => word !== '/' && word !== '*');
  const star = words.indexOf('*');
  const positional = names(star < 0 ? words : words.slice(0, star)).length;
  const options = all.slice(names(words.slice(0, words.indexOf('/') + 1)).length);
  const byPosition = all.slice(0, positional).map((one) => {
    if (options.includes(one)) one.kinds?.add('object');
    return one;
  });
  for (const [i, { kinds }] of shifts ? byPosition.entries() : []) {
    for (const next of byPosition[i + 1]?.kinds ?? []) kinds?.add(next);
  }
  return [...byPosition, { name: 'options', kinds: new Set(['object', 'undefined']), options }];
}

/** The signature that a declaration names, and whether its first parameter may be left out by position. */
function signatureIn(kind: PublicExport['kind'], source: string): { signature: string; shifts: boolean } | null {
  const text = source.slice(0, source.search(kind === 'const' ? /;$/m : /^\}/m));
  const passedOn =
    /(?:constructor|function \w+|= )(?:<[^(]*>)?\([^)]*\.\.\.(\w+): (?:ArgumentsOf|RestOf)<typeof (\w+)/.exec(text);
  // What a class defines are its members.
  const defined =
    kind === 'class'
      ? null
      : (/= define(Bounds|\w*)\(\s*'\w+',\s*(\w+(?:\(\w+\))?)/.exec(text) ??
        /^.*?: (FunctionOf)<[^=]*typeof (\w+)/.exec(text));
  const [, bounds, signature] = defined ?? passedOn ?? [];
  return signature === undefined ? null : { signature, shifts: bounds === 'Bounds' };
}

/** What a function was defined to take; undefined for what is no such function. */
function definedAt(path: string) {
  const at = (within: unknown, name: string): unknown => (within as Record<string, unknown> | undefined)?.[name];
  const value = path.split('.').reduce(at, nabla as unknown);
  return typeof value === 'function' ? declarations.get(value) : undefined;
}

/** The expectations of kinds that all files share. What others take cannot be told from samples. */
const shared = new Map(
  Object.values(kinds)
    .filter((one) => one instanceof ParameterKind)
    .map((one: AnyKind) => [one.expected, one]),
);

/** Of a function that is one of a family: its text says of which, but not what that takes. */
function parametersDefined(path: string): Parameter[] | null {
  const defined = definedAt(path);
  if (defined === undefined) return null;
  const { text, names, kinds: own } = defined.takes;
  const all = names.map((name) => {
    const kind = (own as Record<string, AnyKind>)[name]!;
    const known = shared.has(kind.expected.replace(/, or null$/, ''));
    return { name, kinds: known ? kindsOfParameter(kind, kind.expected) : null, options: [] };
  });
  return parametersDeclared(text, all, defined.shifts);
}

function parametersOf({ kind, path, source, file }: PublicExport): Parameter[] | null {
  const name = path.split('.').at(-1)!;
  const declaredBy = signatureIn(kind, source);
  if (declaredBy !== null) {
    const declared = signatureOf(file, declaredBy.signature);
    if (declared === null) {
      return (
        parametersDefined(path) ?? fail(`${file}: the signature ${declaredBy.signature} of ${path} cannot be read`)
      );
    }
    const all = declared.parameters.map(({ name, kind }) => ({ name, kinds: kindsTaken(kind), options: [] }));
    return parametersDeclared(declared.text, all, declaredBy.shifts);
  }
  const declared = source.slice(0, source.search(/^\}|;$/m) + 1);
  if (kind === 'class') {
    const body = source.slice(0, source.search(/^\}/m));
    const at = body.search(/^ {2}constructor\(/m);
    return at < 0 ? [] : parametersIn(body.slice(at));
  }
  if (kind === 'function') {
    const signatures = [...source.matchAll(new RegExp(`^(?:export )?(?:async )?function ${name}\\b`, 'gm'))].map(
      ({ index }) => parametersIn(source.slice(index)),
    );
    // The last of several is the implementation. Expressions are made by the same functions: those are another matter.
    const callable =
      signatures.length < 2
        ? signatures
        : signatures.slice(0, -1).filter((one) => one.every(({ kinds, isRest }) => kinds !== null || isRest === true));
    return callable.length === 0 ? null : merged(callable);
  }
  const typed = /^(?:export )?const \w+: (Unary|Binary)\b/.exec(declared)?.[1];
  const operand = { name: 'x', kinds: new Set<Kind>(['tensor', 'number']), options: [] };
  if (typed !== undefined)
    return typed === 'Unary' ? [{ ...operand, kinds: new Set<Kind>(['tensor']) }] : [operand, operand];
  return /^(?:export )?const \w+ = (?:async )?(?:<[^>]*>)?\(/.test(declared)
    ? parametersIn(source.slice(source.indexOf('=')))
    : null;
}

/** Everything public that can be called, from the library's own text. */
export function callables(): Callable[] {
  const found: Callable[] = [];
  for (const one of exported) {
    if (!['function', 'const', 'class'].includes(one.kind)) continue;
    const parameters = parametersOf(one);
    if (parameters === null || parameters.length === 0) continue;
    found.push({ code: one.kind === 'class' ? `new ${one.path}` : one.path, parameters });
  }
  return found;
}
