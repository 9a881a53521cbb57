import type { Module } from './module.js';

/** All modules that are in use, so that those a parameter belongs to can be found; none is kept from being collected. */
const living = new Set<WeakRef<Module>>();
const collected = new FinalizationRegistry<WeakRef<Module>>((reference) => living.delete(reference));

export function remember(module: Module): void {
  const reference = new WeakRef(module);
  living.add(reference);
  collected.register(module, reference);
}

export function* livingModules(): Iterable<Module> {
  for (const reference of living) {
    const module = reference.deref();
    if (module !== undefined) yield module;
  }
}
