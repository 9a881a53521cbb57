#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { examineCandidates, loadAddon } from './backend/native/load.js';
import { backendName, getNumThreads, manualSeed, randn } from './index.js';

const usage = `nabla doctor    what a report of a fault needs to say: versions, the native core and where it was looked for, and how fast a product is`;

const SIZE = 512;
const ROUNDS = 20;

/** All that a report needs, a line each. */
function* diagnosis(): Generator<string> {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  yield `nabla ${version}, on the ${backendName()} backend, ${getNumThreads()} threads`;
  yield `Node ${process.versions.node}, ${process.platform} ${process.arch}, ${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} processors`;
  for (const name of ['NABLA_BACKEND', 'NABLA_ISA', 'NABLA_PREBUILD']) {
    if (process.env[name]) yield `${name}=${process.env[name]}`;
  }
  const core = loadAddon();
  if ('addon' in core) yield `instruction set ${core.addon.isa}, of ${core.addon.isas.join(', ')}`;
  for (const { file, reason } of examineCandidates()) yield `${file}: ${reason ?? 'loads'}`;
  const seconds = productTime();
  yield `matmul ${SIZE} x ${SIZE} x ${SIZE}: ${(1e3 * seconds).toFixed(2)} ms, ${((2 * SIZE ** 3) / seconds / 1e9).toFixed(1)} GFLOP/s`;
}

/** The fastest of several products of matrices, in seconds. */
function productTime(): number {
  manualSeed(0);
  const [a, b] = [randn([SIZE, SIZE]), randn([SIZE, SIZE])];
  const times = Array.from({ length: backendName() === 'js' ? 2 : ROUNDS }, () => {
    const start = performance.now();
    a.matmul(b);
    return performance.now() - start;
  });
  return Math.min(...times) / 1e3;
}

if (process.argv.length === 3 && process.argv[2] === 'doctor') {
  for (const line of diagnosis()) console.log(line);
} else {
  console.error(usage);
  process.exitCode = process.argv[2] === '--help' ? 0 : 2;
}
