import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readMachO } from './mach-o.js';

/** What a binary asks of the system that it runs on. */
export interface Needs {
  readonly libraries: readonly string[];
  /** Versions of symbols, such as `GLIBC_2.28`, or the system's own. */
  readonly versions: readonly string[];
}

/** What a kind of binary may ask of the system. */
interface Limits {
  readonly libraries: RegExp;
  /** The newest version of each name; those of another name may not be asked for. */
  readonly versions: Readonly<Record<string, string>>;
}

const limits: readonly (readonly [kind: RegExp, Limits])[] = [
  [
    /\.glibc\.node$/,
    {
      libraries: /^(lib(c|m)\.so\.6|libpthread\.so\.0|libdl\.so\.2|ld-linux-.*)$/,
      versions: { GLIBC: '2.28', CXXABI: '1.3.11' },
    },
  ],
  [/\.musl\.node$/, { libraries: /^libc\.so$/, versions: {} }],
  // Windows 10 has them all.
  [/^win32-/, { libraries: /^(KERNEL32|msvcrt|ntdll|api-ms-win-crt-.*)\.dll$/i, versions: {} }],
  [/^darwin-/, { libraries: /^\/usr\/lib\/libSystem\.B\.dylib$/, versions: { macOS: '11.0' } }],
];

const REGISTERS = 'napi_register_module_v1';
const exported = [REGISTERS, 'node_api_module_get_api_version_v1'];

/** What the binary of that name asks for; throws, and says all that is wrong, if some platform that it is for does not have it. */
export function checkBinary(name: string, file: string): Needs {
  const { needs, exports } = name.startsWith('darwin-')
    ? ofMachO(name, file)
    : name.startsWith('win32-')
      ? ofPortable(file)
      : ofElf(file);
  const faults = [...faultsOfNeeds(name, needs)];
  if (!exports.includes(REGISTERS)) faults.push(`it does not export ${REGISTERS}`);
  // Elsewhere a library uses its own symbols, whatever the process has of that name.
  const more = name.startsWith('linux-') ? exports.filter((symbol) => !exported.includes(symbol)) : [];
  if (more.length > 0) faults.push(`it exports ${more.slice(0, 5).join(', ')}`);
  if (faults.length > 0) throw new Error(faults.join('; '));
  return needs;
}

export function* faultsOfNeeds(name: string, { libraries, versions }: Needs): Generator<string> {
  const [, limit] = limits.find(([kind]) => kind.test(name))!;
  for (const library of libraries) if (!limit.libraries.test(library)) yield `it needs ${library}`;
  for (const version of versions) {
    const [family = '', number = ''] = version.split('_');
    const newest = limit.versions[family];
    if (newest === undefined) yield `it needs ${version}`;
    else if (isNewer(number, newest)) yield `it needs ${version}, and ${family}_${newest} is the newest there may be`;
  }
}

function isNewer(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split('.').map(Number));
  const at = a!.findIndex((part, i) => part !== (b![i] ?? 0));
  return at >= 0 && a![at]! > (b![at] ?? 0);
}

interface Facts {
  readonly needs: Needs;
  readonly exports: readonly string[];
}

const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, env: { ...process.env, LC_ALL: 'C' } });

const matches = (text: string, pattern: RegExp): readonly string[] => [
  ...new Set(Array.from(text.matchAll(pattern), ([, match]) => match!)),
];

function ofElf(file: string): Facts {
  const text = run('readelf', '--wide', '--dynamic', '--version-info', '--dyn-syms', file);
  const versions = matches(text, /\bName: ((?:GLIBC|GLIBCXX|CXXABI|GCC)_\w[\w.]*)/g);
  return {
    needs: { libraries: matches(text, /\(NEEDED\).*\[(.*)\]/g), versions },
    exports: matches(text, /(?:GLOBAL|WEAK|UNIQUE) +DEFAULT +\d+ ([^\s@]+)/g),
  };
}

function ofPortable(file: string): Facts {
  const text = run('objdump', '--private-headers', file);
  const table = text.slice(text.search(/\[Ordinal\/Name Pointer\] Table/));
  return {
    needs: { libraries: matches(text, /DLL Name: (\S+)/g), versions: [] },
    exports: matches(table, /^\t\[ *\d+\] (?:\+base\[ *\d+\] )?(?:[\da-f]{4} )?(\S+)$/gm),
  };
}

function ofMachO(name: string, file: string): Facts {
  const { libraries, symbols, oldest = 'unknown', signed } = readMachO(readFileSync(file));
  if (name === 'darwin-arm64/nabla.node' && !signed) throw new Error('it is not signed');
  return {
    needs: { libraries, versions: [`macOS_${oldest}`] },
    exports: symbols.map((symbol) => symbol.replace(/^_/, '')),
  };
}
