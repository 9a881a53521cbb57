import { signature } from './signature.js';

const nothing = signature('', {});

/** Makes methods that have no parameters refuse arguments. */
export function takeNothing<T extends object>(type: { readonly prototype: T }, ...names: (keyof T & string)[]): void {
  for (const name of names) {
    const method = Reflect.get(type.prototype, name) as () => unknown;
    const value = function (this: T, ...args: readonly unknown[]): unknown {
      if (args.length > 0) nothing.read(name, args);
      return method.call(this);
    };
    Object.defineProperty(value, 'name', { value: name });
    Object.defineProperty(type.prototype, name, { value, writable: true, configurable: true });
  }
}
