import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkBinary, faultsOfNeeds } from '../../scripts/prebuild/checks.js';
import { readMachO } from '../../scripts/prebuild/mach-o.js';
import { targets } from '../../scripts/prebuild/targets.js';

const root = join(import.meta.dirname, '../..');
const faults = (name: string, libraries: string[], versions: string[]) => [
  ...faultsOfNeeds(name, { libraries, versions }),
];

describe('what a binary may ask of the system', () => {
  const glibc = 'linux-x64/nabla.glibc.node';

  it('is glibc 2.28 and what came with it', () => {
    expect(faults(glibc, ['libc.so.6', 'libm.so.6'], ['GLIBC_2.2.5', 'GLIBC_2.28', 'CXXABI_1.3.11'])).toEqual([]);
    expect(faults(glibc, ['libc.so.6'], ['GLIBC_2.29', 'CXXABI_1.3.13', 'GLIBCXX_3.4'])).toEqual([
      'it needs GLIBC_2.29, and GLIBC_2.28 is the newest there may be',
      'it needs CXXABI_1.3.13, and CXXABI_1.3.11 is the newest there may be',
      'it needs GLIBCXX_3.4',
    ]);
    expect(faults(glibc, ['libstdc++.so.6'], [])).toEqual(['it needs libstdc++.so.6']);
  });

  it('is nothing of glibc where that is musl', () => {
    expect(faults('linux-arm64/nabla.musl.node', ['libc.so'], [])).toEqual([]);
    expect(faults('linux-arm64/nabla.musl.node', ['libc.so.6'], ['GLIBC_2.17'])).toHaveLength(2);
  });

  it('is no executable by its name on Windows, and no newer macOS than Node 20 runs on', () => {
    expect(faults('win32-x64/nabla.node', ['KERNEL32.dll', 'node.exe'], [])).toEqual(['it needs node.exe']);
    expect(faults('darwin-arm64/nabla.node', ['/usr/lib/libSystem.B.dylib'], ['macOS_13.0'])).toHaveLength(1);
  });

  it.runIf(process.platform === 'linux')('is read from the binary, with its exports', () => {
    const host = join(root, 'build/Release/nabla.node');
    expect(() => checkBinary('linux-x64/nabla.musl.node', host)).toThrow(/it needs libc\.so\.6; .*it needs GLIBC_/);
    expect(() => checkBinary(glibc, process.execPath)).toThrow(
      /it does not export napi_register_module_v1; it exports /,
    );
  });
});

it('every binary that is loaded is built', () => {
  const source = readFileSync(join(root, 'lib/binaries.ts'), 'utf8');
  const loaded = Array.from(source.matchAll(/^ {2}\['(\S+\.node)',/gm), ([, name]) => name);
  expect(loaded).toEqual(targets.map(({ name }) => name));
});

it('every function of Node-API that is called is looked up on Windows', () => {
  const folder = join(root, 'native');
  const sources = readdirSync(folder).filter((name) => /\.(cc|h)$/.test(name));
  const namesIn = (file: string, pattern: RegExp) =>
    Array.from(readFileSync(join(folder, file), 'utf8').matchAll(pattern), ([, name]) => name!);
  const called = sources.flatMap((file) => namesIn(file, /\b(napi_\w+)\(/g));
  expect([...new Set(called)].sort()).toEqual(namesIn('windows_imports.cc', /^NABLA_IMPORT\((\w+)\)$/gm).sort());
});

describe('a file for macOS', () => {
  /** A library of two symbols, of which others see one, laid out as <mach-o/loader.h> says. */
  const library = Buffer.alloc(512);
  const word = (at: number, ...values: number[]) => values.map((value, i) => library.writeUInt32LE(value, at + 4 * i));
  word(0, 0xfeedfacf, 0x0100000c, 0, 6, 4);
  word(32, 0x2, 24, 256, 2, 300, 100);
  word(56, 0xc, 56, 24);
  library.write('/usr/lib/libSystem.B.dylib\0', 56 + 24);
  word(112, 0x32, 24, 1, (11 << 16) | (2 << 8));
  word(136, 0x1d, 16);
  word(256, 1);
  library.writeUInt8(0x0f, 260);
  word(272, 6);
  library.writeUInt8(0x0e, 276);
  library.write('\0_two\0_own\0', 300);

  it('says what it exports and needs, and whether it is signed', () => {
    expect(readMachO(library)).toEqual({
      symbols: ['_two'],
      libraries: ['/usr/lib/libSystem.B.dylib'],
      oldest: '11.2',
      signed: true,
    });
  });

  it('is refused if it is none', () => {
    expect(() => readMachO(readFileSync(join(root, 'package.json')))).toThrow(/no 64-bit file for macOS/);
  });
});
