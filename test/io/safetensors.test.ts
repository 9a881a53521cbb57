import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { type DType, manualSeed, ones, randn, type Tensor, tensor, ValueError, zeros } from 'nabla';
import {
  decodeSafetensors,
  encodeSafetensors,
  loadSafetensors,
  loadSafetensorsMetadata,
  saveSafetensors,
} from 'nabla/io';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FormatError } from '../../lib/errors.js';
import { writeFileAtomic } from '../../lib/io/atomic.js';
import { temporaryName } from '../../lib/io/temporary.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nabla-safetensors-'));
});
afterAll(() => rm(folder, { recursive: true }));

const plain = (tensors: Readonly<Record<string, Tensor>>) =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, [t.dtype, t.shape, t.toTypedArray()]]));

/** As a user who may not do everything, since the superuser may. */
async function withoutPrivileges(act: () => Promise<void>): Promise<void> {
  const user = process.geteuid!();
  if (user === 0) process.seteuid!(65534);
  try {
    await act();
  } finally {
    process.seteuid!(user);
  }
}

/** A file with the given header and data. */
function file(header: unknown, data: ArrayLike<number> = []): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Uint8Array.from(data)]);
}

const sample = () => ({
  'layer.weight': randn([3, 4]),
  'layer.bias': tensor([0.1, -0, Number.NaN, Number.POSITIVE_INFINITY]),
  double: randn([2], { dtype: 'float64' }),
  index: tensor(Int32Array.of(1, -2, 2 ** 31 - 1)),
  mask: tensor([[true], [false]]),
  scalar: tensor(5.5),
  empty: zeros([0, 3]),
  'ünïcödé "quoted" \\': tensor([1]),
});

describe('encode and decode', () => {
  it('give back every tensor, bit for bit', () => {
    const tensors = sample();
    expect(plain(decodeSafetensors(encodeSafetensors(tensors)))).toEqual(plain(tensors));
  });

  it('store views by their values', () => {
    const matrix = randn([3, 4]);
    const tensors = { t: matrix.t(), row: matrix.select(0, 1), tail: matrix.narrow(1, 2, 2) };
    expect(plain(decodeSafetensors(encodeSafetensors(tensors)))).toEqual(plain(tensors));
  });

  it('lay a file out in a fixed order: metadata, wide elements first, then by name', () => {
    const bytes = encodeSafetensors(
      { m: tensor([true]), b: tensor(Int32Array.of(1, 2)), a: tensor([[1]]) },
      { metadata: { k: 'v' } },
    );
    const json =
      '{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},' +
      '"b":{"dtype":"I32","shape":[2],"data_offsets":[4,12]},"m":{"dtype":"BOOL","shape":[1],"data_offsets":[12,13]}}';
    const padded = json.padEnd(Math.ceil(json.length / 8) * 8);
    expect(Buffer.from(bytes)).toEqual(file(padded, [0, 0, 0x80, 0x3f, 1, 0, 0, 0, 2, 0, 0, 0, 1]));
  });

  it('write an empty record', () => {
    expect(decodeSafetensors(encodeSafetensors({}))).toEqual({});
  });

  it.each<[string, number[], DType, number[]]>([
    ['F64', [0, 0, 0, 0, 0, 0, 0xf8, 0xbf], 'float64', [-1.5]],
    [
      'F16',
      [0x00, 0x3c, 0x00, 0xc1, 0x01, 0x00, 0x00, 0x7c, 0xff, 0x7b, 0x00, 0x80],
      'float32',
      [1, -2.5, 2 ** -24, Number.POSITIVE_INFINITY, 65504, -0],
    ],
    ['BF16', [0x80, 0x3f, 0x20, 0xc0], 'float32', [1, -2.5]],
    ['I64', [254, 255, 255, 255, 255, 255, 255, 255], 'int32', [-2]],
    ['U64', [255, 255, 255, 127, 0, 0, 0, 0], 'int32', [2 ** 31 - 1]],
    ['U32', [7, 0, 0, 0], 'int32', [7]],
    ['I16', [254, 255], 'int32', [-2]],
    ['U16', [254, 255], 'int32', [65534]],
    ['I8', [254, 3], 'int32', [-2, 3]],
    ['U8', [254, 3], 'int32', [254, 3]],
    ['BOOL', [1, 0], 'bool', [1, 0]],
  ])('read %s', (dtype, data, expected, values) => {
    const header = { x: { dtype, shape: [values.length], data_offsets: [0, data.length] } };
    const { x } = decodeSafetensors(file(header, data));
    expect(x!.dtype).toBe(expected);
    expect([...x!.toTypedArray()]).toEqual(values);
  });

  it.each<[string, number[], string]>([
    ['I64', [0, 0, 0, 128, 0, 0, 0, 0], "tensor 'x': element 0 is 2147483648, which does not fit int32"],
    ['I64', [255, 255, 255, 127, 255, 255, 255, 255], 'element 0 is -2147483649'],
    ['U64', [255, 255, 255, 255, 255, 255, 255, 255], 'element 0 is 18446744073709551615'],
    ['U32', [0, 0, 0, 128], 'element 0 is 2147483648'],
    ['BOOL', [1, 2], "tensor 'x': element 1 is 2, expected 0 or 1"],
    ['F8_E4M3', [1], 'dtype: expected one of F64, F32, F16, BF16, I64'],
  ])('refuse what does not fit in %s', (dtype, data, message) => {
    const size = dtype.includes('64') ? 8 : dtype === 'U32' ? 4 : 1;
    const decode = () =>
      decodeSafetensors(
        file({ x: { dtype, shape: [data.length / size], data_offsets: [0, data.length] } }, data),
        'model',
      );
    expect(decode).toThrow(FormatError);
    expect(decode).toThrow(`model: `);
    expect(decode).toThrow(message);
  });

  it('refuse to write what cannot be read back', () => {
    expect(() => encodeSafetensors({ __metadata__: tensor(1) })).toThrow("the name '__metadata__' is reserved");
    expect(() => encodeSafetensors({ x: [1] as never })).toThrow(
      'encodeSafetensors: tensors.x must be a Tensor, got an array of 1',
    );
    expect(() => encodeSafetensors({}, { metadata: { n: 1 as never } })).toThrow('metadata.n must be a text, got 1');
    expect(() => encodeSafetensors({}, { meta: {} } as object)).toThrow("unknown option 'meta'");
  });

  it('take names that mean something to JavaScript', () => {
    const tensors = Object.fromEntries([
      ['__proto__', tensor(1)],
      ['constructor', tensor(2)],
      ['0', tensor(3)],
    ]);
    expect(plain(decodeSafetensors(encodeSafetensors(tensors)))).toEqual(plain(tensors));
  });
});

describe('a damaged file', () => {
  /** A small generator of its own, so that a failure can be repeated from its number. */
  const random = (seed: number) => {
    let state = seed;
    return (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
  };
  const mutations: ((bytes: Uint8Array, draw: (below: number) => number) => Uint8Array)[] = [
    (bytes, draw) => bytes.with(draw(bytes.length), draw(256)),
    (bytes, draw) => bytes.with(draw(8), draw(256)),
    (bytes, draw) => bytes.with(8 + draw(300), 0x20 + draw(96)),
    (bytes, draw) => bytes.slice(0, draw(bytes.length)),
    (bytes, draw) => Uint8Array.from([...bytes.subarray(0, draw(bytes.length)), ...bytes.subarray(draw(bytes.length))]),
    (bytes, draw) => Uint8Array.from([...bytes, draw(256)]),
  ];

  it('is refused with a FormatError or read, whatever the damage', () => {
    manualSeed(0);
    const valid = encodeSafetensors(sample(), { metadata: { by: 'test' } });
    const outcomes = { read: 0, refused: 0 };
    for (let seed = 0; seed < 20_000; seed++) {
      const draw = random(seed);
      let bytes = valid;
      for (let n = 1 + draw(3); n > 0 && bytes.length > 308; n--)
        bytes = mutations[draw(mutations.length)]!(bytes, draw);
      try {
        decodeSafetensors(bytes);
        outcomes.read++;
      } catch (error) {
        expect(error, `seed ${seed}`).toBeInstanceOf(FormatError);
        outcomes.refused++;
      }
    }
    expect(outcomes.read).toBeGreaterThan(100);
    expect(outcomes.refused).toBeGreaterThan(10_000);
  });

  it('is refused when cut anywhere', () => {
    const valid = encodeSafetensors({ x: tensor([1, 2, 3]) });
    for (let length = 0; length < valid.length; length++) {
      expect(() => decodeSafetensors(valid.subarray(0, length)), `${length} bytes`).toThrow(FormatError);
    }
  });
});

describe('files', () => {
  it('hold tensors and metadata', async () => {
    const path = join(folder, 'model.safetensors');
    const tensors = sample();
    await saveSafetensors(path, tensors, { metadata: { epochs: '5' } });
    expect(plain(await loadSafetensors(path))).toEqual(plain(tensors));
    expect(await loadSafetensorsMetadata(path)).toEqual({ epochs: '5' });
    expect(new Uint8Array(await readFile(path))).toEqual(encodeSafetensors(tensors, { metadata: { epochs: '5' } }));
  });

  it('are replaced as a whole, leaving nothing beside them', async () => {
    const home = await mkdtemp(join(folder, 'replace-'));
    const path = join(home, 'model.safetensors');
    await saveSafetensors(path, { a: zeros([1000]) });
    await saveSafetensors(path, { b: tensor([1]) });
    expect(Object.keys(await loadSafetensors(path))).toEqual(['b']);
    expect(await readdir(home)).toEqual(['model.safetensors']);
  });

  it('stay as they were when a save fails', async () => {
    const home = await mkdtemp(join(folder, 'fail-'));
    const path = join(home, 'model.safetensors');
    await saveSafetensors(path, { a: tensor([1]) });
    const before = await readFile(path);
    const broken = { a: tensor([2]), b: brokenTensor() };
    await expect(saveSafetensors(path, broken)).rejects.toThrow('cannot be read');
    expect(await readFile(path)).toEqual(before);
    expect(await readdir(home)).toEqual(['model.safetensors']);
  });

  it('are not half written where they cannot be renamed', async () => {
    const home = await mkdtemp(join(folder, 'folder-'));
    const path = join(home, 'model.safetensors');
    function* chunks() {
      yield new Uint8Array(10);
      // Something else puts a folder there, meanwhile.
      mkdirSync(join(path, 'inside'), { recursive: true });
    }
    await expect(writeFileAtomic('test', path, chunks())).rejects.toMatchObject({ syscall: 'rename' });
    expect(await readdir(home)).toEqual(['model.safetensors']);
  });

  it('are refused when foreign, truncated or gone', async () => {
    const path = join(folder, 'damaged.safetensors');
    await writeFile(path, 'PK\x03\x04 this is a zip file');
    await expect(loadSafetensors(path)).rejects.toThrow(
      /damaged.safetensors: not a safetensors file: a header of \d+ bytes/,
    );
    await writeFile(path, encodeSafetensors({ x: zeros([10]) }).subarray(0, -1));
    await expect(loadSafetensors(path)).rejects.toThrow(/truncated: its tensors take 40 bytes of data, got 39/);
    await writeFile(path, '');
    await expect(loadSafetensors(path)).rejects.toThrow(/0 bytes, expected at least 8/);
    await expect(loadSafetensors(join(folder, 'gone'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('a save', () => {
  const home = () => mkdtemp(join(folder, 'save-'));
  const numbers = async (path: string | URL) => (await loadSafetensors(path)).a!.toArray();

  it('writes the tensors as they are when it is called', async () => {
    const path = join(await home(), 'model');
    const state = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`w${i}`, ones([1 << 16])]));
    let done = false;
    const saving = saveSafetensors(path, state).finally(() => {
      done = true;
    });
    for (let step = 2; !done; step++) {
      for (const w of Object.values(state)) w.fill_(step);
      await setImmediate();
    }
    await saving;
    for (const w of Object.values(await loadSafetensors(path)))
      expect([w.min().item(), w.max().item()]).toEqual([1, 1]);
  });

  it('goes where its path led when it was called', async () => {
    const [here, there] = [await home(), await home()];
    const before = process.cwd();
    process.chdir(here);
    try {
      const saving = saveSafetensors('model', { a: ones([1000]) });
      process.chdir(there);
      await saving;
    } finally {
      process.chdir(before);
    }
    expect([await readdir(here), await readdir(there)]).toEqual([['model'], []]);
  });

  it('is over before the next one of the same path begins', async () => {
    const path = join(await home(), 'model');
    const saves = Array.from({ length: 20 }, (_, i) => saveSafetensors(path, { a: tensor([i]) }));
    saves.splice(7, 1, saveSafetensors(path, { a: tensor([20]) }));
    await Promise.all(saves);
    expect(await numbers(path)).toEqual([20]);
  });

  it('follows links, and leaves them', async () => {
    const at = await home();
    await mkdir(join(at, 'store'));
    await mkdir(join(at, 'other'));
    await saveSafetensors(join(at, 'store', 'real'), { a: zeros([2]) });
    await symlink(join('store', 'real'), join(at, 'latest'));
    await symlink('latest', join(at, 'to-latest'));
    await saveSafetensors(join(at, 'to-latest'), { a: ones([2]) });
    expect(await numbers(join(at, 'store', 'real'))).toEqual([1, 1]);
    expect([await readlink(join(at, 'to-latest')), await readlink(join(at, 'latest'))]).toEqual([
      'latest',
      'store/real',
    ]);
    expect(await readdir(join(at, 'store'))).toEqual(['real']);
  });

  it.each([true, false])(
    'through a link and one to what it leads to stay in order (there already: %s)',
    async (there) => {
      const at = await home();
      const path = join(at, 'real');
      await symlink('real', join(at, 'link'));
      await symlink('link', join(at, 'to-link'));
      await symlink('.', join(at, 'same'));
      const ways = [join(at, 'same', 'to-link'), join(at, 'to-link'), join(at, 'link'), path];
      for (const order of [ways, ways.toReversed()]) {
        for (let round = 0; round < 10; round++) {
          if (there) await saveSafetensors(path, { a: zeros([1]) });
          else await rm(path, { force: true });
          await Promise.all(order.map((way, i) => saveSafetensors(way, { a: tensor([i]), b: zeros([10 ** (5 - i)]) })));
          expect((await loadSafetensors(path)).a!.toArray()).toEqual([3]);
        }
      }
      expect((await readdir(at)).sort()).toEqual(['link', 'real', 'same', 'to-link']);
    },
  );

  it('follows links to what is not there yet, through folders that are links', async () => {
    const at = await home();
    await mkdir(join(at, 'a'));
    await mkdir(join(at, 'b', 'c'), { recursive: true });
    await symlink(join('b', 'c'), join(at, 'd'));
    await symlink('../e', join(at, 'b', 'c', 'link'));
    await saveSafetensors(join(at, 'd', 'link'), { a: ones([1]) });
    expect(await readdir(join(at, 'b'))).toEqual(['c', 'e']);
    expect(await readdir(join(at, 'b', 'c'))).toEqual(['link']);
    await symlink('ring', join(at, 'ring'));
    await expect(saveSafetensors(join(at, 'ring'), { a: ones([1]) })).rejects.toMatchObject({ code: 'ELOOP' });
  });

  it.each([0o600, 0o640, 0o444, 0o755])('keeps mode %o', async (mode) => {
    const path = join(await home(), 'model');
    await saveSafetensors(path, { a: ones([2]) });
    await chmod(path, mode);
    await saveSafetensors(path, { a: ones([3]) });
    expect((await stat(path)).mode & 0o7777).toBe(mode);
    expect(await numbers(path)).toEqual([1, 1, 1]);
  });

  it.runIf(process.getuid?.() === 0)('keeps the owner', async () => {
    const path = join(await home(), 'model');
    await saveSafetensors(path, { a: ones([2]) });
    await chown(path, 1234, 2345);
    await saveSafetensors(path, { a: ones([3]) });
    const { uid, gid } = await stat(path);
    expect({ uid, gid }).toEqual({ uid: 1234, gid: 2345 });
  });

  it('writes to devices and pipes', async () => {
    await saveSafetensors('/dev/null', { a: ones([2]) });
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
    const pipe = join(await home(), 'pipe');
    execFileSync('mkfifo', [pipe]);
    const [bytes] = await Promise.all([readFile(pipe), saveSafetensors(pipe, { a: ones([2]) })]);
    expect(decodeSafetensors(bytes).a!.toArray()).toEqual([1, 1]);
    expect((await stat(pipe)).isFIFO()).toBe(true);
  });

  it('takes names as long as the system allows, and URLs', async () => {
    const at = await home();
    const path = join(at, 'x'.repeat(255));
    await saveSafetensors(path, { a: ones([2]) });
    expect(await numbers(path)).toEqual([1, 1]);
    await saveSafetensors(pathToFileURL(path), { a: ones([3]) });
    expect(await numbers(pathToFileURL(path))).toEqual([1, 1, 1]);
    expect(await readdir(at)).toEqual(['x'.repeat(255)]);
  });

  it('removes what a killed process left, and nothing else', async () => {
    const at = await home();
    const path = join(at, 'model');
    const { pid } = spawnSync(process.execPath, ['--version']);
    const [own, dead, other] = [temporaryName('model'), temporaryName('model'), temporaryName('another')];
    const ofDead = (name: string) => name.replace(`-${process.pid}-`, `-${pid}-`);
    for (const name of [own, ofDead(dead), ofDead(other), '.model.tmp']) await writeFile(join(at, name), 'half');
    const forgotten = temporaryName('model');
    await writeFile(join(at, forgotten), 'half');
    await utimes(join(at, forgotten), 0, 0);
    await saveSafetensors(path, { a: ones([2]) });
    expect(new Set(await readdir(at))).toEqual(new Set(['model', own, ofDead(other), '.model.tmp']));
  });

  it.skipIf(process.platform === 'win32')('does not fail where nothing can be cleaned up', async () => {
    const at = await home();
    const stale = temporaryName('model');
    await mkdir(join(at, stale));
    await utimes(join(at, stale), 0, 0);
    await saveSafetensors(join(at, 'model'), { a: ones([2]) });
    expect(await numbers(join(at, 'model'))).toEqual([1, 1]);
    expect(new Set(await readdir(at))).toEqual(new Set(['model', stale]));
  });

  it.skipIf(process.platform === 'win32')('needs no more than to write where it writes', async () => {
    const sticky = await home();
    const stale = temporaryName('model');
    await writeFile(join(sticky, stale), 'half');
    await utimes(join(sticky, stale), 0, 0);
    await chmod(sticky, 0o1777);
    const unreadable = await home();
    await chmod(unreadable, 0o333);
    await chmod(folder, 0o711);
    await withoutPrivileges(async () => {
      for (const at of [sticky, unreadable]) await saveSafetensors(join(at, 'model'), { a: ones([2]) });
    });
    for (const at of [sticky, unreadable]) {
      await chmod(at, 0o777);
      expect(await numbers(join(at, 'model'))).toEqual([1, 1]);
    }
  });

  it('is refused where there can be no file', async () => {
    const at = await home();
    await expect(saveSafetensors('', {})).rejects.toThrow("saveSafetensors: not the path of a file: ''");
    await expect(saveSafetensors('a\0b', {})).rejects.toThrow(ValueError);
    await expect(saveSafetensors(`${at}/model/`, {})).rejects.toThrow('got that of a folder');
    await mkdir(join(at, 'folder'));
    await symlink('folder', join(at, 'to-folder'));
    for (const path of [at, join(at, 'folder'), join(at, 'to-folder')]) {
      await expect(saveSafetensors(path, {})).rejects.toThrow(ValueError);
      await expect(saveSafetensors(path, {})).rejects.toThrow('saveSafetensors: expected the path of a file, got that');
    }
    expect(await readdir(at)).toEqual(['folder', 'to-folder']);
    await rm(join(at, 'folder'), { recursive: true });
    await rm(join(at, 'to-folder'));
    await expect(saveSafetensors(new URL('https://example.org/model'), {})).rejects.toThrow(ValueError);
    await expect(saveSafetensors(3 as never, {})).rejects.toThrow(
      'path must be a path as a text or a file: URL, got 3',
    );
    await expect(loadSafetensors(null as never)).rejects.toThrow(ValueError);
    await expect(saveSafetensors(join(at, 'none', 'model'), {})).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await readdir(at)).toEqual([]);
  });
});

describe('names', () => {
  const own = <T>(value: T): Record<string, T> =>
    Object.fromEntries(['__proto__', 'constructor', 'toString', 'hasOwnProperty'].map((name) => [name, value]));

  it('are names, whatever objects have of their own', async () => {
    const tensors = own(tensor([1, 2]));
    const decoded = decodeSafetensors(encodeSafetensors(tensors));
    expect(Object.keys(decoded)).toEqual(Object.keys(tensors).sort());
    expect(plain(decoded)).toEqual(plain(tensors));
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
    const path = join(folder, 'names');
    await saveSafetensors(path, tensors, { metadata: own('text') });
    expect(Object.entries(await loadSafetensorsMetadata(path))).toEqual(Object.entries(own('text')));
    expect(Object.keys(await loadSafetensors(path))).toEqual(Object.keys(decoded));
  });

  it.each([new Map([['a', tensor(1)]]), null, 3, [tensor(1)], new Date(0)])('are not those of %s', (tensors) => {
    expect(() => encodeSafetensors(tensors as never)).toThrow('encodeSafetensors: tensors must be tensors by name');
  });
});

/** A tensor whose values cannot be had: what a failing disk or core would be to a save under way. */
function brokenTensor(): Tensor {
  const broken = tensor([3]);
  broken.toTypedArray = () => {
    throw new Error('cannot be read');
  };
  return broken;
}
