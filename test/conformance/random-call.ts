import type { Adapter } from './adapter.js';
import { DTYPES } from './decode.js';
import type { ElementType } from './format.js';

/**
 * The calls of the random area are written as text, `empty(N).normal_(1.0, 2.0)`. Their grammar:
 *
 *     value  = chain [ "as floats" ]
 *     chain  = atom { "." name "(" [ argument { "," argument } ] ")" }
 *     atom   = number | "true" | "false" | "N" | list | path "(" ... ")"
 *     list   = "[" value { "," value } "]", or "[1,2,..,10]"
 *     argument = [ name "=" ] value
 */
const TOKEN = /\s*(?:(-?\d+(?:\.\d+)?)|([A-Za-z_][\w.]*)|(\.\.|[[\](),.=]))/y;

type Token = number | string;

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const [, number, name, mark] = TOKEN.exec(text) ?? [];
    const token = number === undefined ? (name ?? mark) : Number(number);
    if (token === undefined) throw new Error(`cannot read the call ${text}`);
    tokens.push(token);
  }
  return tokens;
}

/** These make float tensors, of the sample's element type. */
const FLOAT_MAKERS = new Set(['rand', 'randn', 'empty', 'ones', 'full', 'arange']);

/** What the calls are made on. */
type Target = Pick<Adapter, 'callee' | 'floats'>;

/** Evaluates such a call, with `size` for N. */
export function evaluateRandomCall(text: string, size: number, dtype: ElementType, target: Target): unknown {
  return new Evaluation(tokenize(text), size, dtype, target).value();
}

class Evaluation {
  readonly #tokens: readonly Token[];
  readonly #size: number;
  readonly #dtype: ElementType;
  readonly #target: Target;
  #at = 0;

  constructor(tokens: readonly Token[], size: number, dtype: ElementType, target: Target) {
    this.#tokens = tokens;
    this.#size = size;
    this.#dtype = dtype;
    this.#target = target;
  }

  value(): unknown {
    let value = this.#atom();
    while (this.#accept('.')) value = this.#call(`Tensor.${String(this.#next())}`, [value]);
    if (!this.#accept('as')) return value;
    this.#expect('floats');
    return Array.isArray(value) ? this.#target.floats(value, this.#dtype) : value;
  }

  #atom(): unknown {
    const token = this.#next();
    if (typeof token === 'number') return token;
    if (token === '[') return this.#list();
    if (token === 'N') return this.#size;
    if (token === 'true' || token === 'false') return token === 'true';
    return this.#call(`torch.${token}`, []);
  }

  #list(): unknown[] {
    const items: unknown[] = [];
    do {
      if (this.#accept('..')) items.push(...this.#upTo(Number(items.at(-1))));
      else items.push(this.value());
    } while (this.#accept(','));
    this.#expect(']');
    return items;
  }

  /** What `..` stands for between two numbers, without either. */
  #upTo(last: number): number[] {
    const end = this.#tokens[this.#at + 1];
    return Array.from({ length: Number(end) - last - 1 }, (_, i) => last + 1 + i);
  }

  #call(name: string, args: unknown[]): unknown {
    const makesFloats = FLOAT_MAKERS.has(name.replace('torch.', ''));
    const kwargs: Record<string, unknown> = makesFloats ? { dtype: DTYPES[this.#dtype] } : {};
    this.#expect('(');
    while (!this.#accept(')')) {
      const key = this.#tokens[this.#at + 1] === '=' ? String(this.#next()) : undefined;
      if (key !== undefined) this.#expect('=');
      const value = this.value();
      if (key === undefined) args.push(value);
      else kwargs[key] = value;
      this.#accept(',');
    }
    return this.#target.callee(name)(args, kwargs);
  }

  #next(): Token {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new Error(`the call ends early: ${this.#tokens.join(' ')}`);
    return token;
  }

  #accept(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at++;
    return true;
  }

  #expect(token: string): void {
    if (!this.#accept(token)) throw new Error(`expected "${token}" in ${this.#tokens.join(' ')}`);
  }
}
