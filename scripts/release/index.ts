/**
 * Everything that has to hold before a version is published; publishes nothing. `npm run release:check`, or `npm run release:check -- package licences` for some.
 * Every check runs, whatever failed before it; a table closes.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUNDLED, bundledFaults, changelogFaults, type Foreign, licenceFaults, type Packed } from './package.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Manifest {
  readonly version: string;
  readonly license?: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const manifestOf = (folder: string): Manifest => JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
const manifest = manifestOf('.');

type Outcome = 'passed' | 'failed' | 'not run';

interface Check {
  readonly name: string;
  readonly run: () => Outcome;
}

/** A check whose faults are printed. */
const looking = (name: string, faults: () => readonly string[]): Check => ({
  name,
  run: () => {
    const found = faults();
    for (const fault of found) console.log(fault);
    return found.length === 0 ? 'passed' : 'failed';
  },
});

/** Scripts of package.json, with arguments. One that is not there is not run, and is said so. */
const scripts = (name: string, ...calls: readonly string[]): Check => ({
  name,
  run: () => {
    const missing = calls.filter((call) => !(call.split(' ')[0]! in manifest.scripts));
    for (const call of missing) console.log(`there is no script ${call}`);
    if (missing.length > 0) return 'not run';
    return calls.every((call) => command('npm', 'run', '--silent', ...call.split(' '))) ? 'passed' : 'failed';
  },
});

const command = (name: string, ...args: readonly string[]): boolean =>
  spawnSync(name, args, { cwd: root, stdio: 'inherit' }).status === 0;

const git = (...args: readonly string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();

/** What `npm pack` would pack. */
const packed = (): Packed => {
  const text = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
  });
  // An array, or in newer versions an object by name.
  return Object.values(JSON.parse(text) as Record<string, Packed>)[0]!;
};

function foreign(): Foreign[] {
  const names = [...Object.keys(manifest.dependencies ?? {}), ...Object.values(BUNDLED)];
  return names.map((name) => {
    const { license: licence } = manifestOf(`node_modules/${name}`);
    return { name, licence };
  });
}

const maps = () =>
  readdirSync(join(root, 'dist'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js.map'))
    .map((name) => ({
      name,
      sources: (JSON.parse(readFileSync(join(root, 'dist', name), 'utf8')) as { sources: string[] }).sources,
    }));

const checks: readonly Check[] = [
  looking('clean tree', () => git('status', '--porcelain').split('\n').filter(Boolean)),
  looking('new version', () =>
    git('tag', '--list', `v${manifest.version}`) === '' ? [] : [`v${manifest.version} is there already`],
  ),
  looking('changelog', () => changelogFaults(readFileSync(join(root, 'CHANGELOG.md'), 'utf8'), manifest.version)),
  scripts('build', 'compile', 'check:symbols'),
  scripts('types, lint and format', 'typecheck', 'lint', 'format:check'),
  scripts('tests', 'test'),
  scripts('random programs', 'fuzz -- --sample'),
  scripts('sanitizers', 'test:sanitized', 'test:sanitized -- thread'),
  scripts('documentation', 'docs'),
  scripts('binaries', 'prebuild:all'),
  scripts('package', 'build:ts', 'check:package', 'check:tarball'),
  // Fails where an installation would be too large.
  scripts('packages', 'pack:all'),
  looking('licences', () => [...licenceFaults(packed(), foreign()), ...bundledFaults(maps())]),
  scripts('versions of TypeScript', 'test:types'),
  scripts('matrix', 'test:matrix'),
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !checks.some((check) => check.name === name));
if (unknown.length > 0) {
  console.error(`no check is called ${unknown.join(', ')}; there are: ${checks.map(({ name }) => name).join(', ')}`);
  process.exit(1);
}

const rows: { name: string; outcome: Outcome; seconds: number }[] = [];
for (const { name, run } of checks.filter((check) => wanted.length === 0 || wanted.includes(check.name))) {
  console.log(`\n== ${name}`);
  const start = performance.now();
  rows.push({ name, outcome: attempt(run), seconds: (performance.now() - start) / 1000 });
}

function attempt(run: () => Outcome): Outcome {
  try {
    return run();
  } catch (error) {
    console.log((error as Error).message);
    return 'failed';
  }
}

console.log(`\nnabla ${manifest.version}`);
for (const { name, outcome, seconds } of rows) {
  console.log(`${name.padEnd(26)}${outcome.padEnd(10)}${seconds.toFixed(0).padStart(6)} s`);
}
const failed = rows.filter(({ outcome }) => outcome === 'failed').length;
const left = checks.length - rows.length + rows.filter(({ outcome }) => outcome === 'not run').length;
console.log(`${failed} failed, ${left} not run. Nothing was published.`);
process.exitCode = failed === 0 && left === 0 ? 0 : 1;
