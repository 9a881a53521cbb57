import { CLASSES, FORWARDS, FUNCTIONS } from './pytorch-signatures.js';

export interface Parameter {
  readonly name: string;
  readonly required: boolean;
  /** The only JavaScript type this parameter admits, where that is what tells two overloads apart. */
  readonly only: 'boolean' | 'string' | undefined;
  /** Whether it takes all numbers that are left, one by one, as Python's `*size`. */
  readonly gathers: boolean;
}

export interface Signature {
  readonly parameters: readonly Parameter[];
  /** How many parameters nabla takes by position; the others are keys of the options object. */
  readonly positional: number;
}

const SHAPE_LIKE = new Set(['dim', 'dims', 'size', 'shape', 'start_dim', 'end_dim', 'output_size']);
const ONLY = { bool: 'boolean', str: 'string' } as const;

function parseParameter(text: string): Parameter {
  const [, star, name, type, optional] = /^(\*?)(\w+)(?::(bool|str))?(=?)$/.exec(text) ?? [];
  if (name === undefined) throw new Error(`signature table: cannot read parameter "${text}"`);
  const only = type === 'bool' || type === 'str' ? ONLY[type] : undefined;
  return { name, required: optional === '', only, gathers: star === '*' };
}

function parseSignature(list: string): Signature {
  const parts = list.split(', ').filter((part) => part !== '');
  const mark = parts.indexOf('/');
  const parameters = parts.filter((part) => part !== '/').map(parseParameter);
  const byRule = parameters.findLastIndex((parameter) => parameter.required || SHAPE_LIKE.has(parameter.name)) + 1;
  return { parameters, positional: mark >= 0 ? mark : byRule };
}

function parseTable(text: string): ReadonlyMap<string, readonly Signature[]> {
  const table = new Map<string, Signature[]>();
  for (const line of text.split('\n').filter((row) => row !== '')) {
    const [, name, list] = /^([\w.]+)\((.*)\)$/.exec(line) ?? [];
    if (name === undefined || list === undefined) throw new Error(`signature table: cannot read "${line}"`);
    table.set(name, [...(table.get(name) ?? []), parseSignature(list)]);
  }
  return table;
}

/** Overloads by name: `sum`, `nn.functional.elu`, `nn.init.uniform_`. */
export const functionSignatures = parseTable(FUNCTIONS);
/** Constructors by name: `nn.Linear`, `optim.lr_scheduler.StepLR`. */
export const classSignatures = parseTable(CLASSES);
/** `forward` by module: `nn.MultiheadAttention`. */
export const forwardSignatures = parseTable(FORWARDS);
