// Packs what is published and tries it as its users will, from a registry of its own: npm run test:matrix, with parts of names to try some only, or with --always for what every change
// must pass. Prints a table; what cannot be tried on this machine is said to be not run. Expects that npm run prebuild or prebuild:all has run.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { bundles } from './bundles.js';
import { installs } from './installs.js';
import { runtimes } from './runtimes.js';
import { fetching, hostPackage, NotRun, type Row, root, run, type Subject } from './workshop.js';

const args = process.argv.slice(2);
const names = args.filter((arg) => arg !== '--always').map((name) => name.toLowerCase());
const isWanted = (row: Row) => {
  const title = `${row.group} ${row.name}`.toLowerCase();
  if (names.length > 0) return names.some((name) => title.includes(name));
  return !args.includes('--always') || row.always === true;
};

/** Tests import the library's sources, and are to use the package. */
const ofThePackage: Plugin = {
  name: 'the package',
  setup: ({ onResolve }) => {
    onResolve({ filter: /\/lib\/index\.js$/ }, () => ({ path: 'nabla', external: true }));
    onResolve({ filter: /^nabla(\/|$)/ }, ({ path }) => ({ path, external: true }));
  },
};

const packages = join(root, 'build/packages');

async function prepare(folder: string, registry: string): Promise<Subject> {
  const tarball = join(packages, readdirSync(packages).find((name) => /^nabla-\d.*\.tgz$/.test(name))!);
  const installed = join(folder, 'app');
  mkdirSync(installed);
  writeFileSync(join(installed, 'package.json'), '{ "name": "app", "version": "1.0.0", "type": "module" }');
  writeFileSync(join(installed, '.npmrc'), `@nabla:registry=${registry}\n`);
  const env = fetching(folder);
  run('npm', ['install', '--loglevel', 'error', '--no-audit', '--no-fund', tarball], { cwd: installed, env });
  const fitting = readdirSync(join(installed, 'node_modules/@nabla'));
  if (fitting.join() !== hostPackage.slice('@nabla/'.length)) throw new Error(`npm installed ${fitting.join(', ')}`);
  // Those for other machines, which are emulated here.
  cpSync(join(packages, '@nabla'), join(installed, 'node_modules/@nabla'), { recursive: true });
  cpSync(join(root, 'test/fixtures/conformance'), join(installed, 'fixtures/conformance'), { recursive: true });
  cpSync(join(root, 'test/fixtures/programs'), join(installed, 'fixtures/programs'), { recursive: true });
  await build({
    entryPoints: [join(root, 'scripts/matrix/app.ts')],
    outfile: join(installed, 'app.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
    plugins: [ofThePackage],
  });
  return { tarball, registry, installed, binaries: readdirSync(join(packages, '@nabla')) };
}

/** Serves the packages with binaries, as the npm registry will. */
async function startRegistry(): Promise<{ readonly address: string; readonly stop: () => void }> {
  const server = spawn(process.execPath, [join(root, 'scripts/matrix/registry.mjs'), packages], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = (await once(server.stdout, 'data')) as [Buffer];
  return { address: `http://127.0.0.1:${String(port).trim()}/`, stop: () => server.kill() };
}

interface Outcome {
  readonly word: 'passed' | 'FAILED' | 'not run';
  readonly detail: string;
}

function outcomeOf(row: Row, subject: Subject): Outcome {
  try {
    return { word: 'passed', detail: row.run(subject) };
  } catch (error) {
    const { message } = error as Error;
    return { word: error instanceof NotRun ? 'not run' : 'FAILED', detail: message };
  }
}

console.log(
  run('npm', ['run', '--silent', 'pack:all', '--', '--any-size'], { cwd: root, env: process.env }).stdout,
  '\n',
);
const folder = mkdtempSync(join(tmpdir(), 'nabla-matrix-'));
const registry = await startRegistry();
try {
  const subject = await prepare(folder, registry.address);
  const count = { passed: 0, FAILED: 0, 'not run': 0 };
  for (const row of [...runtimes, ...installs, ...bundles].filter(isWanted)) {
    const start = performance.now();
    const { word, detail } = outcomeOf(row, subject);
    count[word]++;
    const seconds = ((performance.now() - start) / 1e3).toFixed(1);
    console.log(`| ${row.group} | ${row.name} | ${word} | ${detail.split('\n', 1)[0]} | ${seconds} s |`);
    if (word === 'FAILED') console.log(detail);
  }
  console.log(`\n${count.passed} passed, ${count.FAILED} failed, ${count['not run']} not run`);
  if (count.FAILED > 0) process.exitCode = 1;
} finally {
  registry.stop();
  rmSync(folder, { recursive: true });
}
