/** Compiles programs that use the built package with the versions of TypeScript that are supported, from the registry: `npm run test:types`. Prints a table. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Consumer, compile, consumers } from '../test/packaging/consumers.js';

const VERSIONS = ['5.4', '5.6', '5.8', '6.0', '7.0'];

const dist = fileURLToPath(new URL('../dist', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'nabla-types-'));
const failures: string[] = [];
try {
  const compilers = VERSIONS.map((version) => [`typescript-${version}`, `npm:typescript@~${version}`]);
  const dependencies = Object.fromEntries([...compilers, ['@types/node', '^20']]);
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }));
  execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', '--ignore-scripts'], {
    cwd: folder,
    stdio: 'inherit',
  });
  const modules = join(folder, 'node_modules');
  const width = Math.max(...consumers.map(({ name }) => name.length)) + 2;
  console.log(`${'TypeScript'.padEnd(width)}${VERSIONS.map((version) => version.padStart(8)).join('')}`);
  const check = async (version: string, consumer: Consumer): Promise<string> => {
    if (Number(version) < (consumer.since ?? 0)) return '-';
    const bin = JSON.parse(await readFile(join(modules, `typescript-${version}/package.json`), 'utf8')).bin.tsc;
    const said = await compile(join(modules, `typescript-${version}`, bin), { dist, modules }, consumer);
    if (said !== '') failures.push(`TypeScript ${version}, ${consumer.name}:\n${said}`);
    return said === '' ? 'ok' : 'FAILED';
  };
  for (const consumer of consumers) {
    const cells: string[] = [];
    while (cells.length < VERSIONS.length) {
      const next = VERSIONS.slice(cells.length, cells.length + availableParallelism());
      cells.push(...(await Promise.all(next.map((version) => check(version, consumer)))));
    }
    console.log(`${consumer.name.padEnd(width)}${cells.map((cell) => cell.padStart(8)).join('')}`);
  }
} finally {
  await rm(folder, { recursive: true });
}
for (const failure of failures) console.error(`\n${failure}`);
process.exitCode = failures.length === 0 ? 0 : 1;
