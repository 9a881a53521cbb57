import { ValueError } from '../errors.js';

type Method = (this: object, ...args: unknown[]) => unknown;

/** Makes methods refuse more arguments than they have parameters. None of these has a default: a method with such ones reads a signature. */
export function takeNoMore<T extends object>(type: { readonly prototype: T }, ...names: (keyof T & string)[]): void {
  for (const name of names) {
    const method = Reflect.get(type.prototype, name) as Method;
    const value = limited(name, method);
    Object.defineProperties(value, { name: { value: name }, length: { value: method.length } });
    Object.defineProperty(type.prototype, name, { value, writable: true, configurable: true });
  }
}

/** Most have none or one or two, which are passed on without an array of them. */
function limited(name: string, method: Method): Method {
  const { length } = method;
  const refuse = (more: number): never => {
    throw tooMany(name, length, length + more);
  };
  switch (length) {
    case 0:
      return function (...more) {
        return more.length > 0 ? refuse(more.length) : method.call(this);
      };
    case 1:
      return function (a, ...more) {
        return more.length > 0 ? refuse(more.length) : method.call(this, a);
      };
    case 2:
      return function (a, b, ...more) {
        return more.length > 0 ? refuse(more.length) : method.call(this, a, b);
      };
    default:
      return function (...args) {
        return args.length > length ? refuse(args.length - length) : method.apply(this, args);
      };
  }
}

function tooMany(name: string, length: number, given: number): ValueError {
  const expected = length === 0 ? 'no arguments' : length === 1 ? '1 argument' : `${length} arguments`;
  return new ValueError(`${name}: expected ${expected}, got ${given}`);
}
