import * as nn from '../nn/index.js';
import type { Module } from '../nn/module.js';

type Method = (this: object, ...args: unknown[]) => unknown;

/** The prototypes of the library's own modules, which report themselves when they are called; found when they are first needed. */
let own: ReadonlySet<object> | null = null;

function prototypesOfOwn(): ReadonlySet<object> {
  const found = new Set<object>();
  for (const type of Object.values(nn)) {
    if (typeof type !== 'function' || !(type.prototype instanceof nn.Module)) continue;
    for (let one = type.prototype as object; one !== Object.prototype; one = Object.getPrototypeOf(one)) found.add(one);
  }
  return found;
}

/** Runs `fn` while the modules of users among these, too, report when one of their methods or getters is called. Their classes are as they were afterwards. */
export function reportingCalls<T>(modules: Iterable<Module>, used: (module: object) => void, fn: () => T): T {
  const undo: (() => void)[] = [];
  own ??= prototypesOfOwn();
  const seen = new Set<object>();
  try {
    for (const module of modules) {
      if (Object.hasOwn(module, 'forward')) used(module);
      for (
        let type = Object.getPrototypeOf(module) as object;
        !own.has(type) && !seen.has(type);
        type = Object.getPrototypeOf(type)
      ) {
        seen.add(type);
        undo.push(...reporting(type, used));
      }
    }
    return fn();
  } finally {
    for (const one of undo) one();
  }
}

/** Puts methods and getters that report before those of a class; returns what takes them away again. */
function reporting(type: object, used: (module: object) => void): (() => void)[] {
  const around = (method: Method): Method =>
    function (...args) {
      used(this);
      return method.apply(this, args);
    };
  return Reflect.ownKeys(type).flatMap((name) => {
    const before = Object.getOwnPropertyDescriptor(type, name)!;
    if (name === 'constructor' || before.configurable === false) return [];
    if (typeof before.value === 'function') {
      Object.defineProperty(type, name, { ...before, value: around(before.value as Method) });
    } else if (before.get !== undefined) {
      Object.defineProperty(type, name, { ...before, get: around(before.get as Method) as () => unknown });
    } else return [];
    return () => Object.defineProperty(type, name, before);
  });
}
