import { describe } from '../../describe.js';
import { ValueError } from '../../errors.js';
import { isModule, LINES, type Module } from '../module.js';
import { childLine } from '../text.js';
import { ITEM, itemsOf, List, listing, put } from './list.js';

/** The error of a container that is called. */
export const notCallable = (container: Module): ValueError =>
  new ValueError(`${container.constructor.name}: forward: a container of modules has none; call the modules in it`);

/**
 * Modules in a list: `list[0]`, `list.length`, `for (const module of list)`. It has no `forward`: which of them to call is for the module to say
 * that has the list.
 *
 * @param modules an array, or another iterable
 * @throws ValueError for what is no module
 * @example
 * ```ts
 * class Net extends nn.Module {
 *   layers = new nn.ModuleList([new nn.Linear(4, 4), new nn.Linear(4, 4)]);
 *   forward(x: Tensor): Tensor {
 *     for (const layer of this.layers) x = layer.forward(x).relu();
 *     return x;
 *   }
 * }
 * const net = new Net();
 * net.layers.append(new nn.Linear(4, 4)).length; // 3
 * net.namedParameters().at(-1)![0]; // 'layers.2.bias'
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ModuleList.html
 */
export class ModuleList<M extends Module = Module> extends List<M, M, never[], never> {
  [index: number]: M;

  constructor(...args: [modules?: Iterable<M>]) {
    const [modules] = listing.read('ModuleList', args);
    super();
    put(this, 0, itemsOf(this, 'item', modules));
  }

  /** Always throws. */
  override forward(): never {
    throw notCallable(this);
  }

  /** @internal */
  override [ITEM](item: unknown, where: string): M {
    if (isModule(item)) return item as M;
    throw new ValueError(`${this.constructor.name}: ${where} must be a Module, got ${describe(item)}`);
  }

  /** @internal Neighbours that print the same are one line, as in PyTorch. */
  override [LINES](children: readonly [string, Module][]): string[] {
    const runs: { first: string; last: string; count: number; text: string }[] = [];
    for (const [name, child] of children) {
      const text = child.toString();
      const run = runs.at(-1);
      if (run?.text === text) Object.assign(run, { last: name, count: run.count + 1 });
      else runs.push({ first: name, last: name, count: 1, text });
    }
    return runs.map(({ first, last, count, text }) =>
      count === 1 ? childLine(first, text) : childLine(`${first}-${last}`, `${count} x ${text}`),
    );
  }
}
