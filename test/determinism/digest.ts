// Prints digests of what training runs and operations give, on so many threads: digest.ts THREADS...
import { createHash } from 'node:crypto';
import { manualSeed, setNumThreads, type Tensor } from '../../lib/index.js';
import { operations } from './operations.js';
import { trainingRuns } from './training-runs.js';

const subjects = Object.entries({ ...trainingRuns, ...operations });

function digest(results: readonly Tensor[]): string {
  const hash = createHash('sha256');
  for (const result of results) hash.update(result.toTypedArray());
  return hash.digest('hex').slice(0, 16);
}

function digestsOn(threads: number): Record<string, string> {
  setNumThreads(threads);
  const digests = subjects.map(([name, compute]) => {
    manualSeed(0);
    return [name, digest(compute())];
  });
  return Object.fromEntries(digests);
}

process.stdout.write(JSON.stringify(process.argv.slice(2).map((threads) => digestsOn(Number(threads)))));
