// Packs the package and tries it as its users will: npm run test:matrix, with parts of names to try some only, or with --always for what every change
// must pass. Prints a table; what cannot be tried on this machine is said to be not run. Expects that npm run prebuild or prebuild:all has run.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { bundles } from './bundles.js';
import { installs } from './installs.js';
import { runtimes } from './runtimes.js';
import { fetching, NotRun, type Row, root, run, type Subject } from './workshop.js';

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

async function prepare(folder: string): Promise<Subject> {
  const binaries = existsSync(join(root, 'prebuilds'))
    ? readdirSync(join(root, 'prebuilds'), { recursive: true, encoding: 'utf8' }).filter((name) =>
        name.endsWith('.node'),
      )
    : [];
  if (binaries.length === 0) throw new Error('there are no binaries: run npm run prebuild, or prebuild:all');
  const installed = join(folder, 'app');
  mkdirSync(installed);
  const env = fetching(folder);
  const packed = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: root, env });
  const [{ filename, size, unpackedSize }] = JSON.parse(packed.stdout);
  console.log(`${filename}: ${size} bytes, ${unpackedSize} unpacked, ${binaries.length} binaries\n`);
  const tarball = join(folder, filename);
  writeFileSync(join(installed, 'package.json'), '{ "name": "app", "version": "1.0.0", "type": "module" }');
  run('npm', ['install', '--loglevel', 'error', '--no-audit', '--no-fund', tarball], { cwd: installed, env });
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
  return { tarball, installed, binaries };
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

const folder = mkdtempSync(join(tmpdir(), 'nabla-matrix-'));
try {
  const subject = await prepare(folder);
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
  rmSync(folder, { recursive: true });
}
