import { ValueError } from '../errors.js';

/** Makes methods refuse more arguments than they have parameters. None of these has a default: a method with such ones reads a signature. */
export function takeNoMore<T extends object>(type: { readonly prototype: T }, ...names: (keyof T & string)[]): void {
  for (const name of names) {
    const method = Reflect.get(type.prototype, name) as (this: T, ...args: unknown[]) => unknown;
    const { length } = method;
    const value = function (this: T, ...args: unknown[]): unknown {
      if (args.length > length) throw tooMany(name, length, args.length);
      return method.apply(this, args);
    };
    Object.defineProperties(value, { name: { value: name }, length: { value: length } });
    Object.defineProperty(type.prototype, name, { value, writable: true, configurable: true });
  }
}

function tooMany(name: string, length: number, given: number): ValueError {
  const expected = length === 0 ? 'no arguments' : length === 1 ? '1 argument' : `${length} arguments`;
  return new ValueError(`${name}: expected ${expected}, got ${given}`);
}
