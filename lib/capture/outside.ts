import { CaptureError } from '../errors.js';
import { livingModules } from '../nn/living.js';
import { isModule } from '../nn/module.js';
import { livingOptimizers } from '../optim/living.js';
import { isTensor } from '../tensor/tensor.js';
import { sameAs } from './tree.js';

/** An object outside with the values of its properties. */
interface Snapshot {
  readonly owner: object;
  readonly names: readonly string[];
  readonly values: readonly unknown[];
  /** How values that can change in place are compared with what they were, by name; null if there are none. */
  readonly nested: ReadonlyMap<string, Same> | null;
}

type Same = (value: unknown) => boolean;

/** A property that is no part: how it is compared with what it was, null if as it is. */
export interface Setting {
  readonly name: string;
  readonly value: unknown;
  readonly isSame: Same | null;
}

interface GroupSnapshot extends Snapshot {
  readonly optimizer: object;
  readonly index: number;
}

/**
 * What JavaScript keeps outside a captured function and replays do not change: the options of optimizers and the properties of modules, as they
 * were when the recording began. (Nothing can tell of other variables.)
 */
export class Outside {
  readonly #where: string;
  readonly #modules: readonly Snapshot[];
  readonly #optimizers: readonly Snapshot[];
  #groups: readonly GroupSnapshot[];
  #byOwner: ReadonlyMap<object, Snapshot> | null = null;

  constructor(where: string) {
    this.#where = where;
    this.#modules = [...livingModules].map((module) => snapshotOf(module));
    this.#optimizers = [...livingOptimizers].map((optimizer) => snapshotOf(optimizer, OWN_REPORT));
    this.#groups = [...livingOptimizers].flatMap((optimizer) =>
      // A step refuses what is no group; it is nothing to a function that does not step.
      optimizer.paramGroups
        .filter((group: unknown) => typeof group === 'object' && group !== null)
        .map((group, index) => ({ ...snapshotOf(group), optimizer, index })),
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
          'set it again; let a scheduler of optim.lrScheduler do it, or set it before the call (a replay uses the options of its time) or in onEpoch of run()',
      );
    }
    return null;
  }

  /** Takes the options of an optimizer for what they are now: what has set them is done again by replays. */
  renew(optimizer: object): void {
    this.#groups = this.#groups.map((group) =>
      group.optimizer === optimizer ? { ...group, ...snapshotOf(group.owner) } : group,
    );
  }

  /** That no module has other parts or numbers than before, and no optimizer other fields of its own. */
  propertiesChange(): CaptureError | null {
    for (const one of [...this.#modules, ...this.#optimizers]) {
      const name = changedProperty(one);
      if (name === null) continue;
      return new CaptureError(
        `${this.#where}: ${name} of ${one.owner.constructor.name} was set inside, where replays would not set it again; ` +
          'change tensors in place (copy_, add_), or take the old value as an argument and return the new one',
      );
    }
    return null;
  }

  /** What a module or an optimizer had beside tensors, modules and functions. */
  settingsOf(owner: object): readonly Setting[] {
    this.#byOwner ??= new Map([...this.#modules, ...this.#optimizers].map((one) => [one.owner, one]));
    const known = this.#byOwner.get(owner);
    if (known === undefined) return [];
    const { names, values, nested } = known;
    return names
      .map((name, i) => ({ name, value: values[i], isSame: nested?.get(name) ?? null }))
      .filter(({ value }) => isSetting(value));
  }
}

/** Parts of a module are held to be what they were; all else may change between calls. */
const isSetting = (value: unknown): boolean =>
  !['symbol', 'function'].includes(typeof value) && value !== null && !(isTensor(value) || isModule(value));

/** What an optimizer itself tells a recorder of. */
const OWN_REPORT: readonly string[] = ['paramGroups', 'state'];

/** The latest of each object: there may be thousands, nearly all of which have to do with something else and stay as they are. */
const latest = new WeakMap<object, Snapshot>();

function snapshotOf(owner: object, without: readonly string[] = []): Snapshot {
  const known = latest.get(owner);
  if (known !== undefined && changedProperty(known) === null) return known;
  const snapshot = newSnapshotOf(owner, without);
  latest.set(owner, snapshot);
  return snapshot;
}

function newSnapshotOf(owner: object, without: readonly string[]): Snapshot {
  const all = Object.keys(owner);
  const names = without.length === 0 ? all : all.filter((name) => !without.includes(name));
  const values = names.map((name) => Reflect.get(owner, name) as unknown);
  let nested: Map<string, Same> | null = null;
  for (let i = 0; i < names.length; i++) {
    const value = values[i];
    if (typeof value !== 'object' || value === null || isTensor(value) || isModule(value)) continue;
    nested ??= new Map();
    nested.set(names[i]!, sameAs(value));
  }
  return { owner, names, values, nested };
}

function changedProperty({ owner, names, values, nested }: Snapshot): string | null {
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    const value: unknown = Reflect.get(owner, name);
    const isSame = nested?.get(name) ?? null;
    if (isSame === null ? !Object.is(value, values[i]) : !isSame(value)) return name;
  }
  const keys = Object.keys(owner);
  return keys.find((key, i) => key !== names[i] && !names.includes(key) && !OWN_REPORT.includes(key)) ?? null;
}
