import type { Module } from '../nn/module.js';
import { isTensor, type Tensor } from '../tensor/tensor.js';

/** What has a flag that decides what is computed: a tensor `requiresGrad`, a module `training`. */
export type Flagged = Tensor | Module;

export const flagOf = (owner: Flagged): boolean => (isTensor(owner) ? owner.requiresGrad : owner.training);

export function setFlag(owner: Flagged, value: boolean): void {
  if (isTensor(owner)) owner.requiresGrad = value;
  else owner.training = value;
}

/** Whether all flags are what they were. */
export function sameFlags(flags: ReadonlyMap<Flagged, boolean>): () => boolean {
  const tensors = [...flags.keys()].filter((owner): owner is Tensor => isTensor(owner));
  const modules = [...flags.keys()].filter((owner): owner is Module => !isTensor(owner));
  const requiring = tensors.map((tensor) => flags.get(tensor)!);
  const training = modules.map((module) => flags.get(module)!);
  return () => {
    for (let i = 0; i < tensors.length; i++) if (tensors[i]!.requiresGrad !== requiring[i]) return false;
    for (let i = 0; i < modules.length; i++) if (modules[i]!.training !== training[i]) return false;
    return true;
  };
}
