import { writeSync } from 'node:fs';
import { NablaError, ones, Tensor, tensor } from 'nabla';
import { type Target, targets } from './calls.js';

// Finds calls that each function takes, then puts what it cannot take in the place of every argument and every option, one by one.
// A line per function goes out before it is called, so that where the process ends is known.

Error.stackTraceLimit = 0;

type Maker = readonly [name: string, make: () => unknown];

const circular: unknown[] = [];
circular.push(circular);
let deep: unknown[] = [];
for (let i = 0; i < 100_000; i++) deep = [deep];

const junk: readonly (readonly [name: string, value: unknown])[] = [
  ['undefined', undefined],
  ['null', null],
  ["'3'", '3'],
  ["''", ''],
  ['true', true],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-1', -1],
  ['0.5', 0.5],
  ['2 ** 32 + 1', 2 ** 32 + 1],
  ['1e300', 1e300],
  ['10n', 10n],
  ['a symbol', Symbol('s')],
  ['a function', () => 0],
  ['{}', {}],
  ['no prototype', Object.create(null)],
  ['no name', { constructor: { name: Symbol('n') } }],
  ['a Map', new Map()],
  ['a Date', new Date(0)],
  ['a DataView', new DataView(new ArrayBuffer(8))],
  ['a Float32Array', Float32Array.of(1, 2)],
  ['[]', []],
  // biome-ignore lint/suspicious/noSparseArray: holes are what it is about
  ['[hole, 1]', [, 1]],
  ['[undefined, text]', [undefined, '3']],
  ['[a symbol, {}]', [Symbol('x'), {}]],
  ['[no prototype]', [Object.create(null)]],
  ['an array of 1e9 holes', new Array(1e9)],
  ['an array in itself', circular],
  ['100000 arrays in each other', deep],
];

const usual: readonly Maker[] = [
  [
    'x',
    () =>
      tensor([
        [1, 2],
        [3, 4],
      ]),
  ],
  ['1', () => 1],
  [
    'i',
    () =>
      tensor(
        [
          [0, 1],
          [1, 0],
        ],
        { dtype: 'int32' },
      ),
  ],
  ['[2, 2]', () => [2, 2]],
  [
    'b',
    () =>
      tensor([
        [true, false],
        [true, true],
      ]),
  ],
];

const special: readonly Maker[] = [
  ['[v, v]', () => [ones([2]), ones([2])]],
  [
    'p',
    () =>
      tensor([
        [0.5, 0.5],
        [0.25, 0.75],
      ]),
  ],
  ['v', () => tensor([1, 2])],
  ['[0, 1]', () => [0, 1]],
  ['j', () => tensor([0, 1], { dtype: 'int32' })],
  ['batch', () => ones([2, 2, 2])],
  ["'float64'", () => 'float64'],
  ["'relu'", () => 'relu'],
  ['f', () => () => 1],
  ['loss', () => tensor([1, 2], { requiresGrad: true }).sum()],
  ['record', () => ({ a: ones([2]) })],
  ['bytes', () => Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 7)],
  ['data set', () => ({ length: 4, get: (i: number) => i })],
];

function* combinations(): Iterable<readonly Maker[]> {
  const all = [...usual, ...special];
  yield [];
  for (const a of all) yield [a];
  for (const a of all) for (const b of all) yield [a, b];
  for (const a of usual) for (const b of usual) for (const c of usual) yield [a, b, c];
}

const failures: string[] = [];
const changed: string[] = [];
const acceptedOptions = new Set<string>();
let calls = 0;

const labelOf = ({ name }: Target, combination: readonly Maker[], ...rest: string[]): string =>
  `${name}(${[...combination.map(([argument]) => argument), ...rest].join(', ')})`;

const made = (combination: readonly Maker[]): unknown[] => combination.map(([, make]) => make());

const contents = (args: readonly unknown[]): string =>
  args.map((arg) => (arg instanceof Tensor && arg.numel() < 10 ? arg.toTypedArray().join() : '')).join(';');

/** Whether the call went through; if not, it has to be refused, and nothing may have changed. */
function goesThrough(target: Target, args: unknown[], label: () => string): boolean {
  const before = contents(args);
  calls++;
  try {
    const result = target.call(...args);
    if (result instanceof Promise) result.catch(() => {});
    return true;
  } catch (error) {
    if (!(error instanceof NablaError)) failures.push(`${label()}: ${error}`);
    if (contents(args) !== before) changed.push(label());
    return false;
  }
}

/** The options of a call, as the error about one that there is not lists them. */
function optionsOf(target: Target, combination: readonly Maker[]): string[] {
  try {
    target.call(...made(combination), { 'no option of any': 1 });
    return [];
  } catch (error) {
    const known = /unknown option .*; known: (.*)$/.exec((error as Error).message)?.[1];
    return known === undefined ? [] : known.split(', ');
  }
}

function tryWithJunk(target: Target, combination: readonly Maker[]): void {
  for (let i = 0; i <= combination.length; i++) {
    for (const [name, value] of junk) {
      const args = made(combination);
      args[i] = value;
      goesThrough(target, args, () => `${labelOf(target, combination)} with ${name} as argument ${i}`);
    }
  }
  for (const option of optionsOf(target, combination)) {
    for (const [name, value] of junk) {
      const args = [...made(combination), { [option]: value }];
      const label = () => labelOf(target, combination, `{ ${option}: ${name} }`);
      if (goesThrough(target, args, label) && name === 'a symbol') acceptedOptions.add(`${target.name}: ${option}`);
    }
  }
}

const MOST_OF_A_LENGTH = 2;

for (const target of targets()) {
  writeSync(2, `${target.name}\n`);
  const valid = new Map<number, (readonly Maker[])[]>();
  for (const combination of combinations()) {
    if (!goesThrough(target, made(combination), () => labelOf(target, combination))) continue;
    const same = valid.get(combination.length) ?? [];
    if (same.length < MOST_OF_A_LENGTH) valid.set(combination.length, [...same, combination]);
  }
  for (const combination of [...valid.values()].flat()) tryWithJunk(target, combination);
}

writeSync(1, JSON.stringify({ failures, changed, acceptedOptions: [...acceptedOptions], calls }));
process.exit(0);
