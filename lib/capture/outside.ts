import { CaptureError } from '../errors.js';
import { livingModules } from '../nn/living.js';
import type { Module } from '../nn/module.js';
import { livingOptimizers } from '../optim/living.js';

/** An object outside with the values of its properties. */
interface Snapshot {
  readonly owner: object;
  readonly entries: readonly (readonly [string, unknown])[];
}

/**
 * What JavaScript keeps outside a captured function and replays do not change: the options of optimizers and the properties of modules, as they
 * were when the recording began. (Nothing can tell of other variables.)
 */
export class Outside {
  readonly #where: string;
  readonly #modules: readonly Snapshot[];
  readonly #groups: readonly (Snapshot & { readonly optimizer: object; readonly index: number })[];

  constructor(where: string) {
    this.#where = where;
    this.#modules = [...livingModules].map(snapshotOf);
    this.#groups = [...livingOptimizers].flatMap((optimizer) =>
      optimizer.paramGroups.map((group, index) => ({ ...snapshotOf(group), optimizer, index })),
    );
  }

  /** That nothing has set the options of an optimizer (of all, if none is given). */
  optionsChange(optimizer?: object): CaptureError | null {
    for (const group of this.#groups) {
      if (optimizer !== undefined && group.optimizer !== optimizer) continue;
      const name = changedProperty(group);
      if (name === null) continue;
      return new CaptureError(
        `${this.#where}: ${name} of ${group.optimizer.constructor.name}'s parameter group ${group.index} was set inside, where replays would not ` +
          'set it again; set rates and step schedules before the call (a replay uses the options of its time), or in onEpoch of run()',
      );
    }
    return null;
  }

  /** That no module has other parts or numbers than before. */
  moduleChange(): CaptureError | null {
    for (const module of this.#modules) {
      const name = changedProperty(module);
      if (name === null) continue;
      return new CaptureError(
        `${this.#where}: ${name} of ${module.owner.constructor.name} was set inside, where replays would not set it again; ` +
          'change tensors in place (copy_, add_), or take the old value as an argument and return the new one',
      );
    }
    return null;
  }

  /** The numbers, texts and truths that a module had. */
  settingsOf(module: Module): readonly (readonly [string, unknown])[] {
    const entries = this.#modules.find(({ owner }) => owner === module)?.entries ?? [];
    return entries.filter(([, value]) => ['number', 'string', 'boolean', 'bigint', 'undefined'].includes(typeof value));
  }
}

const snapshotOf = (owner: object): Snapshot => ({ owner, entries: Object.entries(owner) });

function changedProperty({ owner, entries }: Snapshot): string | null {
  const now = Object.entries(owner);
  for (const [name, value] of entries) if (!Object.is(Reflect.get(owner, name), value)) return name;
  return now.length === entries.length
    ? null
    : (now.find(([name]) => !entries.some(([known]) => known === name))?.[0] ?? null);
}
