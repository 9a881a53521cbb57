import type { Storage } from '../backend/index.js';
import { livingModules } from '../nn/living.js';
import { Module } from '../nn/module.js';
import { Tensor } from '../tensor/tensor.js';
import type { Demand } from './recorder.js';

/** What tensors are called in the models that they belong to. */
export function namesOf(used: ReadonlySet<Tensor>): (storage: Storage) => string | undefined {
  const named = modulesAround(used);
  const byStorage = new Map([...used].map((tensor) => [tensor.storage, pathOf(tensor, named)]));
  return (storage) => byStorage.get(storage);
}

/** That the tensors a captured function used are where they were, and that the models they belong to have the same parts. */
export function structureDemands(used: ReadonlySet<Tensor>): Demand[] {
  const named = modulesAround(used);
  return [
    ...[...used].map((tensor) => sameMemory(tensor, named)),
    ...[...named].map(([module, name]) => sameParts(module, name)),
  ];
}

/** All models that contain one of these tensors, and all that is in them, by name. */
function modulesAround(used: ReadonlySet<Tensor>): Map<Module, string> {
  const named = new Map<Module, string>();
  for (const root of livingModules()) {
    const tensors = [...root.parameters(), ...root.buffers()];
    if (!tensors.some((tensor) => used.has(tensor))) continue;
    for (const [path, module] of root.namedModules()) {
      const name = path === '' ? root.constructor.name : `${root.constructor.name}.${path}`;
      // Of several names the one from the outermost model says most.
      if ((named.get(module)?.length ?? -1) < name.length) named.set(module, name);
    }
  }
  return named;
}

function sameMemory(tensor: Tensor, named: ReadonlyMap<Module, string>): Demand {
  const { storage, offset } = tensor;
  return {
    holds: () => tensor.storage === storage && tensor.offset === offset,
    complaint: `the data of ${pathOf(tensor, named) ?? `a tensor of shape [${tensor.shape.join(', ')}]`} was replaced`,
  };
}

function pathOf(tensor: Tensor, named: ReadonlyMap<Module, string>): string | undefined {
  for (const [module, name] of named) {
    for (const [key, value] of Object.entries(module)) if (value === tensor) return `${name}.${key}`;
  }
  return undefined;
}

function sameParts(module: Module, name: string): Demand {
  const before = Object.values(module);
  const isPart = before.map((value) => value instanceof Tensor || value instanceof Module);
  return {
    holds: () => {
      const now = Object.values(module);
      for (let i = 0; i < before.length; i++) if (isPart[i] && now[i] !== before[i]) return false;
      return now.length === before.length;
    },
    complaint: `${name} was changed: it has other parameters or modules than when it was captured`,
  };
}
