import { type Storage, sameView } from '../backend/index.js';
import { NablaError } from '../errors.js';
import { isModule, MEMBERS, type Module } from '../nn/module.js';
import { isTensor, storageOf, type Tensor, viewOf } from '../tensor/tensor.js';
import type { Outside, Owned } from './outside.js';
import { ANYTHING, Properties } from './properties.js';
import type { Demand } from './recorder.js';

/** The models that tensors belong to. */
export interface Surroundings {
  /** These tensors, and those of the models that share memory with them: what was used may be a view. */
  readonly tensors: ReadonlySet<Tensor>;
  /** All modules of the models, by name. */
  readonly named: ReadonlyMap<Module, string>;
}

export function surroundings(used: ReadonlySet<Tensor>, outside: Outside): Surroundings {
  const storages = new Set([...used].map(storageOf));
  const tensors = new Set(used);
  const named = new Map<Module, string>();
  for (const root of modulesAround(storages, outside)) {
    const members = membersOf(root);
    if (members === null) continue;
    for (const tensor of members.tensors) if (storages.has(storageOf(tensor))) tensors.add(tensor);
    for (const [path, module] of members.modules) {
      const name = path === '' ? root.constructor.name : `${root.constructor.name}.${path}`;
      // Of several names the one from the outermost model says most.
      if ((named.get(module)?.length ?? -1) < name.length) named.set(module, name);
    }
  }
  return { tensors, named };
}

/** The modules that have a tensor in one of these storages, and those that they are within. Of all others, which may be many, only properties are looked at. */
function modulesAround(storages: ReadonlySet<Storage>, outside: Outside): Module[] {
  const living = outside.modules();
  const own = living.filter(({ parts }) => parts.tensors.some((tensor) => storages.has(storageOf(tensor))));
  const around = new Set(own.map(({ owner }) => owner));
  const containers = living.filter(({ parts }) => parts.modules.length > 0);
  for (let before = -1; before < around.size; ) {
    before = around.size;
    for (const { owner, parts } of containers) if (parts.modules.some((part) => around.has(part))) around.add(owner);
  }
  return living.filter(({ owner }) => around.has(owner)).map(({ owner }) => owner);
}

/** What the memory of tensors is called in the models that they belong to. */
export function namesOf({ tensors, named }: Surroundings): (storage: Storage) => string | undefined {
  const byStorage = new Map<Storage, string | undefined>();
  for (const tensor of tensors) {
    const storage = storageOf(tensor);
    byStorage.set(storage, byStorage.get(storage) ?? pathOf(tensor, named));
  }
  return (storage) => byStorage.get(storage);
}

/** That the tensors a captured function used are where they were, and that the models they belong to have the same parts. */
export function structureDemands(around: Surroundings, called: Iterable<object>): Demand[] {
  const named = new Map(around.named);
  for (const one of called) if (isModule(one) && !named.has(one)) named.set(one, one.constructor.name);
  return [sameMemory([...around.tensors], named), sameParts(named)];
}

/** Whether what the models and optimizers that a captured function used hold beside tensors is what it was: else it is another case. */
export function sameNumbers(around: Surroundings, called: Iterable<object>, outside: Outside): () => boolean {
  return sameSettings(outside.settingsOf(new Set([...around.named.keys(), ...called])));
}

/** Apart from where all that is outside is known: a closure keeps its scope. */
function sameSettings(settings: readonly Owned[]): () => boolean {
  const simple = settings.filter(({ isSame }) => isSame === null);
  const nested = settings.filter(({ isSame }) => isSame !== null);
  const owners = simple.map(({ owner }) => owner as Record<string, unknown>);
  const names = simple.map(({ name }) => name);
  const values = simple.map(({ value }) => value);
  return () => {
    for (let i = 0; i < owners.length; i++) if (!Object.is(owners[i]![names[i]!], values[i])) return false;
    for (const { owner, name, isSame } of nested) if (!isSame!(Reflect.get(owner, name))) return false;
    return true;
  };
}

/** Null for a module whose parts cannot be named, as one is within itself or two have the same name: nothing is known of it. */
function membersOf(root: Module): { tensors: Tensor[]; modules: [string, Module][] } | null {
  try {
    return { tensors: [...root.parameters(), ...root.buffers()], modules: root.namedModules() };
  } catch (error) {
    if (error instanceof NablaError) return null;
    throw error;
  }
}

function sameMemory(tensors: readonly Tensor[], named: ReadonlyMap<Module, string>): Demand {
  const views = tensors.map(viewOf);
  return () => {
    for (let i = 0; i < tensors.length; i++) {
      const [now, view] = [viewOf(tensors[i]!), views[i]!];
      if (now === view || sameView(now, view)) continue;
      const name = pathOf(tensors[i]!, named) ?? `a tensor of shape [${view.shape.join(', ')}]`;
      return `the data of ${name} was replaced`;
    }
    return null;
  };
}

function pathOf(tensor: Tensor, named: ReadonlyMap<Module, string>): string | undefined {
  for (const [module, name] of named) {
    for (const [, part, value] of module[MEMBERS]()) if (value === tensor) return `${name}.${part}`;
  }
  return undefined;
}

/** What decides what a module is made of. What a module that was called only keeps (a mask made once) is a part as well. */
const isPart = (value: unknown): boolean =>
  isTensor(value) || isModule(value) || value === null || typeof value === 'function';

function sameParts(named: ReadonlyMap<Module, string>): Demand {
  const names = [...named.values()];
  const parts = [...named.keys()].map(
    (module) => new Properties(module, (value) => (isPart(value) ? value : ANYTHING)),
  );
  return () => {
    for (let i = 0; i < parts.length; i++) {
      if (parts[i]!.hold()) continue;
      return `${names[i]} was changed: it has other parameters or modules than when it was captured`;
    }
    return null;
  };
}
