import * as nabla from 'nabla';
import { NablaError, Tensor } from 'nabla';
import { Finding } from './property.js';

/** A line of a program: what it makes, if anything, and how. */
export interface Statement {
  readonly name?: string;
  readonly code: string;
}

export const lineOf = ({ name, code }: Statement): string =>
  name === undefined ? `${code};` : `const ${name} = ${code};`;

/** The variables of a program that is being written: it is run as it grows, so that what comes next can be chosen by what is there. */
export class Scope {
  readonly variables = new Map<string, unknown>();
  #made = 0;

  /** A name that nothing has. */
  fresh(prefix: string): string {
    return `${prefix}${this.#made++}`;
  }

  evaluate(code: string): unknown {
    // Sloppy mode: only there may names be looked up in an object.
    const run = new Function('nabla', 'scope', `with (nabla) with (scope) return (${code});`);
    return run(nabla, Object.fromEntries(this.variables));
  }

  /** Runs a statement. Says whether it can be run: what is refused in words is not part of a program. */
  run({ name, code }: Statement): boolean {
    try {
      const value = this.evaluate(code);
      if (name !== undefined) this.variables.set(name, value);
      return true;
    } catch (error) {
      if (error instanceof NablaError) return false;
      throw new Finding(`${code} throws ${String(error)}`);
    }
  }

  /** Names of tensors that satisfy a condition, the latest first. */
  tensors(condition: (x: Tensor, name: string) => boolean = () => true): string[] {
    const isThere = (entry: [string, unknown]) => entry[1] instanceof Tensor && condition(entry[1], entry[0]);
    return [...this.variables]
      .filter(isThere)
      .map(([name]) => name)
      .reverse();
  }

  tensor(name: string): Tensor {
    return this.variables.get(name) as Tensor;
  }

  /** Names of variables that are instances of a class, the latest first. */
  instances(type: abstract new (...args: never) => object): string[] {
    return [...this.variables]
      .filter(([, value]) => value instanceof type)
      .map(([name]) => name)
      .reverse();
  }

  numbers(): string[] {
    return [...this.variables].filter(([, value]) => typeof value === 'number').map(([name]) => name);
  }
}
