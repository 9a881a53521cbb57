// Prints digests of what training runs and operations give, all or those named, for each number of threads: digest.ts 1,2,3 [NAME ...]
import { createHash } from 'node:crypto';
import { manualSeed, setNumThreads, type Tensor } from '../../lib/index.js';
import { operations } from './operations.js';
import { trainingRuns } from './training-runs.js';

const [threads, ...names] = process.argv.slice(2);
const subjects = Object.entries({ ...trainingRuns, ...operations }).filter(
  ([name]) => names.length === 0 || names.includes(name),
);

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

process.stdout.write(JSON.stringify(threads!.split(',').map((count) => digestsOn(Number(count)))));
