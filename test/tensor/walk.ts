/** What a program can get hold of, starting from a value. */
export interface Found {
  readonly path: string;
  readonly value: unknown;
}

const intrinsics = new Set<unknown>([globalThis, process]);
for (const key of Reflect.ownKeys(globalThis)) {
  const value = Object.getOwnPropertyDescriptor(globalThis, key)?.value;
  if (typeof value !== 'function' && typeof value !== 'object') continue;
  intrinsics.add(value);
  if (typeof value === 'function') intrinsics.add(value.prototype);
}
for (const value of [[][Symbol.iterator](), new Map().values(), (function* () {})(), async () => {}]) {
  for (let p = Object.getPrototypeOf(value); p !== null; p = Object.getPrototypeOf(p)) intrinsics.add(p);
}

const isBytes = (value: unknown): boolean =>
  ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;

/** How far from the root things may be, and how often one getter or method is asked: each may give new things without end. */
const DEPTH = 7;
const TIMES = 2;

/**
 * The bytes that a value leads to: by properties (own and inherited, named and by symbol, getters included), by the elements of maps and
 * sets, and by methods called without arguments. What those throw is passed over.
 */
export function bytesWithin(root: unknown): Found[] {
  const bytes: Found[] = [];
  const seen = new Set<unknown>();
  const asked = new Map<object, Map<PropertyKey, number>>();
  const queue = [{ path: 'it', value: root, depth: 0 }];
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    const { path, value, depth } = at;
    if (!isObject(value) || seen.has(value) || intrinsics.has(value)) continue;
    seen.add(value);
    if (isBytes(value)) bytes.push({ path, value });
    if (value instanceof Promise) value.catch(() => {});
    if (isBytes(value) || depth === DEPTH) continue;
    const visit = (step: string, get: () => unknown) => {
      try {
        queue.push({ path: path + step, value: get(), depth: depth + 1 });
      } catch {}
    };
    if (value instanceof Map || value instanceof Set) for (const item of value) visit('[…]', () => item);
    for (const { holder, key, property } of propertiesOf(value)) {
      const name = `.${String(key)}`;
      if (!property.get && typeof property.value !== 'function') {
        visit(name, () => property.value);
        continue;
      }
      const times = asked.get(holder) ?? new Map<PropertyKey, number>();
      asked.set(holder, times.set(key, (times.get(key) ?? 0) + 1));
      if (times.get(key)! > TIMES) continue;
      visit(name, () => Reflect.get(holder, key, value));
      if (!property.get && key !== 'constructor') visit(`${name}()`, () => Reflect.apply(property.value, value, []));
    }
  }
  return bytes;
}

const isObject = (value: unknown): value is object =>
  typeof value === 'function' || (typeof value === 'object' && value !== null);

/** All properties, those of prototypes too, but for what JavaScript itself has. */
function* propertiesOf(value: object): Iterable<{ holder: object; key: PropertyKey; property: PropertyDescriptor }> {
  for (let holder = value; holder !== null && !intrinsics.has(holder); holder = Object.getPrototypeOf(holder)) {
    for (const key of Reflect.ownKeys(holder)) {
      yield { holder, key, property: Object.getOwnPropertyDescriptor(holder, key)! };
    }
  }
}
