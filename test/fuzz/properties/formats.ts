import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { manualSeed, NablaError, type Tensor } from 'nabla';
import { type IdxArray, readIdx } from 'nabla/data';
import { decodeSafetensors, encodeSafetensors } from 'nabla/io';
import { Choices, choices, severalChoices } from '../choices.js';
import { Finding, type Outcome, type Property, ran } from '../property.js';
import { asModule, evaluate } from '../script.js';
import { differenceOf, snapshot } from '../snapshot.js';
import { shapeOf, show, tensorOf } from '../values.js';

interface Random {
  readonly kind: 'safetensors' | 'idx' | 'gzip';
  readonly content: number[][];
  readonly damage: number[][];
  readonly first: number[];
}

type Program = {
  readonly kind: Random['kind'];
  readonly bytes: Uint8Array;
  /** Whether nothing was damaged, so that it must be read. */
  readonly sound: boolean;
};

const NAMES = [
  'a',
  'weight',
  'layer.0.bias',
  '',
  'é',
  '__proto__',
  'constructor',
  '"',
  '\\',
  'a\u0000b',
  '😀',
  '__metadata',
  'toString',
];
const EDGES = [
  '0',
  '1',
  '-1',
  '2147483648',
  '9007199254740993',
  '1e999',
  '18446744073709551615',
  '0.5',
  'null',
  '"x"',
  '[]',
  '{}',
  '-0',
  '01',
  '1e2',
];
const TEXTS = [
  '"dtype"',
  '"shape"',
  '"data_offsets"',
  '"F32"',
  '"F16"',
  '"I64"',
  '"BOOL"',
  '__metadata__',
  ',',
  '{',
  '}',
  '[',
  ']',
  ':',
  '"',
  '[[[[[[',
  '\\u0000',
  '\ufeff',
  ' ',
  '{"a":',
];

const SMALL = 300;

/** The tensors of a file, as one expression. */
function recordOf(content: readonly number[][]): string {
  const entries = content.map((numbers, i) => {
    const choose = new Choices(numbers);
    const name = choose.of(NAMES);
    const key = name === '__proto__' ? `['${name}']` : JSON.stringify(choose.oneIn(3) ? `${name}${i}` : name);
    return `${key}: ${tensorOf(shapeOf(choose, SMALL), choose)}`;
  });
  return `{ ${entries.join(', ')} }`;
}

function idxOf(choose: Choices): Uint8Array {
  const [type, size] = choose.of([
    [8, 1],
    [9, 1],
    [11, 2],
    [12, 4],
    [13, 4],
    [14, 8],
  ] as const);
  const [one = 3, ...others] = shapeOf(choose, SMALL);
  const shape = [one, ...others];
  const header = [
    0,
    0,
    type,
    shape.length,
    ...shape.flatMap((n) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]),
  ];
  const count = shape.reduce((product, n) => product * n, size);
  return Uint8Array.from([...header, ...Array.from({ length: count }, (_, i) => (i * 37) % 256)]);
}

function damaged(bytes: Uint8Array, choose: Choices): Uint8Array {
  const buffer = Buffer.from(bytes);
  const at = choose.below(Math.min(buffer.length, choose.of([16, 400, 1e9])) || 1);
  const spliced = (from: number, to: number, text: string | Uint8Array) =>
    Buffer.concat([buffer.subarray(0, from), Buffer.from(text as Uint8Array), buffer.subarray(to)]);
  switch (choose.of(['byte', 'cut', 'number', 'text', 'insert', 'remove', 'length', 'repeat'] as const)) {
    case 'byte':
      return spliced(at, at + 1, Uint8Array.of(choose.of([0, 255, 127, 128, 1, 32, choose.below(256)])));
    case 'cut':
      return buffer.subarray(0, at);
    case 'number': {
      const numbers = [...buffer.toString('latin1').slice(0, 4000).matchAll(/\d+/g)];
      if (numbers.length === 0) return spliced(at, at + 1, choose.of(EDGES));
      const { index, 0: digits } = choose.of(numbers);
      return spliced(index, index + digits.length, choose.of(EDGES));
    }
    case 'text':
      return spliced(at, at, choose.of(TEXTS));
    case 'insert':
      return spliced(at, at, new Uint8Array(choose.below(20)));
    case 'remove':
      return spliced(at, at + 1 + choose.below(20), '');
    case 'length':
      return spliced(
        0,
        8,
        Uint8Array.from({ length: 8 }, () => choose.of([0, 255, 1, 127, choose.below(256)])),
      );
    case 'repeat':
      return spliced(at, at, buffer.subarray(at, at + choose.below(200)));
  }
}

/** The file with the header's own length put right, so that what is inside is looked at. */
function refitted(before: Uint8Array, after: Uint8Array): Uint8Array {
  if (before.length < 8 || after.length < 8) return after;
  const length = Number(Buffer.from(before.subarray(0, 8)).readBigUInt64LE());
  const grown = Buffer.from(after);
  grown.writeBigUInt64LE(BigInt(Math.max(0, length + after.length - before.length)));
  return grown;
}

function write({ kind, content, damage, first }: Random): Program {
  manualSeed(1);
  const choose = new Choices(first);
  const whole =
    kind === 'safetensors'
      ? encodeSafetensors(evaluate<Record<string, Tensor>>(`return ${recordOf(content)};`))
      : idxOf(choose);
  const refits = kind === 'safetensors' && choose.below(2) === 0;
  let bytes: Uint8Array = kind === 'gzip' && choose.oneIn(2) ? gzipSync(whole) : whole;
  for (const numbers of damage) {
    const next = damaged(bytes, new Choices(numbers));
    bytes = refits ? refitted(bytes, next) : next;
  }
  if (kind === 'gzip' && bytes[0] !== 0x1f) bytes = gzipSync(bytes);
  return { kind, bytes, sound: damage.length === 0 };
}

const folder = mkdtempSync(join(tmpdir(), 'nabla-formats-'));
const path = join(folder, 'file');
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** So small a file must not take so much. */
const MOST_MEMORY = 400 * 2 ** 20;

const peak = (): number => process.resourceUsage().maxRSS * 1024;

function checkTensors(read: Record<string, Tensor>): void {
  const again = decodeSafetensors(encodeSafetensors(read));
  if (Object.keys(again).sort().join() !== Object.keys(read).sort().join())
    throw new Finding(`names change: ${Object.keys(read)}, then ${Object.keys(again)}`);
  for (const [name, x] of Object.entries(read)) {
    const difference = differenceOf(snapshot(again[name]!), snapshot(x));
    if (difference !== undefined) throw new Finding(`${name}, written and read again, ${difference}`);
  }
}

function checkArray({ shape, data }: IdxArray): void {
  const count = shape.reduce((product, n) => product * n, 1);
  if (data.length !== count) throw new Finding(`${show(shape)} has ${data.length} values`);
}

async function check({ kind, bytes, sound }: Program): Promise<Outcome> {
  const before = peak();
  try {
    if (kind === 'safetensors') checkTensors(decodeSafetensors(bytes));
    else {
      writeFileSync(path, bytes);
      checkArray(await readIdx(path));
    }
  } catch (error) {
    if (!(error instanceof NablaError) || sound) throw error;
  }
  const grown = peak() - before;
  if (grown > MOST_MEMORY) throw new Finding(`${bytes.length} bytes took ${Math.round(grown / 2 ** 20)} MiB`);
  return ran;
}

function script({ kind, bytes }: Program): string {
  const code = `const bytes = Buffer.from('${Buffer.from(bytes).toString('base64')}', 'base64');`;
  if (kind === 'safetensors') return asModule(`${code}\nconsole.log(decodeSafetensors(bytes));`);
  return asModule(
    `${code}\n(await import('node:fs')).writeFileSync('file.idx', bytes);\nconsole.log(await readIdx('file.idx'));`,
  );
}

/** A file is read or refused with a NablaError, whatever is in it, with memory in proportion; what was read is written and read again. */
export const formats: Property<Random, Program> = {
  name: 'formats',
  arbitrary: fc.record({
    kind: fc.constantFrom('safetensors', 'idx', 'gzip'),
    content: severalChoices(4, 0),
    damage: severalChoices(4, 0),
    first: choices,
  }),
  write,
  check,
  script,
  refusals: 0,
  sample: 3000,
};
