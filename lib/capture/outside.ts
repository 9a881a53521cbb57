import { CaptureError } from '../errors.js';
import { livingModules } from '../nn/living.js';
import { isModule, type Module } from '../nn/module.js';
import { livingOptimizers } from '../optim/living.js';
import { isTensor, type Tensor } from '../tensor/tensor.js';
import { ANYTHING, Properties } from './properties.js';
import { sameAs } from './tree.js';

/** The modules and tensors among the values of a module. */
interface Parts {
  readonly modules: readonly Module[];
  readonly tensors: readonly Tensor[];
}

/** An object outside with the values of its properties. */
class Snapshot<T extends object = object> {
  readonly owner: T;
  /** Without what the object itself reports. */
  readonly settings: readonly Setting[];
  readonly parts: Parts;
  readonly #properties: Properties;
  /** Values that can change in place. */
  readonly #nested: readonly { readonly name: string; readonly isSame: Same }[];

  constructor(owner: T, without: readonly string[]) {
    this.owner = owner;
    const nested: { name: string; isSame: Same }[] = [];
    const settings: Setting[] = [];
    const [modules, tensors]: [Module[], Tensor[]] = [[], []];
    this.#properties = new Properties(owner, (value, name) => {
      if (without.includes(name)) return ANYTHING;
      if (isModule(value)) modules.push(value);
      else if (isTensor(value)) tensors.push(value);
      else if (typeof value === 'object' && value !== null) {
        const isSame = sameAs(value);
        nested.push({ name, isSame });
        settings.push({ name, value, isSame });
        return ANYTHING;
      } else if (isSetting(value)) settings.push({ name, value, isSame: null });
      return value;
    });
    this.settings = settings;
    this.parts = { modules, tensors };
    this.#nested = nested;
  }

  /** A property that is not what it was; null if there is none. */
  changed(): string | null {
    if (!this.#properties.hold()) return this.#properties.changed();
    for (const { name, isSame } of this.#nested) if (!isSame(Reflect.get(this.owner, name))) return name;
    return null;
  }
}

type Same = (value: unknown) => boolean;

/** A property that is no part: how it is compared with what it was, null if as it is. */
export interface Setting {
  readonly name: string;
  readonly value: unknown;
  readonly isSame: Same | null;
}

/** A setting, and whose it is. */
export type Owned = Setting & { readonly owner: object };

interface GroupSnapshot {
  readonly snapshot: Snapshot;
  readonly optimizer: object;
  readonly index: number;
}

/**
 * What JavaScript keeps outside a captured function and replays do not change: the options of optimizers and the properties of modules, as they
 * were when the recording began. (Nothing can tell of other variables.)
 */
export class Outside {
  readonly #where: string;
  readonly #modules: readonly Snapshot<Module>[];
  /** How many there had been. */
  readonly #modulesAdded = livingModules.added;
  readonly #optimizers: readonly Snapshot[];
  #groups: readonly GroupSnapshot[];

  constructor(where: string) {
    this.#where = where;
    this.#modules = snapshotsOfModules();
    this.#optimizers = [...livingOptimizers].map((optimizer) => snapshotOf(optimizer, OWN_REPORT));
    this.#groups = [...livingOptimizers].flatMap((optimizer) =>
      // A step refuses what is no group; it is nothing to a function that does not step.
      optimizer.paramGroups
        .filter((group: unknown) => typeof group === 'object' && group !== null)
        .map((group, index) => ({ snapshot: snapshotOf(group), optimizer, index })),
    );
  }

  /** That nothing has set the options of an optimizer (of all, if none is given). */
  optionsChange(optimizer?: object): CaptureError | null {
    for (const group of this.#groups) {
      if (optimizer !== undefined && group.optimizer !== optimizer) continue;
      const name = group.snapshot.changed();
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
      group.optimizer === optimizer ? { ...group, snapshot: snapshotOf(group.snapshot.owner) } : group,
    );
  }

  /** That no module has other parts or numbers than before, and no optimizer other fields of its own. */
  propertiesChange(): CaptureError | null {
    for (const one of [...this.#modules, ...this.#optimizers]) {
      const name = one.changed();
      if (name === null) continue;
      return new CaptureError(
        `${this.#where}: ${name} of ${one.owner.constructor.name} was set inside, where replays would not set it again; ` +
          'change tensors in place (copy_, add_), or take the old value as an argument and return the new one',
      );
    }
    return null;
  }

  /** What some modules and optimizers had beside tensors, modules and functions. */
  settingsOf(owners: ReadonlySet<object>): Owned[] {
    const known = [...this.#modules, ...this.#optimizers].filter(({ owner }) => owners.has(owner));
    return known.flatMap(({ owner, settings }) => settings.map((setting) => ({ owner, ...setting })));
  }

  /** All modules that there are now, with their parts. */
  modules(): readonly { readonly owner: Module; readonly parts: Parts }[] {
    return livingModules.added === this.#modulesAdded ? this.#modules : snapshotsOfModules();
  }
}

/** Whether a value that is no object may change between calls: parts of a module, functions among them, are held to be what they were. */
const isSetting = (value: unknown): boolean => value !== null && !['symbol', 'function'].includes(typeof value);

/** What an optimizer itself tells a recorder of. */
const OWN_REPORT: readonly string[] = ['paramGroups', 'state'];

/** The latest of each object: there may be thousands, nearly all of which have to do with something else and stay as they are. */
const latest = new WeakMap<object, Snapshot>();

function snapshotOf<T extends object>(owner: T, without: readonly string[] = []): Snapshot<T> {
  const known = latest.get(owner) as Snapshot<T> | undefined;
  if (known !== undefined && known.changed() === null) return known;
  const snapshot = new Snapshot(owner, without);
  latest.set(owner, snapshot);
  return snapshot;
}

const snapshotsOfModules = (): Snapshot<Module>[] => Array.from(livingModules, (module) => snapshotOf(module));
