#!/usr/bin/env node
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

const usage = `nabla doctor    what a report of a fault needs to say: versions, the native core and where it was looked for, and how fast a product is`;

const SIZE = 512;
const ROUNDS = 20;

/** What of the library a report needs. Where it does not even load, that is what there is to report. */
const library = async () => ({ ...(await import('./index.js')), ...(await import('./backend/native/load.js')) });
type Library = Awaited<ReturnType<typeof library>>;

/** What chooses a backend. */
const CHOICES = ['NABLA_BACKEND', 'NABLA_ISA', 'NABLA_PREBUILD'] as const;

/** All that a report needs, a line each. */
function* diagnosis(nabla: Library): Generator<string> {
  const { backendName, getNumThreads, loadAddon, examineCandidates } = nabla;
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  yield `nabla ${version}, on the ${backendName()} backend, ${getNumThreads()} threads`;
  yield `Node ${process.versions.node}, ${process.platform} ${process.arch}, ${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} processors`;
  for (const name of CHOICES) {
    if (process.env[name]) yield `${name}=${process.env[name]}`;
  }
  const core = loadAddon();
  if ('addon' in core) yield `instruction set ${core.addon.isa}, of ${core.addon.isas.join(', ')}`;
  for (const { file, reason } of examineCandidates()) yield `${file}: ${reason ?? 'loads'}`;
  const seconds = productTime(nabla);
  yield `matmul ${SIZE} x ${SIZE} x ${SIZE}: ${(1e3 * seconds).toFixed(2)} ms, ${((2 * SIZE ** 3) / seconds / 1e9).toFixed(1)} GFLOP/s`;
}

/** The fastest of several products of matrices, in seconds. */
function productTime({ backendName, manualSeed, randn }: Library): number {
  manualSeed(0);
  const [a, b] = [randn([SIZE, SIZE]), randn([SIZE, SIZE])];
  const times = Array.from({ length: backendName() === 'js' ? 2 : ROUNDS }, () => {
    const start = performance.now();
    a.matmul(b);
    return performance.now() - start;
  });
  return Math.min(...times) / 1e3;
}

/** Prints why the library does not load, and the report of a process that takes whatever does. */
function reportFailure(error: unknown): void {
  console.log(`nabla does not load: ${error instanceof Error ? error.message : String(error)}`);
  for (const name of CHOICES) if (process.env[name]) console.log(`${name}=${process.env[name]}`);
  console.log('On the js backend:');
  const { NABLA_ISA, ...env } = process.env;
  const rest = [fileURLToPath(import.meta.url), 'doctor'];
  if (env.NABLA_BACKEND !== 'js')
    spawnSync(process.execPath, rest, { env: { ...env, NABLA_BACKEND: 'js' }, stdio: 'inherit' });
  process.exitCode = 1;
}

if (process.argv.length === 3 && process.argv[2] === 'doctor') {
  const nabla = await library().catch((error: unknown) => reportFailure(error));
  if (nabla !== undefined) for (const line of diagnosis(nabla)) console.log(line);
} else {
  console.error(usage);
  process.exitCode = process.argv[2] === '--help' ? 0 : 2;
}
