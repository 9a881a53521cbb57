import { describe } from '../../describe.js';
import { ValueError } from '../../errors.js';
import { isModule, type Module } from '../module.js';
import { Dictionary, type Items, type Properties } from './dictionary.js';
import { ITEM } from './list.js';

type Modules = Readonly<Record<string, Module>>;

class ModuleDictionary<T extends Modules> extends Dictionary<Module, Module, T> {
  /** Puts a module under a key, in place of the one that was there. */
  override set<K extends string>(key: K, module: K extends keyof T ? T[K] : Module): this {
    return super.set(key, module);
  }

  /** @internal */
  override [ITEM](item: unknown, where: string): Module {
    if (isModule(item)) return item;
    throw new ValueError(`${this.constructor.name}: ${where} must be a Module, got ${describe(item)}`);
  }
}

Object.defineProperty(ModuleDictionary, 'name', { value: 'ModuleDict' });

/**
 * Modules by key: `dict.get('key')`, and `dict.key` where that is not the name of a method. Keys are names in state dicts as they are. It has no
 * `forward`.
 *
 * @param modules an object, or [key, module] pairs
 * @throws ValueError for a key that is empty or has a dot, and for what is no module
 * @example
 * ```ts
 * class Net extends nn.Module {
 *   heads = new nn.ModuleDict({ mean: new nn.Linear(4, 1), logVar: new nn.Linear(4, 1) });
 *   forward(x: Tensor, which: 'mean' | 'logVar'): Tensor {
 *     return this.heads.get(which).forward(x);
 *   }
 * }
 * const net = new Net();
 * net.heads.mean.weight.shape; // [1, 4]
 * net.heads.keys(); // ['mean', 'logVar']
 * net.namedParameters()[2]![0]; // 'heads.logVar.weight'
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ModuleDict.html
 */
export type ModuleDict<T extends Modules = Modules> = ModuleDictionary<T> & Properties<T, ModuleDictionary<Modules>>;
export const ModuleDict = ModuleDictionary as new <T extends Modules = Modules>(
  modules?: Items<Module, T>,
) => ModuleDict<T>;
