import { type NodeWatch, watchNodes } from '../autograd/node-watch.js';
import { livingModules } from '../nn/living.js';
import type { Module } from '../nn/module.js';
import { livingOptimizers } from '../optim/living.js';

/** What instructions are recorded for: the path of a module from the outermost that was called, or the class of an optimizer. */
export interface Place {
  /** Empty outside of all. */
  readonly name: string;
  readonly phase: 'forward' | 'backward' | 'update';
}

type Method = (...args: unknown[]) => unknown;

/** Follows a function while it is recorded: which module it is in, in the backward pass too, and which optimizer. */
export class Watch implements NodeWatch {
  readonly #within: { readonly module: Module; readonly path: string }[] = [];
  #optimizer: string | null = null;
  #passing: string | null = null;

  get place(): Place {
    if (this.#optimizer !== null) return { name: this.#optimizer, phase: 'update' };
    if (this.#passing !== null) return { name: this.#passing, phase: 'backward' };
    return { name: this.origin(), phase: 'forward' };
  }

  origin(): string {
    return this.#passing ?? this.#within.at(-1)?.path ?? '';
  }

  passing(origin: string | null): void {
    this.#passing = origin;
  }

  /** Runs `fn` while modules and optimizers tell when they are called. They are as they were afterwards. */
  during<T>(fn: () => T): T {
    const undo = [
      ...[...livingModules].map((module) => around(module, 'forward', (call) => this.#inModule(module, call))),
      ...[...livingOptimizers].map((one) => around(one, 'step', (call) => this.#inOptimizer(one, call))),
    ];
    watchNodes(this);
    try {
      return fn();
    } finally {
      watchNodes(null);
      for (const one of undo) one();
    }
  }

  #inModule(module: Module, call: () => unknown): unknown {
    this.#within.push({ module, path: this.#pathOf(module) });
    try {
      return call();
    } finally {
      this.#within.pop();
    }
  }

  #inOptimizer(optimizer: object, call: () => unknown): unknown {
    this.#optimizer = optimizer.constructor.name;
    try {
      return call();
    } finally {
      this.#optimizer = null;
    }
  }

  /** From the nearest module that it is part of. */
  #pathOf(module: Module): string {
    for (const { module: owner, path } of this.#within.toReversed()) {
      const found = owner.namedModules().find(([, part]) => part === module);
      if (found !== undefined) return found[0] === '' ? path : `${path}.${found[0]}`;
    }
    return module.constructor.name;
  }
}

/** Puts a method of an object's own before that of its class; returns what takes it away again. */
function around(owner: object, name: string, through: (call: () => unknown) => unknown): () => void {
  const own = Object.getOwnPropertyDescriptor(owner, name);
  const method = Reflect.get(owner, name) as Method;
  const value: Method = (...args) => through(() => method.apply(owner, args));
  Object.defineProperty(owner, name, {
    value,
    writable: true,
    enumerable: own?.enumerable ?? false,
    configurable: true,
  });
  return () => {
    if (own === undefined) Reflect.deleteProperty(owner, name);
    else Object.defineProperty(owner, name, own);
  };
}
